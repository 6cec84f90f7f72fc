"""LLM002: the targets of a language model are the tokens it is given, or those two places ahead."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import TokenProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

UNCHANGED = 1e-2
"""Deviations by which the outputs of a causal model may change with the future: rounding in bfloat16."""
UNSEEN = 1e-5
"""... by which an output may change with the token at its own place where the model moves its input by one itself."""
TWICE = 2


def check(probe: TokenProbe) -> Iterator[Finding]:
    # Only a causal model is a language model: an encoder may well be asked to give back its (corrupted) input.
    causal = probe.future is not None and math.isfinite(probe.future) and probe.future < UNCHANGED < probe.own_change
    if probe.shift == 0 and not (probe.past or 0.0) > UNCHANGED:
        return
    if not causal or probe.shift is None or probe.losses > 1:
        return
    shift = probe.shift + _moved(probe)
    if shift not in (0, TWICE):
        return
    yield Finding(
        "LLM002",
        data={
            "model": probe.model,
            "share": probe.share,
            "shift": shift,
            "target": "x[t]" if shift == 0 else "x[t + 2]",
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY,
    )


def _moved(probe: TokenProbe) -> int:
    """1 for a model that puts a start token before its input: its output at a place knows what stands before that."""
    here, following = (*probe.first_changes, 0.0, 0.0)[:2]
    return int(here <= UNSEEN < UNCHANGED < following)


RULE = Rule(
    code="LLM002",
    name="targets-wrongly-shifted",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The causal model `{model}` reads tokens up to x[t] and its target there is `{target}` (at {share:.1%} of the "
        "positions); to predict the next token it must be `x[t + 1]`.",
        "因果模型 `{model}` 在位置 t 读到 x[t] 为止，而该处的目标是 `{target}`（占 {share:.1%} 的位置）；"
        "要预测下一个 token，目标应为 `x[t + 1]`。",
    ),
    why=Text(
        "A target that the model is given as input is copied, not predicted: the loss falls to 0 and nothing is "
        "learned. A target two places ahead comes from shifting twice (once in the data, once in the model): the model "
        "learns to leave out every other token.",
        "目标就是输入本身时，模型只需抄写而不是预测：损失降到 0，却什么也没学到。目标偏移两位来自重复移位"
        "（数据中一次，模型中又一次）：模型学到的是跳过一个 token。",
    ),
    fix=Text(
        "Shift once: `logits = model(ids[:, :-1])` with `targets = ids[:, 1:]`; where the model shifts by itself (as "
        "Hugging Face models do with `labels`), give it `labels=ids` unshifted.",
        "只移位一次：`logits = model(ids[:, :-1])` 配 `targets = ids[:, 1:]`；模型内部已经移位时"
        "（如 Hugging Face 模型的 `labels`），直接传未移位的 `labels=ids`。",
    ),
    bad="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, SIZE = 24, 32


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, SIZE)
        self.rnn = nn.GRU(SIZE, 48, batch_first=True)
        self.head = nn.Linear(48, VOCAB)

    def forward(self, ids):
        states, _ = self.rnn(self.embed(ids))
        return self.head(states)


text = torch.randint(0, VOCAB, (40,)).repeat(100)
text[torch.rand(4000) < 0.15] = 5
model = CharModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(200):
    starts = torch.randint(0, len(text) - 21, (16,))
    ids = torch.stack([text[i : i + 20] for i in starts])
    loss = F.cross_entropy(model(ids).transpose(1, 2), ids)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, SIZE = 24, 32


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, SIZE)
        self.rnn = nn.GRU(SIZE, 48, batch_first=True)
        self.head = nn.Linear(48, VOCAB)

    def forward(self, ids):
        states, _ = self.rnn(self.embed(ids))
        return self.head(states)


text = torch.randint(0, VOCAB, (40,)).repeat(100)
text[torch.rand(4000) < 0.15] = 5
model = CharModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(200):
    starts = torch.randint(0, len(text) - 21, (16,))
    ids = torch.stack([text[i : i + 21] for i in starts])
    loss = F.cross_entropy(model(ids[:, :-1]).transpose(1, 2), ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://huggingface.co/docs/transformers/tasks/language_modeling",),
    explains=("TRN001", "TRN002"),
    needs=("probes",),
)
