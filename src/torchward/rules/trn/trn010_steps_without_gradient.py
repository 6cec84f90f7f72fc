"""TRN010: many steps have a gradient of exactly zero: their batches teach nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 20
OFTEN = 0.3
"""Share of the sampled steps without a gradient, in the first half of the run too: a margin that all examples have
come to keep gives such steps only at the end."""
TURNS = 3
"""Times that a gradient came back. A network that died never gets it back."""


def _silent(optimizer: Optimizer) -> float:
    """Share of its sampled steps whose gradient was exactly 0."""
    norms = optimizer.gradient_norm.values
    half = norms[: len(norms) // 2]
    if len(norms) < SAMPLES or sum(before == 0 < after for before, after in pairwise(norms)) < TURNS:
        return 0.0
    return min(sum(norm == 0 for norm in part) / len(part) for part in (norms, half))


def check(run: Run) -> Iterator[Finding]:
    for optimizer in run.optimizers:
        share = _silent(optimizer)
        if share < OFTEN or optimizer.cycles_cleared_late or optimizer.steps_without_backward:
            continue
        stream = max(run.streams, key=lambda one: len(one.values), default=None)
        yield Finding(
            "TRN010",
            data={
                "optimizer": optimizer.kind,
                "share": share,
                "samples": len(optimizer.gradient_norm),
                "steps": optimizer.steps,
            },
            place=at(stream.site if stream is not None else optimizer.site, optimizer.gradient_norm),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="TRN010",
    name="steps-without-gradient",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "At {share:.0%} of {samples} sampled steps the whole gradient given to `{optimizer}` was exactly 0: these batches "
        "taught nothing.",
        "在采样的 {samples} 步中，有 {share:.0%} 的步传给 `{optimizer}` 的梯度整个恰为 0：这些批次什么都没有教会模型。",
    ),
    why=Text(
        "A loss that is flat for a whole batch (advantages relative to a group whose rewards are all the same, pairs "
        "that keep the margin already, a ratio that is clipped for all) costs a step's time and gives nothing.",
        "损失在整个批次上都是平的（组内奖励全部相同时的相对优势、已满足间隔的样本对、全部被裁剪的比率），白白花掉一步的时间。",
    ),
    fix=Text(
        "Choose batches that differ: leave out groups with `rewards.std() == 0` and draw others, take harder pairs, or "
        "give partial rewards; and look at how often the rewards of a group are all the same.",
        "选择有差异的批次：去掉 `rewards.std() == 0` 的组并重新采样，选更难的样本对，或给出部分奖励；并统计组内奖励全部相同的比例。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 40))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
secret = torch.randn(8, 40)
for step in range(300):
    prompt = torch.randn(8)
    answers = torch.distributions.Categorical(logits=policy(prompt))
    group = answers.sample((8,))
    rewards = (group == (prompt @ secret).argmax()).float()
    advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
    loss = -(answers.log_prob(group) * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, rewards.mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 40))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
secret = torch.randn(8, 40)
for step in range(300):
    prompt = torch.randn(8)
    answers = torch.distributions.Categorical(logits=policy(prompt))
    group = answers.sample((8,))
    rewards = (prompt @ secret)[group]
    advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
    loss = -(answers.log_prob(group) * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, rewards.mean().item())
""",
    links=("https://arxiv.org/abs/2402.03300", "https://arxiv.org/abs/2503.14476"),
    explained_by=("OPT*", "MOD*", "LOS*", "NUM*"),
    needs=("parameters",),
    preview=True,
)
