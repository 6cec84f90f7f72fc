"""The recorder: counts every step, samples some, and appends what it saw to the run log. It judges nothing.

The only hot path of torchward. Between sampled steps a training step costs a few integer updates and one reading of
the loss that is already on the CPU (on accelerators a detached copy, read in bulk later). On sampled steps the graph of
the loss, the gradients, the weights and the batch are summarised. The interval between samples widens with the steps
done and with what sampling costs, so that the recorder stays inside its budget of time and of bytes.
"""

from __future__ import annotations

import math
import os
import platform
import resource
import statistics
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time, time
from types import FrameType
from typing import Any

import torch

from torchward import runlog
from torchward.runtime import graph
from torchward.runtime.loaders import Loaders
from torchward.runtime.losses import Losses
from torchward.runtime.models import Models
from torchward.runtime.optimizers import Optimizers
from torchward.runtime.tensors import Reader, caller, in_torch, item, number, plain, user_frame

DENSE_STEPS = 5
"""First steps, each of them sampled: most wiring bugs show at once."""
SPACING = 10
"""The interval between samples is at least the steps so far divided by this, so samples are spaced logarithmically."""
LONGEST_INTERVAL = 200
"""Steps between samples at most, budget permitting."""
CREDIT_SECONDS = 0.4
"""Processor time for sampling that every run has, however short."""
CREDIT_STEPS = 1_000
"""Steps over which that time is handed out, evenly on a logarithmic scale, so that short runs are seen to their end."""
BYTES_AT_START = 200_000
BYTES_PER_STEP = 600
"""The log's budget; with both, 1,000 steps write under 1 MB."""
FLUSH_SECONDS = 0.5
LOSSES_PER_ROW = 512
STREAM_LIMIT = 64
EVENT_LIMIT = 64
SITE_LIMIT = 4_096
CLEAR_MARKS = 64
SLOW_CALLS = {
    "item": "item",
    "tolist": "tolist",
    "numpy": "numpy",
    "cpu": "cpu",
    "__float__": "float",
    "__int__": "int",
    "__bool__": "bool",
    "__repr__": "print",
    "__format__": "print",
}
"""Methods of `Tensor` that make the host wait for the device -> what the log calls them."""

MESSAGES = {
    "log": {
        "en": "recording stopped: {error}; training goes on unwatched",
        "zh": "已停止记录：{error}；训练照常进行",
    },
    "part": {
        "en": "the part that watches {part} failed and was switched off: {error}",
        "zh": "观察 {part} 的部分出错，已关闭：{error}",
    },
}


class _Mark:
    """Hangs on a graph; alive as long as the graph is."""

    __slots__ = ("__weakref__",)


