"""torchmetrics: which metrics there are, whether they are given something, and what they come to."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from torchmetrics import Metric

from torchward.runtime.wrap import around

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

MOST = 64


def install(recorder: Recorder, patches: Patches) -> None:
    metrics, guarded = recorder.scores.metrics, recorder.meters.guarded

    def made(_token: Any, _result: Any, args: Any, _kwargs: Any) -> None:
        if len(metrics) < MOST:
            metrics.append(weakref.ref(args[0]))

    chosen = recorder.guarded("torchmetrics", lambda one: recorder.timed(recorder.checkpoints.chosen.reset, one))

    def resets(args: Any, _kwargs: Any) -> None:
        chosen(args[0])
        guarded["resets"](args[0])

    # A metric's own `update` and `compute` are attributes that it makes itself, and leaves out where it is copied.
    updates, computes = Metric._wrap_update, Metric._wrap_compute

    def wrap_update(self: Any, update: Any) -> Any:
        of = weakref.ref(self)

        def gave(_token: Any, _result: Any, args: Any, kwargs: Any) -> None:
            guarded["gave"](of(), args, kwargs)

        return around(updates(self, update), None, gave)

    def wrap_compute(self: Any, compute: Any) -> Any:
        of = weakref.ref(self)

        def asks(_args: Any, _kwargs: Any) -> None:
            guarded["asks"](of(), sys._getframe(2))

        return around(computes(self, compute), asks, None)

    def begins(args: Any, _kwargs: Any) -> bool:
        guarded["begins"](args[0])
        return True

    def ends(_token: Any, _result: Any, args: Any, kwargs: Any) -> None:
        guarded["ends"](args[0], args[1:], kwargs)

    patches.around(Metric, "__init__", None, recorder.guarded("torchmetrics", made))
    patches.around(Metric, "reset", resets, None)
    patches.around(Metric, "forward", begins, ends)
    patches.replace(Metric, "_wrap_update", wrap_update)
    patches.replace(Metric, "_wrap_compute", wrap_compute)
