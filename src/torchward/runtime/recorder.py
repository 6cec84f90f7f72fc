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
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time, time
from types import FrameType
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from torchward import runlog
from torchward.runtime.begins import Begins
from torchward.runtime.calls import Calls
from torchward.runtime.checkpoints import Checkpoints
from torchward.runtime.decays import Decays
from torchward.runtime.environments import Environments
from torchward.runtime.exchanges import Exchanges, group
from torchward.runtime.forged import Forged
from torchward.runtime.givens import Givens
from torchward.runtime.heldout import HeldOut
from torchward.runtime.inputs import Inputs
from torchward.runtime.kept import Kept, resident_bytes
from torchward.runtime.layers import Layers
from torchward.runtime.loaders import Loaders
from torchward.runtime.losses import Losses
from torchward.runtime.meters import Meters
from torchward.runtime.mirrors import Mirrors
from torchward.runtime.missing import Missing
from torchward.runtime.models import Models
from torchward.runtime.optimizers import Opt, Optimizers
from torchward.runtime.orientations import Orientations
from torchward.runtime.overwritten import Overwritten
from torchward.runtime.pace import Pace
from torchward.runtime.parameters import Parameters
from torchward.runtime.passes import Passes
from torchward.runtime.recurrent import Recurrent
from torchward.runtime.resumes import Resumes
from torchward.runtime.rounds import Rounds
from torchward.runtime.scores import Scores
from torchward.runtime.shadows import Shadows
from torchward.runtime.spreads import Spreads
from torchward.runtime.start import Start
from torchward.runtime.streams import Stream, Streams
from torchward.runtime.sweeps import Sweeps
from torchward.runtime.tables import Tables
from torchward.runtime.tensors import Reader, number
from torchward.runtime.ties import Ties
from torchward.runtime.unsaved import Unsaved
from torchward.runtime.waits import Waits
from torchward.runtime.wrap import Patches

LOOK_SECONDS = 0.02
"""Steps shorter than this are counted, and looked at about as often as this: the steps after a look are slower too."""
LOSSES_DENSE = 2_000
"""Steps of which every loss is read; after them at most one in `LOSS_SECONDS` on the CPU: reading one costs 1 to 4 us,
measured, which shows in steps that are shorter than a millisecond."""
LOSS_SECONDS = 0.005
FLUSH_SECONDS = 0.5
EVENT_LIMIT = 64
SITE_LIMIT = 4_096

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


class Hot:
    """What every step touches, side by side in memory: between the steps it has left the processor's caches."""

    __slots__ = (
        "backwards",
        "inside",
        "loss_gap",
        "next_look",
        "next_loss",
        "sampling",
        "sole",
        "step",
        "usual",
    )


