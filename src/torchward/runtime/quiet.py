"""Looks where the program switches gradients off: what is called then may be an evaluation that has no other sign,
neither `eval()` nor a loader.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import in_torch
from torchward.runtime.wrap import Patches, innermost

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

SPACING = 50
"""Calls without gradients outside of sampled steps are looked at after the steps so far divided by this."""
SELDOM = 10
"""... at places that were not passed within so many steps before: at others an agent acts, or an average is updated:
looks would take the time of the samples."""
TIMES = 2
"""... so often in one step: an agent that acts does so thousands of times between two updates."""
PLACES = 64


class _Place:
    """A place in the code where gradients are switched off."""

    def __init__(self, step: int) -> None:
        self.entered, self.looked, self.times = step, -1, 0
        """Step in which it was passed last, that of the last look at what follows, and how often in it."""
        self.seldom = True


class Quiet:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.patches = Patches()
        self.places: dict[tuple[Any, int], _Place] = {}
        """(code, instruction) -> what is known of it."""

    def await_evaluation(self) -> None:
        """Look where gradients are switched off by the user, from now on."""
        if self.patches or not self.recorder.models.allowed:
            return
        entered, frame_of = self.recorder.guarded("modules", self._entered), sys._getframe
        for owner in (torch.no_grad, torch.inference_mode):
            self.patches.around(owner, "__enter__", lambda _args, _kwargs: entered(frame_of(2)), None)

    def undo(self) -> None:
        self.patches.undo()

    def _entered(self, frame: FrameType) -> None:
        """Gradients are switched off: an evaluation may begin."""
        recorder, models = self.recorder, self.recorder.models
        if models.armed or recorder.inside:
            return
        step, code = recorder.step, frame.f_code
        inner = frame.f_locals.get("func") if code.co_name == "decorate_context" else None
        if in_torch(frame) if inner is None else str(getattr(inner, "__module__", "torch")).startswith("torch."):
            return
        if recorder.sweeps.expects(frame, code if inner is None else getattr(innermost(inner), "__code__", code)):
            models.arm()
            return
        where = (code, frame.f_lasti) if inner is None else (getattr(inner, "__code__", code), 0)
        place = self.places.get(where)
        if place is None:
            if len(self.places) >= PLACES:
                return
            place = self.places[where] = _Place(step)
        if step != place.entered:
            place.seldom = step >= place.entered + SELDOM
            place.entered = step
        if step != place.looked:
            if not place.seldom or (place.looked >= 0 and step < place.looked + step // SPACING):
                return
            place.looked, place.times = step, 0
        place.times += 1
        if place.times <= TIMES:
            models.arm()
