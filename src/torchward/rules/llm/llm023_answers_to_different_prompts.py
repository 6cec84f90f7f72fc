"""LLM023: a loss that prefers one answer to another compares answers to different prompts."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 3
LONGER = 2
"""Tokens. Sequences of different prompts may begin with a template in common, and those of one prompt have that too."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.preferences:
        passes = list(zip(found.common.values, found.other.values, found.fewest.values, strict=True))
        if len(passes) < PASSES or any(fewest < common + LONGER for common, _, fewest in passes):
            continue
        yield Finding(
            "LLM023",
            data={
                "pairs": found.pairs,
                "passes": len(passes),
                "common": sum(one[0] for one in passes) / len(passes),
                "other": sum(one[1] for one in passes) / len(passes),
                "fewest": int(min(one[2] for one in passes)),
            },
            place=at(found.site, found.common),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="LLM023",
    name="answers-to-different-prompts",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The loss compares sequences two by two ({pairs} pairs) that begin with {common:.1f} tokens in common. Paired the "
        "other way, neighbours instead of halves of the batch or the reverse, each pair has at least {fewest} ({other:.1f} on "
        "average): that is a prompt. So answers to different prompts are compared (seen in {passes} sampled passes).",
        "损失把序列两两比较（{pairs} 对），而每对开头平均只有 {common:.1f} 个 token 相同。如果换一种配对方式（相邻配对而不是前后两半配对，"
        "或者相反），每对至少有 {fewest} 个相同（平均 {other:.1f} 个）：那就是提示。也就是说，被比较的是不同提示的回答"
        "（在 {passes} 次采样的反向传播中看到）。",
    ),
    why=Text(
        "A batch is made of preferred and rejected answers one by one and taken apart in halves, or the other way round. Half "
        "of the preferred answers then stand as rejected ones, and what is learned of prompts cancels nothing out: the model "
        "learns next to nothing, or to prefer some prompts.",
        "批次是把偏好的和被拒绝的回答逐对交错排列的，却按前后两半拆开（或者相反）。一半偏好的回答于是成了被拒绝的，提示的影响也无法抵消："
        "模型几乎学不到什么，或只学会偏好某些提示。",
    ),
    fix=Text(
        "Take apart as you put together: `torch.cat([chosen, rejected])` with `.chunk(2)`, or `torch.stack([chosen, rejected], "
        "1).flatten(0, 1)` with `[0::2]` and `[1::2]`.",
        "怎样拼接就怎样拆分：`torch.cat([chosen, rejected])` 对应 `.chunk(2)`，`torch.stack([chosen, rejected], "
        "1).flatten(0, 1)` 对应 `[0::2]` 和 `[1::2]`。",
    ),
    bad="""\
import copy

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


def examples(count):
    prompts = torch.randint(2, 22, (count, 4))
    key = prompts[:, :1]
    good = (key + torch.randint(0, 3, (count, 5))) % 20 + 22
    bad = torch.randint(22, 42, (count, 5))
    return torch.cat([prompts, good], 1), torch.cat([prompts, bad], 1)


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(42, 32)
        self.rnn = nn.GRU(32, 48, batch_first=True)
        self.head = nn.Linear(48, 42)

    def forward(self, ids):
        return self.head(self.rnn(self.words(ids))[0])


def answer_log_prob(model, ids):
    logs = model(ids)[:, :-1].log_softmax(-1)
    return logs.gather(2, ids[:, 1:, None])[:, 3:, 0].sum(1)


good, bad = examples(600)
policy = Writer()
reference = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(600).split(30):
        ids = torch.stack([good[rows], bad[rows]], 1).flatten(0, 1)
        logs = answer_log_prob(policy, ids)
        with torch.no_grad():
            before = answer_log_prob(reference, ids)
        better, worse = (logs - before).chunk(2)
        loss = -F.logsigmoid(0.2 * (better - worse)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import copy

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


def examples(count):
    prompts = torch.randint(2, 22, (count, 4))
    key = prompts[:, :1]
    good = (key + torch.randint(0, 3, (count, 5))) % 20 + 22
    bad = torch.randint(22, 42, (count, 5))
    return torch.cat([prompts, good], 1), torch.cat([prompts, bad], 1)


class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(42, 32)
        self.rnn = nn.GRU(32, 48, batch_first=True)
        self.head = nn.Linear(48, 42)

    def forward(self, ids):
        return self.head(self.rnn(self.words(ids))[0])


def answer_log_prob(model, ids):
    logs = model(ids)[:, :-1].log_softmax(-1)
    return logs.gather(2, ids[:, 1:, None])[:, 3:, 0].sum(1)


good, bad = examples(600)
policy = Writer()
reference = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(600).split(30):
        ids = torch.cat([good[rows], bad[rows]])
        logs = answer_log_prob(policy, ids)
        with torch.no_grad():
            before = answer_log_prob(reference, ids)
        better, worse = (logs - before).chunk(2)
        loss = -F.logsigmoid(0.2 * (better - worse)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/2305.18290",),
    explains=("TRN*",),
    preview=True,
)
