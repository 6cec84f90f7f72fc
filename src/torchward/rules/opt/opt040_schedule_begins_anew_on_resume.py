"""OPT040: weights and optimizer are restored from a checkpoint, and the learning rate goes on as at the beginning."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from torchward.facts import Optimizer, Resumption, Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

UNFINISHED = 0.15
"""Share of the highest rate below which a schedule may have been over, and is begun again on purpose (SGDR, Loshchilov
& Hutter 2017). Schedules of language models end at a tenth (Hoffmann et al. 2022)."""
JUMP = 0.02
"""Share of the highest rate by which the rate jumps away from the one in the checkpoint."""
EXACT = 0.2
"""Share of that jump by which rates differ that are the same."""
ALIKE = 0.9
"""Share of the rates that repeat those of the beginning."""
SEEN = 4
"""Rates that were seen after the jump."""
RISE, FALL = 1.1, 0.9
"""Of another process only the checkpoint is known: the rate jumps up to so many times the one in there, or down to so
much of it and rises again beyond it, as in a warm-up. A warm-up on purpose leads back to the rate that it had."""
SAME = 0.02
"""Difference of the rate from the one that the optimizer was made with, or from `initial_lr`, as a share of it."""
LATER = 0.25
"""Share of the steps up to a save that were made after it, before it was loaded: more, and it is the best state that is
taken back, not the last."""
OFTEN, NEAR_TOP = 3, 1e-3
"""Resumptions, each with a counter in the checkpoint that began again and with the rates of the first leg, from which on it
tells enough if the rate had only begun to come down, by this share of the highest: a schedule cut off so early each time was
made for more steps. A warm-up on purpose leads back to a rate that had been constant."""
COUNTED = 2
"""A counter in the checkpoint that stands lower cannot be seen to go back."""
STEPS = 20


def check(run: Run) -> Iterator[Finding]:
    optimizers = {optimizer.index: optimizer for optimizer in run.optimizers}
    found: list[tuple[Resumption, Optimizer, str, bool]] = []
    near_top: list[tuple[Resumption, Optimizer, str, bool]] = []
    for resumption in run.resumptions:
        optimizer = optimizers.get(resumption.optimizer)
        if optimizer is None or optimizer.last_step - resumption.step < STEPS:
            continue
        counter = _went_back(resumption)
        fresh = any(one.first == 0 and one.last is not None and one.last <= one.steps for one in resumption.schedules)
        if (
            max(resumption.counters.values(), default=0) >= COUNTED
            and (counter or (fresh and resumption.next_counters))
            and _begins_anew(run, resumption, optimizer, bool(counter))
        ) or _left_in_file(run, resumption):
            found.append((resumption, optimizer, counter, fresh))
        elif counter and _begins_anew(run, resumption, optimizer, True, NEAR_TOP):
            near_top.append((resumption, optimizer, counter, fresh))
    if not found and len(near_top) >= OFTEN:
        found = near_top
    if not found:
        return
    resumption, optimizer, counter, _ = found[0]
    kinds = {one.index: one.kind for one in run.schedulers}
    yield Finding(
        "OPT040",
        data={
            "optimizer": optimizer.kind,
            "step": resumption.step,
            "rate": resumption.lr,
            "next": resumption.first_lr,
            "times": len(found),
            "counter": counter,
            "stood": resumption.counters.get(counter, 0),
            "now": (resumption.next_counters or {}).get(counter, 0),
            "scheduler": next((kinds[one.scheduler] for one in resumption.schedules if one.scheduler in kinds), ""),
        },
        place=at(resumption.site, first=resumption.step),
        confidence=Confidence.LIKELY,
    )


def _went_back(resumption: Resumption) -> str:
    """The counter that has begun again: the largest, or any if none of them goes on."""
    now = resumption.next_counters or {}
    known = {name: value for name, value in resumption.counters.items() if name in now}
    back = [name for name, value in known.items() if value >= COUNTED and now[name] < value]
    back.sort(key=lambda name: -known[name])
    if back and (known[back[0]] == max(known.values()) or all(now[name] <= value for name, value in known.items())):
        return back[0]
    return ""


def _left_in_file(run: Run, resumption: Resumption) -> bool:
    """The checkpoint holds the state of the very schedule that begins at 0, whose length is not over."""
    if not resumption.next_counters and not resumption.counters:
        return False
    for one in resumption.schedules:
        scheduler = next((known for known in run.schedulers if known.index == one.scheduler), None)
        if scheduler is None or not one.stood or one.first != 0 or one.last is None or one.last > one.steps:
            continue
        if scheduler.length and COUNTED <= one.stood < scheduler.length and one.steps:
            return True
    return False


def _begins_anew(
    run: Run, resumption: Resumption, optimizer: Optimizer, counted: bool, below: float = JUMP / 2
) -> bool:
    rates = optimizer.lr.between(resumption.step, optimizer.last_step)
    steps, values = [resumption.step, *rates.steps], [resumption.first_lr, *rates.values]
    later = next((one.step for one in run.resumptions if one.step > resumption.step and one is not resumption), None)
    moved = [
        place
        for place, value in enumerate(values)
        if abs(value - resumption.lr) > 1e-3 * resumption.lr and (later is None or steps[place] < later)
    ]
    if not moved:
        return False
    rest = Series([steps[place] - resumption.step for place in moved], [values[place] for place in moved])
    # Of many legs the first is seen best.
    first = next(one for one in run.resumptions if one.optimizer == resumption.optimizer)
    former = _former(run, resumption if below == JUMP / 2 else first)
    highest = max(*rest.values, *(former.values if former else ()), resumption.peak or 0.0)
    if resumption.lr < UNFINISHED * highest:
        return False
    jump = abs(rest.values[0] - resumption.lr)
    if resumption.saved is not None:
        return (
            former is not None
            and jump >= JUMP * highest
            and resumption.lr < (1 - below) * highest
            and _repeats(rest, former, EXACT * jump)
        )
    return len(rest) >= SEEN and (_up_again(rest, resumption) or _warms_up(rest, resumption, counted))


def _former(run: Run, resumption: Resumption) -> Series | None:
    """Rates of the optimizer that was saved, over the steps since it began, or was last given a state itself."""
    saved = resumption.saved
    if saved is None:
        return None
    for optimizer in run.optimizers:
        if optimizer.first_step < saved <= optimizer.last_step + 1:
            begun = [one.step for one in run.resumptions if one.optimizer == optimizer.index and one.step < saved]
            first = max(begun, default=optimizer.first_step)
            if resumption.step - saved > LATER * (saved - first):
                return None
            rates = optimizer.lr.between(first, saved)
            return Series([step - first for step in rates.steps], list(rates.values)) if len(rates) >= SEEN else None
    return None


def _repeats(rates: Series, former: Series, near: float) -> bool:
    """Each rate lies where the former ones did, so many steps after they began."""
    places = [place for place, step in enumerate(rates.steps) if step <= former.steps[-1]]
    alike = 0
    for place in places:
        right = min(bisect_right(former.steps, rates.steps[place]), len(former) - 1)
        around = former.values[max(0, right - 1)], former.values[right]
        alike += min(around) - near <= rates.values[place] <= max(around) + near
    return len(places) >= SEEN and alike >= ALIKE * len(places)


def _up_again(rates: Series, resumption: Resumption) -> bool:
    """It jumps up to the rate of the beginning, and comes down from there."""
    first, last = rates.values[0], rates.values[-1]
    begins = [resumption.made_with, *([resumption.peak] if resumption.peak else [])]
    return (
        first >= RISE * resumption.lr
        and any(abs(first - begin) <= SAME * begin for begin in begins)
        and last <= (1 - SAME) * first
        and all(later <= before for before, later in pairwise(rates.values))
    )


def _warms_up(rates: Series, resumption: Resumption, counted: bool) -> bool:
    """It falls, and rises again to a rate that it had come down from."""
    values = list(rates.values)
    top = values.index(max(values))
    rising = values[: top + 1]
    return (
        values[0] <= FALL * resumption.lr
        and all(later >= before for before, later in pairwise(rising))
        and len(set(rising)) > 2
        and (max(values) >= RISE * resumption.lr or (counted and max(values) >= (1 + JUMP / 2) * resumption.lr))
    )


RULE = Rule(
    code="OPT040",
    name="schedule-begins-anew-on-resume",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "At step {step} `{optimizer}` was given its state of a checkpoint, in which its learning rate is {rate}, and went "
        "on with {next} as at the beginning of its schedule (so {times} time(s)).",
        "第 {step} 步 `{optimizer}` 载入了检查点中的状态，其中学习率为 {rate}，之后却以 {next} 继续，"
        "学习率计划像训练刚开始时一样重来（共 {times} 次）。",
    ),
    why=Text(
        "Weights and averages of a training that is well under way meet the rates of its first steps: what had been "
        "refined is shaken again, and the low rates at the end of the plan are reached late or never. The number of the "
        "epoch, or the state of the scheduler, was not restored.",
        "训练已进行到一半的权重和滑动平均，又遇上了最初几步的学习率：已经细调好的部分再次被打乱，"
        "计划末尾的小学习率很晚才到，甚至永远不到。原因是轮数或调度器的状态没有恢复。",
    ),
    fix=Text(
        "Save the number of the epoch and `scheduler.state_dict()` beside the weights, and read both back by the same "
        'keys: `start = state["epoch"] + 1` (not `.get(..., 0)`, which hides a wrong key) and '
        '`scheduler.load_state_dict(state["scheduler"])`, after the scheduler is made.',
        '把轮数和 `scheduler.state_dict()` 与权重一起保存，并用同样的键读回：`start = state["epoch"] + 1`'
        '（不要用 `.get(..., 0)`，它会掩盖写错的键），创建调度器之后再 `scheduler.load_state_dict(state["scheduler"])`。',
    ),
    bad="""\
