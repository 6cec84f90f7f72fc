"""Watches how predictions are compared with targets outside of a loss, while calls of models are looked at.

Where what is compared is the class that a model has just named for each example, it is a score computed by hand: how
many are right is noted, for each set of targets apart. A score of the outputs that a step is trained by is noted as
such, as are metrics of torchmetrics that are given something while sampled steps are trained.

Where an output is compared with a number, as scores are that decide between two classes, the number is noted.

A prediction of shape (n, 1) and targets of shape (n,) give n times n results, each prediction against each target. A
mask of equal labels is made so on purpose: there the two hold the same values.
"""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from torchward.runtime.anchors import Anchors
from torchward.runtime.errs import Errs
from torchward.runtime.tensors import in_library, in_torch, plain, thin, user_frame
from torchward.runtime.wrap import Patches

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

OPERATIONS = {"__eq__": "==", "eq": "==", "__ne__": "!=", "ne": "!=", "__sub__": "-", "sub": "-"}
"""Methods of `Tensor` -> how they are written."""
ABOVE = ("__gt__", "gt", "__ge__", "ge")
"""Methods of `Tensor` by which a score decides between two classes."""
CUTS = 64
"""Such decisions that are written down."""
LIMIT = 32
ANSWERS = 2_000
"""Comparisons of answers with targets that are written down."""
CLASSES, EVALUATIONS = 64, 300
"""Classes that are counted apart, and steps at which that is written down."""
MISSED, TOGETHER = 0.6, 16
"""Share of right answers below which a batch of at least so many examples is also counted apart: the same evaluation
may go over the training data, too, where nearly all are right."""
IN_TRAINING = 8
"""Scores of outputs that a step is trained by that are written down."""
CELLS = 2_000_000
"""Values of an output above which it is not asked for the classes it names."""


