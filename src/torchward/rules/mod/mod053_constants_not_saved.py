"""MOD053: numbers that a model was trained with are not in its state dict, and the model that it is loaded into has
others."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for load in run.unsaved[:1]:
        model = next((one for one in run.models if one.index == load.model), None)
        if model is None or not model.in_trainings:
            continue
        yield Finding(
            "MOD053",
            data={"model": model.name, "into": load.into, "tensors": load.names[:8], "step": load.step},
            place=at(load.site, first=load.step),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="MOD053",
    name="constants-not-saved",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    explains=("TRN002", "TRN009"),
    message=Text(
        "`{into}` was given the state dict of a model like `{model}`, but not all that `{model}` was trained with: {tensors} are "
        "read in `forward`, stand in no state dict, and have other values in `{into}`.",
        "`{into}` 载入了与 `{model}` 同类模型的状态字典，但没有得到 `{model}` 训练时用到的全部数值：{tensors} 在 `forward` 中被读取，"
        "却不在状态字典里，在 `{into}` 中是另外的值。",
    ),
    why=Text(
        "A tensor that is a plain attribute, or a buffer with `persistent=False`, is not saved. Where it is drawn at random or "
        "made of training data, each new instance has its own: the trained weights meet numbers that they were not trained "
        "with, and the loaded model answers nonsense.",
        "作为普通属性的张量，以及 `persistent=False` 的 buffer，都不会被保存。如果它是随机抽取的，或由训练数据算出，"
        "那么每个新实例都有自己的一份：训练好的权重面对的是没有见过的数值，载入后的模型输出毫无意义。",
    ),
    fix=Text(
        'Register it: `self.register_buffer("frequencies", torch.randn(2, n) * scale)`; then it is saved, loaded and moved by '
        "`to(device)`. Old checkpoints lack it: load them with the values of that run put in by hand.",
        '把它注册为 buffer：`self.register_buffer("frequencies", torch.randn(2, n) * scale)`，这样它会随模型保存、载入，并由 '
        "`to(device)` 移动。旧检查点里没有它：载入时需要手动填入当时的数值。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(1200, 2) * 2 - 1
y = torch.sin(4 * x[:, :1]) * torch.cos(5 * x[:, 1:])


class Waves(nn.Module):
    def __init__(self):
        super().__init__()
        self.frequencies = torch.randn(2, 32) * 3
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        phase = x @ self.frequencies
        return self.body(torch.cat([phase.sin(), phase.cos()], 1))


model = Waves()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[1000:]), y[1000:]).item())
restored = Waves()
restored.load_state_dict(model.state_dict())
with torch.no_grad():
    print(nn.functional.mse_loss(restored(x[1000:]), y[1000:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(1200, 2) * 2 - 1
y = torch.sin(4 * x[:, :1]) * torch.cos(5 * x[:, 1:])


class Waves(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, 32) * 3)
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        phase = x @ self.frequencies
        return self.body(torch.cat([phase.sin(), phase.cos()], 1))


model = Waves()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[1000:]), y[1000:]).item())
restored = Waves()
restored.load_state_dict(model.state_dict())
with torch.no_grad():
    print(nn.functional.mse_loss(restored(x[1000:]), y[1000:]).item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer",
        "https://docs.pytorch.org/docs/stable/notes/modules.html#module-state",
    ),
)
