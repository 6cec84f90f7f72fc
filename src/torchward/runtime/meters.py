"""Watches what gathers a score batch by batch: is it asked for while it holds batches of training and of evaluation?

Meters are the metrics of torchmetrics and of torcheval, and objects of the program's own with methods `update`, `reset`
and one that is asked. An update belongs to training if steps of the optimizer lie between it and those before and
after; to evaluation, if it is made without gradients, and stands last.
"""

from __future__ import annotations

import math
import sys
import weakref
from types import FrameType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from torchward.runtime.tensors import user_frame

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

ASKED = ("compute", "result", "value", "average", "mean", "accuracy", "score", "summary")
"""Methods by which a meter is asked for its score; the first that its class has."""
METERS = 256
WRITTEN = 32
TRAINED = 8
"""Steps of training that a meter was updated in, at least, ..."""
NEXT = 2
"""... each so many steps after the one before at most."""
TOGETHER = 3
"""Updates since the last step by which it is an evaluation where those of training have no gradients either: one of
them may be that step's own."""
OTHERS = 16
"""Updates in a row that compare nothing, from which on a meter that has never compared anything is left alone: most
average numbers."""
STATES = 64
"""Attributes of a meter by which a reset made by hand is noticed."""


class Window:
    """The updates of a meter since it was reset."""

    def __init__(self, meter: Any) -> None:
        self.ref = weakref.ref(meter)
        self.busy = False
        """A call of one batch is under way, which resets the meter and updates it as it likes."""
        self.others: float = 0
        """Updates that compared nothing; -inf once one did."""
        self.state: Any = None
        """Of a meter of the program's own after its last update."""
        self.clear()

    def clear(self) -> None:
        self.step = self.with_gradients = -NEXT - 1
        """Steps at the last update, and at the last one with gradients."""
        self.trained = self.alone = self.together = self.asked = 0
        """Steps with updates with gradients; steps with one update without; updates since the last step; updates
        without gradients since the last one with."""
        self.told = False
        self.asked_at: list[int] = []
        """Steps after which it was asked, behind an evaluation, ..."""
        self.of = -1
        """... of this model."""

    def earlier(self, step: int, model: int) -> int:
        """It is asked: how many evaluations of this model does it hold that it was asked for before, with training in
        between? Over the folds of a cross-validation, each with a model of its own, scores are gathered on purpose."""
        if model != self.of:
            self.of, self.asked_at = model, []
        if self.trained or self.alone or not self.asked or self.step != step:
            return 0
        if not self.asked_at or step - self.asked_at[-1] >= TRAINED:
            self.asked_at.append(step)
        return len(self.asked_at) - 1

    def add(self, step: int, graph: bool) -> None:
        if graph:
            self.trained += 0 < step - self.with_gradients <= NEXT or self.with_gradients < 0
            self.with_gradients, self.asked = step, 0
        else:
            self.asked += 1
        if step == self.step:
            self.together += 1
        else:
            self.alone += self.together == 1 and 0 < step - self.step <= NEXT
            self.step, self.together, self.told = step, 1, False

    def mixed(self) -> tuple[int, int] | None:
        """(batches of training, batches of evaluation that stand last) if it holds both."""
        if self.asked and self.trained >= TRAINED and self.asked <= self.together:
            return self.trained, self.asked
        if not self.trained and self.alone >= TRAINED and self.together >= TOGETHER:
            return self.alone, self.together
        return None


