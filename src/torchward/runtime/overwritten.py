"""Watches weights that a model was given, by a state dict or as an embedding that was made of them: are they still
there when it is trained?

Of each such tensor a few hundred values are kept until then, to see whether those that stand in its place have anything
to do with them.
"""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.names import unwrapped
from torchward.runtime.tensors import caller, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 512
"""Tensors that are followed at a time."""
LOADS = 64
"""State dicts that are looked at."""
LEAST, VALUES = 64, 256
"""Numbers of a tensor, at least, and those of it that are kept."""
SEARCHES = 8
"""Times that the program's tensors are gone through; each takes some hundredths of a second where there are many."""
DRAWN = (1.7, 3.4)
"""Kurtosis of what an initialisation draws: 1.8 evenly between two bounds, 3 from a normal distribution (in a sample of
n with a deviation of the root of 24 / n), in between where its tails are cut."""
UNRELATED = 0.25
"""Correlation of old and new values, up to which these do not come from those: with 256 values that of two random draws
is below it in all but one of 10,000. Weights that were averaged, rounded, pruned or disturbed lie far above."""


class _Given:
    def __init__(self, tensor: torch.Tensor, step: int, site: int) -> None:
        self.of = weakref.ref(tensor)
        self.values = thin(tensor.detach(), VALUES).clone()
        self.step, self.site = step, site
        self.lost: bool | None = None
        """None: not compared yet."""


class Overwritten:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.held: dict[int, _Given] = {}
        """By the identity of the tensor."""
        self.loaded, self.made, self.begins, self.look = (
            recorder.guarded("weights that were given", one)
            for one in (self._loaded, self._made, self._begins, self._look)
        )
        self.loads = self.searches = 0

    def _loaded(self, module: nn.Module) -> None:
        """A state dict was put into a module."""
        self.loads += 1
        if self.loads > LOADS or any(map(self.recorder.parameters.find, module.parameters())):
            return  # it has been called before
        site = self.recorder.site(caller(4))
        for parameter in module.parameters():
            self._hold(parameter, site)

    def _made(self, _token: Any, _result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An embedding was made, maybe of a table that there was."""
        if kwargs.get("_weight") is not None and not self.recorder.inside:
            self._hold(args[0].weight, self.recorder.site(caller(3)))

    def _hold(self, tensor: torch.Tensor, site: int) -> None:
        if len(self.held) >= LIMIT:
            self.held = {key: one for key, one in self.held.items() if one.of() is not None}
        if (
            len(self.held) < LIMIT
            and plain(tensor)
            and tensor.is_cpu
            and tensor.is_floating_point()
            and tensor.numel() >= LEAST
        ):
            self.held[id(tensor)] = _Given(tensor, self.recorder.step, site)

    def _begins(self, optimizer: torch.optim.Optimizer) -> None:
        """An optimizer was made: its steps change what it holds."""
        if self.held and not self.recorder.inside:
            for group in optimizer.param_groups:
                for tensor in group["params"]:
                    self._compare(tensor)

    def _compare(self, tensor: torch.Tensor) -> None:
        held = self.held.get(id(tensor))
        if held is None or held.of() is not tensor or held.lost is not None:
            return
        if not tensor.requires_grad or held.step == self.recorder.step:
            now = thin(tensor.detach(), VALUES)
            held.lost = _unrelated(held.values, now) and _drawn(tensor.detach()) and not self._copied(tensor, now)

    def _copied(self, tensor: torch.Tensor, now: torch.Tensor) -> bool:
        """Another tensor of the program's has these very values: it was put in their place on purpose."""
        self.searches += 1
        if self.searches > SEARCHES:
            return True
        kinds = (torch.Tensor, nn.Parameter)
        others = (one for one in gc.get_objects() if type(one) in kinds and one is not tensor and plain(one))
        like = (one for one in others if one.shape == tensor.shape and one.is_cpu and one.dtype == tensor.dtype)
        return any(one.data_ptr() != tensor.data_ptr() and torch.equal(thin(one.detach(), VALUES), now) for one in like)

    def _look(self, root: Root, module: nn.Module) -> None:
        """A model that is trained was called for the first time, or for the first time in a sampled step."""
        given: dict[int, int] = {}
        lost: dict[int, list[tuple[str, int]]] = {}
        for name, parameter in module.named_parameters():
            self._compare(parameter)
            held = self.held.pop(id(parameter), None)
            if held is None or held.of() is not parameter or held.lost is None:
                continue
            given[held.site] = given.get(held.site, 0) + parameter.numel()
            if held.lost:
                lost.setdefault(held.site, []).append((unwrapped(name), parameter.numel()))
        for site, found in lost.items():
            row = {"m": root.index, "site": site, "n": sum(numbers for _, numbers in found), "of": given[site]}
            self.recorder.row("ow", s=self.recorder.step, names=[name for name, _ in found[:8]], **row)


def _drawn(tensor: torch.Tensor) -> bool:
    values = thin(tensor).double()
    values = values - values.mean()
    second = float(values.square().mean())
    return second > 0 and DRAWN[0] <= float((values**4).mean()) / second**2 <= DRAWN[1]


def _unrelated(before: torch.Tensor, now: torch.Tensor) -> bool:
    if before.shape != now.shape or torch.equal(before, now):
        return False
    both = torch.stack([before, now]).detach().double()
    both -= both.mean(1, keepdim=True)
    size = both.square().sum(1).sqrt()
    return bool((size > 0).all()) and float((both[0] * both[1]).sum() / size.prod()) <= UNRELATED
