"""Watches backward passes: the losses of each call of backward in the code, read on every step where that is cheap.

Between sampled steps the recorder does little else, so this is the hottest of all its parts.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Sequence
from time import thread_time
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime import graph, source
from torchward.runtime.tensors import caller, in_library, item, number, plain, user_frame
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LIMIT = 64
LOSSES_PER_ROW = 512
CLEAR_MARKS = 64


class Stream:
    """The losses of one call of backward in the code."""

    def __init__(self, index: int, codes: tuple[CodeType, CodeType]) -> None:
        self.index = index
        self.codes = codes
        """Held, so that their identities are not given to others."""
        self.steps: list[int] = []
        self.values: list[float] = []
        self.pending: list[tuple[int, torch.Tensor]] = []
        self.last_finite: float | None = None
        self.walked_at = -1
        self.marks: list[tuple[int, weakref.ref[Any]]] = []
        """(step, what lives as long as the graph of its loss)."""
        self.described: Any = None
        self.marked = self.alive = 0
        self.rows: set[float] = set()
        """Numbers that stand for examples that a policy was trained on."""
        self.sampled = 0
        """Steps in which its graph was looked at."""
        self.shared: bool | None = None
        """A critic and a policy in its losses have weights in common; None until that matters."""


class Streams:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[Any, Stream] = {}
        self.unscaled: tuple[Any, torch.Tensor] | None = None
        """A loss that was scaled for mixed precision, and what it was before."""
        self.led_at = 0
        """The last step of which was measured how long it took until its first backward pass."""
        self.nonfinite = False
        """A loss was NaN or infinite; where the first one came from has been looked for."""
        self.steep_wanted = self.steep_found = False
        """Gradients were not finite: where an infinite slope may have made them so is to be looked for, or has been."""

    def stand_in(self, original: Any) -> Any:
        """A stand-in for `torch.autograd.backward`, which `Tensor.backward` calls.

        Hot. In place, it does what most passes need: read a loss on the CPU. Whose it is was seen at the last look.
        Its parameters are those of the original since torch 1.8, one by one: `*args` would cost a microsecond more.
        """
        recorder, before, after, frame_of = self.recorder, self._before, self._after, sys._getframe
        tensor, value_of, full, nan = torch.Tensor, item, LOSSES_PER_ROW - 1, math.nan

        def wrapper(
            tensors: Any,
            grad_tensors: Any = None,
            retain_graph: Any = None,
            create_graph: Any = False,
            grad_variables: Any = None,
            inputs: Any = None,
        ) -> None:
            stream = recorder.usual
            if stream is not None and type(tensors) is tensor:
                recorder.backwards += 1
                step = recorder.step
                if step >= recorder.next_loss:
                    try:
                        value = value_of(tensors) if tensors.is_cpu else nan
                    except RuntimeError:  # not one value
                        value = nan
                    steps = stream.steps
                    if value - value == 0.0 and steps[-1] != step and len(steps) < full:
                        steps.append(step)
                        stream.values.append(value)
                        recorder.next_loss = step + recorder.loss_gap
                    else:
                        before(frame_of(1), tensors)
            elif not recorder.inside:
                recorder.backwards += 1
                before(frame_of(1), tensors)
            try:
                original(tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            if recorder.sampling:
                after()

        return disguise(wrapper, original)

    def end_sample(self) -> None:
        for stream in self.known.values():
            self._read_pending(stream)
            self._count_marks(stream)

    def write_counts(self) -> None:
        for stream in self.known.values():
            self._write_losses(stream)
            if len(stream.pending) > 64:
                self._read_pending(stream)

    def finish(self) -> None:
        for stream in self.known.values():
            self._read_pending(stream)

    def _before(self, frame: FrameType, tensors: Any) -> None:
        """Before a backward pass of which more is to be known than its loss."""
        recorder = self.recorder
        recorder.usual = None
        if "backward" in recorder.failed:
            return
        if not recorder.sampling and recorder.looked_at == recorder.step > self.led_at:
            self.led_at = recorder.step
            own = recorder.own_seconds - recorder.own_at_look
            recorder.leads.append(thread_time() - recorder.last_cpu - own)
        try:
            if recorder.exchanges.under_way:
                recorder.exchanges.close()
            loss = tensors
            if type(loss) is not torch.Tensor:
                loss = tensors[0] if isinstance(tensors, Sequence) and tensors else None
                if type(loss) is not torch.Tensor:
                    return
            code = frame.f_code
            if code is _TENSOR_BACKWARD:
                frame = frame.f_back  # type: ignore[assignment]
                code = frame.f_code
            # All of a program's losses may come past one line of Lightning's or accelerate's: whose line led there?
            user = (user_frame(frame) or frame) if in_library(code.co_filename) else frame
            key = (id(code), frame.f_lasti, id(user.f_code), user.f_lasti)
            stream = self.known.get(key)
            if stream is None:
                if len(self.known) >= LIMIT:
                    return
                stream = self.known[key] = Stream(len(self.known), (code, user.f_code))
                recorder.row("stream", i=stream.index, site=recorder.site(user_frame(frame)))
            value = loss
            if self.unscaled is not None:
                scaled, original = self.unscaled
                self.unscaled = None
                if scaled is loss:
                    value = original
            if loss.numel() == 1:
                if loss.is_cpu:
                    self._loss(stream, recorder.step, item(value), loss)
                else:
                    stream.pending.append((recorder.step, value.detach().clone()))
                    if len(stream.pending) >= LOSSES_PER_ROW:
                        self._read_pending(stream)
            if recorder.sampling:
                if self.steep_wanted and not self.steep_found and loss.grad_fn is not None:
                    recorder.timed(self._find_steep, stream, loss)
                recorder.event("backward", stream.index)
                recorder.timed(recorder.passes.sample, stream, loss)
                recorder.timed(recorder.rounds.seen, user)
            elif len(self.known) == 1 and stream.steps:
                recorder.usual = stream
        except Exception as error:
            recorder.fail("backward", error)

    def _after(self) -> None:
        """Called after backward passes in sampled steps."""
        recorder = self.recorder
        if not recorder.inside and "backward" not in recorder.failed:
            try:
                recorder.timed(recorder.optimizers.after_backward)
            except Exception as error:
                recorder.fail("backward", error)

    def _loss(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        if value - value != 0.0:  # NaN or infinite
            self._not_finite(stream, step, value, loss)
        if stream.steps and stream.steps[-1] == step:
            stream.values[-1] = value
            return
        stream.steps.append(step)
        stream.values.append(value)
        if len(stream.steps) >= LOSSES_PER_ROW:
            self._write_losses(stream)

    def _read_pending(self, stream: Stream) -> None:
        pending, stream.pending = stream.pending, []
        steps = [step for step, _ in pending]

        def write(values: list[float]) -> None:
            for step, value in zip(steps, values, strict=True):
                self._loss(stream, step, value, None)

        if pending:
            self.recorder.reader.read([value for _, value in pending], write)

    def _write_losses(self, stream: Stream) -> None:
        steps, values = stream.steps, stream.values
        self.recorder.usual = None
        if not steps:
            return
        stream.last_finite = next((value for value in reversed(values) if math.isfinite(value)), stream.last_finite)
        even = steps[-1] - steps[0] == len(steps) - 1
        first = steps[0] if even else list(steps)
        self.recorder.row("L", i=stream.index, t=first, v=[number(value) for value in values])
        stream.steps, stream.values = [], []

    def _not_finite(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        if self.nonfinite:
            return
        self.nonfinite = True
        self.recorder.timed(self._find_origin, stream, step, value, loss)

    def _find_origin(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        recorder = self.recorder
        origin = steep = ("", "", "", "")
        if loss is not None and loss.grad_fn is not None and recorder.reads_saved:
            walked = graph.walk(loss.grad_fn)
            origin = graph.find_origin(walked, recorder.parameters.owner)
            if origin[0] == "parameter":  # the gradient of a pass before broke it
                steep = ("", "", *graph.steep(walked, recorder.parameters.owner))
        broken = [
            held.name
            for held, tensor in recorder.parameters.live()
            if plain(tensor) and tensor.is_floating_point() and not bool(torch.isfinite(tensor.detach()).all())
        ]
        recorder.row(
            "nf",
            s=step,
            v=str(value),
            i=stream.index,
            last=next((value for value in reversed(stream.values) if math.isfinite(value)), stream.last_finite),
            o=origin[0],
            d=origin[1],
            op=origin[2],
            mod=origin[3],
            site=recorder.site(caller(4)) if loss is not None else -1,
            line=self._line_of(origin[2] or steep[2], caller(4)),
            steep=steep[2:],
            p=broken[:64],
            b=recorder.backwards,
            n=len(broken),
        )

    def _find_steep(self, stream: Stream, loss: torch.Tensor) -> None:
        self.steep_found = True
        operation, module = graph.steep(graph.walk(loss.grad_fn), self.recorder.parameters.owner)
        line = self._line_of(operation, caller(4))
        self.recorder.row("sl", i=stream.index, s=self.recorder.step, op=operation, mod=module, line=line)

    def _line_of(self, operation: str, frame: FrameType | None) -> int:
        """Number of the one line of the user's program where an operation is written; -1 if it cannot be told."""
        files = {frame.f_code.co_filename} if frame is not None else set()
        for module in self.recorder.layers.met:
            code = getattr(type(module).forward, "__code__", None)
            if code is not None and not in_library(code.co_filename):
                files.add(code.co_filename)
        found = source.line_of(operation, sorted(files)) if operation else None
        return self.recorder.site_at(*found) if found is not None else -1

    def _count_marks(self, stream: Stream) -> None:
        old = [(step, mark) for step, mark in stream.marks if step <= self.recorder.step - 2]
        state = (len(old), sum(1 for _, mark in old if mark() is not None))
        if old and state != (stream.marked, stream.alive):
            stream.marked, stream.alive = state
            self.recorder.row("gr", i=stream.index, n=state[0], alive=state[1])
        if len(stream.marks) > CLEAR_MARKS:
            del stream.marks[: len(stream.marks) - CLEAR_MARKS]


_TENSOR_BACKWARD = torch.Tensor.backward.__code__
