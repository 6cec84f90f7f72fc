"""NUM006: weights that are themselves in half precision, where their updates are lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import progress

HALF = {"float16": 2**-11, "bfloat16": 2**-8}
"""Relative change of a number that the type rounds away."""
SMALLEST = 6e-8
"""Smallest positive number of float16: Adam's default epsilon is 0 in it."""
SAMPLES = 5
LOST = 0.7
"""Share of the weights with a gradient that a typical step leaves exactly as they were."""


def check(run: Run) -> Iterator[Finding]:
    known = {parameter.index: parameter for parameter in run.parameters}
    for optimizer in run.optimizers:
        held = [known[index] for index in optimizer.parameters if index in known and known[index].requires_grad]
        half = [parameter for parameter in held if parameter.dtype in HALF]
        if not half or sum(p.numel for p in half) < 0.5 * sum(p.numel for p in held):
            continue
        dtype = half[0].dtype
        shares = [share for p in half if len(p.shape) >= 2 for share in p.unchanged.values if math.isfinite(share)]
        lost = median(shares) if len(shares) >= SAMPLES else 0.0
        broken = run.nonfinite is not None and run.nonfinite.origin != "input" and dtype == "float16"
        if not broken and lost < LOST:
            continue
        zero = dtype == "float16" and optimizer.eps is not None and optimizer.eps < SMALLEST
        courses = [progress(run, one) for one in run.trainings if optimizer.index in one.optimizers]
        learns = not broken and any(course is not None and course.fell for course in courses)
        yield Finding(
            "NUM006",
            data={
                "dtype": dtype,
                "optimizer": optimizer.kind,
                "count": len(half),
                "parameters": tuple(parameter.name for parameter in half[:8]),
                "lost": lost,
                "relative": HALF[dtype],
                "epsilon_is_zero": zero,
                "overflow": broken,
            },
            place=at(optimizer.made or optimizer.site, module=half[0].module, parameter=half[0].name),
            confidence=Confidence.CERTAIN if lost >= LOST or zero else Confidence.LIKELY,
            severity=Severity.HINT if learns else None,
        )


RULE = Rule(
    code="NUM006",
    name="weights-in-half-precision",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{optimizer}` steps weights that are {dtype} themselves ({parameters}): a typical step leaves {lost:.0%} of them "
        "exactly as they were.",
        "`{optimizer}` 直接更新 {dtype} 类型的权重（{parameters}）：典型的一步会让其中 {lost:.0%} 完全保持原样。",
    ),
    why=Text(
        "A change of less than {relative:.2%} of a {dtype} number is rounded away, and usual updates are smaller than "
        "that. In float16 an epsilon of 1e-8 is 0 besides, so that Adam divides by zero.",
        "对 {dtype} 数值小于 {relative:.2%} 的改变会被舍入掉，而通常的更新比这还小。"
        "此外，float16 中 1e-8 的 epsilon 等于 0，Adam 会除以零。",
    ),
    fix=Text(
        "Keep the weights in float32 (no `.half()`, no `dtype={dtype}`) and compute in half precision: "
        "`with torch.autocast(device_type, dtype=torch.{dtype}): loss = ...`.",
        "让权重保持 float32（不要 `.half()`，不要 `dtype={dtype}`），只在计算时使用半精度："
        "`with torch.autocast(device_type, dtype=torch.{dtype}): loss = ...`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)).half()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows].half()), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/amp.html", "https://arxiv.org/abs/1710.03740"),
    explains=(
        "NUM001",
        "NUM002",
        "NUM003",
        "OPT007",
        "OPT008",
        "TRN*",
        "MOD003",
        "MOD004",
        "MOD005",
        "MOD010",
        "MOD011",
        "MOD029",
    ),
    needs=("parameters", "optimizer"),
)
