"""OPT033: training is resumed with the weights of a checkpoint, and without the optimizer's state that lies in it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import CheckpointLoad, Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 20
GATHERING = ("Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD")
"""Besides those with averages of gradients: what they know of earlier steps sets the size of the next."""


RESUMED = 4
"""Checkpoints without an optimizer's state that training went on from, each saved after it had gone on from the one
before. Once, a next stage may begin there; one that serves for several trainings is where they start."""


def check_saved_without(run: Run) -> Iterator[Finding]:
    filled = {parameter.index for parameter in run.parameters if parameter.loaded}
    loads = [load for load in run.checkpoint_loads if load.saved_without is not None and load.into_model]
    links = []
    for place, load in enumerate(loads):
        before, after = loads[place - 1].step if place else -1, loads[place + 1].step if place + 1 < len(loads) else -1
        # Saved after training went on from the one before, and left as it is until training goes on from it.
        if load.saved_without is None or load.saved_without <= before or load.step == after or load.models != 1:
            continue
        fresh = [one for one in _fresh(run, load, filled) if one.first_step - load.step < STEPS]
        if len(fresh) == 1 and not load.into_optimizer:
            links.append((load, fresh[0]))
    if len(links) < RESUMED or len({(one.kind, one.lr.values[0] if one.lr else 0.0) for _, one in links}) > 1:
        return  # stages differ
    load, optimizer = links[0]
    yield Finding(
        "OPT033",
        data={"optimizer": optimizer.kind, "step": load.step, "steps": optimizer.steps, "times": len(links), "held": 0},
        place=at(load.site, first=load.step),
        confidence=Confidence.LIKELY,
    )


def _fresh(run: Run, load: CheckpointLoad, filled: set[int]) -> list[Optimizer]:
    """Optimizers that gather something over their steps, and began to do so with the weights of this checkpoint."""
    return [
        one
        for one in run.optimizers
        if one.first_step >= load.step
        and one.index not in load.optimizers
        and one.steps >= STEPS
        and (one.betas or one.momentum or one.kind in GATHERING)
        and filled.intersection(one.parameters)
    ]


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
        fresh = next(iter(_fresh(run, load, filled)), None)
        if fresh is None or load.saved_without is not None:
            continue
        yield Finding(
            "OPT033",
            data={"optimizer": fresh.kind, "step": load.step, "steps": fresh.steps, "times": 1, "held": 1},
            place=at(load.site, first=load.step),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="OPT033",
    name="optimizer-not-restored",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_saved_without),
    message=Text(
        "At step {step} the model was given the weights of a checkpoint, but the `{optimizer}` that went on for {steps} "
        "steps began without the state of the one before it (so {times} time(s); of these checkpoints {held} held that state).",
        "第 {step} 步模型载入了检查点的权重，但之后训练了 {steps} 步的 `{optimizer}` 没有接续之前优化器的状态"
        "（共 {times} 次；这些检查点中有 {held} 个含有该状态）。",
    ),
    why=Text(
        "`{optimizer}` begins again without its averages, so the first steps are too large and too noisy: the "
        "loss jumps at every resumption, and training differs from one that was never interrupted. The same holds"
        " for schedulers, `GradScaler` and the number of the epoch.",
        "`{optimizer}` 的滑动平均从零开始，最初几步又大又不稳：每次恢复训练损失都会跳升，结果也与未"
        "中断的训练不同。调度器、`GradScaler` 和轮数同样需要恢复。",
    ),
    fix=Text(
        "Save `optimizer.state_dict()` beside the weights; after making the optimizer, call "
        '`optimizer.load_state_dict(state["optimizer"])`, and likewise `scheduler.load_state_dict(...)` and '
        '`start = state["epoch"] + 1`.',
        '把 `optimizer.state_dict()` 与权重一起保存；创建优化器之后写 `optimizer.load_state_dict(state["optimizer"])`，'
        '调度器也用 `scheduler.load_state_dict(...)`，并令 `start = state["epoch"] + 1`。',
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
