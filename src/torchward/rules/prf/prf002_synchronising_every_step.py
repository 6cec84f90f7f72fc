"""PRF002: every step stops to read values back from tensors, or to print them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run, SlowCall
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 10
OFTEN = 0.8
"""Share of the sampled steps in which a line does it: "nearly every step"."""
SHARE = 0.1
"""On the CPU nobody waits for a device, so only what the calls themselves cost counts; the Python loops that they stand
in cost as much again."""
STEP_SECONDS = 2e-4
"""... and it must be worth a change: reading one loss costs a microsecond."""
MANY = 150
"""Reads in one step: a Python loop over the elements of tensors. It costs 1 to 3 us for each, measured, of which the
reading itself is the smaller part. An agent that acts ten times between two steps makes a hundred."""


def _often(run: Run, call: SlowCall) -> bool:
    return call.steps >= MINIMUM_SAMPLES and call.steps >= OFTEN * run.samples


def check(run: Run) -> Iterator[Finding]:
    step = median(run.step_seconds.values) if run.step_seconds else 0.0
    accelerated = run.device not in ("", "cpu")
    calls = [call for call in run.slow_calls if _often(run, call) and call.on_cpu != accelerated]
    if not calls or run.samples < MINIMUM_SAMPLES or step <= 0:
        return
    spent = sum(call.seconds / call.steps for call in calls)
    many = sum(call.calls / call.steps for call in calls) >= MANY
    if not accelerated and not many and (spent < STEP_SECONDS or spent < SHARE * step):
        return
    worst = max(calls, key=lambda call: (call.seconds, call.calls))
    yield Finding(
        "PRF002",
        data={
            "kind": worst.kind,
            "calls": sum(call.calls / call.steps for call in calls),
            "share": min(1.0, spent / step),
            "milliseconds": 1_000 * spent,
            "places": tuple(
                f"{call.site.function}:{call.site.line} {call.kind}" for call in calls[:4] if call.site is not None
            ),
            "device": run.device,
        },
        place=at(worst.site),
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="PRF002",
    name="synchronising-every-step",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "every step reads values back from tensors ({calls:.0f} calls a step, most time in `{kind}`): "
        "{milliseconds:.1f} ms, {share:.0%} of a step on {device}.",
        "每一步都要从张量中读回数值（每步 {calls:.0f} 次，耗时最多的是 `{kind}`）：{milliseconds:.1f} 毫秒，占 {device} 上一步的 {share:.0%}。",
    ),
    why=Text(
        "`.item()`, `.cpu()`, `.tolist()`, `if tensor:` and `print(tensor)` need the value now: Python waits until the "
        "device has done all queued work, and the device then waits for Python. On the CPU there is no queue, but many "
        "small reads and formatting whole tensors cost more than the step itself.",
        "`.item()`、`.cpu()`、`.tolist()`、`if tensor:` 和 `print(tensor)` 都需要立即得到数值：Python 要等设备做完所有排队的工作，"
        "随后设备又要等 Python。在 CPU 上没有队列，但大量零碎的读取和打印整个张量的开销可能超过训练步本身。",
    ),
    fix=Text(
        "Collect on the device and read seldom: `total += loss.detach()` each step and `total.item()` every 100 steps; "
        "compute metrics on whole tensors instead of in Python loops.",
        "在设备上累计、少读回：每步 `total += loss.detach()`，每 100 步再 `total.item()`；指标用整个张量计算，不要在 Python 循环里逐个取值。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(1024, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    right = 0
    for inputs, targets in loader:
        scores = model(inputs)
        loss = nn.functional.cross_entropy(scores, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for row, target in zip(scores, targets):
            best = max(range(4), key=lambda k: row[k].item())
            right += best == target.item()
    print(epoch, right / len(x))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(1024, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    right = 0
    for inputs, targets in loader:
        scores = model(inputs)
        loss = nn.functional.cross_entropy(scores, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.detach().argmax(1) == targets).sum().item()
    print(epoch, right / len(x))
""",
    links=(
        "https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html#avoid-unnecessary-cpu-gpu-synchronization",
    ),
    needs=("modules",),
)
