"""Looks for numbers next to zero in what optimizers keep, and tries out how much longer a processor computes with them.

Numbers below the smallest normal one of their type are computed by a slow way on many processors. Which operations that
hits is not the same on all of them, so it is measured here, on copies: the same values with and without such numbers.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime.tensors import number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.recorder import Recorder

LARGEST = 6
"""Parameters of an optimizer whose state is looked at: time goes where the elements are."""
ELEMENTS = 16_384
"""A state of fewer elements takes a few microseconds, however slow they are."""
ROOTS = ("max_exp_avg_sq", "exp_avg_sq", "square_avg", "acc_delta", "sum")
"""Entries that torch's optimizers take the root of; with the first one, not of the second."""
LEAST = 0.005
"""Share from which it is tried out. Of the largest, 0.01 made a root take 2.1 times as long, and a step of Adam 1.3
times (AMD EPYC of family 25, torch 2.13, MKL)."""
SLOW = 5e-8
"""Seconds that an element can cost at most: 2e-8 measured there."""
NOTICED = 0.02
"""Share of a step that these could cost at most, from which it is tried out."""
BLOCK, BLOCKS = 4_096, 16
"""A trial takes whole blocks: how many of a row of the processor are slow depends on who lies next to whom."""
REPEATS = 5
TRIED, SECONDS = 4, 0.03
"""States that a trial measures at most, those with the most such numbers, and what that takes at worst."""
TRIALS = 4
"""Of one optimizer; a further one when the share has doubled or after twice as many steps."""


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
        trials, _, _ = self.tried.get(opt.index, (0, 0.0, 0))
        states = _states(optimizer) if trials < TRIALS else []
        if not states:
            return
        counted = []
        for state in states:
            sizes = thin(state.values).abs()
            counted.append(((sizes > 0) & (sizes < torch.finfo(sizes.dtype).tiny)).float().mean())

        def judge(shares: list[float]) -> None:
            self._judge(opt, states, shares)

        self.recorder.reader.read(counted, judge)

    def _judge(self, opt: Opt, states: list[_State], shares: list[float]) -> None:
        recorder, step = self.recorder, self.recorder.step
        slow = sum(share * state.values.numel() for share, state in zip(shares, states, strict=True))
        if recorder.durations:
            self.usual = statistics.median(recorder.durations)
        share = slow / sum(state.values.numel() for state in states)
        trials, last_share, last_step = self.tried.get(opt.index, (0, 0.0, 0))
        again = share >= 2 * last_share or step >= 2 * last_step
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
            if values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64):
                found.append(_State(parameter, str(key), values, key in roots))
    return found


def _measured(state: _State) -> tuple[float, float]:
    """Seconds that an element costs in a step, as it is, and were it not so small: the least of several times."""
    values = state.values.detach().reshape(-1)
    most = max(BLOCKS, min(8 * torch.get_num_threads(), 16 * BLOCKS))
    stride = max(1, values.numel() // (BLOCK * most))
    own = torch.cat([values[begin : begin + BLOCK] for begin in range(0, values.numel(), stride * BLOCK)][:most])
    tiny = torch.finfo(own.dtype).tiny
    normal = torch.where((own != 0) & (own.abs() < tiny), torch.full_like(own, 2.0**20 * tiny), own)
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
