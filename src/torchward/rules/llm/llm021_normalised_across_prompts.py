"""LLM021: advantages are normalised over answers to different prompts: the rows stand in another order, or the axis of
the answers was taken for that of the prompts."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 5
"""Sampled passes in which no group was of one prompt, though the rows divided the other way make groups of one prompt
each. In a batch of two prompts with four answers each, right or wrong, that is normalised as a whole, chance makes that
of one pass in four (simulated): of all of five in one run in a thousand, and ten are usual."""
MOST = 0.5
"""Share of the passes that are to be so: in the rest, prompts that were drawn several times may have met in one group."""


def check(run: Run) -> Iterator[Finding]:
    # Where each group is of one prompt, no other way to divide the rows is what was meant, whatever chance says.
    told = {group.stream for group in run.prompt_groups if group.alone}
    for group in run.prompt_groups:
        # Groups of groups have mean 0 as well; the smallest come first.
        if group.stream in told or group.mixed < max(PASSES, MOST * group.passes):
            continue
        told.add(group.stream)
        apart = group.rows // group.size
        own, other = (1, group.size if 2 * group.crossed > group.mixed else apart) if group.follow else (apart, 1)
        yield Finding(
            "LLM021",
            data={"size": group.size, "own": own, "other": other, "mixed": group.mixed, "passes": group.passes},
            place=at(group.site),
            confidence=Confidence.CERTAIN,
        )


RULE = Rule(
    code="LLM021",
    name="normalised-across-prompts",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the advantages have mean 0 over groups of {size} rows that stand {own} apart, but those answer different prompts: "
        "the answers to one prompt stand {other} apart ({mixed} of {passes} sampled passes).",
        "优势值在每 {size} 行（行距为 {own}）一组内均值为 0，但这些行回答的是不同的提示：同一提示的回答行距为 {other}"
        "（{passes} 次采样的反向传播中有 {mixed} 次如此）。",
    ),
    why=Text(
        "A group's mean reward stands for what its prompt is worth. Taken over different prompts, it rewards answers for having "
        "an easy prompt and punishes those to a hard one, whatever they say.",
        "组内平均奖励代表该提示本身的难易。若跨提示求平均，简单提示的回答会被奖励，困难提示的回答会被惩罚，与回答内容无关。",
    ),
    fix=Text(
        "Normalise over the answers to one prompt, and lay the rows out as the rewards are grouped: `prompts.repeat_interleave(k, 0)` goes with `rewards.view(-1, k)` and "
        "`mean(1)`; `prompts.repeat(k, 1)` goes with `rewards.view(k, -1)` and `mean(0)`.",
        "在同一提示的各个回答之间归一化，并让行的排列与奖励的分组一致：`prompts.repeat_interleave(k, 0)` 对应 `rewards.view(-1, k)` 与 `mean(1)`；"
        "`prompts.repeat(k, 1)` 对应 `rewards.view(k, -1)` 与 `mean(0)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP, PROMPTS = 10, 4, 6, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
worth = 3 * torch.randn(SIGNS)
for step in range(200):
    prompts = torch.randint(0, SIGNS, (PROMPTS, 1))
    ids = prompts.repeat(GROUP, 1)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
    right = (ids[:, 1:] == (ids[:, :1] + 1) % SIGNS).float().mean(1)
    rewards = (worth[ids[:, 0]] + 4 * right).view(-1, GROUP)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1)
    logp = policy(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2).sum(1)
    loss = -(logp * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), right.mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP, PROMPTS = 10, 4, 6, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
worth = 3 * torch.randn(SIGNS)
for step in range(200):
    prompts = torch.randint(0, SIGNS, (PROMPTS, 1))
    ids = prompts.repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
    right = (ids[:, 1:] == (ids[:, :1] + 1) % SIGNS).float().mean(1)
    rewards = (worth[ids[:, 0]] + 4 * right).view(-1, GROUP)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1)
    logp = policy(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2).sum(1)
    loss = -(logp * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), right.mean().item())
""",
    links=("https://huggingface.co/docs/trl/grpo_trainer",),
    needs=("modules", "graph"),
    explains=("LLM011", "RL003", "RL012", "TRN001"),
)
