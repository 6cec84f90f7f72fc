"""Looks for numbers next to zero in what optimizers keep, and tries out how much longer a processor computes with them.

Numbers below the smallest normal one of their type are computed by a slow way on many processors. Which operations that
hits is not the same on all of them, so it is measured here, on copies: the same values with and without such numbers.
"""

from __future__ import annotations

import math
import statistics
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime.tensors import number, plain

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.recorder import Recorder

TINY = torch.finfo(torch.float32).tiny
LARGEST = 6
"""Parameters of an optimizer whose state is looked at: time goes where the elements are."""
ELEMENTS = 16_384
"""A state of fewer elements takes a few microseconds, however slow they are."""
ROOTS = ("max_exp_avg_sq", "exp_avg_sq", "square_avg", "acc_delta", "sum")
"""Entries that torch's optimizers take the root of; with the first one, not of the second."""
SEEN = 512
"""Values of a state that are looked at; more would take longer than the rest of a sample, for they lie far apart."""
LEAST = 0.01
"""Share from which it is tried out. A share of 0.01 made a root take 2.1 times as long, and a step of Adam 1.3
times (AMD EPYC of family 25, torch 2.13, MKL)."""
SLOW = 5e-8
"""Seconds that an element can cost at most: 2e-8 measured there."""
NOTICED = 0.02
"""Share of a step that these could cost at most, from which it is tried out."""
BLOCK, BLOCKS = 4_096, 8
"""A trial takes whole blocks: what lies next to each other is computed together. So many for each thread."""
MOST = 2**20
"""Elements of a trial."""
REPEATS = 4
TRIED, SECONDS = 3, 0.02
"""States that a trial measures at most, those with the most such numbers, and what that takes at worst."""
FIRST, TRIALS = 20, 6
"""Step of the first trial at the earliest, and how many there are for one optimizer; a further one when the share has
doubled, or after twice as many steps."""


class _State(NamedTuple):
    """One tensor that an optimizer keeps for one parameter."""

    parameter: torch.Tensor
    key: str
    values: torch.Tensor
    rooted: bool


class Subnormals:
    """Everything here runs in sampled steps only."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.tried: dict[int, tuple[int, float, int]] = {}
        """Number of an optimizer -> (trials, share and step of the last one)."""
        self.usual = 0.0
        """Seconds of a step."""
        self.look = recorder.guarded("subnormals", self._look)

    def _look(self, opt: Opt, optimizer: torch.optim.Optimizer) -> None:
        """A step was made: are there such numbers in what the optimizer keeps?"""
        if self.recorder.step < FIRST or not (states := _states(optimizer)):
            return
        sizes = torch.stack([_some(state.values) for state in states]).abs()
        counted = ((sizes > 0) & (sizes < TINY)).float().mean(1)

        def judge(shares: list[float]) -> None:
            self._judge(opt, states, shares)

        self.recorder.reader.read(counted.unbind(), judge)

    def _judge(self, opt: Opt, states: list[_State], shares: list[float]) -> None:
        recorder, step = self.recorder, self.recorder.step
        slow = sum(share * state.values.numel() for share, state in zip(shares, states, strict=True))
        if recorder.durations:
            self.usual = statistics.median(recorder.durations)
        share = slow / sum(state.values.numel() for state in states)
        trials, last_share, last_step = self.tried.get(opt.index, (0, 0.0, 0))
        if trials and share < last_share / 2:
            self.tried[opt.index] = (trials, share, step)
            recorder.row("sub", i=opt.index, s=step, sh=number(share), st=[])
            return
        again = trials < TRIALS and (share >= 2 * last_share or step >= 2 * last_step)
        if share < LEAST or not self.usual or slow * SLOW < NOTICED * self.usual or not again:
            return
        if not recorder.pace.may_spend(SECONDS, perf_counter()):
            return
        self.tried[opt.index] = (trials + 1, share, step)
        found = []
        most = sorted(zip(shares, states, strict=True), key=lambda one: -one[0] * one[1].values.numel())
        for part, state in most[:TRIED]:
            held = recorder.parameters.find(state.parameter)
            if part < LEAST or held is None:
                continue
            with_them, without = _measured(state)
            found.append(
                [held.index, state.key, number(part), state.values.numel(), number(with_them), number(without)]
            )
        if found:
            recorder.row("sub", i=opt.index, s=step, sh=number(share), st=found)


def _states(optimizer: torch.optim.Optimizer) -> list[_State]:
    """What it keeps for its largest parameters, on the processor and as large as they are."""
    held = [
        (parameter, group)
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.device.type == "cpu" and parameter.numel() >= ELEMENTS and parameter in optimizer.state
    ]
    held.sort(key=lambda pair: -pair[0].numel())
    found = []
    for parameter, group in held[:LARGEST]:
        kept: Any = optimizer.state[parameter]
        if not isinstance(kept, dict):
            continue
        roots = [] if group.get("fused") else [key for key in ROOTS if key in kept]
        roots = [key for key in roots if key != "exp_avg_sq" or "max_exp_avg_sq" not in kept]
        for key, values in kept.items():
            if not isinstance(values, torch.Tensor) or not plain(values) or values.shape != parameter.shape:
                continue
            if values.device.type == "cpu" and values.dtype == torch.float32 and values.is_contiguous():
                found.append(_State(parameter, str(key), values, key in roots))
    return found


def _some(values: torch.Tensor) -> torch.Tensor:
    """`SEEN` evenly spaced ones."""
    flat = values.detach().reshape(-1)
    stride = flat.numel() // SEEN
    while math.gcd(stride, flat.numel()) > 1:  # so that it does not pick the same column of every row
        stride -= 1
    return flat[: SEEN * stride : stride]


def _measured(state: _State) -> tuple[float, float]:
    """Seconds that an element costs in a step, as it is, and were it not so small: the least of several times."""
    values = state.values.detach().reshape(-1)
    most = min(BLOCKS * torch.get_num_threads(), MOST // BLOCK)
    stride = max(1, values.numel() // (BLOCK * most))
    own = torch.cat([values[begin : begin + BLOCK] for begin in range(0, values.numel(), stride * BLOCK)][:most])
    normal = torch.where((own != 0) & (own.abs() < TINY), torch.full_like(own, 2.0**20 * TINY), own)
    made = torch.empty_like(own)
    least = [float("inf")] * 2
    for _ in range(REPEATS):
        for place, one in enumerate((own, normal)):
            began = perf_counter()
            torch.mul(one, 0.99, out=made)
            if state.rooted:
                torch.sqrt(made, out=made)
            made.add_(1e-8)
            least[place] = min(least[place], perf_counter() - began)
    return least[0] / own.numel(), least[1] / own.numel()
