"""Experiments on a copy of the model, with its first batch: what passive watching cannot see.

A copy is called again in between two steps of the run, with every random state put back afterwards, its output hidden,
and on its own account of time. What cannot be copied, or must not be called again, is left alone and said so.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from torchward.runtime import images, losses, mixing, sequences, terms, trials
from torchward.runtime.copies import (
    EXAMPLES,
    CannotLookError,
    Outside,
    cut,
    duplicate,
    fits,
    fresh,
    kept_out,
    undisturbed,
)
from torchward.runtime.pairs import Pairs
from torchward.runtime.tensors import item, plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.graph import Walk
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

INPUT_BYTES = 64 * 2**20
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
PIECE_SECONDS = 0.002
"""Setting random states aside and back costs 0.1 ms: pieces of work should not be much shorter than this."""
MEMORISE_STEPS = 200
MEMORISE_ENOUGH = 150
"""Trial steps after which the result counts, should the run end before the rest are done."""
MEMORISE_LR = 1e-3
"""Adam's default rate (Kingma & Ba 2015, section 2): it moves every weight by about 0.1 in the first half."""
MEMORISE_LATER_LR = 1e-2
"""... which is little for a model of one layer. In the second half those that are not done may move by 1."""
MEMORISED = 0.1
"""Memorising ends early once this share of the loss (above its least possible value) is left."""
WAIT_SECONDS = 0.25
WAIT = "wait"
"""What an experiment yields that has nothing to do before a later step."""
EXPERIMENTS = ("TokenProbe", "LeakProbe", "DependenceProbe", "MemoriseProbe")
"""Those that call a copy of the model."""
ALIKE = 0.9
"""Cosine of two weights from which on one was a copy of the other: of two that were drawn apart it is about 0."""
COLUMNS = 64
"""Columns of a table above which they are pixels, or embeddings, rather than quantities of their own."""
TRIALS = (
    ("LeafProbe", trials.leaves),
    ("RepeatProbe", trials.repeat),
    ("PositionProbe", trials.positions),
    ("PaddingProbe", trials.padding),
    ("ScaleProbe", trials.scales),
    ("ReshapeProbe", trials.reshapes),
)
"""... and those that come after them, each of a few calls."""
LATER_STEP = 64
"""What only training brings about is looked at after so many steps, after twice as many, and so on, and at the end."""
LATER_BYTES = 32 * 2**20
"""Parameters above which no copy is kept for that."""
LATER_CALLS = 6
TRIAL_CALLS = 16
"""Calls that they make together, about."""


class Capture:
    """The first training call of a root module, cut down to `EXAMPLES` examples."""

    def __init__(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self.root = root
        self.module = weakref.ref(module)
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if tensor.dim()]
        self.batch = given[0].shape[0] if given else 0
        self.reason = ""
        self.computed = any(tensor.requires_grad for tensor in given)
        """Its input is what another part made, and is trained together with it."""
        if sum(tensor.numel() * tensor.element_size() for tensor in given) > INPUT_BYTES:
            self.reason = "its inputs are too large to keep"
        elif self.batch < 2:
            self.reason = "its first input holds fewer than two examples"
        else:
            self.args = cut(args, self.batch)
            self.kwargs = cut(kwargs, self.batch)
        self.outputs: list[torch.Tensor] | None = list(tensors_in(result))
        self.output = 0
        self.strides: tuple[Any, Any, Any] | None = None
        self.own_loss = False
        self.kind = ""
        self.target: torch.Tensor | None = None
        self.options: dict[str, Any] = {}
        device = given[0].device.type if given else "cpu"
        self.autocast: tuple[str, torch.dtype] | None = None
        if torch.is_autocast_enabled(device):
            self.autocast = (device, torch.get_autocast_dtype(device))
        self.axis_is_batch = False
        self.prints: set[float] = set()
        self.images: list[torch.Tensor] = []
        """Of several calls, so that there are enough of them."""
        self.tokens = sequences.Tokens(args, kwargs)
        self.without: list[str] = []
        """Parameters of modules that were called, and that no gradient reached."""
        self.loose = {name: thin(tensor).clone() for name, tensor in trials.loose_tensors(module)}
        """Tensors with gradients that are attributes of the model and not its parameters, as they were."""
        self.copied = trials.copied_tables(module)
        self.modes = [member.training for member in module.modules()]
        self.looks: list[tuple[int, float, float]] = []
        """(step, loss in train mode, loss in eval mode) of the kept batch, as training goes on."""

    @property
    def examples(self) -> int:
        return min(self.batch, EXAMPLES)


