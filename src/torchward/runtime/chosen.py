"""Which weights are put back: those of which evaluation?

At each evaluation a few values of a trained parameter are read, and again when a state dict is loaded: the same values
tell that the weights are those of that evaluation. Metrics of torchmetrics tell their scores when they are reset.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import number, plain

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

VALUES = 8
"""Of a parameter, read at each evaluation; training changes them all."""
EVALUATIONS = 400
LOADS = 64
SCORES = 2_000
LOOKED_AT = 256
"""Parameters of a model among which the one that is read is looked for."""


class _Marked:
    def __init__(self) -> None:
        self.ref: weakref.ref[torch.Tensor] | None = None
        """The parameter that is read; None as long as no optimizer holds one."""
        self.step = -1
        self.evaluations = 0


class Chosen:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.marked: dict[int, _Marked] = {}
        self.loads = self.scores = 0

    def asked(self, root: Root, module: torch.nn.Module) -> None:
        """A call without gradients: the first after a step begins an evaluation."""
        recorder, known = self.recorder, self.marked.setdefault(root.index, _Marked())
        if not recorder.step or known.step == recorder.step or known.evaluations >= EVALUATIONS:
            return
        known.step = step = recorder.step
        parameter = known.ref() if known.ref is not None else None
        if parameter is None:
            parameter = self._trained(module)
            if parameter is None:
                return
            known.ref = weakref.ref(parameter)
        known.evaluations += 1

        def write(values: list[float]) -> None:
            recorder.row("wm", m=root.index, s=step, v=values)

        recorder.reader.read(_some(parameter), write)

    def _trained(self, module: torch.nn.Module) -> torch.Tensor | None:
        """The last of its parameters that an optimizer holds."""
        own = [one for _, one in zip(range(LOOKED_AT), module.parameters(), strict=False)]
        fit = (one for one in reversed(own) if plain(one) and one.numel() >= VALUES and one.requires_grad)
        return next((one for one in fit if self.recorder.optimizers.holders(one)), None)

    def loading(self, pairs: list[tuple[Any, torch.Tensor]], site: int) -> None:
        """A state dict is about to be loaded: what is given for each of the trained parameters."""
        recorder, step = self.recorder, self.recorder.step
        for given, own in pairs:
            read = ((index, one.ref) for index, one in self.marked.items() if one.ref is not None)
            model = next((index for index, ref in read if ref() is own), None)
            if model is None or self.loads >= LOADS or not plain(given) or given.shape != own.shape:
                continue
            self.loads += 1

            def write(values: list[float], model: int = model) -> None:
                recorder.row("wl", m=model, s=step, v=values, site=site)

            recorder.reader.read(_some(given), write)

    def reset(self, metric: Any) -> None:
        """A metric of torchmetrics is about to be reset: what did it come to?"""
        recorder = self.recorder
        value: Any = getattr(metric, "_computed", None)
        better, known = getattr(metric, "higher_is_better", None), recorder.scores.metrics
        if self.scores >= SCORES or better is None or not plain(value) or value.numel() != 1:
            return
        index = next((place for place, ref in enumerate(known) if ref() is metric), None)
        if index is None or index in recorder.scores.of_training:
            return
        self.scores += 1
        step, name = recorder.step, type(metric).__name__

        def write(values: list[float]) -> None:
            recorder.row("mv", i=index, s=step, name=name, hb=bool(better), v=number(values[0]))

        recorder.reader.read([value.detach().float().reshape(())], write)


def _some(parameter: torch.Tensor) -> list[torch.Tensor]:
    flat = parameter.detach().reshape(-1)
    return list(flat[:: max(1, len(flat) // VALUES)][:VALUES].float().unbind())
