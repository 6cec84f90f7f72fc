"""RL026: the loss makes choices less likely that brought more than the critic expected."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Agreement, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 8
AGAINST = -0.9
"""Correlation of slopes and errors. Measured on actor-critic and PPO with generalised advantages: 0.9 to 1 with the right
sign, -1 to -0.99 with the wrong one."""
NEARLY_ALL = 0.9
"""Share of the samples; and of the targets, or of the mean returns, that have one sign."""


def _are_rewards(run: Run, agreement: Agreement) -> bool | None:
    """The critic's targets are sums of rewards as the environment gave them (True), or costs, which are to be small
    (False); None where that cannot be told."""
    if any(one.stream == agreement.stream and one.kinds.get("right") for one in run.returns):
        return True
    values = run.episodes.returns.values if run.episodes is not None else ()
    above = sum(value > 0 for value in values) / len(values) if values else 0.5
    if min(above, 1 - above) > 1 - NEARLY_ALL or min(agreement.above, 1 - agreement.above) > 1 - NEARLY_ALL:
        return None
    return (above > 0.5) == (agreement.above > 0.5)


def check(run: Run) -> Iterator[Finding]:
    if run.learners:
        return
    for agreement in run.agreements:
        values = agreement.values.values
        against = sum(value <= AGAINST for value in values)
        if len(values) < LEAST_SAMPLES or against < NEARLY_ALL * len(values):
            continue
        rewards = _are_rewards(run, agreement)
        if rewards is False:
            continue
        yield Finding(
            "RL026",
            data={"against": against, "samples": len(values), "correlation": sorted(values)[len(values) // 2]},
            place=at(agreement.site, agreement.values),
            confidence=Confidence.LIKELY if rewards else Confidence.POSSIBLE,
            severity=None if rewards else Severity.HINT,
        )


RULE = Rule(
    code="RL026",
    name="policy-against-critic",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in {against} of {samples} samples the loss rises with the probability of what brought more than the critic expected "
        "(correlation {correlation}; it is near 1 where advantages are targets less values).",
        "在 {samples} 次采样中有 {against} 次，收获高于评论家（critic）预期的动作概率越大，损失反而越大"
        "（相关系数 {correlation}；若优势等于目标减去估值，该值应接近 1）。",
    ),
    why=Text(
        "Training lowers the loss, so the policy learns to avoid what turned out well and to repeat what turned out badly. "
        "It is right only where the targets are costs, which are to be small.",
        "训练会降低损失，于是策略学会回避结果好的动作、重复结果差的动作。只有当目标是越小越好的成本时，这样才对。",
    ),
    fix=Text(
        "Subtract the weighted log-probabilities, with `advantage = target - value`: `loss = -(log_prob * advantage.detach())"
        ".mean()`; of ratios, `loss = -torch.min(ratio * advantage, ratio.clamp(1 - eps, 1 + eps) * advantage).mean()`.",
        "应减去加权的对数概率，且 `advantage = target - value`：`loss = -(log_prob * advantage.detach()).mean()`；"
        "对于概率比，`loss = -torch.min(ratio * advantage, ratio.clamp(1 - eps, 1 + eps) * advantage).mean()`。",
    ),
    bad="""\
import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
body = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
actor, critic = nn.Linear(64, 2), nn.Linear(64, 1)
optimizer = torch.optim.Adam([*body.parameters(), *actor.parameters(), *critic.parameters()], lr=3e-3)
for episode in range(60):
    state, _ = env.reset(seed=episode)
    log_probs, values, rewards, done = [], [], [], False
    while not done:
        hidden = body(torch.from_numpy(state))
        choice = Categorical(logits=actor(hidden))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        values.append(critic(hidden).squeeze())
        state, reward, terminated, truncated, _ = env.step(action.item())
        rewards.append(reward)
        done = terminated or truncated
    targets, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        targets.insert(0, total)
    targets, values = torch.tensor(targets) / 20, torch.stack(values)
    advantage = values.detach() - targets
    loss = -(torch.stack(log_probs) * advantage).mean() + F.mse_loss(values, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    good="""\
import gymnasium as gym
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
body = nn.Sequential(nn.Linear(4, 64), nn.Tanh())
actor, critic = nn.Linear(64, 2), nn.Linear(64, 1)
optimizer = torch.optim.Adam([*body.parameters(), *actor.parameters(), *critic.parameters()], lr=3e-3)
for episode in range(60):
    state, _ = env.reset(seed=episode)
    log_probs, values, rewards, done = [], [], [], False
    while not done:
        hidden = body(torch.from_numpy(state))
        choice = Categorical(logits=actor(hidden))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        values.append(critic(hidden).squeeze())
        state, reward, terminated, truncated, _ = env.step(action.item())
        rewards.append(reward)
        done = terminated or truncated
    targets, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        targets.insert(0, total)
    targets, values = torch.tensor(targets) / 20, torch.stack(values)
    advantage = targets - values.detach()
    loss = -(torch.stack(log_probs) * advantage).mean() + F.mse_loss(values, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    links=(
        "https://spinningup.openai.com/en/latest/spinningup/rl_intro3.html",
        "https://arxiv.org/abs/1506.02438",
    ),
    explains=("TRN*", "RL002", "RL003", "RL012"),
    needs=("loss", "graph"),
    preview=True,
)
