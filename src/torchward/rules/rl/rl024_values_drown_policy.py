"""RL024: in layers that a policy shares with its critic, the errors of values count for nearly everything."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
PULL = 50.0
"""Times that the loss is steeper by the values than by the log-probabilities. Measured on PPO for CartPole with shared layers
and normalised advantages: 4 with rewards of 1, which learns; 22 with -100 for a fall, which learns far slower; 200 with -1000,
which does not learn in the same time, but does so with layers of its own for the critic."""


def check(run: Run) -> Iterator[Finding]:
    for beside in run.beside:
        pull = beside.pull.values
        late = pull[-max(1, len(pull) // 3) :]
        if len(pull) < LEAST_SAMPLES or not beside.shared or min(median(pull), median(late)) < PULL:
            continue
        yield Finding(
            "RL024",
            data={
                "pull": median(pull),
                "samples": len(pull),
                "errors": median(beside.errors.values),
                "weights": median(beside.weights.values),
                "divisor": _round(median(beside.errors.values)),
            },
            place=at(beside.site, beside.pull),
            confidence=Confidence.LIKELY,
        )


def _round(size: float) -> float:
    """To one significant digit."""
    return float(f"{size:.0e}")


RULE = Rule(
    code="RL024",
    name="values-drown-policy",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the errors of the values are {errors} (root mean square), the advantages {weights}: the loss pulls {pull} times as "
        "hard at the values as at the probabilities of actions (median of {samples} samples), and both come from the same "
        "layers.",
        "价值误差的均方根为 {errors}，而优势值为 {weights}：损失对价值的拉力是对动作概率的 {pull} 倍（{samples} 次采样的中位数），"
        "而两者来自相同的网络层。",
    ),
    why=Text(
        "The shared layers then learn what the values need, and hardly anything for the policy; clipping by norm, meant to keep "
        "steps small, makes the policy's part smaller still. It comes about where rewards are in the hundreds or thousands and "
        "advantages are normalised, but returns are not.",
        "这样共享层学到的几乎全是价值所需的特征，很少有策略所需的；按范数裁剪本是为了限制步长，却使策略的部分变得更小。"
        "常见原因是奖励为数百或数千，优势值做了归一化，而回报没有。",
    ),
    fix=Text(
        "Divide the rewards by about {divisor} before returns are computed, or normalise them: `env = "
        "gymnasium.wrappers.NormalizeReward(env, gamma=gamma)`; or give the critic layers of its own.",
        "在计算回报之前把奖励除以约 {divisor}，或对其归一化：`env = gymnasium.wrappers.NormalizeReward(env, gamma=gamma)`；"
        "或者让评论家使用自己的网络层。",
    ),
    bad="""\
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.actor, self.critic = nn.Linear(64, 4), nn.Linear(64, 1)

    def forward(self, seen):
        hidden = self.body(seen)
        return Categorical(logits=self.actor(hidden)), self.critic(hidden).squeeze(1)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3)
for update in range(50):
    seen = torch.randn(256, 4)
    with torch.no_grad():
        policy, value = agent(seen)
        action = policy.sample()
        old = policy.log_prob(action)
        reward = 1000 * (action == seen.argmax(1)).float()
        advantage = reward - value
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    for rows in torch.randperm(256).split(64):
        policy, value = agent(seen[rows])
        ratio = (policy.log_prob(action[rows]) - old[rows]).exp()
        gain = torch.min(ratio * advantage[rows], ratio.clamp(0.8, 1.2) * advantage[rows]).mean()
        error = (value - reward[rows]).pow(2).mean()
        loss = 0.5 * error - gain - 0.01 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
    if update % 10 == 0:
        print(update, reward.mean().item(), error.item())
""",
    good="""\
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.actor, self.critic = nn.Linear(64, 4), nn.Linear(64, 1)

    def forward(self, seen):
        hidden = self.body(seen)
        return Categorical(logits=self.actor(hidden)), self.critic(hidden).squeeze(1)


agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3)
for update in range(50):
    seen = torch.randn(256, 4)
    with torch.no_grad():
        policy, value = agent(seen)
        action = policy.sample()
        old = policy.log_prob(action)
        reward = 1 * (action == seen.argmax(1)).float()
        advantage = reward - value
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    for rows in torch.randperm(256).split(64):
        policy, value = agent(seen[rows])
        ratio = (policy.log_prob(action[rows]) - old[rows]).exp()
        gain = torch.min(ratio * advantage[rows], ratio.clamp(0.8, 1.2) * advantage[rows]).mean()
        error = (value - reward[rows]).pow(2).mean()
        loss = 0.5 * error - gain - 0.01 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
        optimizer.step()
    if update % 10 == 0:
        print(update, reward.mean().item(), error.item())
""",
    links=(
        "https://arxiv.org/abs/2006.05990",
        "https://iclr-blog-track.github.io/2022/03/25/ppo-implementation-details/",
    ),
    explains=("OPT013", "OPT025", "NUM002", "TRN*"),
    needs=("loss", "graph"),
    preview=True,
)
