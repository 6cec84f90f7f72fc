"""MOD054: weights that were loaded are drawn anew before the model is used."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MOST = 0.5
"""Share of what was given at one place that is gone. A new head, or the last few layers, may be drawn anew on purpose."""


def check(run: Run) -> Iterator[Finding]:
    trained = {parameter.model for parameter in run.parameters if parameter.optimizers}
    for one in run.overwritten:
        if one.model in trained and one.numbers >= MOST * one.of:
            yield Finding(
                "MOD054",
                data={
                    "model": next((model.name for model in run.models if model.index == one.model), "model"),
                    "names": one.names,
                    "numbers": one.numbers,
                    "of": one.of,
                },
                place=at(one.site, module=one.names[0].rpartition(".")[0]),
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="MOD054",
    name="loaded-weights-overwritten",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` was given weights here, and before it was trained {numbers} of these {of} numbers were others "
        "that have nothing to do with them ({names}).",
        "此处为 `{model}` 载入了权重，但在训练开始之前，这 {of} 个数中已有 {numbers} 个变成了毫不相干的值（{names}）。",
    ),
    why=Text(
        "An initialisation ran after the weights were put in: `self.apply(init_weights)` visits every layer, also one that was "
        "made with `from_pretrained` or filled by `load_state_dict`. Training starts from random numbers, and what is frozen "
        "stays so.",
        "载入权重之后又执行了初始化：`self.apply(init_weights)` 会访问每一层，包括用 `from_pretrained` 建立或由 `load_state_dict` "
        "填充的层。训练从随机数开始，而被冻结的部分会一直是随机数。",
    ),
    fix=Text(
        "Initialise first and load afterwards, or let the initialisation leave out what was loaded.",
        "先初始化再载入，或让初始化函数跳过已载入的层。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
meaning = torch.randn(200, 16)
texts = torch.randint(0, 200, (1000, 6))
labels = (meaning[texts].mean(1)[:, :4]).argmax(1)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(meaning, freeze=True)
        self.head = nn.Linear(16, 4)
        self.apply(self.start)

    @staticmethod
    def start(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.2)

    def forward(self, tokens):
        return self.head(self.words(tokens).mean(1))


model = Tagger()
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
for step in range(300):
    rows = torch.randint(0, 1000, (64,))
    loss = nn.functional.cross_entropy(model(texts[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
meaning = torch.randn(200, 16)
texts = torch.randint(0, 200, (1000, 6))
labels = (meaning[texts].mean(1)[:, :4]).argmax(1)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(meaning, freeze=True)
        self.head = nn.Linear(16, 4)
        self.head.apply(self.start)

    @staticmethod
    def start(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.2)

    def forward(self, tokens):
        return self.head(self.words(tokens).mean(1))


model = Tagger()
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
for step in range(300):
    rows = torch.randint(0, 1000, (64,))
    loss = nn.functional.cross_entropy(model(texts[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html#torch.nn.Embedding.from_pretrained",
    ),
    explains=("MOD033", "MOD031", "TRN001", "TRN004", "OPT008"),
    needs=("modules",),
    preview=True,
)
