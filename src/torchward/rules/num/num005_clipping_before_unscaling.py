"""NUM005: gradients are clipped while they still carry the factor of the `GradScaler`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

CYCLES = 3
SHARE = 0.8
SCALE = 4.0
"""A scale below this hardly changes what clipping does."""
MEASURING = 1e6
"""A threshold beyond this only measures the norm."""
PLAIN = ("SGD", "ASGD")


def check(run: Run) -> Iterator[Finding]:
    scaled = {one.index: one for one in run.optimizers if one.scaler_calls and one.scale}
    clips = [clip for clip in run.clips if 0 < clip.threshold < MEASURING]
    if not scaled or not clips:
        return
    early: dict[int, int] = {}
    seen: dict[int, int] = {}
    for cycle in run.cycles:
        state = ""
        for name, index in cycle.events:
            if name == "backward":
                state = "scaled"
            elif name == "unscale" and state == "scaled":
                state = "unscaled"
            elif name == "clip" and state in ("scaled", "unscaled"):
                state = "clipped scaled" if state == "scaled" else "clipped"
            elif name == "step" and index in scaled and state.startswith("clipped"):
                seen[index] = seen.get(index, 0) + 1
                early[index] = early.get(index, 0) + (state == "clipped scaled")
    for index, times in early.items():
        optimizer, scale = scaled[index], median(scaled[index].scale.values)
        if times < CYCLES or times < SHARE * seen[index] or scale < SCALE:
            continue
        clip = max(clips, key=lambda one: one.calls)
        yield Finding(
            "NUM005",
            data={
                "function": clip.kind,
                "threshold": clip.threshold,
                "scale": scale,
                "effective": clip.threshold / scale,
                "early": times,
                "samples": seen[index],
                "optimizer": optimizer.kind,
            },
            place=at(clip.site),
            severity=Severity.ERROR if optimizer.kind in PLAIN else None,
        )


RULE = Rule(
    code="NUM005",
    name="clipping-before-unscaling",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}` runs before the gradients are unscaled ({early} of {samples} sampled steps): at a scale of {scale} "
        "the threshold {threshold} means {effective}.",
        "`{function}` 在梯度反缩放之前执行（{samples} 个采样步中的 {early} 个）：缩放系数为 {scale} 时，"
        "阈值 {threshold} 实际相当于 {effective}。",
    ),
    why=Text(
        "After `scaler.scale(loss).backward()` every gradient is {scale} times too large, so all of them are clipped; "
        "`scaler.step` divides afterwards. What is left is a tiny step that changes with the scale.",
        "`scaler.scale(loss).backward()` 之后，所有梯度都放大了 {scale} 倍，因此全部被裁剪；"
        "随后 `scaler.step` 再做除法，剩下的只是随缩放系数变化的极小一步。",
    ),
    fix=Text(
        "Call `scaler.unscale_(optimizer)` after the backward pass and before `{function}`.",
        "在反向传播之后、`{function}` 之前调用 `scaler.unscale_(optimizer)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(12):
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-clipping",),
    explains=("OPT008", "OPT013", "TRN*"),
    needs=("optimizer",),
)