class Stream:
    """The losses of one line that calls backward."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.steps: list[int] = []
        self.values: list[float] = []
        self.pending: list[tuple[int, torch.Tensor]] = []
        self.last = float("nan")
        self.last_finite: float | None = None
        self.walked_at = -1
        self.marks: list[tuple[int, weakref.ref[_Mark]]] = []
        self.described: Any = None
        self.marked = self.alive = 0


class Recorder:
    """One per process. All entry points are guarded: a part that fails is switched off, and says so once."""

    def __init__(self, folder: str | Path, budget: float = 0.02, probes: bool = True, language: str = "en") -> None:
        logs = Path(folder) / runlog.LOGS
        logs.mkdir(parents=True, exist_ok=True)
        self.folder = Path(folder)
        self.language = language
        self.log: runlog.Writer | None = runlog.Writer(logs / f"{os.getpid()}.jsonl")
        self.budget = budget
        self.step = 0
        self.steps_sampled = 0
        self.backwards = 0
        self.backwards_at_last_step = 0
        self.sampling = True
        self.inside = 0
        """Above 0 while the recorder itself works: its own reads are not the user's."""
        self.next_sample = 1
        self.events: list[tuple[str, int]] = []
        self.own_seconds = 0.0
        self.own_at_step = 0.0
        self.probe_seconds = 0.0
        self.sample_cost = 0.0
        self.cost_at_sample = 0.0
        self.began: float | None = None
        self.last_time = perf_counter()
        self.next_flush = 0.0
        self.durations: list[float] = []
        self.failed: set[str] = set()
        self.sites: dict[tuple[Any, int], int] = {}
        self.blinds: set[str] = set()
        self.indices: dict[str, int] = {}
        self.streams: dict[Any, Stream] = {}
        self.unscaled: tuple[Any, torch.Tensor] | None = None
        self.empty_cache: list[Any] = [0, 0, 0.0, -1, -1]
        self.slow: dict[tuple[str, int, bool], list[float]] = {}
        self.reads_saved = True
        """False once saved-tensor hooks are in use: unpacking would run the user's code."""
        self.nonfinite = False
        self.reader = Reader()
        self.optimizers = Optimizers(self)
        self.losses = Losses(self)
        self.loaders = Loaders(self)
        self.models = Models(self)
        self.slow_stand_ins = {name: self._slow_stand_in(name, kind) for name, kind in SLOW_CALLS.items()}
        self.slow_armed = False
        self.alive_masks: dict[tuple[str, str], tuple[int, torch.Tensor]] = {}
        self.activation_index: dict[tuple[str, str], int] = {}
        self.prober: Any = None
        if probes:
            from torchward.runtime.probes import Prober

            self.prober = Prober(self)
        self.row(
            "head",
            version=runlog.VERSION,
            time=time(),
            pid=os.getpid(),
            ppid=os.getppid(),
            argv=list(getattr(sys, "orig_argv", sys.argv))[:64],
            rank=_integer(os.environ.get("RANK")),
            world=_integer(os.environ.get("WORLD_SIZE")),
            torch=str(torch.__version__),
            python=platform.python_version(),
        )
        self.flush(perf_counter())

    # -- the log

    def row(self, kind: str, /, **fields: Any) -> None:
        if self.log is not None:
            self.log.add(kind, **fields)

    def flush(self, now: float) -> None:
        """Write what has gathered. A disk that is full or gone ends the recording, not the run."""
        if self.log is None:
            return
        try:
            self.log.flush()
        except OSError as error:
            self.say("log", error=error)
            self.stop()
        self.next_flush = now + (FLUSH_SECONDS if self.began is None or now - self.began < 60 else 4 * FLUSH_SECONDS)

    def say(self, message: str, **fields: Any) -> None:
        """One line on stderr: the only words that the recorder has."""
        text = MESSAGES[message]["zh" if self.language == "zh" else "en"].format(**fields)
        print(f"torchward: {text}", file=sys.stderr, flush=True)

    def blind(self, area: str, why: str) -> None:
        if area not in self.blinds:
            self.blinds.add(area)
            self.row("blind", area=area, why=why)

    def site(self, frame: FrameType | None) -> int:
        """Number of a line of the user's in the log; -1 for none."""
        if frame is None:
            return -1
        key = (frame.f_code, frame.f_lineno)
        index = self.sites.get(key)
        if index is None:
            if len(self.sites) >= SITE_LIMIT:
                return -1
            index = self.sites[key] = self.next_index("site")
            self.row(
                "site",
                i=index,
                file=os.path.abspath(frame.f_code.co_filename)
                if not frame.f_code.co_filename.startswith("<")
                else frame.f_code.co_filename,
                line=frame.f_lineno or 0,
                fn=frame.f_code.co_name,
            )
        return index

    def next_index(self, kind: str) -> int:
        index = self.indices.get(kind, 0)
        self.indices[kind] = index + 1
        return index

    def event(self, name: str, index: int) -> None:
        if self.sampling and len(self.events) < EVENT_LIMIT:
            self.events.append((name, index))

    # -- guards

    def guarded(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, never raising: its first failure switches the part off."""
        failed, fail = self.failed, self.fail

        def call(*args: Any) -> Any:
            if part in failed:
                return None
            try:
                return function(*args)
            except Exception as error:
                fail(part, error)
                return None

        return call

    def fail(self, part: str, error: Exception) -> None:
        if part in self.failed or self.log is None:
            return
        self.failed.add(part)
        trace, where = error.__traceback__, ""
        while trace is not None:
            where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
            trace = trace.tb_next
        text = f"{type(error).__name__}: {error} ({where})"
        self.row("error", part=part, text=text[:500])
        self.row("blind", area=part, why=text[:200])
        self.say("part", part=part, error=text)
        if part == "modules":
            self.models.disarm()

    def timed(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run the recorder's own work: on the recorder's account, without gradients, unseen by its own wrappers."""
        start = thread_time()
        self.inside += 1
        try:
            with torch.no_grad():
                return function(*args)
        finally:
            self.inside -= 1
            self.own_seconds += thread_time() - start

    # -- backward

    def before_backward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.inside:
            return
        tensors = args[0] if args else kwargs.get("tensors")
        loss = tensors if isinstance(tensors, torch.Tensor) else (tensors[0] if tensors else None)
        self.backwards += 1
        if type(loss) is not torch.Tensor:
            return
        frame = sys._getframe(3)
        if in_torch(frame):
            frame = frame.f_back  # type: ignore[assignment]
        key = (frame.f_code, frame.f_lineno)
        stream = self.streams.get(key)
        if stream is None:
            if len(self.streams) >= STREAM_LIMIT:
                return
            stream = self.streams[key] = Stream(len(self.streams))
            self.row("stream", i=stream.index, site=self.site(user_frame(frame)))
        value = loss
        if self.unscaled is not None:
            scaled, original = self.unscaled
            self.unscaled = None
            if scaled is loss:
                value = original
        if loss.is_cpu:
            if loss.numel() == 1:
                number_ = item(value)
                self._loss(stream, self.step, number_, loss)
        elif loss.numel() == 1:
            stream.pending.append((self.step, value.detach().clone()))
            if len(stream.pending) >= LOSSES_PER_ROW:
                self._read_pending(stream)
        if self.sampling:
            self.event("backward", stream.index)
            self.timed(self._sample_backward, stream, loss)

    def _loss(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        if value - value != 0.0:  # NaN or infinite
            self._not_finite(stream, step, value, loss)
        else:
            stream.last_finite = value
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
            self.reader.read([value for _, value in pending], write)

    def _write_losses(self, stream: Stream) -> None:
        steps, values = stream.steps, stream.values
        if not steps:
            return
        even = steps[-1] - steps[0] == len(steps) - 1
        self.row("L", i=stream.index, t=steps[0] if even else list(steps), v=[number(value) for value in values])
        stream.steps, stream.values = [], []

    def _not_finite(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        if self.nonfinite:
            return
        self.nonfinite = True
        self.timed(self._find_origin, stream, step, value, loss)

    def _find_origin(self, stream: Stream, step: int, value: float, loss: torch.Tensor | None) -> None:
        origin = ("", "", "", "")
        if loss is not None and loss.grad_fn is not None and self.reads_saved:
            origin = graph.find_origin(graph.walk(loss.grad_fn), self.models.owner)
        broken = [
            held.name
            for held, tensor in self.models.live()
            if plain(tensor) and tensor.is_floating_point() and not bool(torch.isfinite(tensor.detach()).all())
        ]
        self.row(
            "nf",
            s=step,
            v=str(value),
            i=stream.index,
            last=stream.last_finite,
            o=origin[0],
            d=origin[1],
            op=origin[2],
            mod=origin[3],
            site=self.site(caller(4)) if loss is not None else -1,
            p=broken[:64],
            n=len(broken),
        )

    def _sample_backward(self, stream: Stream, loss: torch.Tensor) -> None:
        self.optimizers.before_backward()
        if stream.walked_at == self.step:
            return
        stream.walked_at = self.step
        root = loss.grad_fn
        if root is None:
            self._describe(stream, leaf=True, reach=0)
            return
        walked = graph.walk(root)
        mark = _Mark()
        # The node furthest from the loss lives as long as anything that was computed from it does.
        metadata: Any = next(node for node in reversed(walked.nodes) if node.name() != graph.LEAF).metadata
        metadata["torchward"] = mark
        stream.marks.append((self.step, weakref.ref(mark)))
        self.models.trained(walked.leaves)
        self.optimizers.describe_new()
        for leaf in walked.leaves:
            held = self.models.find(leaf)
            if held is None:
                held = self.models.hold(leaf, f"tensor{list(leaf.shape)}", None, "", "")
            if held is not None:
                self.models.send(held, leaf)
        reached = [held.index for leaf in walked.leaves if (held := self.models.find(leaf)) is not None]
        self._describe(
            stream,
            head=root.name(),
            kind=self._kind(root),
            reach=len(walked.leaves) if walked.complete else None,
            bc=graph.squared_by_broadcasting(walked),
            leaves=reached if self.steps_sampled < 3 else None,
        )
        if self.prober is not None:
            self.prober.saw_loss(loss, walked)
        if not self.reads_saved:
            self.blind("graph", "saved-tensor hooks (checkpointing or offloading) are in use")
            return
        self._activations(graph.activations(walked, self.models.owner))

    def _kind(self, root: Any) -> str:
        """Name of the loss function that the loss is, scaling and averaging aside; `custom` for a mixture."""
        if self.losses.last is None:
            return "custom"
        kind, _, _, value, _ = self.losses.last
        node = root
        for _ in range(8):
            if node is value.grad_fn:
                return kind
            children = [child for child, _ in node.next_functions if child is not None]
            if len(children) != 1 or node.name() not in graph.SCALING:
                break
            node = children[0]
        return "custom"

    def _describe(self, stream: Stream, **fields: Any) -> None:
        if fields != stream.described:
            stream.described = fields
            self.row("sd", i=stream.index, **fields)

    def _activations(self, found: list[graph.Activation]) -> None:
        scalars: list[torch.Tensor] = []
        indices: list[int] = []
        for order, activation in enumerate(found):
            key = (activation.layer, activation.kind)
            index = self.activation_index.get(key)
            output = activation.output.detach()
            channels = 1 if output.dim() >= 3 and activation.layer_kind.startswith(_CHANNEL_FIRST) else output.dim() - 1
            if index is None:
                index = self.activation_index[key] = len(self.activation_index)
                self.row(
                    "act",
                    i=index,
                    kind=activation.kind,
                    layer=activation.layer,
                    lk=activation.layer_kind,
                    order=order,
                    last=activation.before_loss,
                    units=output.shape[channels] if output.dim() else 1,
                )
            indices.append(index)
            scalars += self._summary(key, activation.kind, output, channels)
        step = self.step

        def write(values: list[float]) -> None:
            rows = [[index, *map(number, values[5 * n : 5 * n + 5])] for n, index in enumerate(indices)]
            self.row("A", s=step, a=rows)

        if indices:
            self.reader.read(scalars, write)

    def _summary(self, key: tuple[str, str], kind: str, output: torch.Tensor, channels: int) -> list[torch.Tensor]:
        """Share of zeros, of dead units, of saturated values; mean; deviation."""
        if output.numel() > 262_144 and output.dim() > 1 and output.shape[0] > 16:
            output = output[:: -(-output.shape[0] // 16)]
        nothing = torch.zeros((), device=output.device)
        zero = dead = saturated = nothing
        if kind == "relu":
            positive = output > 0
            zero = 1 - positive.float().mean()
            others = [axis for axis in range(output.dim()) if axis != channels]
            alive = positive.amax(dim=others) if others else positive
            age, before = self.alive_masks.get(key, (0, alive))
            if age >= 8 or before.shape != alive.shape or before.device != alive.device:
                age, before = 0, alive
            alive = alive | before
            self.alive_masks[key] = (age + 1, alive)
            dead = 1 - alive.float().mean()
        elif kind == "tanh":
            saturated = (output.abs() > 0.99).float().mean()
        elif kind == "sigmoid":
            saturated = ((output < 0.01) | (output > 0.99)).float().mean()
        values = output.float()
        return [zero, dead, saturated, values.mean(), values.std(unbiased=False)]

    def after_backward(self, _token: Any, _result: Any, _args: Any, _kwargs: Any) -> None:
        if self.sampling and not self.inside:
            self.timed(self.optimizers.after_backward)

    def gradient_computed(self, _args: Any, _kwargs: Any) -> None:
        """`torch.autograd.grad` was called."""
        if not self.inside:
            self.backwards += 1

    # -- steps

    def end_of_step(self) -> None:
        """The leading optimizer has stepped."""
        now, own = perf_counter(), self.own_seconds
        if self.began is None:
            self.began = now
        else:
            self.durations.append(now - self.last_time - (own - self.own_at_step))
        if self.losses.pending:
            self.timed(self.losses.close_evaluation)
        if self.sampling:
            self.timed(self._end_sample)
        self.step += 1
        self.backwards_at_last_step = self.backwards
        if self.prober is not None:
            self.prober.between_steps(now)
        if self.step >= self.next_sample and self._may_sample(now):
            self.timed(self._begin_sample)
        if now >= self.next_flush or len(self.durations) >= LOSSES_PER_ROW:
            self.timed(self._write_counts, now)
        self.own_at_step = own
        self.last_time = now

    def _may_sample(self, now: float) -> bool:
        if self.step < DENSE_STEPS:
            return True
        spent = self.own_seconds - self.probe_seconds
        credit = CREDIT_SECONDS * min(1.0, math.log1p(self.step) / math.log1p(CREDIT_STEPS))
        allowed = credit + 0.75 * self.budget * (now - (self.began or now))
        written = self.log.bytes_written if self.log is not None else 0
        if spent + self.sample_cost > allowed or written > BYTES_AT_START + BYTES_PER_STEP * self.step:
            self.next_sample = self.step + 1 + self.step // 100
            return False
        return True

    def _begin_sample(self) -> None:
        self.sampling = True
        self.cost_at_sample = self.own_seconds
        self.events = []
        self.next_sample = self.step + max(1, min(self.step // SPACING, LONGEST_INTERVAL))
        self.optimizers.begin_cycle()
        self.models.arm()
        self._arm_slow_calls()

    def _end_sample(self) -> None:
        self.sampling = False
        self.models.disarm()
        self._disarm_slow_calls()
        self.models.settle()
        self.steps_sampled += 1
        self.reader.poll()
        for stream in self.streams.values():
            self._read_pending(stream)
            self._count_marks(stream)
        self.row("cy", s=self.step, e=self.events, rss=_resident_bytes())
        self.losses.last = None
        self.sample_cost = self.own_seconds - self.cost_at_sample

    def _count_marks(self, stream: Stream) -> None:
        old = [(step, mark) for step, mark in stream.marks if step <= self.step - 2]
        state = (len(old), sum(1 for _, mark in old if mark() is not None))
        if old and state != (stream.marked, stream.alive):
            stream.marked, stream.alive = state
            self.row("gr", i=stream.index, n=state[0], alive=state[1])
        if len(stream.marks) > CLEAR_MARKS:
            del stream.marks[: len(stream.marks) - CLEAR_MARKS]

    def _write_counts(self, now: float) -> None:
        for stream in self.streams.values():
            self._write_losses(stream)
            if len(stream.pending) > 64:
                self._read_pending(stream)
        self.reader.poll()
        self.models.settle()
        self.models.write_counts()
        self.optimizers.write_counts()
        self.loaders.write_counts()
        for (kind, site, on_cpu), (steps, _, calls, seconds) in self.slow.items():
            self.row("slow", kind=kind, site=site, cpu=on_cpu, st=steps, n=calls, t=round(seconds, 6))
        median = statistics.median(self.durations) if self.durations else None
        self.row(
            "n",
            s=self.step,
            k2=self.steps_sampled,
            b=self.backwards,
            t=round(now - (self.began or now), 4),
            d=number(median) if median is not None else None,
            own=round(self.own_seconds, 4),
            pr=round(self.probe_seconds, 4),
            ec=self.empty_cache[:4] if self.empty_cache[0] else None,
        )
        self.durations = []
        self.flush(now)

    def write_now(self) -> None:
        """Bring the log up to date, for a reader in this process."""
        if self.log is not None:
            self.timed(self._write_counts, perf_counter())

    def passes_over_training_data(self) -> int:
        """Passes begun over loaders whose batches were trained on."""
        return max((loader.iterations for loader in self.loaders.known.values() if loader.trained), default=0)

    # -- calls that make the host wait, in sampled steps

    def _slow_stand_in(self, name: str, kind: str) -> Any:
        from torchward.runtime.wrap import disguise

        original = getattr(torch.Tensor, name)
        seen, clock, frame_of, recorder = self.guarded("slow calls", self._slow_call), perf_counter, sys._getframe, self

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if recorder.inside or recorder.loaders.fetching:
                return original(self, *args, **kwargs)
            start = clock()
            recorder.inside += 1
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            finally:
                recorder.inside -= 1
            seen(kind, clock() - start, frame_of(1), self.is_cpu)
            return result

        return disguise(wrapper, original) if hasattr(original, "__code__") else wrapper

    def _slow_call(self, kind: str, seconds: float, frame: FrameType, on_cpu: bool) -> None:
        if in_torch(frame):
            return
        entry = self.slow.setdefault((kind, self.site(user_frame(frame)), on_cpu), [0, -1, 0, 0.0])
        if entry[1] != self.step:
            entry[0] += 1
            entry[1] = self.step
        entry[2] += 1
        entry[3] += seconds

    def _arm_slow_calls(self) -> None:
        if self.slow_armed or not self.models.allowed or "slow calls" in self.failed:
            return
        self.slow_armed = True
        self.slow_own = {name: vars(torch.Tensor).get(name) for name in self.slow_stand_ins}
        for name, stand_in in self.slow_stand_ins.items():
            setattr(torch.Tensor, name, stand_in)

    def _disarm_slow_calls(self) -> None:
        if not self.slow_armed:
            return
        self.slow_armed = False
        for name, own in self.slow_own.items():
            if vars(torch.Tensor).get(name) is not self.slow_stand_ins[name]:
                continue
            if own is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, own)

    def cache_cleared(self, seconds: float) -> None:
        counts = self.empty_cache
        counts[0] += 1
        counts[2] += seconds
        if counts[4] != self.step:
            counts[4] = self.step
            counts[1] += 1
        if counts[3] == -1:
            counts[3] = self.site(caller(4))

    # -- the end

    def compiled(self) -> None:
        """Something is compiled: from here on nothing of torchward may be traced."""
        self.models.forbid("the model is compiled: its calls are not looked at")
        self._disarm_slow_calls()

    def finish(self, clean: bool) -> None:
        """Write what is left. `clean`: the interpreter is shutting down in order."""
        if self.log is None:
            return
        if self.sampling:
            self.models.disarm()
            self._disarm_slow_calls()
        now = perf_counter()
        try:
            if self.prober is not None:
                self.prober.finish()
            self.losses.close_evaluation()
            for stream in self.streams.values():
                self._read_pending(stream)
            self.reader.poll(wait=True)
            self.models.settle(everything=True)
            self._write_counts(now)
        except Exception as error:
            self.fail("end", error)
        self.row("end", clean=clean)
        self.flush(now)
        self.stop()

    def stop(self) -> None:
        """Let go of the log and everything watched; nothing is written after this."""
        log, self.log = self.log, None
        self.sampling = False
        self.models.disarm()
        self._disarm_slow_calls()
        self.next_sample = sys.maxsize
        if log is not None:
            try:
                log.close()
            except OSError as error:
                self.say("log", error=error)


_CHANNEL_FIRST = ("Conv", "BatchNorm", "GroupNorm", "InstanceNorm", "LazyConv", "SyncBatchNorm")


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0
