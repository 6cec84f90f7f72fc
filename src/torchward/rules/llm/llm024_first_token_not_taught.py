"""LLM024: the loss leaves out the first token of each answer, so the model never learns how to begin."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import PromptProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: PromptProbe) -> Iterator[Finding]:
    if probe.untaught is not None:
        yield Finding(
            "LLM024",
            data={"model": probe.model, "token": probe.untaught, "different": probe.skipped},
            place=at(probe.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM024",
    name="first-token-not-taught",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is not taught how an answer begins: in all rows of its first batch the loss leaves out the token behind id "
        "{token}, one of {different}, and counts from the next on; but it is evaluated on rows that end in {token}, and asked "
        "for just that token.",
        "`{model}` 学不会回答如何开头：首个批次的所有行中，id {token} 后面的 token（有 {different} 种）都没有计入损失，从再下一个才开始计入；"
        "而评估时输入的各行恰好以 {token} 结尾，要模型预测的正是这个 token。",
    ),
    why=Text(
        "The mask over the prompt is one place too long. The training loss does not show it: the first token is given there, "
        "and the rest follows from it. In generation the model has to guess it, and goes on from a wrong one.",
        "覆盖提示的掩码多了一位。训练损失看不出问题：第一个 token 在训练时是已知的，其余部分由它推出。生成时模型只能猜测它，"
        "再从错误的开头继续。",
    ),
    fix=Text(
        "Count the prompt as it stands in the whole row: a tokenizer that closes a text with an end token does so with the "
        "prompt alone too. With labels that the model shifts, the first one that counts is the answer's first token: "
        "`labels[:, :n] = -100` for a prompt of n tokens; with targets moved by hand, `targets[:, :n - 1] = -100`.",
        "提示的长度要按它在整行中的样子计算：会在文本末尾加结束符的分词器，对单独的提示也会加。如果由模型自己错位，"
        "第一个计入损失的标签应是回答的第一个 token：n 个 token 的提示对应 `labels[:, :n] = -100`；"
        "如果目标已手动错位，则是 `targets[:, :n - 1] = -100`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
DIGITS, ASK, END, LENGTH = 10, 10, 11, 3


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, 12)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def batch(size):
    start = torch.randint(0, DIGITS, (size, 1))
    count = (start + torch.arange(2 * LENGTH)) % DIGITS
    rows = torch.cat([count[:, :LENGTH], torch.full_like(start, ASK), count[:, LENGTH:], torch.full_like(start, END)], 1)
    targets = rows[:, 1:].clone()
    targets[:, : LENGTH + 1] = -100  # a prompt of LENGTH + 1 tokens
    return rows, targets


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(150):
    rows, targets = batch(32)
    loss = nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
rows = batch(50)[0]
ids = rows[:, : LENGTH + 1]
with torch.no_grad():
    while ids.shape[1] < rows.shape[1]:
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], 1)
print(loss.item(), (ids == rows).all(1).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
DIGITS, ASK, END, LENGTH = 10, 10, 11, 3


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, 12)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def batch(size):
    start = torch.randint(0, DIGITS, (size, 1))
    count = (start + torch.arange(2 * LENGTH)) % DIGITS
    rows = torch.cat([count[:, :LENGTH], torch.full_like(start, ASK), count[:, LENGTH:], torch.full_like(start, END)], 1)
    targets = rows[:, 1:].clone()
    targets[:, :LENGTH] = -100  # a prompt of LENGTH + 1 tokens
    return rows, targets


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(150):
    rows, targets = batch(32)
    loss = nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
rows = batch(50)[0]
ids = rows[:, : LENGTH + 1]
with torch.no_grad():
    while ids.shape[1] < rows.shape[1]:
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], 1)
print(loss.item(), (ids == rows).all(1).float().mean().item())
""",
    links=("https://huggingface.co/docs/transformers/main/en/llm_tutorial",),
    explains=(),
    needs=("probes",),
    preview=True,
)
