"""TRN011: a state dict was loaded whose names are not those of the model, and nothing said so."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import PartialLoad, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.5
"""Of the model's entries that another part in front of the names would fill."""


def check(run: Run) -> Iterator[Finding]:
    for load in run.partial_loads:
        confidence = _confidence(load)
        if confidence is not None:
            yield Finding(
                "TRN011",
                data={
                    "model": load.model,
                    "given": load.given,
                    "taken": load.taken,
                    "own": load.own,
                    "other_name": load.names[0] or "-",
                    "own_name": load.names[1],
                },
                place=at(load.site),
                confidence=confidence,
            )


def _confidence(load: PartialLoad) -> Confidence | None:
    """Nothing fits as it is; or little does, and most would under other names: a new head alone is no such case."""
    if not load.taken:
        return Confidence.CERTAIN
    return Confidence.LIKELY if load.fitting > load.taken and load.fitting >= SHARE * load.own else None


RULE = Rule(
    code="TRN011",
    name="weights-left-out-on-loading",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}.load_state_dict(..., strict=False)` took over {taken} of {given} entries, and the model has {own}: the "
        "names differ (given: `{other_name}`; the model's: `{own_name}`).",
        "`{model}.load_state_dict(..., strict=False)` 只载入了 {given} 项中的 {taken} 项，而模型共有 {own} 项：名称不一致"
        "（给出的是 `{other_name}`；模型中是 `{own_name}`）。",
    ),
    why=Text(
        "With `strict=False` what has no namesake is passed over without a word: the model keeps its random weights, "
        "and what is then frozen, fine-tuned or evaluated is not what was trained. A wrapper adds a part in front of the "
        "names (`module.` of DataParallel, `_orig_mod.` of torch.compile, `model.` of a trainer).",
        "设置 `strict=False` 时，名称对不上的项会被悄悄跳过：模型保留随机权重，之后被冻结、微调或评估的并不是训练好的权重。"
        "包装器会在名称前加一段（DataParallel 的 `module.`、torch.compile 的 `_orig_mod.`、训练器的 `model.`）。",
    ),
    fix=Text(
        "Make the names agree and load with `strict=True`: `state = {{name.removeprefix('module.'): value for name, "
        "value in state.items()}}`, or save the inner model's (`model.module.state_dict()`). Where parts are left out on "
        "purpose, look at what `load_state_dict` returns: `missing_keys` and `unexpected_keys`.",
        "让名称一致并用 `strict=True` 载入：`state = {{name.removeprefix('module.'): value for name, value in "
        "state.items()}}`，或者保存内层模型（`model.module.state_dict()`）。确实要略过一部分时，请检查 `load_state_dict` "
        "返回的 `missing_keys` 和 `unexpected_keys`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 16)
y = torch.stack([x[:, 0] * x[:, 1], x[:, 2] * x[:, 3]], 1)
classes = (y.sum(1) > 0).long()


def body():
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())


def fit(model, targets, loss_of, parameters, epochs):
    optimizer = torch.optim.Adam(parameters, lr=2e-3)
    for epoch in range(epochs):
        for rows in torch.randperm(1000).split(50):
            loss = loss_of(model(x[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


first = nn.DataParallel(body())
whole = nn.Sequential(first, nn.Linear(32, 2))
fit(whole, y, nn.functional.mse_loss, [*whole.parameters()], 8)

second = body()
second.load_state_dict(first.state_dict(), strict=False)
second.requires_grad_(False)
head = nn.Linear(32, 2)
fit(nn.Sequential(second, head), classes, nn.functional.cross_entropy, head.parameters(), 8)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1000, 16)
y = torch.stack([x[:, 0] * x[:, 1], x[:, 2] * x[:, 3]], 1)
classes = (y.sum(1) > 0).long()


def body():
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())


def fit(model, targets, loss_of, parameters, epochs):
    optimizer = torch.optim.Adam(parameters, lr=2e-3)
    for epoch in range(epochs):
        for rows in torch.randperm(1000).split(50):
            loss = loss_of(model(x[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


first = nn.DataParallel(body())
whole = nn.Sequential(first, nn.Linear(32, 2))
fit(whole, y, nn.functional.mse_loss, [*whole.parameters()], 8)

second = nn.Sequential(*body(), nn.Linear(32, 2))
second.load_state_dict({**first.module.state_dict(), "old_head.bias": torch.zeros(2)}, strict=False)
second[:4].requires_grad_(False)
fit(second, classes, nn.functional.cross_entropy, second[4].parameters(), 8)
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict",),
    explains=("MOD031", "TRN001", "TRN006"),
    needs=("modules",),
    written=True,
)
