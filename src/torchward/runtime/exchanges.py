"""Watches the evaluations of one rank among several: does anything pass between the ranks before training goes on?

What passed is not looked at, only whether: the groups number their operations. Barriers, which have numbers too, are
counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

TIMES = 64
"""Evaluations that are written down, of one line."""
LINES = 64


class Evaluation:
    """From the first call of a model without gradients to the next backward pass, or to the end of the group."""

    def __init__(self, before: int, loader: int | None) -> None:
        self.before = before
        self.loader = loader
        self.print: str | None = None


class Exchanges:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.under_way: dict[tuple[int, int], Evaluation] = {}
        self.times: dict[tuple[int, int], int] = {}
        self.barriers = 0

    def evaluates(self, root: Root, args: Any, kwargs: Any, site: int) -> None:
        """A call without gradients."""
        key = root.index, site
        if key in self.under_way or self.times.get(key, 0) >= TIMES or len(self.times) > LINES:
            return
        before = self._passed()
        if before is None:
            return
        self.times[key] = self.times.get(key, 0) + 1
        begun = self.under_way[key] = Evaluation(before, self.recorder.loaders.feeding())
        self.recorder.usual = None  # the next backward pass ends it
        given = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        if given is None or given.is_complex():
            return
        few = thin(given).double()
        ramp = torch.arange(1, few.numel() + 1, dtype=torch.float64, device=few.device)

        def write(values: list[float]) -> None:
            begun.print = f"{values[0]:.6g}"

        self.recorder.reader.read([few.nan_to_num(0, 0, 0) @ ramp.sqrt()], write)

    def close(self) -> None:
        """Training goes on, or the group is about to end."""
        after = self._passed()
        for (model, site), begun in self.under_way.items():
            if after is not None:
                alone = after == begun.before
                self.recorder.row("xe", m=model, site=site, ld=begun.loader, al=alone, fp=begun.print)
        self.under_way.clear()

    def barrier(self, before: int | None) -> None:
        """A barrier was passed, or begun."""
        after = exchanged()
        if before is not None and after is not None:
            self.barriers += after - before

    def _passed(self) -> int | None:
        count = exchanged()
        return count - self.barriers if count is not None else None


def exchanged() -> int | None:
    """Operations of all groups so far; None without a group, or where a backend does not count."""
    distributed = torch.distributed
    if not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() < 2:
        return None
    count = 0
    try:
        for group in list(distributed.distributed_c10d._world.pg_map):
            backends: dict[int, Any] = {id(one): one for one in map(group._get_backend, group._device_types)}
            count += sum(one._get_sequence_number_for_group() for one in backends.values())
    except (RuntimeError, AttributeError, TypeError, ValueError):
        return None
    return count


def group() -> tuple[int, int] | None:
    """(rank in the default process group, processes in it)."""
    distributed = torch.distributed
    if not distributed.is_available() or not distributed.is_initialized():
        return None
    return int(distributed.get_rank()), int(distributed.get_world_size())
