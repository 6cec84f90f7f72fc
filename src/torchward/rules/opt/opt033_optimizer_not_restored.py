"""OPT033: training is resumed with the weights of a checkpoint, and without the optimizer's state that lies in it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20
GATHERING = ("Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD")
"""Besides those with averages of gradients: what they know of earlier steps sets the size of the next."""


def check(run: Run) -> Iterator[Finding]:
    filled = {parameter.index for parameter in run.parameters if parameter.loaded}
    restored = {load.step for load in run.checkpoint_loads if load.into_optimizer}
    for load in run.checkpoint_loads:
        # Without the file being the run's own, weights of another training may be fine-tuned, rightly from new. And one
        # that is loaded once more, for an evaluation, leaves the optimizer out rightly.
        if not load.into_model or not load.own_file:
            continue
        if load.optimizers:
            if load.went_on:
                continue
        elif load.into_optimizer or load.step in restored:
            continue
        fresh = next(
            (
                one
                for one in run.optimizers
                if one.first_step >= load.step
                and one.index not in load.optimizers
                and one.steps >= STEPS
                and (one.betas or one.momentum or one.kind in GATHERING)
                and filled.intersection(one.parameters)
            ),
            None,
        )
        if fresh is None:
            continue
        yield Finding(
            "OPT033",
            data={"optimizer": fresh.kind, "step": load.step, "steps": fresh.steps},
            place=at(load.site, first=load.step),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="OPT033",
    name="optimizer-not-restored",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The checkpoint loaded at step {step} holds an optimizer's state; the model was given its weights, but the "
        "`{optimizer}` that went on for {steps} steps was not given that state.",
        "第 {step} 步加载的检查点中含有优化器状态；权重已载入模型，但之后训练了 {steps} 步的 `{optimizer}` 没有载入该状态。",
    ),
    why=Text(
        "`{optimizer}` begins again without its averages, so the first steps are too large and too noisy: the "
        "loss jumps at every resumption, and training differs from one that was never interrupted. The same holds"
        " for schedulers, `GradScaler` and the number of the epoch.",
        "`{optimizer}` 的滑动平均从零开始，最初几步又大又不稳：每次恢复训练损失都会跳升，结果也与未"
        "中断的训练不同。调度器、`GradScaler` 和轮数同样需要恢复。",
    ),
    fix=Text(
        'After making the optimizer: `optimizer.load_state_dict(state["optimizer"])`, and likewise '
        '`scheduler.load_state_dict(...)` and `start = state["epoch"] + 1`.',
        '创建优化器之后写 `optimizer.load_state_dict(state["optimizer'
        '"])`，调度器也用 `scheduler.load_state_dict(...)`，并令 `star'
        't = state["epoch"] + 1`。',
    ),
    bad="""\
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
path = Path(tempfile.mkdtemp()) / "last.pt"


def build():
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def train(epochs):
    model, optimizer = build()
    start = 0
    if path.exists():
        state = torch.load(path)
        model.load_state_dict(state["model"])
        start = state["epoch"] + 1
    for epoch in range(start, epochs):
        for rows in torch.randperm(1200).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
        print(epoch, loss.item())


train(5)
train(12)
""",
    good="""\
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
path = Path(tempfile.mkdtemp()) / "last.pt"


def build():
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def train(epochs):
    model, optimizer = build()
    start = 0
    if path.exists():
        state = torch.load(path)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["epoch"] + 1
    for epoch in range(start, epochs):
        for rows in torch.randperm(1200).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
        print(epoch, loss.item())


train(5)
train(12)
""",
    links=("https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",),
    explains=("OPT016", "TRN*"),
    needs=("optimizer",),
    preview=True,
)
