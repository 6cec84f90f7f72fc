"""torchmetrics: which metrics there are, so that it can be seen when they are given something."""

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

    patches.around(Metric, "__init__", None, recorder.guarded("torchmetrics", made))