class Prober:
    """Decides when to experiment, and writes what came of it. Between steps it costs one comparison."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.captures: dict[int, Capture] = {}
        self.pairs = Pairs()
        self.first_loss: float | None = None
        self.work: Iterator[str | None] | None = None
        self.started = False
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
            capture = self.captures[root.index] = Capture(root, module, args, kwargs, result)
        first = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        known = len(capture.prints)
        if first is not None and first.device.type == "cpu":
            capture.prints.add(float(item(thin(first).double().sum())))
        if first is not None and not capture.reason and (first.device.type != "cpu" or len(capture.prints) > known):
            images.gather(capture.images, first)

    def saw_loss(self, loss: torch.Tensor, walked: Walk) -> None:
        """The first backward passes: which captured output does the loss judge, and by which function?"""
        last = self.recorder.losses.last
        if last is not None and last[3].grad_fn in walked.nodes:
            self.pairs.saw_loss(*last[:3])
        elif self.pairs.waiting is not None:
            written = terms.squared_error(loss.grad_fn)
            if written is not None:
                self.pairs.saw_error(*written)
        for capture in self.captures.values():
            outputs, capture.outputs = capture.outputs, None
            if not outputs:
                continue
            if last is not None and last[3].grad_fn in walked.nodes:
                even = last[3].dim() == 0 or terms.counts_evenly(loss.grad_fn, last[3].grad_fn)
                capture.tokens.saw_loss(*last[:3], last[4], even, self.recorder.loaders.handed_over())
            self._connect(capture, outputs, loss, walked)

    def _connect(self, capture: Capture, outputs: list[torch.Tensor], loss: torch.Tensor, walked: Walk) -> None:
        for position, output in enumerate(outputs):
            if output is loss and loss.numel() == 1:
                capture.output, capture.own_loss = position, True
                return
        last = self.recorder.losses.last
        if last is None:
            return
        kind, prediction, target, value, options = last
        if (
            kind in losses.LIKELIHOODS
            or value.grad_fn not in walked.nodes
            or not plain(prediction)
            or not plain(target)
        ):
            return
        for position, output in enumerate(outputs):
            same = output is prediction
            view = (
                plain(output)
                and output.is_contiguous()
                and prediction.numel() == output.numel()
                and prediction.untyped_storage().data_ptr() == output.untyped_storage().data_ptr()
            )
            if not (same or view) or not output.dim() or output.shape[0] != capture.batch:
                continue
            capture.output, capture.kind, capture.options = position, kind, dict(options)
            if not same:
                # The same view of fewer examples: sizes along which the batch lies shrink with it.
                if prediction.shape[0] % capture.batch or target.shape[0] % capture.batch:
                    return
                per = prediction.shape[0] // capture.batch
                size = (capture.examples * per, *prediction.shape[1:])
                capture.strides = (size, prediction.stride(), prediction.storage_offset())
            per = target.shape[0] // capture.batch if target.dim() else 1
            capture.target = target.detach()[: capture.examples * per].clone()
            capture.axis_is_batch = target.dim() >= 1 and target.shape[0] == capture.batch
            self._chance(capture, kind, prediction, target, value)
            return

    def _chance(self, capture: Capture, kind: str, prediction: Any, target: Any, value: torch.Tensor) -> None:
        """The first loss needs no experiment, only a look."""
        if kind in losses.CLASS_LOSSES and prediction.dim() >= 2 and not target.is_floating_point():
            classes = int(prediction.shape[1])
        elif kind in losses.BINARY_LOSSES:
            classes = 2
        else:
            return
        if capture.options.get("reduction", "mean") != "mean" or capture.options.get("weight") is not None:
            return
        module = capture.module()
        loaded = self.recorder.parameters.loaded
        pretrained = module is not None and any(part in loaded for part in module.modules())

        def write(values: list[float]) -> None:
            self._row(
                "ChanceProbe",
                capture,
                0.0,
                first_loss=values[0],
                chance=math.log(classes),
                loss_kind=kind,
                classes=classes,
                pretrained=pretrained,
                output_std=values[1],
            )

        self.recorder.reader.read([value.detach(), prediction.detach().float().std(unbiased=False)], write)

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
        earned = QUICK_SECONDS + MEMORISE_SECONDS + SHARE * (now - self.began)
        start = perf_counter()
        while self.work is not None and self.recorder.probe_seconds < earned:
            if self._one_piece() == WAIT:
                self.resume_at = now + WAIT_SECONDS
                break
            if perf_counter() - start > SLICE_SECONDS:
                break
        if recorder.probe_seconds >= earned:  # until another slice is earned
            self.resume_at = now + (recorder.probe_seconds + SLICE_SECONDS - earned) / SHARE

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
                self._cannot("LeakProbe", capture, f"the run ended within {START_STEP} steps")
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
        """All of them, in pieces: each `next` is a bounded amount of work."""
        kept: list[tuple[Capture, nn.Module]] = []
        for capture in list(self.captures.values()):
            self._gradients(capture)
            self._look_at_input(capture)
            capture.tokens.settle()
            self._look_at_ends(capture)
            self._look_at_derived(capture)
            yield None
            try:
                model = self._copy(capture)
            except CannotLookError as error:
                for kind in _experiments_on(capture):
                    self._cannot(kind, capture, str(error))
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
                        self._cannot(kind, capture, "the run ended before there was time for it")
                    raise
                if self.recorder.log is None:
                    return
                # The first steps are slower than the rest, and a busy machine is not busy for ever.
                self.step_seconds = min([self.step_seconds, *self.recorder.durations])
                estimate = self.step_seconds * capture.examples / max(1, capture.batch)
            self._attempt("TokenProbe", self._sequence, model, capture)
            yield None
            for kind, look in (("LeakProbe", mixing.leak), ("DependenceProbe", mixing.dependence)):
                self._attempt(kind, partial(self._try, kind, look), model, capture)
                yield None
            if TRIAL_CALLS * estimate <= QUICK_SECONDS:
                for kind, trial in TRIALS:
                    self._attempt(kind, partial(self._try, kind, trial), model, capture)
                    yield None
            else:
                for kind, _ in TRIALS:
                    self._cannot(kind, capture, "a call of the model takes too long for it")
            yield from self._memorise(model, capture)
            held = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters())
            if held <= LATER_BYTES and LATER_CALLS * estimate <= SLICE_SECONDS:
                kept.append((capture, model))
            del model
        yield from self._later(kept)

    def _later(self, kept: list[tuple[Capture, nn.Module]]) -> Iterator[str | None]:
        due = LATER_STEP
        while kept:
            try:
                while self.recorder.step < due:
                    yield WAIT
            except GeneratorExit:
                if self.recorder.step >= LATER_STEP:
                    self._look_later(kept)
                raise
            kept = [(capture, model) for capture, model in kept if capture.module() is not None]
            self._look_later(kept)
            due = 2 * max(due, self.recorder.step)
            yield None

    def _look_later(self, kept: list[tuple[Capture, nn.Module]]) -> None:
        for capture, model in kept:
            self._attempt("ModeProbe", partial(self._try, "ModeProbe", trials.modes), model, capture)

    def _attempt(
        self, kind: str, experiment: Callable[[nn.Module, Capture], None], model: nn.Module, capture: Capture
    ) -> None:
        try:
            experiment(model, capture)
        except CannotLookError as error:
            self._cannot(kind, capture, str(error))
        except Exception as error:
            # The user's own forward code, called with other values or fewer examples, may fail in any way.
            self._cannot(kind, capture, f"the model could not be called again: {type(error).__name__}: {error}"[:200])

    def _try(
        self,
        kind: str,
        trial: Callable[[Prober, nn.Module, Capture], dict[str, Any] | None],
        model: nn.Module,
        capture: Capture,
    ) -> None:
        begin = perf_counter()
        found = trial(self, model, capture)
        if found is not None:
            self._row(kind, capture, perf_counter() - begin, **found)

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
        return copied

    def call(self, model: nn.Module, capture: Capture, args: Any, kwargs: Any) -> list[torch.Tensor]:
        """Outputs of a call under the autocast state of the captured one."""
        context: Any = contextlib.nullcontext()
        if capture.autocast is not None:
            context = torch.autocast(capture.autocast[0], dtype=capture.autocast[1])
        with context:
            return list(tensors_in(model(*fresh(args), **fresh(kwargs))))

    def judged(self, model: nn.Module, capture: Capture, args: Any, kwargs: Any) -> torch.Tensor:
        """The output that the loss judges, as numbers."""
        return self.chosen(self.call(model, capture, args, kwargs), capture).detach().float()

    def chosen(self, outputs: list[torch.Tensor], capture: Capture) -> torch.Tensor:
        """Of the outputs of a call, the one that the loss judges, else the first that may be it."""
        floating = [tensor for tensor in outputs if tensor.is_floating_point() and tensor.dim()]
        chosen = outputs[capture.output] if capture.output < len(outputs) else None
        if chosen is None or not chosen.is_floating_point() or not chosen.dim():
            chosen = floating[0] if floating else None
        if chosen is None:
            raise CannotLookError("the model returns no floating-point tensor besides the loss")
        return chosen

    def _sequence(self, model: nn.Module, capture: Capture) -> None:
        """Of models of sequences: which positions does an output depend on, and which does it have to predict?"""
        tokens, begin = capture.tokens, perf_counter()
        model.eval()
        if tokens.ids is not None and (tokens.target is None or tokens.batch_first):
            alone = tokens.ids_alone(
                model, lambda: self.call(model, capture, capture.args, capture.kwargs), capture.output
            )
            self._row("IdsProbe", capture, perf_counter() - begin, **(alone or {}))
        given = next(tensors_in((capture.args, capture.kwargs)), None)
        batch_first = capture.axis_is_batch or mixing.batch_first(self, capture)
        if batch_first and given is not None and given.is_floating_point() and given.dim() == 3:
            padded = sequences.read_after_padding(
                model, lambda: self.call(model, capture, capture.args, capture.kwargs), capture.output, given
            )
            if padded is not None:
                self._row("IdsProbe", capture, perf_counter() - begin, **padded)
        if tokens.target is None:
            seen = tokens.masks(
                model, lambda: self.call(model, capture, capture.args, capture.kwargs), capture.examples
            )
            places = self._places(model, capture) if batch_first else {}
            if tokens.ids is not None and (seen is not None or places):
                sizes = {"examples": tokens.ids.shape[0], "length": tokens.ids.shape[1]}
                self._row("TokenProbe", capture, perf_counter() - begin, **{**sizes, **(seen or {}), **places})
            return
        found = tokens.relation()
        sites = self.recorder.losses.sites
        found["losses"] = sum(kind in losses.CLASS_LOSSES for kind, _, _, training in sites if training)
        if tokens.batch_first:
            found |= tokens.experiment(model, lambda args, kwargs: self.call(model, capture, args, kwargs), capture)
            found |= self._places(model, capture)
        self._row("TokenProbe", capture, perf_counter() - begin, **found)

    def _places(self, model: nn.Module, capture: Capture) -> dict[str, Any]:
        """What the order of a sequence means to the model; nothing where it reads none."""
        tokens = capture.tokens
        if tokens.ids is None:
            return {}
        tokens.attends = self.recorder.passes.attends
        return tokens.layout(model, lambda args, kwargs: self.call(model, capture, args, kwargs), capture)

    def _look_at_ends(self, capture: Capture) -> None:
        """Is the model taught where a text ends? Does the loss leave the prompt out?"""
        model = capture.module()
        found = capture.tokens.end(model) if model is not None else None
        if found is not None:
            self._row("EndProbe", capture, 0.0, **found)
        found = capture.tokens.prompt() if model is not None else None
        if found is not None:
            self._row("PromptProbe", capture, 0.0, **found)

    def _look_at_derived(self, capture: Capture) -> None:
        module = capture.module()
        derived = trials.derived_tensors(module, self.recorder.optimizers.holders) if module is not None else []
        if derived:
            self._row("LeafProbe", capture, 0.0, anew=[], anew_shapes=[], loose=derived, copied=[])

    def _look_at_input(self, capture: Capture) -> None:
        """Figures of tables and colour images that their mean and deviation do not tell."""
        given = next(tensors_in(capture.args), None) if not capture.reason else None
        if given is None or not plain(given) or not given.is_floating_point():
            return
        if given.dim() == 2:
            self._look_at_columns(capture, given.float())
        found = images.scrambled(torch.cat(capture.images)) if capture.images and not capture.computed else None
        if found is not None:
            self._row("InputProbe", capture, 0.0, shape=list(given.shape), **found)

    def _look_at_columns(self, capture: Capture, values: torch.Tensor) -> None:
        """Figures of a table: do its columns lie on scales of their own?"""
        if not 2 <= values.shape[1] <= COLUMNS or values.shape[0] < 8:
            return
        sizes = values.square().mean(0).sqrt().tolist()
        varied = (values.std(0) > 0).tolist()
        used = [column for column, size in enumerate(sizes) if varied[column] and math.isfinite(size)]
        if len(used) < 2:
            return
        least, most = min(used, key=lambda one: sizes[one]), max(used, key=lambda one: sizes[one])
        self._row(
            "InputProbe",
            capture,
            0.0,
            shape=list(values.shape),
            smallest_column=least,
            smallest=sizes[least],
            largest_column=most,
            largest=sizes[most],
            small_columns=sum(sizes[one] < 1e-3 * sizes[most] for one in used),
            normalised_first=bool(capture.root.norm_first),
        )

    def _memorise(self, model: nn.Module, capture: Capture) -> Iterator[None]:
        """Train the copy on the captured examples alone."""
        if not capture.own_loss and capture.target is None:
            self._cannot("MemoriseProbe", capture, "the loss is not one that can be computed again from the output")
            return
        if capture.computed:
            self._cannot("MemoriseProbe", capture, "its input is the output of another part that is trained with it")
            return
        count = capture.examples
        model.train()
        for module in model.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.eval()
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not parameters:
            self._cannot("MemoriseProbe", capture, "no parameter requires a gradient")
            return
        adam = torch.optim.Adam(parameters, lr=MEMORISE_LR)
        history: list[float] = []
        least = self._least(capture)
        seconds = paused_at = 0.0
        for trial in range(MEMORISE_STEPS):
            begin = perf_counter()
            if trial == MEMORISE_STEPS // 2:
                for group in adam.param_groups:
                    group["lr"] = MEMORISE_LATER_LR
            try:
                with torch.enable_grad():
                    loss = self.loss_of(model, capture)
                    adam.zero_grad()
                    # Only the copy's: the model may use a tensor of the user's, of which the gradient must stay.
                    loss.backward(inputs=parameters)
                adam.step()
            except CannotLookError as error:
                self._cannot("MemoriseProbe", capture, str(error))
                return
            except Exception as error:
                self._cannot("MemoriseProbe", capture, f"{type(error).__name__}: {error}"[:200])
                return
            history.append(float(item(loss.detach())))
            seconds += perf_counter() - begin
            if not math.isfinite(history[-1]) or history[-1] - least < MEMORISED * (history[0] - least):
                break
            if seconds - paused_at < PIECE_SECONDS:
                continue
            paused_at = seconds
            try:
                yield
            except GeneratorExit:
                if len(history) >= MEMORISE_ENOUGH:
                    break
                self._cannot(
                    "MemoriseProbe", capture, f"the run ended after {len(history)} of {MEMORISE_STEPS} trial steps"
                )
                raise
        first = next(tensors_in(capture.args), None)
        distinct = first is None or len({tuple(row) for row in first.reshape(count, -1)[:, :64].tolist()}) == count
        self._row(
            "MemoriseProbe",
            capture,
            seconds,
            steps=len(history),
            first_loss=history[0],
            last_loss=min(history),
            least_loss=least,
            constant_loss=self._constant(capture),
            loss_kind=capture.kind or "of the model",
            examples=count,
            targets=capture.target.numel() if capture.target is not None else 0,
            distinct_inputs=distinct,
            lr=MEMORISE_LR,
        )

    def loss_of(self, model: nn.Module, capture: Capture) -> torch.Tensor:
        outputs = self.call(model, capture, capture.args, capture.kwargs)
        output = outputs[capture.output]
        if capture.own_loss:
            return output
        if capture.strides is not None:
            output = torch.as_strided(output.contiguous(), *capture.strides)
        function = getattr(functional, capture.kind)
        options = {key: value for key, value in capture.options.items() if key not in ("size_average", "reduce")}
        loss: torch.Tensor = function(output, capture.target, **options)
        return loss if loss.numel() == 1 else loss.mean()

    def _least(self, capture: Capture) -> float:
        """Entropy of soft targets of the binary losses; 0 for everything else."""
        target = capture.target
        if target is None or capture.kind not in losses.BINARY_LOSSES:
            return 0.0
        share = target.detach().double().clamp(1e-12, 1 - 1e-12)
        entropy = -(share * share.log() + (1 - share) * (1 - share).log())
        return float(entropy.sum() if capture.options.get("reduction") == "sum" else entropy.mean())

    def _constant(self, capture: Capture) -> float | None:
        """Loss of the best prediction that ignores the input."""
        target = capture.target
        if target is None or capture.options.get("reduction", "mean") != "mean":
            return None
        if capture.kind == "mse_loss":
            return float((target.float() - target.float().mean(0, keepdim=True)).square().mean())
        if capture.kind in losses.CLASS_LOSSES and not target.is_floating_point():
            _, counts = target.flatten().unique(return_counts=True)
            shares = counts.double() / counts.sum()
            return float(-(shares * shares.log()).sum())
        return None

    def _gradients(self, capture: Capture) -> None:
        """Which parameters did the step just done use without a gradient?"""
        module = capture.module()
        if module is None:
            return
        entered, shut = self.recorder.layers.entered, self.recorder.layers.shut
        loaded = {id(part) for top in self.recorder.parameters.loaded for part in top.modules()}
        names: list[str] = []
        flags: list[torch.Tensor] = []
        without: list[str] = []
        uncalled: list[str] = []
        held = 0
        for path, member in module.named_modules():
            for key, parameter in member._parameters.items():
                if parameter is None or not parameter.requires_grad:
                    continue
                held += 1
                name = f"{path}.{key}" if path else key
                if parameter.grad is not None:
                    if plain(parameter.grad):
                        names.append(name)
                        flags.append((parameter.grad != 0).any().float())
                elif member is module or id(member) in entered or self.recorder.models.depth:
                    without.append(name)
                elif (
                    id(member) in shut - loaded
                    and self.recorder.optimizers.holders(parameter)
                    and not _follows(parameter, module)
                ):
                    without.append(name)  # drawn at random and given to an optimizer: not frozen on purpose
                else:
                    uncalled.append(name)

        def write(values: list[float]) -> None:
            if not any(values):
                return
            zero = [name for name, value in zip(names, values, strict=True) if not value]
            self._row(
                "GradientProbe",
                capture,
                0.0,
                parameters=held,
                without=without[:64],
                zero=zero[:64],
                uncalled=uncalled[:64],
            )

        if flags:
            capture.without = without[:64]
            self.recorder.reader.read(flags, write)

    def _look_at_pairs(self) -> None:
        """At the end of the run: do the inputs gathered say anything of their targets?"""
        begin = thread_time()
        with undisturbed():
            for root, found in self.recorder.timed(self.pairs.judged):
                self.recorder.row("pairs", model=root.index, **found)
        self.recorder.probe_seconds += thread_time() - begin

    # -- rows

    def _row(self, kind: str, capture: Capture, seconds: float, **values: Any) -> None:
        self.recorder.row(
            "probe",
            kind=kind,
            model=type(capture.module()).__name__ if capture.module() is not None else "",
            site=capture.root.site,
            looked=True,
            reason="",
            seconds=round(seconds, 4),
            **values,
        )

    def _cannot(self, kind: str, capture: Capture, reason: str) -> None:
        name = type(capture.module()).__name__ if capture.module() is not None else ""
        site = capture.root.site
        self.recorder.row("probe", kind=kind, model=name, site=site, looked=False, reason=reason, seconds=0.0)


def _follows(parameter: nn.Parameter, module: nn.Module) -> bool:
    """It is much like a parameter that is trained: a copy that takes over its average (BYOL, mean teachers)."""
    own = thin(parameter).float()
    if not bool(own.any()):
        return True  # zeros tell nothing
    return any(
        other is not parameter
        and other.grad is not None
        and other.shape == parameter.shape
        and float(functional.cosine_similarity(own, thin(other).float(), dim=0)) > ALIKE
        for other in module.parameters()
    )


def _experiments_on(capture: Capture) -> tuple[str, ...]:
    return EXPERIMENTS if capture.tokens.judged is not None else EXPERIMENTS[1:]


def _next(work: Iterator[str | None]) -> str | None:
    return next(work)
