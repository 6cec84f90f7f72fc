"""Memorising one batch: a copy of the model is trained on the captured examples alone, which a sound one can learn."""

from __future__ import annotations

import math
from collections.abc import Generator
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from torchward.runtime import evaluations
from torchward.runtime.copies import CannotLookError
from torchward.runtime.tensors import item, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

STEPS = 200
ENOUGH = 150
"""Trial steps after which the result counts, should the run end before the rest are done."""
RATE = 1e-3
"""Adam's default rate (Kingma & Ba 2015, section 2): it moves every weight by about 0.1 in the first half."""
LATER_RATE = 1e-2
"""... which is little for a model of one layer. In the second half those that are not done may move by 1."""
LEFT = 0.1
"""Memorising ends early once this share of the loss (above its least possible value) is left."""
PIECE_SECONDS = 0.002
"""Setting random states aside and back costs 0.1 ms: pieces of work should not be much shorter than this."""


def memorise(model: nn.Module, capture: Capture) -> Generator[None, None, None]:
    """Train the copy, in pieces, and write what came of it."""
    if not capture.own_loss and capture.target is None:
        capture.cannot("MemoriseProbe", "the loss is not one that can be computed again from the output")
        return
    if capture.computed:
        capture.cannot("MemoriseProbe", "its input is the output of another part that is trained with it")
        return
    count = capture.examples
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        capture.cannot("MemoriseProbe", "no parameter requires a gradient")
        return
    adam = torch.optim.Adam(parameters, lr=RATE)
    history: list[float] = []
    least = _least(capture)
    seconds = paused_at = 0.0
    for trial in range(STEPS):
        begin = perf_counter()
        if trial == STEPS // 2:
            for group in adam.param_groups:
                group["lr"] = LATER_RATE
        try:
            with torch.enable_grad():
                loss = capture.loss_of(model)
                adam.zero_grad()
                # Only the copy's: the model may use a tensor of the user's, of which the gradient must stay.
                loss.backward(inputs=parameters)
            adam.step()
        except CannotLookError as error:
            capture.cannot("MemoriseProbe", str(error))
            return
        except Exception as error:
            capture.cannot("MemoriseProbe", f"{type(error).__name__}: {error}"[:200])
            return
        history.append(float(item(loss.detach())))
        seconds += perf_counter() - begin
        if not math.isfinite(history[-1]) or history[-1] - least < LEFT * (history[0] - least):
            break
        if seconds - paused_at < PIECE_SECONDS:
            continue
        paused_at = seconds
        try:
            yield
        except GeneratorExit:
            if len(history) >= ENOUGH:
                break
            capture.cannot("MemoriseProbe", f"the run ended after {len(history)} of {STEPS} trial steps")
            raise
    first = next(tensors_in(capture.args), None)
    distinct = first is None or len({tuple(row) for row in first.reshape(count, -1)[:, :64].tolist()}) == count
    capture.found(
        "MemoriseProbe",
        seconds,
        steps=len(history),
        first_loss=history[0],
        last_loss=min(history),
        least_loss=least,
        constant_loss=_constant(capture),
        loss_kind=capture.kind or "of the model",
        examples=count,
        targets=capture.target.numel() if capture.target is not None else 0,
        distinct_inputs=distinct,
        inputs=first[0].numel() if first is not None and len(first) else 0,
        lr=RATE,
    )


def _least(capture: Capture) -> float:
    """Entropy of soft targets of the binary losses; 0 for everything else."""
    target = capture.target
    if target is None or capture.kind not in evaluations.BINARY_LOSSES:
        return 0.0
    share = target.detach().double().clamp(1e-12, 1 - 1e-12)
    entropy = -(share * share.log() + (1 - share) * (1 - share).log())
    return float(entropy.sum() if capture.options.get("reduction") == "sum" else entropy.mean())


def _constant(capture: Capture) -> float | None:
    """Loss of the best prediction that ignores the input."""
    target = capture.target
    if target is None or capture.options.get("reduction", "mean") != "mean":
        return None
    if capture.kind == "mse_loss":
        return float((target.float() - target.float().mean(0, keepdim=True)).square().mean())
    if capture.kind in evaluations.CLASS_LOSSES and not target.is_floating_point():
        _, counts = target.flatten().unique(return_counts=True)
        shares = counts.double() / counts.sum()
        return float(-(shares * shares.log()).sum())
    return None
