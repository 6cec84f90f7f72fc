"""Watches whether a running average of the weights is put into the model itself for an evaluation, and stays there.

A few values of the largest weights are read behind the last step before an evaluation, in the evaluation, and before
the next step. If they changed before it and not after it, training goes on from what was evaluated. That this is a
running average shows in the steps after it: somewhere in the program a tensor had the same values, and follows the
trained weights by a part of the way.
"""

from __future__ import annotations

import gc
import math
import weakref
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import item, number, plain, thin

if TYPE_CHECKING:
    from torch import nn

    from torchward.runtime.models import Root
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.recorder import Recorder

VALUES = 256
"""Of each weight that are compared."""
WEIGHTS = 3
"""The largest ones of the leading optimizer."""
FEWEST = 16
"""Numbers of a weight from which on a direction is no coincidence."""
SOUND = 3
"""Evaluations without anything of this kind after which it is not looked for any more."""
TRIES = 16
"""Evaluations after which a step is sampled for this where the next one is expected: not all come when they should."""
FOUND = 2
"""Evaluations with it, one after the other: weights are put in once on purpose, as where a stage of training begins."""
FOLLOWED = 10
"""Steps after an evaluation in which an average is looked for; some are updated every so many steps."""
ALIGNED = 0.7
"""Cosine between the way of the average and that of the weights. After one step both are the same but for rounding; of
so many values that have nothing to do with each other it is below 0.3."""
MOST = 0.95
"""Part of the way from which on it is a copy. Averages that begin with small factors take 0.9 of the first step."""
CANDIDATES = 256
"""Tensors of the same shape that are compared."""

Noted = list[tuple["weakref.ref[torch.Tensor]", torch.Tensor]]


