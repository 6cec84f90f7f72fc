"""Watches models that no optimizer holds and that follow a trained one: running averages, target networks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

SPACING = 12
"""Copies of trained models are looked at after the steps so far divided by this."""
VALUES = 1_024
"""Of the largest parameter, that are compared."""


class Shadows:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def begin(self, root: Root, parameters: list[nn.Parameter]) -> None:
        """What the weights are when a model is first called, for copies that are found later."""
        largest = max(parameters, key=lambda parameter: parameter.numel())
        if plain(largest) and largest.is_floating_point():
            step = self.recorder.step

            def write(values: list[float]) -> None:
                self.recorder.row("root", i=root.index, first=[step, _fingerprint(values)])

            self.recorder.reader.read(_sums(thin(largest, VALUES).float()), write)

    def called(self, root: Root, module: nn.Module, site: int) -> None:
        """A model that no optimizer holds was called: how far is it from the trained one that it is a copy of?"""
        step, optimizers = self.recorder.step, self.recorder.optimizers
        root.copy_at = step + max(1, step // SPACING)
        own = list(module.parameters())
        if optimizers.holds(own):
            root.copy_at = sys.maxsize
            return
        for other in self.recorder.models.roots.values():
            top = other.ref()
            if top is None or other is root:
                continue
            theirs = list(top.parameters())
            if [one.shape for one in theirs] != [one.shape for one in own] or not optimizers.holds(theirs):
                continue
            place = max(range(len(own)), key=lambda place: own[place].numel())
            one, two = own[place], theirs[place]
            if one is two or not (plain(one) and plain(two) and one.is_floating_point() and one.device == two.device):
                continue
            mine, original = thin(one, VALUES).float(), thin(two, VALUES).float()
            row = {"i": root.index, "of": other.index, "s": step, "site": site, "ev": not module.training}
            statistics = [*_statistics(module), *_statistics(top)]

            def write(values: list[float], row: dict[str, Any] = row, known: bool = len(statistics) == 4) -> None:
                distance = number(values[2] / max(values[3], 1e-30))
                of = [_fingerprint(values[4:6]), _fingerprint(values[6:8])] if known else None
                self.recorder.row("cp", **row, fp=_fingerprint(values), d=distance, st=of)

            self.recorder.reader.read([*_sums(mine), (mine - original).norm(), original.norm(), *statistics], write)
            return


def _sums(values: torch.Tensor) -> list[torch.Tensor]:
    ramp = torch.arange(1, values.numel() + 1, dtype=torch.float32, device=values.device)
    return [values.sum(), (values * ramp).sum()]


def _statistics(module: nn.Module) -> list[torch.Tensor]:
    """Sums over the means and variances that batch norm keeps for evaluation; none without such layers."""
    layers = [one for one in module.modules() if isinstance(getattr(one, "running_var", None), torch.Tensor)]
    if not layers:
        return []
    return [
        torch.stack([getattr(layer, name).float().sum() for layer in layers]).sum()
        for name in ("running_mean", "running_var")
    ]


def _fingerprint(sums: list[float]) -> str:
    return f"{sums[0]:.9g}:{sums[1]:.9g}"
