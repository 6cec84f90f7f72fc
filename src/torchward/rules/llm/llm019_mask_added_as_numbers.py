"""LLM019: a mask of zeros and ones is added to the scores of attention, and hides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import RepeatProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

NAMED = 8


def check(probe: RepeatProbe) -> Iterator[Finding]:
    if not probe.added_masks:
        return
    layers = tuple(dict.fromkeys(name or probe.model for name in probe.added_masks))
    yield Finding(
        "LLM019",
        data={"model": probe.model, "count": len(layers), "layers": layers[:NAMED]},
        place=at(probe.site, module=probe.added_masks[0]),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="LLM019",
    name="mask-added-as-numbers",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`scaled_dot_product_attention` is given a mask of the numbers 0 and 1 in {count} part(s) of `{model}` ({layers}): they "
        "are added to the scores, and no position is hidden.",
        "`{model}` 的 {count} 处（{layers}）传给 `scaled_dot_product_attention` 的掩码是数字 0 和 1：它们会被加到分数上，没有任何位置被遮住。",
    ),
    why=Text(
        "A boolean mask shows and hides; a mask of floating-point numbers is added, and -inf in it hides. Added ones merely "
        "favour some positions by a factor of e, so padding, or the future, is read as well.",
        "布尔掩码表示显示或隐藏；浮点数掩码则会被加到分数上，其中的 -inf 才表示隐藏。加上 1 只是让某些位置的权重乘以 e，"
        "因此填充（或后文）照样会被读到。",
    ),
    fix=Text(
        "Give it the boolean mask itself, True where attention may look: `attn_mask=mask.bool()`; or "
        "`torch.zeros(mask.shape).masked_fill(~mask.bool(), float('-inf'))`.",
        "直接传入布尔掩码，True 表示可以看：`attn_mask=mask.bool()`；或者用 "
        "`torch.zeros(mask.shape).masked_fill(~mask.bool(), float('-inf'))`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
lengths = torch.randint(4, 17, (1200,))
ids = torch.randint(1, 12, (1200, 16))
ids[torch.arange(16) >= lengths[:, None]] = 0
y = ((ids == 3).sum(1) > (ids == 5).sum(1)).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.place = nn.Embedding(16, 32)
        self.qkv = nn.Linear(32, 96)
        self.out = nn.Linear(32, 2)

    def forward(self, ids):
        mask = (ids != 0)[:, None, :].float()
        x = self.embed(ids) + self.place(torch.arange(16))
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        h = x + F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(h[:, 0])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = F.cross_entropy(model(ids[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
lengths = torch.randint(4, 17, (1200,))
ids = torch.randint(1, 12, (1200, 16))
ids[torch.arange(16) >= lengths[:, None]] = 0
y = ((ids == 3).sum(1) > (ids == 5).sum(1)).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.place = nn.Embedding(16, 32)
        self.qkv = nn.Linear(32, 96)
        self.out = nn.Linear(32, 2)

    def forward(self, ids):
        mask = (ids != 0)[:, None, :]
        x = self.embed(ids) + self.place(torch.arange(16))
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        h = x + F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(h[:, 0])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(1200).split(50):
        loss = F.cross_entropy(model(ids[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html",),
    explains=("MOD024", "LLM003", "LLM007"),
)
