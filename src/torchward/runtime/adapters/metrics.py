"""torchmetrics: which metrics there are, whether they are given something, and what they come to."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torchmetrics import Metric

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

MOST = 64


def install(recorder: Recorder, patches: Patches) -> None:
    metrics = recorder.scores.metrics

    def made(_token: Any, _result: Any, args: Any, _kwargs: Any) -> None:
        if len(metrics) < MOST:
            metrics.append(weakref.ref(args[0]))

    def reset(args: Any, _kwargs: Any) -> None:
        recorder.timed(recorder.checkpoints.chosen.reset, args[0])

    guard = recorder.guarded
    patches.around(Metric, "__init__", None, guard("torchmetrics", made))
    patches.around(Metric, "reset", guard("torchmetrics", reset), None)
