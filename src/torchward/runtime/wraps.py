"""Small integers that a data set stores, and what becomes of them on the way out: do they run over?

A byte that is doubled, or from which something is taken, may pass the end of its range and go on at the other end. What
is handed out then lies on a straight line over what is stored, but for steps of exactly one range.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime.tensors import plain, tensors_in

RANGES = {torch.uint8: 256, torch.int8: 256, torch.int16: 65_536}
VALUES = 4_096
"""Of each example, the first ones: of one channel, or a stretch of sound."""
EXAMPLES = 4
"""At least: each place is compared with itself in other examples."""
FACTOR = 16
"""Largest whole number by which the stored ones may have been multiplied."""
ON_LINE = 0.2
"""Share of pairs that lie exactly on the line, the commonest slope: other pairs have a step between them."""
STEPPED = 0.01
"""Share of values that are a step away from the first example's."""
ROUNDING = 0.05
"""In steps of the stored number."""


class Wrapped(NamedTuple):
    values: int
    stepped: int
    factor: int
    kind: str


def wrapped(stored: list[Any], handed: list[torch.Tensor]) -> Wrapped | None:
    """Of examples as they are stored and as they are handed out; None where nothing is certain."""
    rows = [torch.as_tensor(row) for row in stored]
    if len(rows) < EXAMPLES or len(rows) != len(handed) or rows[0].dtype not in RANGES or not rows[0].dim():
        return None
    if any(row.dtype != rows[0].dtype or row.shape != rows[0].shape for row in rows):
        return None
    if any(one.shape != handed[0].shape or one.numel() != rows[0].numel() for one in handed):
        return None
    channels_last = rows[0].dim() == 3 and rows[0].shape[2] <= 4 < rows[0].shape[0]
    if channels_last and handed[0].shape == (rows[0].shape[2], *rows[0].shape[:2]):
        rows = [row.permute(2, 0, 1) for row in rows]
    # One channel: others may have a scale of their own.
    several = handed[0].dim() == 3 and handed[0].shape[0] <= 4
    size = handed[0][0].numel() if several else handed[0].numel()
    before = torch.stack([row.reshape(-1)[: min(size, VALUES)] for row in rows]).double()
    after = torch.stack([one.detach().reshape(-1)[: min(size, VALUES)] for one in handed]).double()
    apart = before[1:] - before[0]
    slopes = ((after[1:] - after[0]) / apart)[apart != 0]
    if len(slopes) < VALUES // 64 or not bool(torch.isfinite(slopes).all()):
        return None
    # Where all is well every slope is the same; rounding of float32 is taken away.
    scale = float(slopes.abs().median()) or 1.0
    found, times = (slopes / scale * 1e3).round().unique(return_counts=True)
    slope = float(found[times.argmax()]) * scale / 1e3
    near = slopes[(slopes - slope).abs() < 2e-3 * scale]
    if not slope or len(near) < ON_LINE * len(slopes):
        return None
    slope = float(near.median())
    off = (after[1:] - after[0]) / slope - apart
    off = off - off.amin(1, keepdim=True)  # an example may be brighter than another one in all its places
    steps = off[off.abs() > 1]
    if len(steps) < STEPPED * off.numel():
        return None
    span = RANGES[rows[0].dtype]
    factor = round(span / float(steps.abs().min()))
    step = span / factor if 1 <= factor <= FACTOR else 0.0
    if not step or float((off / step - (off / step).round()).abs().max()) * step > ROUNDING * max(1.0, span / 256):
        return None
    return Wrapped(off.numel(), len(steps), factor, str(rows[0].dtype).removeprefix("torch."))


def examples_in(batch: Any, size: int, count: int) -> list[list[torch.Tensor]]:
    """The first examples of each tensor of a batch. Whole numbers must be pictures: others may count in a circle."""
    return [
        list(tensor[:count])
        for tensor in tensors_in(batch)
        if plain(tensor)
        and tensor.is_cpu
        and tensor.dim() > (1 if tensor.is_floating_point() else 3)
        and len(tensor) == size
        and not tensor.is_complex()
    ]