class Recorder(Hot):
    """One per process. All entry points are guarded: a part that fails is switched off, and says so once."""

    def __init__(self, folder: str | Path, budget: float = 0.02, probes: bool = True, language: str = "en") -> None:
        logs = Path(folder) / runlog.LOGS
        logs.mkdir(parents=True, exist_ok=True)
        self.folder = Path(folder)
        self.language = language
        self.log: runlog.Writer | None = runlog.Writer(logs / f"{os.getpid()}.jsonl")
        self.pace = Pace(self, budget)
        self.step = 0
        self.steps_sampled = 0
        self.backwards = 0
        self.sampling = True
        self.inside = 0
        """Above 0 while the recorder itself works: its own reads are not the user's."""
        self.next_sample = 1
        self.events: list[tuple[str, int]] = []
        self.own_seconds = 0.0
        self.own_at_look = 0.0
        self.probe_seconds = 0.0
        self.began: float | None = None
        self.last_time = perf_counter()
        self.next_flush = 0.0
        self.last_cpu = 0.0
        self.least_cpu = math.inf
        """Processor time of the quickest step, in seconds: on a busy machine it stays what it is."""
        self.durations: list[float] = []
        """Seconds per step, one value for each look."""
        self.leads: list[float] = []
        """Likewise from a step to the first backward pass after it, of the processor: others lengthen nothing."""
        self.looked_at = 0
        self.next_look = 0
        """The step at whose end the recorder looks at the clock, and at what there is to do. Until then it counts."""
        self.failed: set[str] = set()
        self.sites: dict[tuple[Any, int], int] = {}
        self.blinds: set[str] = set()
        self.indices: dict[str, int] = {}
        self.usual: Stream | None = None
        """The only one, until the next look: the line that calls backward is not looked up again."""
        self.sole: Opt | None = None
        """The leading optimizer, between samples, while there is no other: its steps are counted the short way."""
        self.next_loss = 0
        """The step before which no loss is read."""
        self.loss_gap = 0
        """Steps from one that is read to the next; 0 to read every one."""
        self.reads_saved = True
        """False once saved-tensor hooks are in use: unpacking would run the user's code."""
        self.reader = Reader()
        self.optimizers = Optimizers(self)
        self.decays = Decays(self)
        self.checkpoints = Checkpoints(self)
        self.resumes = Resumes(self)
        self.losses = Losses(self)
        self.loaders = Loaders(self)
        self.heldout = HeldOut(self)
        self.begins = Begins(self)
        self.sweeps = Sweeps(self)
        self.forged = Forged(self)
        self.exchanges = Exchanges(self)
        self.mirrors = Mirrors(self)
        self.orientations = Orientations(self)
        self.givens = Givens(self)
        self.missing = Missing(self)
        self.spreads = Spreads(self)
        self.ties = Ties(self)
        self.unsaved = Unsaved(self)
        self.overwritten = Overwritten(self)
        self.meters = Meters(self)
        self.environments = Environments(self)
        self.scores = Scores(self)
        self.rounds = Rounds(self)
        self.tables = Tables(self)
        self.parameters = Parameters(self)
        self.models = Models(self)
        self.calls = Calls(self)
        self.layers = Layers(self)
        self.recurrent = Recurrent(self)
        self.shadows = Shadows(self)
        self.inputs = Inputs(self)
        self.passes = Passes(self)
        self.streams = Streams(self)
        self.kept = Kept(self)
        self.start = Start(self)
        self.waits = Waits(self)
        self.stand_ins = self.waits.stand_ins() + self.tables.cuts.stand_ins() + self.missing.stand_ins()
        """(owner, attribute, value) of what is in place in sampled steps only."""
        self.in_samples = Patches()
        self.step_hook: Any = None
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
            index = self.sites[key] = self.site_at(frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name)
        return index

    def site_at(self, file: str, line: int, function: str) -> int:
        """Number of a line that no frame stands at; each time a new one."""
        index = self.next_index("site")
        path = file if file.startswith("<") else os.path.abspath(file)
        self.row("site", i=index, file=path, line=line, fn=function)
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
        elif part == "optimizer":  # without steps there is no end of a sample either
            self.sampling = False
            self.disarm()

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

    # -- steps

    def look(self) -> None:
        """The leading optimizer has stepped, and the step is one of those after which there may be something to do."""
        try:
            self._look(perf_counter())
        except Exception as error:
            self.fail("optimizer", error)

    def _look(self, now: float) -> None:
        own, steps = self.own_seconds, self.step + 1 - self.looked_at
        self.usual = None
        cpu = thread_time()
        if self.began is None:
            self.began = now
        else:
            self.durations.append((now - self.last_time - (own - self.own_at_look)) / steps)
            self.least_cpu = min(self.least_cpu, (cpu - self.last_cpu - (own - self.own_at_look)) / steps)
        self.last_time, self.last_cpu, self.own_at_look = now, cpu, own
        if self.losses.evaluations.pending:
            self.timed(self.losses.evaluations.close)
        if self.sampling:
            self.timed(self._end_sample)
        self.step += 1
        self.looked_at = self.step
        if self.prober is not None and now >= self.prober.resume_at:
            self.prober.between_steps(now)
        if self.step >= self.next_sample and self._may_sample(now):
            self.timed(self.begin_sample)
        if now >= self.next_flush:
            self.timed(self._write_counts, now)
        if self.sampling or (self.prober is not None and now >= self.prober.resume_at):
            self.next_look = self.step
        else:
            usual = statistics.median(self.durations[-5:]) if self.durations else LOOK_SECONDS
            self.next_look = min(self.step + int(LOOK_SECONDS / max(usual, 1e-6)), self.next_sample - 1)
            self.loss_gap = int(LOSS_SECONDS / max(usual, 1e-6)) if self.step >= LOSSES_DENSE else 0

    def begin_stage(self) -> None:
        """Another optimizer leads: what follows is looked at as closely as a beginning, within the budget."""
        if self.pace.begin_stage():
            self.next_sample = self.next_look = self.step
            self.usual = None

    def _may_sample(self, now: float) -> bool:
        if not self.pace.may_sample(now):
            self.next_sample = self.step + 1 + self.step // 100
            return False
        return True

    def begin_sample(self) -> None:
        self.sampling = True
        self.events = []
        self.next_sample = self.step + self.pace.begin_sample()
        self.optimizers.begin_cycle()
        self._arm()

    def _end_sample(self) -> None:
        self.sampling = False
        self.disarm()
        self.calls.settle()
        self.steps_sampled += 1
        self.reader.poll()
        self.streams.end_sample()
        resident = resident_bytes()
        self.row("cy", s=self.step, e=self.events, rss=resident)
        self.kept.after_sample(resident)
        self.losses.end_step()
        self.inputs.end_step()
        self.environments.rollouts.end_step()
        self.forged.end_step()
        self.orientations.end_step()
        self.missing.end_step()
        self.givens.horizons.end_step()
        self.passes.derivatives.clear()
        self.losses.called.clear()
        self.pace.end_sample()

    def _write_counts(self, now: float) -> None:
        self.streams.write_counts()
        self.reader.poll()
        self.calls.settle()
        self.calls.write_counts()
        parts: list[Any] = [self.models, self.optimizers, self.checkpoints, self.resumes, self.loaders, self.losses]
        parts += [self.mirrors, self.orientations, self.givens, self.missing, self.spreads, self.sweeps, self.scores]
        for part in (*parts, self.waits):
            part.write_counts()
        median = statistics.median(self.durations) if self.durations else None
        self.row(
            "n",
            s=self.step,
            k2=self.steps_sampled,
            b=self.backwards,
            t=round(now - (self.began or now), 4),
            d=number(median) if median is not None else None,
            bw=number(statistics.median(self.leads)) if self.leads else None,
            own=round(self.own_seconds, 4),
            pr=round(self.probe_seconds, 4),
            **self.waits.totals(),
            th=torch.get_num_threads(),
            cores=_cores(),
            pg=group(),
        )
        self.durations, self.leads = [], []
        self.flush(now)

    def write_now(self) -> None:
        """Bring the log up to date, for a reader in this process."""
        if self.log is not None:
            self.timed(self._write_counts, perf_counter())

    def passes_over_training_data(self) -> int:
        """Passes begun over loaders whose batches were trained on."""
        return max((loader.iterations for loader in self.loaders.known.values() if loader.trained), default=0)

    # -- what is in place in sampled steps only

    def _arm(self) -> None:
        self.models.arm()
        if self.models.allowed and not self.in_samples:
            for owner, name, stand_in in self.stand_ins:
                self.in_samples.replace(owner, name, stand_in)
        if self.step_hook is None:
            self.step_hook = register_optimizer_step_pre_hook(self.guarded("optimizer", self.optimizers.before_step))

    def disarm(self, for_good: bool = False) -> None:
        """Take it out again: after the step, or `for_good`."""
        self.models.disarm()
        self.in_samples.undo()
        if for_good:
            self.models.quiet.undo()
        if self.step_hook is not None and (for_good or self.models.allowed):
            self.step_hook.remove()
            self.step_hook = None

    # -- the end

    def compiled(self) -> None:
        """Something is compiled: from here on nothing of torchward may be traced, nor come and go."""
        self.in_samples.undo()
        self.models.forbid("the model is compiled: its calls are not looked at")
        self._arm()

    def finish(self, clean: bool) -> None:
        """Write what is left. `clean`: the interpreter is shutting down in order."""
        if self.log is None:
            return
        if self.sampling:
            self.disarm()
        now = perf_counter()
        try:
            if self.prober is not None:
                self.prober.finish()
            self.losses.evaluations.close()
            self.exchanges.close()
            self.loaders.finish()
            self.streams.finish()
            self.reader.poll(wait=True)
            self.calls.settle(everything=True)
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
        self.disarm(for_good=True)
        self.next_sample = sys.maxsize
        if log is not None:
            try:
                log.close()
            except OSError as error:
                self.say("log", error=error)


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0
