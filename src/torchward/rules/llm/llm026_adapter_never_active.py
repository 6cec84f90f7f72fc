"""LLM026: an adapter that was added and never made active, so that another one was trained in its place."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LATER = 20
"""Optimizer steps after which the other adapter has been trained again, and not merely asked."""


def check(run: Run) -> Iterator[Finding]:
    named: set[str] = set()
    for model in run.models:
        for one in model.idle_adapters:
            # As new ones are: the second of each pair of low-rank matrices, beside copies of layers that are trained too.
            if one.name in named or 3 * one.zeros < one.matrices or not one.zeros:
                continue
            # Adapters in use between the steps of a training may stand for a model without any.
            if one.later < LATER if one.how == "added" else one.later > 0:
                continue
            named.add(one.name)
            yield Finding(
                "LLM026",
                data={
                    "model": model.name,
                    "adapter": one.name,
                    "other": one.other,
                    "zeros": one.zeros,
                    "count": one.matrices,
                    "how": one.how,
                    "step": one.step,
                },
                place=at(model.site),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="LLM026",
    name="adapter-never-active",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the adapter `{adapter}` of `{model}` was in no optimizer, and {zeros} of its {count} matrices are 0 as those of a new one "
        "are: it does nothing. At step {step} it was `{how}` (`added`: it was new when an optimizer was made that went on to train "
        "`{other}`; `asked`: it was in use when the model was evaluated at the end), and `{other}` was trained.",
        "`{model}` 的适配器 `{adapter}` 没有进入任何优化器，它的 {count} 个矩阵中有 {zeros} 个全为 0，与新建时一样：它不起任何作用。"
        "在第 {step} 步，它的情形是 `{how}`（`added` 指它刚加入时，新建的优化器却继续训练 `{other}`；"
        "`asked` 指最后评估模型时正在使用它），而被训练的是 `{other}`。",
    ),
    why=Text(
        "Adding an adapter does not switch to it. The data that were meant for it train the adapter that is still active, which "
        "forgets what it had learned, and with the new one the model is just its base.",
        "添加适配器并不会切换到它。本该用来训练它的数据训练了仍处于激活状态的适配器，后者会忘掉学过的内容；"
        "而使用新适配器时，模型不过是原来的基础模型。",
    ),
    fix=Text(
        'Make it active, and only then the optimizer: `model.add_adapter("{adapter}", config); model.set_adapter("{adapter}"); '
        "optimizer = AdamW(p for p in model.parameters() if p.requires_grad)`. "
        "`model.print_trainable_parameters()` and `model.active_adapters` tell what is trained.",
        '先激活它，再创建优化器：`model.add_adapter("{adapter}", config); model.set_adapter("{adapter}"); '
        "optimizer = AdamW(p for p in model.parameters() if p.requires_grad)`。"
        "可用 `model.print_trainable_parameters()` 和 `model.active_adapters` 查看正在训练哪一个。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Adapted(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_A, self.lora_B, self.active = nn.ParameterDict(), nn.ParameterDict(), None

    def add(self, name, rank=4):
        self.lora_A[name] = nn.Parameter(torch.randn(rank, self.base.in_features) / self.base.in_features**0.5)
        self.lora_B[name] = nn.Parameter(torch.zeros(self.base.out_features, rank))
        self.use(self.active or name)

    def use(self, name):
        self.active = name
        for table in (self.lora_A, self.lora_B):
            for key, matrix in table.items():
                matrix.requires_grad_(key == name)

    def forward(self, x):
        return self.base(x) + 2 * x @ self.lora_A[self.active].t() @ self.lora_B[self.active].t()


layers = [Adapted(nn.Linear(16, 32)), Adapted(nn.Linear(32, 4))]
model = nn.Sequential(layers[0], nn.ReLU(), layers[1])
x = torch.randn(1600, 16)
for task in ("first", "second"):
    y = (x @ torch.randn(16, 4)).argmax(1)
    for layer in layers:
        layer.add(task)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
    for step in range(200):
        rows = torch.randint(0, 1600, (40,))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(task, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Adapted(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_A, self.lora_B, self.active = nn.ParameterDict(), nn.ParameterDict(), None

    def add(self, name, rank=4):
        self.lora_A[name] = nn.Parameter(torch.randn(rank, self.base.in_features) / self.base.in_features**0.5)
        self.lora_B[name] = nn.Parameter(torch.zeros(self.base.out_features, rank))
        self.use(self.active or name)

    def use(self, name):
        self.active = name
        for table in (self.lora_A, self.lora_B):
            for key, matrix in table.items():
                matrix.requires_grad_(key == name)

    def forward(self, x):
        return self.base(x) + 2 * x @ self.lora_A[self.active].t() @ self.lora_B[self.active].t()


layers = [Adapted(nn.Linear(16, 32)), Adapted(nn.Linear(32, 4))]
model = nn.Sequential(layers[0], nn.ReLU(), layers[1])
x = torch.randn(1600, 16)
for task in ("first", "second"):
    y = (x @ torch.randn(16, 4)).argmax(1)
    for layer in layers:
        layer.add(task)
        layer.use(task)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
    for step in range(200):
        rows = torch.randint(0, 1600, (40,))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(task, loss.item())
""",
    links=("https://huggingface.co/docs/peft/main/en/package_reference/peft_model",),
    explains=("LLM013", "TRN013"),
    needs=("modules",),
    preview=True,
)
