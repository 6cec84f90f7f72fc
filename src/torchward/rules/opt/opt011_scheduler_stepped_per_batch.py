"""OPT011: a schedule that is stepped at every batch, though its length says epochs."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Optimizer, Run, Scheduler
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.opt._schedules import COMPOSITE, own_schedulers

STEPS = 50
"""Steps before a verdict; cosine and friends must also have been passed `PERIODS` times."""
PER_BATCH = 0.9
"""Scheduler steps per optimizer step from which it counts as stepped at every batch."""
FIRST_PART = 0.25
"""A decay that is over within this part of the run was counted in another unit."""
GONE = 1e-3
"""Share of the first rate at which training has in effect ended. OneCycleLR goes lower, but only at its end."""
COLLAPSED = 1e-8
"""Final share of an exponential decay that had lost 99 % of the rate after a quarter of the run (0.01 to the 4th)."""
DROP = 0.7
"""A factor per stage below this is a drop that belongs between epochs, not a smooth decay."""
EPOCHS = 5
"""Of a run, at least, for their number to be told from another one ..."""
BOTTOM, BACK = 0.02, 0.9
"""... in which the rate comes down to such a share of its highest, and later rises to such a one."""
PERIODS = 3
AHEAD = 1.5
"""Steps of a schedule for each of its optimizer's."""
ENDLESS = ("OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts")
"""Made for batches, or meant to go up and down."""
STAGED = ("StepLR", "ExponentialLR", "MultiplicativeLR")


def check(run: Run) -> Iterator[Finding]:
    if _is_full_batch(run):
        return  # a step is an epoch
    for scheduler in own_schedulers(run):
        optimizer = next((one for one in run.optimizers if one.index == scheduler.optimizer), None)
        if optimizer is None or scheduler.kind in ENDLESS or scheduler.steps < STEPS:
            continue
        if scheduler.steps < PER_BATCH * scheduler.optimizer_steps or scheduler.final_lr_ratio is None:
            continue
        over = _over_after(run, scheduler, optimizer)
        if over is None:
            continue
        wasted = scheduler.final_lr_ratio <= GONE and scheduler.kind != "CosineAnnealingLR"
        yield Finding(
            "OPT011",
            {
                "scheduler": scheduler.kind,
                "steps": scheduler.steps,
                "over": over,
                "updates": scheduler.optimizer_steps,
                "part": over / scheduler.steps,
                "ratio": scheduler.final_lr_ratio,
            },
            at(scheduler.step_site or scheduler.site, first=over),
            Confidence.CERTAIN if over in (scheduler.epochs, scheduler.epochs - 1) else Confidence.LIKELY,
            None if wasted else Severity.WARNING,
        )


def _is_full_batch(run: Run) -> bool:
    return any(len(one.fingerprints) >= 5 and len(set(one.fingerprints)) == 1 for one in run.batches)


def _over_after(run: Run, scheduler: Scheduler, optimizer: Optimizer) -> int | None:
    """Scheduler steps after which the schedule was over (or half a cosine was done), if that was far too early."""
    steps, batches = scheduler.steps, scheduler.loader_batches
    final, length, size = scheduler.final_lr_ratio or 0.0, scheduler.length, scheduler.step_size
    unit = length or size
    if unit and batches and unit % batches == 0 and unit != scheduler.epochs:
        return None  # counted in batches on purpose: a whole number of epochs
    if scheduler.kind in COMPOSITE:
        parts = [one for one in run.schedulers if one.optimizer == scheduler.optimizer and one.kind not in COMPOSITE]
        planned = sum(one.length or 0 for one in parts)
        if planned and steps >= AHEAD * max(planned, scheduler.optimizer_steps):
            return planned
    if scheduler.kind == "CosineAnnealingLR":
        # Beyond its end it rises again. So it may be meant, but not where it is stepped twice for each update.
        ahead = steps >= AHEAD * scheduler.optimizer_steps and length is not None and steps >= AHEAD * length
        return length if length and (steps >= PERIODS * length or ahead) else None
    if length:
        return length if length <= FIRST_PART * steps and final <= 0.5 else None
    if scheduler.kind in STAGED:
        if final <= COLLAPSED:
            return size or steps // 4
        # The factor of one stage, from the stages done and what they left of the rate.
        if size and batches and size < batches and final <= GONE and final ** (size / steps) <= DROP:
            return size
        return None
    return _back_after(optimizer, scheduler) or _gone_after(optimizer, scheduler)