class Scores:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.met = 0
        self.model = -1
        self.counts: tuple[int, ...] = ()
        """Examples of which scores may be made: those of the last call of a model, if it returned a table, and those of
        all calls since the stand-ins are in place."""
        self.rows = 0
        self.answers: list[torch.Tensor] = []
        """Classes that the calls without gradients named since the stand-ins are in place; ..."""
        self.cut: list[tuple[torch.Tensor, ...]] = []
        """... or, of one number for each example, whether it is above 0, or above 0.5."""
        self.of: list[float] = []
        """Of the inputs of these calls: a sum of each."""
        self.answered = self.decided = self.in_training = 0
        self.storage: StorageWeakRef | None = None
        """Memory of what the last call of a model returned."""
        self.by_class: tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]] = Counter(), Counter()
        """(class, class that was named) -> examples, of one model at one step, that are not written down yet: those of
        all batches, and those of batches that were mostly missed."""
        self.by_class_of = (-1, -1)
        self.by_class_written = 0
        self.output: weakref.ref[torch.Tensor] | None = None
        """What the last call of a model returned, if a step may be trained by it."""
        self.metrics: list[weakref.ref[Any]] = []
        """All of torchmetrics, ..."""
        self.of_training: set[int] = set()
        """... and the places of those that were given something while a sampled step was trained."""
        self.errs = Errs(recorder)
        self.anchors = Anchors(recorder)
        """They ask for what is subtracted."""
        self.patches = Patches()
        self.stand_ins = [(name, self._stand_in(name, kind)) for name, kind in OPERATIONS.items()]
        self.decisions = [(name, self._decision(name)) for name in ABOVE]

    def arm(self) -> None:
        """Put the stand-ins in place."""
        if not self.patches and (self.met < LIMIT or self.answered < ANSWERS or self.anchors.kinds):
            for name, stand_in in (*self.stand_ins, *(self.decisions if self.decided < CUTS else ())):
                self.patches.replace(torch.Tensor, name, stand_in)

    def disarm(self) -> None:
        self.patches.undo()
        self.counts, self.rows = (), 0
        self.answers, self.cut, self.of = [], [], []
        self.output = self.storage = None
        if self.metrics and self.in_training < IN_TRAINING:
            self._look_at_metrics()

    def returned(self, model: int, result: Any, given: torch.Tensor | None) -> None:
        """A model returned `result`: what is scored may be it, a column of it, or what several calls returned. `given`:
        the first input of a call without gradients."""
        scored = type(result) is torch.Tensor and plain(result) and result.is_floating_point()
        self.storage = StorageWeakRef(result.untyped_storage()) if scored else None
        table = type(result) is torch.Tensor and result.dim() in (1, 2) and result.shape[0] > 1
        rows = result.shape[0] if table else 0
        self.rows += rows
        if model != self.model:
            self.answers, self.cut, self.of = [], [], []
        self.model, self.counts = model, (rows, self.rows) if table else ()
        self.output = weakref.ref(result) if table and result.requires_grad else None
        if table and self.answered < ANSWERS:
            self._names(result, given)

    def _names(self, result: torch.Tensor, given: torch.Tensor | None) -> None:
        if (
            given is None
            or not plain(given)
            or given.is_complex()
            or not (plain(result) and result.is_floating_point() and result.is_cpu)
        ):
            self.answers, self.cut, self.of = [], [], []
            return
        self.of.append(float(thin(given).double().sum()))
        if result.requires_grad:
            self.answers, self.cut, self.of = [], [], []
        elif result.numel() <= CELLS:
            if result.dim() == 2 and result.shape[1] > 1:
                self.answers.append(result.argmax(1))
            else:
                flat = result.detach().reshape(-1)
                self.cut.append((flat > 0, flat > 0.5))

    def _stand_in(self, name: str, kind: str) -> Callable[..., Any]:
        original, scores, tensor, frame_of = getattr(torch.Tensor, name), self, torch.Tensor, sys._getframe
        seen = self.recorder.guarded("scores", self._seen)
        judged = self.recorder.guarded("scores", self._judged)
        subtracted = self.recorder.guarded("references", self._subtracted)
        erred = self.recorder.guarded("losses", self._erred)
        less_target = self.recorder.guarded("errors by hand", self._less_target)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            counts = scores.counts
            if kind == "-" and args and type(args[0]) is tensor and type(self) is tensor and type(result) is tensor:
                if scores.anchors.calls:
                    subtracted(self, args[0], frame_of(1))
                if not torch.is_grad_enabled():
                    if result.dim() > 1:
                        erred(self, args[0])
                    if scores.storage is not None:
                        less_target(self, args[0], result, frame_of(1))
            if counts and args and type(args[0]) is tensor and type(result) is tensor and result.dim():
                rows = result.shape[0]
                if rows in counts and result.dim() == 1 and kind != "-" and self.shape == args[0].shape:
                    judged(kind == "==", self, args[0], result, frame_of(1))
                elif rows in counts and result.dim() == 2 and {self.shape, args[0].shape} == {(rows, 1), (rows,)}:
                    seen(kind, scores.model, self, args[0], frame_of(1))
            return result

        return wrapper

    def _decision(self, name: str) -> Callable[..., Any]:
        original, scores, frame_of = getattr(torch.Tensor, name), self, sys._getframe
        decides = self.recorder.guarded("scores", self._decides)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            if scores.storage is not None and args and type(args[0]) in (float, int):
                decides(self, float(args[0]), frame_of(1))
            return result

        return wrapper

    def _decides(self, output: torch.Tensor, number: float, frame: FrameType) -> None:
        """An output is compared with a number: how many of its values lie above 0, how many of these up to 0.5?"""
        recorder = self.recorder
        if (
            recorder.inside
            or self.decided >= CUTS
            or in_library(frame.f_code.co_filename)  # metrics make sure that they are given probabilities
            or not (plain(output) and output.is_cpu and output.is_floating_point() and output.numel())
            or StorageWeakRef(output.untyped_storage()) != self.storage
        ):
            return
        self.decided += 1
        recorder.timed(self._write_decision, output.detach(), number, recorder.site(user_frame(frame)))

    def _write_decision(self, output: torch.Tensor, cut: float, site: int) -> None:
        above = output > 0
        row = {
            "m": self.model,
            "s": self.recorder.step,
            "site": site,
            "c": cut,
            "n": output.numel(),
            "a": int(above.sum()),
        }
        row |= {"b": int((above & (output <= 0.5)).sum()), "lo": float(output.min()), "hi": float(output.max())}
        self.recorder.row("cu", **row)

    def _subtracted(self, one: torch.Tensor, other: torch.Tensor, frame: FrameType) -> None:
        self.anchors.subtracted(one, other, frame)

    def _erred(self, one: torch.Tensor, other: torch.Tensor) -> None:
        if not self.recorder.inside:
            self.recorder.timed(self.recorder.givens.subtracted, one, other)

    def _less_target(self, one: Any, other: Any, result: Any, frame: FrameType) -> None:
        """Without gradients something was taken from something else: from what the model has just returned?"""
        if self.recorder.inside or not (plain(one) and plain(other)) or one.shape != other.shape:
            return
        made = [StorageWeakRef(tensor.untyped_storage()) == self.storage for tensor in (one, other)]
        if any(made) and not all(made):
            self.recorder.timed(self.errs.seen, self.model, result, frame)

    def _seen(self, kind: str, model: int, one: torch.Tensor, other: torch.Tensor, frame: FrameType) -> None:
        recorder = self.recorder
        # With a gradient it is part of a loss, which is looked at elsewhere.
        graph = torch.is_grad_enabled() and (one.requires_grad or other.requires_grad)
        if graph or recorder.inside or self.met >= LIMIT or in_torch(frame) or not (plain(one) and plain(other)):
            return
        self.met += 1
        row = {"op": kind, "site": recorder.site(user_frame(frame)), "m": model, "n": one.shape[0]}

        def write(values: list[float]) -> None:
            if values[0]:
                recorder.row("pp", **row)

        recorder.timed(
            lambda: recorder.reader.read([(one.detach().flatten() != other.detach().flatten()).any()], write)
        )

    def _judged(
        self, equal: bool, one: torch.Tensor, other: torch.Tensor, result: torch.Tensor, frame: FrameType
    ) -> None:
        """One value for each example compared with another: is either what the model has just named?"""
        recorder = self.recorder
        if recorder.inside or self.answered >= ANSWERS or in_torch(frame) or not (plain(one) and plain(other)):
            return
        if one.is_cpu and other.is_cpu:
            recorder.timed(self._write_answers, equal, one, other, result, recorder.site(user_frame(frame)))
        output = self.output() if self.output is not None and self.in_training < IN_TRAINING else None
        if output is not None:
            recorder.timed(self._write_training, output, one, other, recorder.site(user_frame(frame)))

    def _write_training(self, output: torch.Tensor, one: torch.Tensor, other: torch.Tensor, site: int) -> None:
        """Is either what the output that a step is trained by names?"""
        output = output.detach()
        if not (plain(output) and output.is_cpu and output.numel() <= CELLS and output.shape[0] == len(one)):
            return
        wide = output.dim() == 2 and output.shape[1] > 1
        flat = output.reshape(-1)
        named = (output.argmax(1),) if wide else (flat > 0, flat > 0.5, flat.round())
        if any(_same(given, answer) for given in (one, other) for answer in named):
            self._write_in_training(site, "")

    def _write_in_training(self, site: int, name: str) -> None:
        self.in_training += 1
        self.recorder.row("ts", s=self.recorder.step, site=site, name=name)

    def _look_at_metrics(self) -> None:
        metrics = [(place, ref()) for place, ref in enumerate(self.metrics)]
        # What stays for longer than a batch: these have been given some since they were set back.
        given = {place: one for place, one in metrics if one is not None and getattr(one, "_update_count", False)}
        self.of_training.update(given)
        if given:
            self._write_in_training(-1, type(next(iter(given.values()))).__name__)

    def _write_answers(
        self, equal: bool, one: torch.Tensor, other: torch.Tensor, result: torch.Tensor, site: int
    ) -> None:
        rows = len(result)
        named = [self.answers, *map(list, zip(*self.cut, strict=True))]
        last = [(answers[-1], self.of[-1]) for answers in named if answers]
        whole = [(torch.cat(answers), self.of[0]) for answers in named if len(answers) > 1]
        for answer, of in (*last, *whole):
            if len(answer) != rows:
                continue
            target = next((b for a, b in ((one, other), (other, one)) if _same(a, answer)), None)
            if target is None or one is other:
                continue
            self.answered += 1
            hits = int(result.sum()) if equal else rows - int(result.sum())
            ramp = torch.arange(1, rows + 1, dtype=torch.float64).sqrt()
            mark = f"{float(target.double() @ ramp):.10g} {of:.10g}"
            self.recorder.row("answered", m=self.model, s=self.recorder.step, site=site, n=rows, h=hits, of=mark)
            self._count_classes(answer, target)
            return

    def judged_by_loss(self, answer: torch.Tensor, target: torch.Tensor) -> None:
        """A loss without gradients compares the classes that the last model named with these."""
        if plain(target) and target.numel():
            self._count_classes(answer, target)

    def _count_classes(self, answer: torch.Tensor, target: torch.Tensor) -> None:
        if target.is_floating_point() or target.dtype is torch.bool or int(target.min()) < 0:
            return
        if self.by_class_of != (self.model, self.recorder.step):
            self.write_counts()
            self.by_class_of = self.model, self.recorder.step
        both, number = torch.stack([target.long(), answer.long()]).unique(dim=1, return_counts=True)
        pairs = Counter(dict(zip(zip(*both.tolist(), strict=True), number.tolist(), strict=True)))
        self.by_class[0].update(pairs)
        if len(target) >= TOGETHER and sum(pairs[one] for one in pairs if one[0] == one[1]) < MISSED * len(target):
            self.by_class[1].update(pairs)

    def write_counts(self) -> None:
        """What is known of the classes, so far."""
        counted = [_by_class(counts) for counts in self.by_class]
        if counted[0] and self.by_class_written < EVALUATIONS and len(counted[0]) <= CLASSES:
            self.by_class_written += 1
            model, step = self.by_class_of
            self.recorder.row("kinds", m=model, s=step, c=counted[0], w=counted[1])
        self.by_class = Counter(), Counter()
        self.errs.close()


def _by_class(counts: Counter[tuple[int, int]]) -> list[list[int]]:
    """[class, examples of it, those named so, the class that was named most often, how often] of each class."""
    named: dict[int, Counter[int]] = {}
    for (one, answer), times in counts.items():
        named.setdefault(one, Counter())[answer] += times
    return [[one, sum(kinds.values()), kinds[one], *kinds.most_common(1)[0]] for one, kinds in sorted(named.items())]


def _same(one: torch.Tensor, answer: torch.Tensor) -> bool:
    return one.shape == answer.shape and torch.equal(one.to(torch.float64), answer.to(torch.float64))
