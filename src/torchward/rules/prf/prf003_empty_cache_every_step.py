"""PRF003: the allocator's cache is cleared in every step."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_STEPS = 30
SHARE = 0.5
"""Of the steps. Once an epoch, or after an evaluation, is harmless."""
COSTLY = 0.05
"""Share of the run's time from which it is a warning."""


def check(run: Run) -> Iterator[Finding]:
    if run.steps < MINIMUM_STEPS or run.empty_cache_steps < SHARE * run.steps:
        return
    share = run.empty_cache_seconds / run.seconds if run.seconds > 0 else 0.0
    yield Finding(
        "PRF003",
        data={
            "times": run.empty_cache_calls,
            "steps": run.steps,
            "seconds": run.empty_cache_seconds,
            "share": min(1.0, share),
            "device": run.device,
        },
        place=at(run.empty_cache_site),
        confidence=Confidence.CERTAIN,
        severity=Severity.WARNING if share > COSTLY else None,
    )


RULE = Rule(
    code="PRF003",
    name="empty-cache-every-step",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`torch.cuda.empty_cache()` was called {times} times in {steps} steps ({share:.1%} of the time, on {device}).",
        "`torch.cuda.empty_cache()` 在 {steps} 步中被调用了 {times} 次（占时间的 {share:.1%}，设备为 {device}）。",
    ),
    why=Text(
        "It gives memory back that the next step asks the driver for again, and waits for the device to do so. It frees "
        "nothing that is in use, so it does not prevent running out of memory.",
        "它把下一步马上又要向驱动申请的显存还回去，而且要等待设备。正在使用的显存一点也不会释放，因此并不能避免显存不足。",
    ),
    fix=Text(
        "Take `torch.cuda.empty_cache()` out of the loop. If memory runs out, look for graphs that are kept, use a "
        "smaller batch, or set `PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True` against fragmentation.",
        "把 `torch.cuda.empty_cache()` 移出循环。如果显存不足，请检查是否有计算图被保留、减小批次，"
        "或设置 `PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True` 以减少碎片。",
    ),
    bad="""\
import gc

import torch
from torch import nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"

x = torch.randn(800, 10, device=device)
y = (x.sum(1) > 0).float()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(800, device=device).split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch.cuda.empty_cache()
    gc.collect()
""",
    good="""\
import gc

import torch
from torch import nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"

x = torch.randn(800, 10, device=device)
y = (x.sum(1) > 0).float()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(800, device=device).split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    gc.collect()
    torch.cuda.empty_cache()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-memory-management",
        "https://docs.pytorch.org/docs/stable/generated/torch.cuda.memory.empty_cache.html",
    ),
)