import math
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
path = Path(tempfile.mkdtemp()) / "last.pt"
EPOCHS = 24


def rate(epoch):
    return 0.05 * min(1, (epoch + 1) / 3) * (1 + math.cos(math.pi * epoch / EPOCHS))


def train(epochs):
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    start = 0
    if path.exists():
        state = torch.load(path)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state.get("epochs", 0)
    for epoch in range(start, start + epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate(epoch)
        for rows in torch.randperm(1500).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, path)
        print(epoch, loss.item(), rate(epoch))


train(12)
train(12)
""",
    good="""\
import math
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 20)
y = (x @ torch.randn(20, 3)).argmax(1)
path = Path(tempfile.mkdtemp()) / "last.pt"
EPOCHS = 24


def rate(epoch):
    return 0.05 * min(1, (epoch + 1) / 3) * (1 + math.cos(math.pi * epoch / EPOCHS))


def train(epochs):
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    start = 0
    if path.exists():
        state = torch.load(path)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["epoch"]
    for epoch in range(start, start + epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate(epoch)
        for rows in torch.randperm(1500).split(50):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}, path)
        print(epoch, loss.item(), rate(epoch))


train(12)
train(12)
""",
    links=(
        "https://docs.pytorch.org/tutorials/recipes/recipes/saving_and_loading_a_general_checkpoint.html",
        "https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
    ),
    explains=("OPT018", "OPT019", "OPT026", "OPT039", "TRN*"),
    needs=("optimizer",),
    preview=True,
)