class Meters:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.windows: dict[int, Window] = {}
        self.written = 0
        self.followed: set[type] = set()
        parts = self.gave, self.begins, self.ends, self.resets, self.asks, self.changed, self.keep
        self.guarded = {one.__name__: recorder.guarded("meters", one) for one in parts}

    def window(self, meter: Any) -> Window | None:
        found = self.windows.get(id(meter))
        if found is None or found.ref() is not meter:
            if found is None and len(self.windows) >= METERS:
                self.windows = {key: one for key, one in self.windows.items() if one.ref() is not None}
                if len(self.windows) >= METERS:
                    return None
            found = self.windows[id(meter)] = Window(meter)
        return found

    def gave(self, meter: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A meter was given a batch."""
        window = self.window(meter)
        if window is None or window.busy or window.others >= OTHERS or self.recorder.inside:
            return
        if _compares([*args, *kwargs.values()]):
            window.others = -math.inf
            window.add(self.recorder.step, torch.is_grad_enabled())
        else:
            window.others += 1
            window.clear()

    def begins(self, meter: Any) -> None:
        """One batch is about to be given to a meter that answers for it alone."""
        window = self.window(meter)
        if window is not None:
            window.busy = True

    def ends(self, meter: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        window = self.window(meter)
        if window is not None:
            window.busy = False
            self.gave(meter, args, kwargs)

    def resets(self, meter: Any) -> None:
        window = self.windows.get(id(meter))
        if window is not None and not window.busy:
            window.clear()

    def asks(self, meter: Any, frame: FrameType | None) -> None:
        """A meter is about to be asked for its score."""
        window = self.windows.get(id(meter))
        if window is None or window.busy or window.told or self.recorder.inside or window.ref() is not meter:
            return
        earlier = window.earlier(self.recorder.step, self.recorder.scores.model)
        if earlier and self.written < WRITTEN:
            self.written += 1
            row = {"s": self.recorder.step, "site": self.recorder.site(user_frame(frame)), "e": earlier}
            self.recorder.row("kh", i=id(meter), name=type(meter).__name__, **row)
        found = window.mixed()
        if found is not None and self.written < WRITTEN:
            self.written += 1
            window.told = True
            site = self.recorder.site(user_frame(frame))
            row = {"s": self.recorder.step, "site": site, "t": found[0], "e": found[1]}
            self.recorder.row("mh", i=id(meter), name=type(meter).__name__, **row)

    # -- classes of the program's own, and torcheval's

    def follow(self, owner: type, patches: Patches) -> None:
        """A class that the program has defined may be one of meters."""
        global _followed
        _followed = self
        methods = vars(owner)
        name = next((one for one in ASKED if isinstance(methods.get(one), FunctionType)), None)
        if name is None or not all(isinstance(methods.get(one), FunctionType) for one in ("update", "reset")):
            return
        if not owner.__weakrefoffset__ or not owner.__dictoffset__:
            return
        library = sys.modules.get("torchmetrics")
        if issubclass(owner, torch.nn.Module) or (library is not None and issubclass(owner, library.Metric)):
            return
        self.followed.add(owner)
        patches.around(owner, "update", _updates, _updated)
        patches.around(owner, "reset", _resets, None)
        patches.around(owner, name, _asks, _asked)

    def follow_library(self, patches: Patches) -> None:
        library = sys.modules.get("torcheval.metrics")
        waiting = [library.Metric] if library is not None else []
        while waiting:
            for owner in waiting.pop().__subclasses__():
                waiting.append(owner)
                if owner not in self.followed:
                    self.follow(owner, patches)

    def changed(self, meter: Any) -> None:
        """What a meter of the program's own holds may have been set back by hand."""
        window = self.windows.get(id(meter))
        if window is not None and window.others < OTHERS and window.state != _state(meter):
            window.clear()

    def keep(self, meter: Any) -> None:
        window = self.windows.get(id(meter))
        if window is not None and window.others < OTHERS:
            window.state = _state(meter)


def _compares(given: list[Any]) -> bool:
    """Predictions and targets: two tensors or more of equally many examples. Or one tensor of numbers, as a loss is."""
    if any(isinstance(one, (bool, str, list, dict)) for one in given):
        return False  # say of images whether they are real
    arrays = [one for one in given if isinstance(one, (torch.Tensor, np.ndarray))]
    if len(arrays) == 1 and isinstance(arrays[0], torch.Tensor):
        return arrays[0].is_floating_point() and arrays[0].dim() == 0
    return len(arrays) > 1 and arrays[0].shape[:1] == arrays[1].shape[:1]


def _state(meter: Any) -> list[Any]:
    found: list[Any] = []
    for name, value in list(getattr(meter, "__dict__", {}).items())[:STATES]:
        if isinstance(value, torch.Tensor):
            found.append((name, id(value), None if value.is_inference() else value._version))
        elif isinstance(value, (int, float)):
            found.append((name, value))
        elif isinstance(value, (list, dict)):
            found.append((name, id(value), len(value)))
        else:
            found.append((name, id(value)))
    return found


_followed: Meters | None = None
"""Those of this process; see `environments`."""


def _here(part: str, *args: Any) -> None:
    if _followed is not None:
        _followed.guarded[part](*args)


def _updates(args: Any, _kwargs: Any) -> None:
    _here("changed", args[0])


def _updated(_token: Any, _result: Any, args: Any, kwargs: Any) -> None:
    _here("gave", args[0], args[1:], kwargs)
    _here("keep", args[0])


def _resets(args: Any, _kwargs: Any) -> None:
    _here("resets", args[0])


def _asks(args: Any, _kwargs: Any) -> None:
    _here("changed", args[0])
    _here("asks", args[0], sys._getframe(2))


def _asked(_token: Any, _result: Any, args: Any, _kwargs: Any) -> None:
    _here("changed", args[0])
