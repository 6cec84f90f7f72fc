"""How often is the action that is taken in an environment the one that a model values most? In sampled steps, while one
action after the other is taken: a model is asked for one state, then the environment is acted in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from torchward.runtime.policies import ACTIONS
from torchward.runtime.tensors import number, plain

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

MOST = 1_024
"""Actions of one sampled step that are looked at: each takes some 10 us."""


class Actions:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.answer: tuple[int, torch.Tensor] | None = None
        """The last model that valued the actions of one state since something was done, and these values."""
        self.greedy: dict[int, Any] = {}
        """By model: actions that were the ones valued most, ..."""
        self.acts: dict[int, int] = {}
        """... of so many."""
        self.unasked = self.looked_at = 0
        self.answered = recorder.guarded("actions", self._answered)
        # Unseen by the recorder's own stand-ins: `argmax` tells them how a program counts right answers.
        self.acted = recorder.guarded("actions", lambda *args: recorder.timed(self._acted, *args))

    def _answered(self, model: int, returned: Sequence[torch.Tensor]) -> None:
        made = returned[0] if returned else None
        if made is None or not plain(made) or not made.is_floating_point():
            return
        if 2 <= made.numel() <= ACTIONS and made.shape[-1] == made.numel():  # of one state
            self.answer = model, made.detach()

    def _acted(self, action: Any, visible: bool) -> None:
        """In a sampled step, something was done; `visible`: no call of a model could have been missed before."""
        answer, self.answer = self.answer, None
        index = _index(action)
        if index is None or not visible or self.looked_at >= MOST:
            return
        self.looked_at += 1
        if answer is None:
            self.unasked += 1
            return
        model, values = answer
        self.acts[model] = self.acts.get(model, 0) + 1
        self.greedy[model] = self.greedy.get(model, 0) + (values.argmax() == index)

    def end_step(self) -> None:
        """A sampled step is over."""
        head = {"s": self.recorder.step, "u": self.unasked}
        if self.unasked and not self.acts:
            self.recorder.row("xa", m=-1, n=0, g=0, **head)
        for model, acts in self.acts.items():

            def write(values: list[float], model: int = model, acts: int = acts) -> None:
                self.recorder.row("xa", m=model, n=acts, g=number(values[0]), **head)

            self.recorder.reader.read([self.greedy[model].float()], write)
        self.answer = None
        self.greedy, self.acts, self.unasked, self.looked_at = {}, {}, 0, 0


def _index(action: Any) -> int | None:
    """The number of an action; None where it is no plain choice, or on a device that would be waited for."""
    if isinstance(action, torch.Tensor):
        fits = action.is_cpu and action.numel() == 1 and not action.is_floating_point() and action.dtype != torch.bool
        return int(action) if fits else None
    if isinstance(action, bool) or not isinstance(action, (int, np.integer, np.ndarray)):
        return None
    found = np.asarray(action)
    return int(found.reshape(-1)[0]) if found.size == 1 and found.dtype.kind in "iu" else None