class Averages:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.evaluations = (0, 0)
        """The steps of the last two."""
        self.wanted = 0
        """The next step that is to be sampled."""
        self.kept: Noted = []
        """Behind the last step, ..."""
        self.at = -1
        """... which was this one."""
        self.shown: list[torch.Tensor] | None = None
        """The same in an evaluation since then; of which model, and where."""
        self.where = (-1, -1)
        self.weight: Any = lambda: None
        """The one that is followed, ..."""
        self.begun: torch.Tensor | None = None
        """... and what training went on from, while it is ..."""
        self.began = 0
        """... since this step."""
        self.holders: list[weakref.ref[torch.Tensor]] = []
        """Tensors that had the same values then."""
        self.away = self.step_length = 0.0
        """How far the weights were from what was put in for them, and how far a step goes."""
        self.sound = self.found = self.tries = 0
        self.others = 0
        """Evaluations that were looked at and that call another model than the one that is trained."""
        self.done = False
        self.begin, self.asked, self.before_step = (
            recorder.guarded("averages", one) for one in (self._begin, self._asked, self._before_step)
        )

    def _begin(self, opt: Opt | None) -> None:
        """A sampled step begins, right behind the step before of the leading optimizer."""
        self.shown, self.at = None, self.recorder.step
        self._sample_at(self.wanted)
        optimizer = opt.ref() if opt is not None and not self.done else None
        if optimizer is None or not self.at:
            self.kept = []
            return
        tensors = [one for group in optimizer.param_groups for one in group["params"] if _fit(one)]
        largest = sorted(tensors, key=lambda tensor: -tensor.numel())[:WEIGHTS]
        self.kept = [(weakref.ref(tensor), thin(tensor, VALUES).clone()) for tensor in largest]

    def _asked(self, root: Root, module: nn.Module, site: int) -> None:
        """A call without gradients: the first after a step belongs to an evaluation."""
        recorder, step = self.recorder, self.recorder.step
        if self.done or not step:
            return
        if step != self.evaluations[1]:
            self.evaluations = self.evaluations[1], step
            self.tries += 1
            if self.tries <= TRIES:  # the next one is expected after as many steps
                self._sample_at(2 * step - self.evaluations[0])
        if not recorder.sampling or self.shown is not None or not self.kept or self.at != step:
            return
        own = {id(parameter) for parameter in module.parameters()}
        kept = [(ref, values) for ref, values in self.kept if id(ref()) in own]
        if kept:
            self.kept = kept
            self.shown = [thin(tensor, VALUES).clone() for tensor in _alive(kept)]
            self.where = root.index, site

    def _before_step(self, opt: Opt) -> None:
        """The leading optimizer is about to step."""
        if self.done or not self.kept or self.at != self.recorder.step:
            return
        if self.shown is not None:
            if not self._stays(self.shown):
                self.begun = None
                self.sound += 1
                self._write()
                self.done = self.found > 0 or self.sound >= SOUND
        elif self.begun is not None:
            self._follow(self.begun)
        elif self.evaluations[1] == self.at:
            self.others += 1
            self.done = self.others >= SOUND

    def _stays(self, shown: list[torch.Tensor]) -> bool:
        """Since the last step the weights became those of a tensor that lies elsewhere, and they are so still."""
        now = [thin(tensor, VALUES) for tensor in _alive(self.kept)]
        if len(now) != len(shown) or not all(map(torch.equal, shown, now)):
            return False
        for (ref, before), values in zip(self.kept, shown, strict=True):
            weight = ref()
            if weight is None or torch.equal(before, values):
                continue
            same = [other for other in _alike(weight) if thin(other, VALUES).to(values.dtype).equal(values)]
            self.holders = [weakref.ref(other) for other in same if other.data_ptr() != weight.data_ptr()]
            if not same:
                return False
            self.weight, self.begun, self.began = ref, values.double(), self.recorder.step
            self.away, self.step_length = _distance(before, values), 0.0
            self._sample_at(self.recorder.step + 1)
            return True
        return False

    def _follow(self, begun: torch.Tensor) -> None:
        """Has the tensor that held these values gone a part of the way that the weights have gone since?"""
        weight, steps = self.weight(), self.recorder.step - self.began
        if weight is None or steps > FOLLOWED:
            self.begun, self.done = None, True
            return
        way = thin(weight, VALUES).double() - begun
        self.step_length = self.step_length or float(item(way.norm())) / steps
        alive = [ref for ref in self.holders if ref() is not None]
        gone, self.holders = not alive or len(alive) < len(self.holders), alive
        part = _part([other for ref in alive if (other := ref()) is not None], begun, way)
        if part is None and gone:  # an average may be made anew each time
            part = _part(_alike(weight), begun, way)
        if part is None:
            self._sample_at(self.recorder.step + 1)
            return
        self.begun = None
        self.found += 1
        self._write(part)
        self.done = self.found >= FOUND

    def _sample_at(self, step: int) -> None:
        """The step after so many is to be sampled."""
        recorder = self.recorder
        if step > recorder.step:
            self.wanted = step
            recorder.next_sample = min(recorder.next_sample, step)
            recorder.next_look = min(recorder.next_look, step - 1)

    def _write(self, part: float = 0.0) -> None:
        if self.found:
            model, site = self.where
            self.recorder.row(
                "averaged",
                s=self.recorder.step,
                m=model,
                site=site,
                n=self.found,
                ok=self.sound,
                away=number(self.away / self.step_length) if self.step_length else 0.0,
                part=number(part),
            )


def _fit(tensor: Any) -> bool:
    trained = plain(tensor) and tensor.requires_grad and tensor.is_floating_point()
    return bool(trained and tensor.is_cpu and tensor.numel() >= FEWEST)


def _alive(kept: Noted) -> list[torch.Tensor]:
    return [tensor for ref, _ in kept if (tensor := ref()) is not None]


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(item((one.double() - other.double()).norm()))


def _alike(weight: torch.Tensor) -> list[torch.Tensor]:
    """Other tensors of its shape in the program. To ask for all takes some hundredths of a second."""
    kinds = (torch.Tensor, torch.nn.Parameter)
    found = (one for one in gc.get_objects() if type(one) in kinds and one is not weight and plain(one))
    like = [one for one in found if one.shape == weight.shape and one.device == weight.device]
    return [one for one in like if one.is_floating_point()][:CANDIDATES]


def _part(tensors: list[torch.Tensor], begun: torch.Tensor, way: torch.Tensor) -> float | None:
    """The part of the way from `begun` on that one of the tensors has gone."""
    length = float(item(way.norm()))
    if not 0 < length < math.inf:
        return None
    for other in tensors:
        gone = thin(other, VALUES).double() - begun
        size, along = float(item(gone.norm())), float(item((gone * way).sum())) / length
        if 0 < along <= MOST * length and along >= ALIGNED * size:
            return along / length
    return None
