"""OPT018: a learning rate that has been next to nothing for most of the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress
from torchward.rules.opt._updates import leading

GONE = 1e-3
"""Share of the highest rate below which training has in effect ended: two or three drops by ten are common (ResNet,
2015), and come late."""
REST = 0.5
"""Share of the steps that were made at such a rate. Cosines and linear decays are below it for their last percents."""
STEPS = 50
SAMPLES = 4
LEARNED = 0.1
"""A loss that is down to this share of its first value had no need of the rest."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for training in run.trainings:
        optimizer = leading(run, training)
        steps = training.last_step - training.first_step + 1
        if optimizer is None or steps < STEPS:
            continue
        rates = optimizer.lr.between(training.first_step, training.last_step)
        low = _low_from(rates.values)
        if low is None or len(rates) - low < SAMPLES or rates.steps[-1] - training.first_step < REST * steps:
            continue
        since = rates.steps[low] - training.first_step
        if since > (1 - REST) * steps:
            continue
        far = progress(run, training)
        done = far is not None and 0 <= far.end < LEARNED * far.start
        schedulers = [one for one in run.schedulers if one.optimizer == optimizer.index and one.steps]
        plateau = any(one.kind == "ReduceLROnPlateau" for one in schedulers)
        site = schedulers[0].site if schedulers else optimizer.site
        yield Finding(
            "OPT018",
            {
                "optimizer": optimizer.kind,
                "scheduler": schedulers[0].kind if schedulers else "lr",
                "highest": max(rates.values),
                "rate": rates.values[-1],
                "since": since,
                "steps": steps,
                "share": 1 - since / steps,
            },
            at(site, first=rates.steps[low]),
            Confidence.CERTAIN,
            Severity.HINT if done or plateau else None,
        )


def _low_from(rates: Sequence[float]) -> int | None:
    """The first value from which on the rate was gone for good."""
    highest = max(rates, default=0.0)
    high = [n for n, rate in enumerate(rates) if rate > GONE * highest]
    return high[-1] + 1 if high and high[-1] + 1 < len(rates) else None


RULE = Rule(
    code="OPT018",
    name="learning-rate-gone-early",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Since step {since} of {steps} the learning rate is at most {rate} (highest: {highest}; `{scheduler}`): for "
        "{share:.0%} of the training next to nothing was learned.",
        "从 {steps} 步中的第 {since} 步起，学习率最多只有 {rate}（最高为 {highest}；`{scheduler}`）："
        "{share:.0%} 的训练几乎什么也没有学到。",
    ),
    why=Text(
        "A schedule that is over long before the loop is keeps the weights where they are, while data loading, "
        "forward and backward passes go on at full cost.",
        "调度早已走完而循环还在继续时，权重基本不再变化，而数据加载、前向和反向传播的开销照旧。",
    ),
    fix=Text(
        "Let the schedule end with the training: count its length (`T_max`, `total_iters`, `milestones`, `gamma`) in "
        "the unit in which `scheduler.step()` is called, for all {steps} steps; or set a floor, `eta_min`.",
        "让调度与训练同时结束：按调用 `scheduler.step()` 的单位，把长度（`T_max`、`total_iters`、`milestones`、`gamma`）"
        "设为覆盖全部 {steps} 步；或者设置下限 `eta_min`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(600, 16)
labels = (inputs @ torch.randn(16, 6)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=5)

for epoch in range(25):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(600, 16)
labels = (inputs @ torch.randn(16, 6)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=25)

for epoch in range(25):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
    explains=("OPT008", "TRN001", "TRN003"),
    needs=("optimizer",),
)