def _back_after(optimizer: Optimizer, scheduler: Scheduler) -> int | None:
    """For schedules of any kind: the rate came down to nothing in as many steps as the run has epochs, and rose again, as
    a cosine does beyond its end."""
    rates, epochs = optimizer.lr, scheduler.epochs
    if epochs < EPOCHS or scheduler.steps < PERIODS * epochs or not len(rates):
        return None
    highest = max(rates.values)
    top = rates.values.index(highest)
    for place in range(top, len(rates)):
        step = rates.steps[place] - optimizer.first_step
        if rates.values[place] <= BOTTOM * highest:
            rises = max(rates.values[place:]) >= BACK * highest
            return epochs if rises and abs(step - epochs) <= 1 else None
    return None


def _gone_after(optimizer: Optimizer, scheduler: Scheduler) -> int | None:
    """For schedules of any kind: the first sample from which on the rate was next to nothing, if early in the run."""
    rates = optimizer.lr
    if len(rates) < 8 or (scheduler.final_lr_ratio or 0.0) > GONE:
        return None
    highest = max(rates.values)
    low = [rate <= GONE * highest for rate in rates.values]
    first = len(low) - next((n for n, one in enumerate(reversed(low)) if not one), len(low))
    if first >= len(low) or rates.steps[-1] < 0.5 * optimizer.last_step:
        return None
    step = rates.steps[first] - optimizer.first_step
    return step if step <= FIRST_PART * optimizer.steps and len(low) - first >= 4 else None


RULE = Rule(
    code="OPT011",
    name="scheduler-stepped-per-batch",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{scheduler}` is stepped at every batch ({steps} times for {updates} optimizer steps), but a period of its schedule "
        "is over after {over} steps, {part:.1%} of the run so far; the learning rate is now {ratio} times its first value.",
        "`{scheduler}` 在每个批次都执行一步（优化器更新 {updates} 步，它走了 {steps} 步），但它的一个调度周期只有 {over} 步，"
        "占至今训练的 {part:.1%}；学习率现在是初始值的 {ratio} 倍。",
    ),
    why=Text(
        "A length that was meant in epochs is used up within the first batches. A decaying rate is next to zero for "
        "the "
        "rest of the run, so training stops although the loop goes on; a cosine swings up and down instead.",
        "原本以 epoch 计的长度在最初的一些批次里就用完了。衰减型的学习率在余下的训练中几乎为零，循环还在跑，"
        "训练实际上已经停止；"
        "余弦型的则会反复升降。",
    ),
    fix=Text(
        "Move `scheduler.step()` out of the batch loop, to the end of each epoch; or count in batches: give "
        "`{scheduler}` "
        "a length of `epochs * len(loader)`.",
        "把 `scheduler.step()` 移出批次循环，放到每个 epoch 的末尾；或者以批次计数：把 `{scheduler}` 的长度设为 "
        "`epochs * len(loader)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
inputs = torch.randn(1200, 16)
labels = (inputs @ torch.randn(16, 5)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)

for epoch in range(12):
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
inputs = torch.randn(1200, 16)
labels = (inputs @ torch.randn(16, 5)).argmax(1)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 5))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)

for epoch in range(12):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html",
    ),
    explains=("OPT008", "OPT013", "OPT018", "TRN*"),
    needs=("optimizer",),
)
