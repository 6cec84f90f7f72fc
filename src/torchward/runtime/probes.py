"""Experiments on a copy of the model, with its first batch: what passive watching cannot see.

A copy is called again in between two steps of the run, with every random state put back afterwards, its output hidden,
and on its own account of time. What cannot be copied, or must not be called again, is left alone and said so.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import opcode
import random
import sys
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from torchward.runtime import losses
from torchward.runtime.tensors import item, plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.graph import Walk
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

EXAMPLES = 16
"""Examples of the first batch that are kept: enough to tell them apart, few enough to be cheap."""
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
SLICE_SECONDS = 0.01
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
WAIT = "wait"
"""What an experiment yields that has nothing to do before a later step."""
EXPERIMENTS = ("LeakProbe", "DependenceProbe", "MemoriseProbe")
"""Those that call a copy of the model."""
LEAK = 1e-3
"""A change of other examples' outputs by this share of their deviation is looked into: far above float32's rounding."""


class CannotLookError(Exception):
    """Why an experiment is not made; the message goes into the report."""


class Capture:
    """The first training call of a root module, cut down to `EXAMPLES` examples."""

    def __init__(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self.root = root
        self.module = weakref.ref(module)
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if tensor.dim()]
        self.batch = given[0].shape[0] if given else 0
        self.reason = ""
        if sum(tensor.numel() * tensor.element_size() for tensor in given) > INPUT_BYTES:
            self.reason = "its inputs are too large to keep"
        elif self.batch < 2:
            self.reason = "its first input holds fewer than two examples"
        else:
            self.args = _cut(args, self.batch)
            self.kwargs = _cut(kwargs, self.batch)
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
        self.without: list[str] = []
        """Parameters of modules that were called, and that no gradient reached."""

    @property
    def examples(self) -> int:
        return min(self.batch, EXAMPLES)


class Prober:
    """Decides when to experiment, and writes what came of it. Between steps it costs one comparison."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.captures: dict[int, Capture] = {}
        self.first_loss: float | None = None
        self.work: Iterator[str | None] | None = None
        self.started = False
        self.step_seconds = 0.0
        self.began = perf_counter()
        self.resume_at = 0.0
        self.recorder.probe_seconds = 0.0
        """Processor time of the experiments: on a busy machine they wait without holding anybody up."""
        recorder.models.capture = self.saw_call

    # -- what the run shows of itself

    def saw_call(self, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """A training call of a root module, in a sampled step."""
        if self.started or len(self.captures) >= 4:
            return
        capture = self.captures.get(root.index)
        if capture is None:
            capture = self.captures[root.index] = Capture(root, module, args, kwargs, result)
        first = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        if first is not None and first.device.type == "cpu":
            capture.prints.add(float(item(thin(first).double().sum())))

    def saw_loss(self, loss: torch.Tensor, walked: Walk) -> None:
        """The first backward passes: which captured output does the loss judge, and by which function?"""
        for capture in self.captures.values():
            outputs, capture.outputs = capture.outputs, None
            if not outputs:
                continue
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
        if value.grad_fn not in walked.nodes or not plain(prediction) or not plain(target):
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
        loaded = self.recorder.models.loaded
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
        if self.recorder.step < START_STEP or now < self.resume_at or (self.started and self.work is None):
            return
        try:
            self._advance(now)
        except Exception as error:
            # The experiments are over; what they were about is reported as not looked at.
            self.work = None
            self.captures.clear()
            self.recorder.fail("probes", error)

    def _advance(self, now: float) -> None:
        recorder = self.recorder
        if not self.started:
            self.started = True
            self.step_seconds = min(recorder.durations, default=0.0)
            self.began = now
            recorder.models.capture = None
            self.work = self._experiments()
        earned = QUICK_SECONDS + MEMORISE_SECONDS + SHARE * (now - self.began)
        start = perf_counter()
        while self.work is not None and self.recorder.probe_seconds < earned:
            if self._one_piece() == WAIT:
                self.resume_at = now + 1.0
                break
            if perf_counter() - start > SLICE_SECONDS:
                break

    def _one_piece(self) -> str | None:
        begin = thread_time()
        work = self.work
        if work is None:
            return None
        try:
            with _undisturbed():
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
        limit = self.recorder.probe_seconds + LAST_SECONDS
        while self.work is not None and self.recorder.probe_seconds < limit:
            if self._one_piece() == WAIT:
                break
        if self.work is not None:
            self.work.close()  # type: ignore[attr-defined]
            self.work = None

    # -- the experiments

    def _experiments(self) -> Iterator[str | None]:
        """All of them, in pieces: each `next` is a bounded amount of work."""
        for capture in list(self.captures.values()):
            self._gradients(capture)
            yield None
            try:
                model = self._copy(capture)
            except CannotLookError as error:
                for kind in EXPERIMENTS:
                    self._cannot(kind, capture, str(error))
                continue
            estimate = self.step_seconds * capture.examples / max(1, capture.batch)
            while 6 * estimate > QUICK_SECONDS and self.recorder.probe_seconds + 6 * estimate > SHARE * (
                perf_counter() - self.began
            ):
                try:
                    yield WAIT  # too slow for now: until the run has earned it
                except GeneratorExit:
                    for kind in EXPERIMENTS:
                        self._cannot(kind, capture, "the run ended before there was time for it")
                    raise
                if self.recorder.log is None:
                    return
            for experiment in (self._leak, self._dependence):
                self._attempt(experiment, model, capture)
                yield None
            yield from self._memorise(model, capture)
            del model

    def _attempt(self, experiment: Callable[[nn.Module, Capture], None], model: nn.Module, capture: Capture) -> None:
        kind = "LeakProbe" if experiment == self._leak else "DependenceProbe"
        try:
            experiment(model, capture)
        except CannotLookError as error:
            self._cannot(kind, capture, str(error))
        except Exception as error:
            # The user's own forward code, called with other values or fewer examples, may fail in any way.
            self._cannot(kind, capture, f"the model could not be called again: {type(error).__name__}: {error}"[:200])

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
        if held > MODEL_BYTES or not _fits(module, held):
            raise CannotLookError("the model is too large to copy")
        reason = impure(module)
        if reason:
            raise CannotLookError(reason)
        try:
            copied = copy.deepcopy(module)
        except Exception as error:
            raise CannotLookError(f"the model cannot be copied: {type(error).__name__}: {error}"[:200]) from error
        for parameter in copied.parameters():
            parameter.grad = None
        return copied

    def _call(self, model: nn.Module, capture: Capture, args: Any, kwargs: Any) -> list[torch.Tensor]:
        """Outputs of a call under the autocast state of the captured one."""
        context: Any = contextlib.nullcontext()
        if capture.autocast is not None:
            context = torch.autocast(capture.autocast[0], dtype=capture.autocast[1])
        with context:
            return list(tensors_in(model(*_fresh(args), **_fresh(kwargs))))

    def _judged(self, model: nn.Module, capture: Capture, args: Any, kwargs: Any) -> torch.Tensor:
        outputs = self._call(model, capture, args, kwargs)
        floating = [tensor for tensor in outputs if tensor.is_floating_point() and tensor.dim()]
        chosen = outputs[capture.output] if capture.output < len(outputs) else None
        if chosen is None or not chosen.is_floating_point() or not chosen.dim():
            chosen = floating[0] if floating else None
        if chosen is None:
            raise CannotLookError("the model returns no floating-point tensor besides the loss")
        return chosen.detach().float()

    def _leak(self, model: nn.Module, capture: Capture) -> None:
        begin = perf_counter()
        count = capture.examples
        if len(capture.prints) == 1:
            raise CannotLookError("every step uses the same input")
        if count < 4:
            raise CannotLookError("the batch holds fewer than four examples")
        if not (capture.axis_is_batch or self._batch_first(capture)):
            raise CannotLookError("it is not certain which axis of the input is the batch")
        model.eval()
        half = count // 2
        generator = torch.Generator().manual_seed(0)
        # The first half changes: a recurrent layer that takes the batch for time only carries values onwards.
        other_args = _changed(capture.args, generator, rows=(half, count))
        other_kwargs = _changed(capture.kwargs, generator, rows=(half, count))
        first = self._judged(model, capture, capture.args, capture.kwargs)
        if first.shape[0] != count:
            raise CannotLookError("the first axis of the output is not the batch")
        if count in first.shape[1:]:
            fewer = [
                _mapped(given, lambda t: t[:half] if t.dim() and t.shape[0] == count else t)
                for given in (capture.args, capture.kwargs)
            ]
            if self._judged(model, capture, *fewer).shape[1:] != first.shape[1:]:
                raise CannotLookError("its outputs compare the examples of the batch with each other")
        again = self._judged(model, capture, capture.args, capture.kwargs)
        second = self._judged(model, capture, other_args, other_kwargs)
        scale = float(first.std()) or 1.0
        leak = float((second[half:] - first[half:]).abs().max()) / scale
        noise = float((again - first).abs().max()) / scale
        module, kind = "", ""
        if leak > LEAK and leak > 10 * noise:
            module, kind = self._first_leaking(model, capture, (other_args, other_kwargs), half, count)
        self._row(
            "LeakProbe",
            capture,
            perf_counter() - begin,
            examples=count,
            own_change=float((second[:half] - first[:half]).abs().max()) / scale,
            leak=leak,
            noise=noise,
            batch_axis=0,
            leaking_module=module,
            leaking_kind=kind,
        )

    def _batch_first(self, capture: Capture) -> bool:
        """Images and plain rows of features have their batch first; sequences need a loader that says so."""
        first = next((tensor for tensor in (*tensors_in(capture.args), *tensors_in(capture.kwargs))), None)
        if first is None:
            return False
        if first.is_floating_point() and first.dim() in (2, 4):
            return True
        live = [known.ref() for known in self.recorder.loaders.known.values()]
        sizes = {loader.batch_size for loader in live if loader is not None}
        return capture.batch in sizes and (first.dim() < 2 or first.shape[1] != capture.batch)

    def _first_leaking(
        self, model: nn.Module, capture: Capture, other: tuple[Any, Any], half: int, count: int
    ) -> tuple[str, str]:
        """The first module to return whose output for unchanged examples depends on the others."""
        names = {id(module): (name, type(module).__name__) for name, module in model.named_modules()}
        seen: list[list[tuple[int, torch.Tensor]]] = [[], []]
        for record, (args, kwargs) in zip(seen, ((capture.args, capture.kwargs), other), strict=True):

            def keep(module: nn.Module, _args: Any, output: Any, record: Any = record) -> None:
                tensor = next((t for t in tensors_in(output) if t.is_floating_point()), None)
                if tensor is not None and tensor.dim() and tensor.shape[0] == count and len(record) < 2_000:
                    record.append((id(module), tensor.detach()[half:].clone()))

            handles = [module.register_forward_hook(keep) for module in model.modules()]
            try:
                self._call(model, capture, args, kwargs)
            finally:
                for handle in handles:
                    handle.remove()
        for (key, first), (other_key, second) in zip(*seen, strict=False):
            if key == other_key and first.shape == second.shape and first.numel():
                scale = float(first.float().std()) if first.numel() > 1 else 1.0
                if float((first.float() - second.float()).abs().max()) > LEAK * (scale or 1.0):
                    return names[key]
        return "", ""

    def _dependence(self, model: nn.Module, capture: Capture) -> None:
        begin = perf_counter()
        model.eval()
        generator = torch.Generator().manual_seed(1)
        first = self._judged(model, capture, capture.args, capture.kwargs)
        size = float(first.abs().max()) or 1.0
        count = len(list(tensors_in(capture.args))) + len(list(tensors_in(capture.kwargs)))
        everything = self._judged(
            model, capture, _changed(capture.args, generator), _changed(capture.kwargs, generator)
        )
        if everything.shape != first.shape:
            raise CannotLookError("the shape of the output depends on the values of the input")
        self._row(
            "DependenceProbe",
            capture,
            perf_counter() - begin,
            change=float((everything - first).abs().max()) / size,
            inputs=count,
            ignored=[],
            without=capture.without,
            without_change=self._influence(model, capture, first, generator) / size if capture.without else 0.0,
        )

    def _influence(self, model: nn.Module, capture: Capture, first: torch.Tensor, generator: torch.Generator) -> float:
        """Change of the output when the parameters that got no gradient take other values: is the output made of them?

        The head of another task, or a pooling layer that nobody uses, gets no gradient either, and rightly.
        """
        again = self._judged(model, capture, capture.args, capture.kwargs)
        kept: list[tuple[torch.Tensor, torch.Tensor]] = []
        try:
            for name in capture.without:
                parameter = model.get_parameter(name).data
                kept.append((parameter, parameter.clone()))
                noise = torch.randn(parameter.shape, generator=generator).to(parameter.device, parameter.dtype)
                parameter.add_(noise * (float(parameter.float().abs().max()) or 1.0))
            other = self._judged(model, capture, capture.args, capture.kwargs)
        finally:
            for parameter, before in kept:
                parameter.copy_(before)
        change, chance = float((other - first).abs().max()), float((again - first).abs().max())
        return change if change > 10 * chance else 0.0

    def _memorise(self, model: nn.Module, capture: Capture) -> Iterator[None]:
        """Train the copy on the captured examples alone."""
        if not capture.own_loss and capture.target is None:
            self._cannot("MemoriseProbe", capture, "the loss is not one that can be computed again from the output")
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
                    loss = self._loss_of(model, capture)
                    adam.zero_grad()
                    loss.backward()
                adam.step()
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

    def _loss_of(self, model: nn.Module, capture: Capture) -> torch.Tensor:
        outputs = self._call(model, capture, capture.args, capture.kwargs)
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
        entered = self.recorder.models.entered
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


def _next(work: Iterator[str | None]) -> str | None:
    return next(work)


def _cut(value: Any, batch: int) -> Any:
    """A copy with tensors detached and cloned, and the first `EXAMPLES` examples of those that hold the batch."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach()
        if tensor.dim() and tensor.shape[0] == batch:
            tensor = tensor[:EXAMPLES]
        return tensor.clone()
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_cut(element, batch) for element in value)
    if type(value) is list:
        return [_cut(element, batch) for element in value]
    if type(value) is dict:
        return {key: _cut(element, batch) for key, element in value.items()}
    return value


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return change(value)
    if type(value) is tuple:
        return tuple(_mapped(element, change) for element in value)
    if type(value) is list:
        return [_mapped(element, change) for element in value]
    if type(value) is dict:
        return {key: _mapped(element, change) for key, element in value.items()}
    return value


def _fresh(value: Any) -> Any:
    """Clones, so that a model that changes its input in place harms nobody."""
    return _mapped(value, torch.Tensor.clone)


def _changed(value: Any, generator: torch.Generator, rows: tuple[int, int] | None = None) -> Any:
    """Other values of the same scale: all of them, or with `rows` (n, of) those of the first n of so many examples."""

    def change(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dtype == torch.bool or not tensor.dim() or (rows is not None and tensor.shape[0] != rows[1]):
            return tensor.clone()
        result = tensor.clone()
        part = result if rows is None else result[: rows[0]]
        if tensor.is_floating_point():
            values = tensor.float()
            spread = float(values.std()) if values.numel() > 1 else 1.0
            noise = torch.randn(part.shape, generator=generator).to(tensor.device)
            part.copy_(noise * (spread or 1.0) + float(values.mean()))
        elif not tensor.is_complex():
            flat = tensor.reshape(-1)
            picks = torch.randint(flat.numel(), (part.numel(),), generator=generator).to(tensor.device)
            part.copy_(flat[picks].reshape(part.shape))
        return result

    return _mapped(value, change)


def _fits(module: nn.Module, held: int) -> bool:
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return 8 * held < free


def impure(module: nn.Module) -> str:
    """Why calling a copy of the model could be felt outside of it; empty if nothing speaks against it."""
    for name, member in module.named_modules():
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            for hook in getattr(member, kind, {}).values():
                owner = getattr(hook, "__module__", None) or type(hook).__module__
                if not owner.startswith("torch."):
                    return f"`{name or type(module).__name__}` has hooks of the user's"
    store_global = opcode.opmap["STORE_GLOBAL"]
    seen: set[type] = set()
    for member in module.modules():
        for kind_ in type(member).__mro__:
            if kind_ in seen or kind_.__module__.startswith("torch."):
                continue
            seen.add(kind_)
            for value in vars(kind_).values():
                function = getattr(value, "__func__", value)
                if not isinstance(function, types.FunctionType) or function.__name__ == "__init__":
                    continue
                code = function.__code__
                if store_global in code.co_code[::2]:
                    return f"`{function.__qualname__}` changes global variables"
                for used in code.co_names:
                    found = function.__globals__.get(used)
                    if used in ("open", "input") and found is None:
                        return f"`{function.__qualname__}` reads or writes files"
                    if isinstance(found, (list, dict, set, deque, torch.Generator, random.Random)) or (
                        type(found).__module__ == "numpy.random.mtrand" or type(found).__name__ == "Generator"
                    ):
                        return f"`{function.__qualname__}` uses the global `{used}`, which it could change"
    return ""


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Random states, standard output and shown warnings are afterwards as if nothing had been done."""
    numpy = sys.modules.get("numpy")
    cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
    state = torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if cuda else None
    numpy_state = numpy.random.get_state() if numpy is not None else None
    python_state = random.getstate()
    shown = warnings._showwarnmsg  # type: ignore[attr-defined]
    warnings._showwarnmsg = lambda message: None  # type: ignore[attr-defined]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        warnings._showwarnmsg = shown  # type: ignore[attr-defined]
        torch.set_rng_state(state)
        if cuda_states is not None:
            torch.cuda.set_rng_state_all(cuda_states)
        if numpy is not None:
            numpy.random.set_state(numpy_state)
        random.setstate(python_state)
