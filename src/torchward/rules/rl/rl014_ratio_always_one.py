"""RL014: the ratio of probabilities in a clipped policy loss is 1 however often the same examples are trained on."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
LEAST_AGAIN = 3
AGAIN = 0.25
"""Share of the examples that were trained on before: single ones come again where episodes begin in the same state."""
SAME = 1e-6
"""Rounding of exp(a - b) for equal a and b, which is 1 exactly; a single step of Adam at 1e-5 changes ratios by more."""


def check(run: Run) -> Iterator[Finding]:
    for ratio in run.ratios:
        apart = [
            distance for distance, again in zip(ratio.apart.values, ratio.again.values, strict=True) if again >= AGAIN
        ]
        if len(ratio.apart) < LEAST_SAMPLES or len(apart) < LEAST_AGAIN or max(ratio.apart.values) >= SAME:
            continue
        yield Finding(
            "RL014",
            data={"samples": len(ratio.apart), "again": len(apart)},
            place=at(ratio.site, ratio.apart),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL014",
    name="ratio-always-one",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the ratio of new to old probabilities is 1 for every example in all {samples} samples, {again} of them with examples "
        "that were trained on before: the old probabilities are those of the present policy.",
        "在全部 {samples} 次采样中（其中 {again} 次的样本此前已训练过），每个样本的新旧概率之比都是 1：所谓旧概率其实就是当前策略的概率。",
    ),
    why=Text(
        "The ratio tells how far the policy has moved from the one that gathered the data, and clipping it keeps the steps "
        "small. A ratio that is always 1 is never clipped, so nothing holds the policy back in the later epochs.",
        "这个比值表示策略离收集数据时的策略有多远，对它裁剪才能限制更新幅度。比值恒为 1 时永远不会被裁剪，后面几轮更新便没有任何约束。",
    ),
    fix=Text(
        "Keep the log-probabilities from the time of acting, under `torch.no_grad()`, and use these in every epoch: "
        "`ratio = (new_logp - old_logp[rows]).exp()`.",
        "在采样动作时于 `torch.no_grad()` 下保存对数概率，并在每一轮都使用它：`ratio = (new_logp - old_logp[rows]).exp()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
actor = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 3))
critic = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)
for update in range(16):
    seen = torch.randn(128, 3)
    with torch.no_grad():
        old = Categorical(logits=actor(seen))
        action = old.sample()
        before = old.log_prob(action)
        reward = (action == seen.argmax(1)).float()
        advantage = reward - critic(seen).squeeze(1)
    for epoch in range(10):
        policy = Categorical(logits=actor(seen))
        ratio = torch.exp(policy.log_prob(action) - policy.log_prob(action).detach())
        surrogate = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
        values = critic(seen).squeeze(1)
        loss = -(surrogate + 0.02 * policy.entropy()).mean() + 0.5 * (values - reward).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(reward.mean().item())
""",
    good="""\
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
actor = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 3))
critic = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)
for update in range(16):
    seen = torch.randn(128, 3)
    with torch.no_grad():
        old = Categorical(logits=actor(seen))
        action = old.sample()
        before = old.log_prob(action)
        reward = (action == seen.argmax(1)).float()
        advantage = reward - critic(seen).squeeze(1)
    for epoch in range(10):
        policy = Categorical(logits=actor(seen))
        ratio = torch.exp(policy.log_prob(action) - before)
        surrogate = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
        values = critic(seen).squeeze(1)
        loss = -(surrogate + 0.02 * policy.entropy()).mean() + 0.5 * (values - reward).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(reward.mean().item())
""",
    links=("https://arxiv.org/abs/1707.06347",),
    needs=("loss", "modules"),
)
