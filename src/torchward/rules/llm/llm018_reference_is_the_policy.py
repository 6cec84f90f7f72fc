"""LLM018: the reference that a policy is held near is the policy itself, so nothing holds it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Anchor, Reference, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
LEAST_ANCHORED = 6
"""... of penalties that are part of the reward: what is compared there are calls of two models, and each step since they
were the same makes a difference. A run of a quarter of a minute has so many samples."""
SAME = 1e-6
"""Rounding of a - b for equal a and b, which is 0 exactly; a single step of Adam at 1e-5 makes a larger difference."""


def check(run: Run) -> Iterator[Finding]:
    moved = any(max(one.update_ratio.values, default=0.0) > 0 for one in run.parameters)
    penalties: tuple[Reference | Anchor, ...] = (*run.references, *run.anchors)
    for reference in penalties:
        largest = reference.largest
        least = LEAST_ANCHORED if isinstance(reference, Anchor) else LEAST_SAMPLES
        if not moved or len(largest) < least or max(largest.values) >= SAME:
            continue
        advantages = next((one.largest for one in run.advantages if one.stream == reference.stream), None)
        # Without advantages nothing moves, and the two stay together: LLM011.
        if advantages is None or sum(value > SAME for value in advantages.values[:-1]) < least // 2:
            continue
        yield Finding(
            "LLM018",
            data={"samples": len(largest), "last": largest.steps[-1]},
            place=at(reference.site, largest),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM018",
    name="reference-is-the-policy",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the penalty for leaving the reference policy is 0 in all {samples} samples up to step {last}, although the weights "
        "change: the reference gives every choice the probability that the policy gives it.",
        "直到第 {last} 步的全部 {samples} 次采样中，偏离参考策略的惩罚都是 0，尽管权重在变化：参考策略给每个选择的概率与当前策略完全相同。",
    ),
    why=Text(
        "A penalty that compares the policy with itself has neither a value nor a gradient. So nothing keeps the policy near the "
        "model that it began as: it may give up its language, or find answers that the reward is wrong about.",
        "把策略与自身比较的惩罚既没有数值也没有梯度，策略便没有任何约束，可能丢掉语言能力，或找到奖励函数的漏洞。",
    ),
    fix=Text(
        "Copy the model before training, and compute the reference with the copy: `reference = "
        "copy.deepcopy(policy).requires_grad_(False)`; `reference = policy` is a second name of the same model, "
        "`logp.detach()` is the policy of now, and so is a copy that gets the policy's weights again before each use.",
        "在训练前复制模型，并用副本计算参考概率：`reference = copy.deepcopy(policy).requires_grad_(False)`；"
        "`reference = policy` 只是同一模型的另一个名字，`logp.detach()` 是当前的策略，"
        "每次使用前又载入策略权重的副本也一样。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = 12, 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])

    def log_probs(self, ids):
        return self(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)


policy = Policy()
reference = policy
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    ids = torch.randint(0, SIGNS, (8, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        rewards = (ids[:, 1:] == ids[:, :1]).float().mean(1).view(-1, GROUP)
        advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        kept = reference.log_probs(ids)
    logp = policy.log_probs(ids)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = -((logp - logp.detach()).exp() * advantages - 0.04 * kl).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), kl.mean().item())
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = 12, 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])

    def log_probs(self, ids):
        return self(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)


policy = Policy()
reference = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    ids = torch.randint(0, SIGNS, (8, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        rewards = (ids[:, 1:] == ids[:, :1]).float().mean(1).view(-1, GROUP)
        advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        kept = reference.log_probs(ids)
    logp = policy.log_probs(ids)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = -((logp - logp.detach()).exp() * advantages - 0.04 * kl).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), kl.mean().item())
""",
    links=("https://arxiv.org/abs/2402.03300", "https://arxiv.org/abs/1909.08593"),
    explains=(),
    needs=("loss", "graph"),
    preview=True,
)
