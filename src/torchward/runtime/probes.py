"""Experiments on a copy of the model, with its first batch: what passive watching cannot see.

A copy is called again in between two steps of the run, with every random state put back afterwards, its output hidden,
and on its own account of time. What cannot be copied, or must not be called again, is left alone and said so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import errors, evaluations, looks, mixing, overflows, reshapes, series, trials
from torchward.runtime.captures import Capture
from torchward.runtime.copies import CannotLookError, Outside, duplicate, fits, kept_out, undisturbed
from torchward.runtime.memorise import memorise
from torchward.runtime.padding import read_after_padding
from torchward.runtime.pairs import Pairs
from torchward.runtime.tensors import tensors_in

if TYPE_CHECKING:
    from torchward.runtime.graph import Walk
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

MODEL_BYTES = 2**30
START_STEP = 3
"""Steps done before the experiments: lazily made layers exist, and a batch has been followed by others."""
QUICK_SECONDS = 0.25
"""Time for the experiments of a few forward calls. Slower models wait until their share of time is earned."""
MEMORISE_SECONDS = 0.15
"""Time for memorising one batch that every run has, however short; beyond that, a share of the run."""
LAST_SECONDS = 0.1
"""Time for finishing at the end of the run what has begun."""
SHARE = 0.005
"""Share of the run's time that experiments may take beyond that."""
SLICE_SECONDS = 0.05
SLICE_STEPS = 5
"""Work goes on for such a time after every so many steps: most steps are as long as ever."""
WAIT_SECONDS = 0.25
WAIT = "wait"
"""What an experiment yields that has nothing to do before a later step."""
EXPERIMENTS = ("TokenProbe", "LeakProbe", "DependenceProbe", "MemoriseProbe")
"""Those that call a copy of the model."""
TRIALS = (
    ("LeafProbe", trials.leaves),
    ("RepeatProbe", trials.repeat),
    ("PositionProbe", trials.positions),
    ("PaddingProbe", trials.padding),
    ("ScaleProbe", trials.scales),
    ("ReshapeProbe", reshapes.scrambled),
    ("OverflowProbe", overflows.hidden),
)
"""... and those that come after them, each of a few calls."""
LATER_STEP = 64
"""What only training brings about is looked at after so many steps, after twice as many, and so on, and at the end."""
LATER_BYTES = 32 * 2**20
"""Parameters above which no copy is kept for that."""
LATER_CALLS = 6
TRIAL_CALLS = 20
"""Calls that they make together, about."""


