"""Watches the clipping of gradients: where it is called, with which limit, and whether it comes before the step."""

from __future__ import annotations

import math
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import caller, number, setting

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LIMIT = 16


class _Clip:
    """One line of the program that clips."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = self.sent = 0
        self.in_time = self.late = 0
        """Sampled calls with gradients that no step has used yet, and without."""


class Clips:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[tuple[str, CodeType | None, int | None], _Clip] = {}

    def called(self, kind: str, threshold: Any, total: Any) -> None:
        """The function `kind` of torch has clipped, and returned `total`."""
        frame, recorder = caller(4), self.recorder
        key = (kind, frame.f_code, frame.f_lineno) if frame is not None else (kind, None, 0)
        clip = self.known.get(key)
        if clip is None:
            if len(self.known) >= LIMIT:
                return
            clip = self.known[key] = _Clip(len(self.known))
            recorder.row("clip", i=clip.index, kind=kind, th=setting(threshold), site=recorder.site(frame))
        clip.calls += 1
        if not recorder.sampling:
            return
        recorder.event("clip", -1)
        pending = recorder.optimizers.pending()
        if pending or any(name == "backward" for name, _ in recorder.events):
            clip.in_time += 1
        elif recorder.steps_sampled:
            clip.late += 1
        if isinstance(total, torch.Tensor) and total.numel() == 1:
            row = {"i": clip.index, "s": recorder.step}

            def write(values: list[float]) -> None:
                recorder.streams.steep_wanted |= not math.isfinite(values[0])
                recorder.row("cn", **row, v=number(values[0]), th=setting(threshold))

            recorder.reader.read([total], write)

    def write_counts(self) -> None:
        for clip in self.known.values():
            if clip.calls != clip.sent:
                clip.sent = clip.calls
                self.recorder.row("cc", i=clip.index, n=clip.calls, ok=clip.in_time, late=clip.late)