class Prober:
    """Decides when to experiment, and writes what came of it. Between steps it costs one comparison."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.captures: dict[int, Capture] = {}
        self.pairs = Pairs()
        self.work: Iterator[str | None] | None = None
        self.started = False
        self.kept: list[tuple[Capture, nn.Module, bool]] = []
        """Models, each with a copy of its first days and whether a look is short enough for the time between two steps;
        the step from which on they are looked at again, and that after which they last were."""
        self.due, self.looked = LATER_STEP, -1
        self.outside = Outside()
        self.step_seconds = 0.0
        self.began = perf_counter()
        self.resume_at = 0.0
        self.resume_step = 0
        self.recorder.probe_seconds = 0.0
        """Processor time of the experiments: on a busy machine they wait without holding anybody up."""
        recorder.models.capture = self.saw_call

    # -- what the run shows of itself

    def saw_call(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """A training call of a root module, in a sampled step."""
        self.pairs.saw_call(root, args, kwargs, result)
        if self.started or len(self.captures) >= 4:
            return
        capture = self.captures.get(root.index)
        if capture is None:
            capture = self.captures[root.index] = Capture(self.recorder, root, module, args, kwargs, result)
        capture.saw_input(args, kwargs)

    def saw_loss(self, loss: torch.Tensor, walked: Walk) -> None:
        """The first backward passes: which captured output does the loss judge, and by which function?"""
        last = self.recorder.losses.last
        if last is not None and last[3].grad_fn in walked.nodes:
            self.pairs.saw_loss(*last[:3], each=last[3].dim() > 0)
        elif self.pairs.waiting is not None:
            written = errors.squared_error(loss.grad_fn)
            if written is not None:
                self.pairs.saw_error(*written)
        for capture in self.captures.values():
            if capture.saw_loss(loss, walked) and last is not None:
                looks.chance(capture, *last[:4])

    # -- when to experiment

    def between_steps(self, now: float) -> None:
        """Go on with the experiments; sets `resume_at`, the time before which there is nothing to do."""
        if self.recorder.step < max(START_STEP, self.resume_step):
            return
        self.resume_step = self.recorder.step + SLICE_STEPS
        try:
            self._advance(now)
        except Exception as error:
            # The experiments are over; what they were about is reported as not looked at.
            self.work = None
            self.captures.clear()
            self.kept.clear()
            self.recorder.fail("probes", error)
        if self.work is None:
            self.resume_at = math.inf

    def _advance(self, now: float) -> None:
        recorder = self.recorder
        if not self.started:
            self.started = True
            self.step_seconds = min(min(recorder.durations, default=0.0), recorder.least_cpu)
            self.began = now
            self.work = self._experiments()
        earned = self._earned(now)
        start = perf_counter()
        while self.work is not None and self.recorder.probe_seconds < earned:
            if self._one_piece() == WAIT:
                self.resume_at = now + WAIT_SECONDS
                break
            if perf_counter() - start > SLICE_SECONDS:
                break
        if recorder.probe_seconds >= earned:  # until another slice is earned
            self.resume_at = now + (recorder.probe_seconds + SLICE_SECONDS - earned) / SHARE

    def _earned(self, now: float) -> float:
        """Seconds that the experiments may have taken by now."""
        return QUICK_SECONDS + MEMORISE_SECONDS + SHARE * (now - self.began)

    def _left(self) -> float:
        return self._earned(perf_counter()) - self.recorder.probe_seconds

    def _one_piece(self) -> str | None:
        begin = thread_time()
        work = self.work
        if work is None:
            return None
        try:
            with undisturbed(), self.outside.restored(), kept_out(self.recorder.models.owner_test()):
                said: str | None = self.recorder.timed(_next, work)
                return said
        except StopIteration:
            self.work = None
            self.captures.clear()
            return None
        finally:
            self.recorder.probe_seconds += thread_time() - begin

    def finish(self) -> None:
        """The run is over: use what is left of the time for what has begun, and say what was not looked at."""
        if not self.started and self.captures:
            for capture in self.captures.values():
                capture.cannot("LeakProbe", f"the run ended within {START_STEP} steps")
            return
        self._look_at_pairs()
        limit = self.recorder.probe_seconds + LAST_SECONDS
        while self.work is not None and self.recorder.probe_seconds < limit:
            if self._one_piece() == WAIT:
                break
        if self.work is not None:
            # Closing looks at the models once more.
            with undisturbed(), self.outside.restored(), kept_out(self.recorder.models.owner_test()):
                self.recorder.timed(self.work.close)  # type: ignore[attr-defined]
            self.work = None

    # -- the experiments

    def _experiments(self) -> Iterator[str | None]:
        """All of them, in pieces: each `next` is a bounded amount of work. Beside them, and at the end, the models are
        looked at as training has made them."""
        try:
            yield from self._first()
            while self.kept:
                yield WAIT
                self._look_if_due()
        except GeneratorExit:
            if self.recorder.step >= LATER_STEP:
                self._look_later(last=True)
            raise

    def _first(self) -> Iterator[str | None]:
        for capture in list(self.captures.values()):
            looks.gradients(capture)
            looks.inputs(capture)
            capture.tokens.settle()
            looks.ends(capture)
            looks.derived(capture)
            yield None
            try:
                model = self._copy(capture)
            except CannotLookError as error:
                for kind in _experiments_on(capture):
                    capture.cannot(kind, str(error))
                continue
            if capture.tokens.batch_first and capture.tokens.shift:
                capture.axis_is_batch = True
            estimate = self.step_seconds * capture.examples / max(1, capture.batch)
            while 6 * estimate > QUICK_SECONDS and self.recorder.probe_seconds + 6 * estimate > SHARE * (
                perf_counter() - self.began
            ):
                try:
                    yield WAIT  # too slow for now: until the run has earned it
                except GeneratorExit:
                    for kind in _experiments_on(capture):
                        capture.cannot(kind, "the run ended before there was time for it")
                    raise
                if self.recorder.log is None:
                    return
                # The first steps are slower than the rest, and a busy machine is not busy for ever.
                self.step_seconds = min([self.step_seconds, *self.recorder.durations])
                estimate = self.step_seconds * capture.examples / max(1, capture.batch)
            self._attempt("TokenProbe", self._sequence, model, capture)
            capture.root.waits_for(capture.tokens.alone)
            yield None
            for kind, look in (("LeakProbe", mixing.leak), ("DependenceProbe", mixing.dependence)):
                self._attempt(kind, partial(self._try, kind, look), model, capture)
                yield None
            if series.CALLS * estimate <= max(QUICK_SECONDS, self._left()):
                self._attempt("SeriesProbe", partial(self._try, "SeriesProbe", series.future), model, capture)
                yield None
            else:
                capture.cannot("SeriesProbe", "a call of the model takes too long for it")
            if TRIAL_CALLS * estimate <= QUICK_SECONDS:
                for kind, trial in TRIALS:
                    self._attempt(kind, partial(self._try, kind, trial), model, capture)
                    yield None
            else:
                for kind, _ in TRIALS:
                    capture.cannot(kind, "a call of the model takes too long for it")
            capture.whole = None  # a part has done
            held = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters())
            if held <= LATER_BYTES and LATER_CALLS * estimate <= LAST_SECONDS:
                self.kept.append((capture, duplicate(model), LATER_CALLS * estimate <= SLICE_SECONDS))
            pieces = memorise(model, capture)
            try:
                for _ in pieces:
                    yield None
                    self._look_if_due()
            finally:
                pieces.close()
            del model

    def _look_if_due(self) -> None:
        if self.recorder.step >= self.due:
            self._look_later()
            self.due = 2 * max(self.due, self.recorder.step)

    def _look_later(self, last: bool = False) -> None:
        if self.looked == self.recorder.step:
            return
        self.looked = self.recorder.step
        self.kept = [one for one in self.kept if one[0].module() is not None]
        for capture, model, short in self.kept:
            if short or last:
                self._attempt("ModeProbe", partial(self._try, "ModeProbe", trials.modes), model, capture)

    def _attempt(
        self, kind: str, experiment: Callable[[nn.Module, Capture], None], model: nn.Module, capture: Capture
    ) -> None:
        try:
            try:
                experiment(model, capture)
            except CannotLookError:
                raise
            except Exception:
                if not capture.keep_whole(model):
                    raise
                experiment(model, capture)
        except CannotLookError as error:
            capture.cannot(kind, str(error))
        except Exception as error:
            # The user's own forward code, called with other values or fewer examples, may fail in any way.
            capture.cannot(kind, f"the model could not be called again: {type(error).__name__}: {error}"[:200])

    def _try(
        self,
        kind: str,
        trial: Callable[[nn.Module, Capture], dict[str, Any] | None],
        model: nn.Module,
        capture: Capture,
    ) -> None:
        begin = perf_counter()
        found = trial(model, capture)
        if found is not None:
            capture.found(kind, perf_counter() - begin, **found)

    def _copy(self, capture: Capture) -> nn.Module:
        module = capture.module()
        if module is None:
            raise CannotLookError("the model is gone")
        if capture.reason:
            raise CannotLookError(capture.reason)
        if type(module).__name__ in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel"):
            raise CannotLookError("the model is wrapped for several devices")
        if not self.recorder.models.allowed:
            raise CannotLookError("the model is compiled")
        held = sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
        if held > MODEL_BYTES or not fits(module, held):
            raise CannotLookError("the model is too large to copy")
        reason = self.outside.add(module)
        if reason:
            raise CannotLookError(reason)
        try:
            copied = duplicate(module)
        except Exception as error:
            raise CannotLookError(f"the model cannot be copied: {type(error).__name__}: {error}"[:200]) from error
        for parameter in copied.parameters():
            parameter.grad = None
        capture.settle(copied)
        return copied

    def _sequence(self, model: nn.Module, capture: Capture) -> None:
        """Of models of sequences: which positions does an output depend on, and which does it have to predict?"""
        tokens, begin = capture.tokens, perf_counter()
        model.eval()
        if tokens.ids is not None and (tokens.target is None or tokens.batch_first):
            alone = tokens.ids_alone(model, lambda: capture.call(model, capture.args, capture.kwargs), capture.output)
            capture.found("IdsProbe", perf_counter() - begin, **(alone or {}))
        given = next(tensors_in((capture.args, capture.kwargs)), None)
        batch_first = capture.axis_is_batch or mixing.batch_first(capture)
        if batch_first and given is not None and given.is_floating_point() and given.dim() == 3:
            padded = read_after_padding(
                model, lambda: capture.call(model, capture.args, capture.kwargs), capture.output, given
            )
            if padded is not None:
                capture.found("IdsProbe", perf_counter() - begin, **padded)
        if tokens.target is None:
            seen = tokens.masks(model, lambda: capture.call(model, capture.args, capture.kwargs), capture.examples)
            places = self._places(model, capture) if batch_first else {}
            if tokens.ids is not None and (seen is not None or places):
                sizes = {"examples": tokens.ids.shape[0], "length": tokens.ids.shape[1]}
                capture.found("TokenProbe", perf_counter() - begin, **{**sizes, **(seen or {}), **places})
            return
        found = tokens.relation()
        sites = self.recorder.losses.sites
        found["losses"] = sum(kind in evaluations.CLASS_LOSSES for kind, _, _, training in sites if training)
        try:
            if tokens.batch_first:
                found |= tokens.experiment(model, lambda args, kwargs: capture.call(model, args, kwargs), capture)
                found |= self._places(model, capture)
        finally:  # what needed no call holds in any case
            capture.found("TokenProbe", perf_counter() - begin, **found)

    def _places(self, model: nn.Module, capture: Capture) -> dict[str, Any]:
        """What the order of a sequence means to the model; nothing where it reads none."""
        tokens = capture.tokens
        if tokens.ids is None:
            return {}
        tokens.attends = self.recorder.passes.attends
        return tokens.layout(model, lambda args, kwargs: capture.call(model, args, kwargs), capture)

    def _look_at_pairs(self) -> None:
        """At the end of the run: do the inputs gathered say anything of their targets?"""
        begin = thread_time()
        with undisturbed():
            for root, found in self.recorder.timed(self.pairs.judged):
                self.recorder.row("pairs", model=root.index, **found)
        self.recorder.probe_seconds += thread_time() - begin


def _experiments_on(capture: Capture) -> tuple[str, ...]:
    return EXPERIMENTS if capture.tokens.judged is not None else EXPERIMENTS[1:]


def _next(work: Iterator[str | None]) -> str | None:
    return next(work)
