"""What torch's loss functions say in evaluation: one value, and one share of right answers, for each stretch without
optimizer steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import item, number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

CLASS_LOSSES = ("cross_entropy", "nll_loss")
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
BINARY_LOSSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")

BATCHES = 8
"""Of each evaluation, those whose predictions are compared with the targets."""
MOST = 12
"""Evaluations in which the scales of both are looked at, ..."""
LEAST_VALUES = 16
"""... and values of a batch that this takes."""
NAMED = 1_000
"""Batches, over the whole run, in which the classes that were named are counted."""
CELLS = 2_000_000
"""Scores of a batch, and ..."""
CLASSES = 100
"""Of held-out targets that are counted, at most."""


class _Evaluated:
    """What one call in the code gave in the evaluation that is under way."""

    def __init__(self) -> None:
        self.over = 0
        """Evaluations before this one."""
        self.begin()

    def begin(self) -> None:
        self.total: Any = 0.0
        self.batches = 0
        self.right: Any = 0.0
        self.judged = self.examples = 0
        self.scales: Any = 0.0
        """Sum over batches of the mean and deviation of the targets, and of the predictions."""
        self.scaled = 0
        self.held_out: Any = 0.0
        """Number of targets of each class, over the batches that were looked at."""


class Evaluations:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.places: dict[int, _Evaluated] = {}
        """By their number in the log."""
        self.named = 0
        """Batches whose classes were counted by what was named."""
        self.pending: set[int] = set()

    def judged(
        self, index: int, kind: str, prediction: Any, target: Any, result: torch.Tensor, kwargs: dict[str, Any]
    ) -> None:
        """A loss was computed without gradients, in the place of this number."""
        if not plain(result):
            return
        value = result.detach()
        if value.numel() > 1 or kwargs.get("reduction") == "sum":
            value = value.sum() / max(1, target.shape[0] if target.dim() else 1)
        place = self.places.setdefault(index, _Evaluated())
        place.total = place.total + (item(value) if value.device.type == "cpu" else value)
        place.batches += 1
        self.pending.add(index)
        self.recorder.next_look = 0
        looks = kind in REGRESSIONS and place.over < MOST and place.scaled < BATCHES
        if looks and plain(prediction) and plain(target) and prediction.shape == target.shape:
            _scales(place, prediction, target)
        if kind in (*REGRESSIONS, *BINARY_LOSSES) and plain(prediction) and plain(target):
            self.recorder.givens.compared(index, prediction, target)
        classes = kind in CLASS_LOSSES and plain(prediction) and plain(target) and is_classes(prediction, target)
        small = classes and prediction.shape[1] <= CLASSES and prediction.numel() <= CELLS
        if small and prediction.is_cpu and target.dim() == 1 and self.named < NAMED:
            self.named += 1
            self.recorder.scores.judged_by_loss(prediction.detach().argmax(1), target)
        if place.judged < BATCHES and plain(prediction) and plain(target):
            if kind in CLASS_LOSSES and place.over < MOST and target.dim() == 1:
                _held_out(place, prediction, target)
            counted = target != kwargs.get("ignore_index", -100) if kind in CLASS_LOSSES else None
            right = _share_right(kind, prediction.detach(), target, counted)
            if right is not None:
                place.judged += 1
                known = counted is not None and counted.is_cpu  # elsewhere reading it would wait for the device
                place.examples += int(item(counted.sum())) if counted is not None and known else target.numel()
                place.right = place.right + (item(right) if right.device.type == "cpu" else right)

    def close(self) -> None:
        """Write the means of the evaluation that just ended."""
        for index in self.pending:
            place, step = self.places[index], self.recorder.step
            means = [place.total / place.batches, place.right / place.judged if place.judged else float("nan")]

            def write(
                values: list[float],
                step: int = step,
                batches: int = place.batches,
                index: int = index,
                e: int = place.examples,
            ) -> None:
                self.recorder.row("ev", s=step, i=index, v=number(values[0]), a=number(values[1]), n=batches, e=e)

            if isinstance(means[0], torch.Tensor):
                means[1] = means[1] if isinstance(means[1], torch.Tensor) else torch.full_like(means[0], means[1])
                self.recorder.reader.read(means, write)
            else:
                write(means)
            if place.scaled:

                def write_scales(values: list[float], index: int = index, step: int = step) -> None:
                    self.recorder.row("es", i=index, s=step, v=[number(value) for value in values])

                self.recorder.reader.read((place.scales / place.scaled).unbind(), write_scales)
            if isinstance(place.held_out, torch.Tensor):

                def write_classes(values: list[float], index: int = index) -> None:
                    row = {str(label): int(times) for label, times in enumerate(values) if times}
                    self.recorder.row("ec", i=index, v=row, c=len(values))

                self.recorder.reader.read(place.held_out.unbind(), write_classes)
            place.over += 1
            place.begin()
        self.pending.clear()


def _scales(place: _Evaluated, prediction: torch.Tensor, target: torch.Tensor) -> None:
    if target.numel() >= LEAST_VALUES:
        both = (thin(target, 1_024).float(), thin(prediction, 1_024).float())
        read = [figure for few in both for figure in (few.mean(), few.std(unbiased=False))]
        place.scales = place.scales + torch.stack(read)
        place.scaled += 1


def _held_out(place: _Evaluated, prediction: torch.Tensor, target: torch.Tensor) -> None:
    if is_classes(prediction, target) and 1 < (classes := prediction.shape[1]) <= CLASSES:
        inside = (target >= 0) & (target < classes)
        counts = histogram(torch.where(inside, target, classes), classes)
        before = place.held_out
        place.held_out = counts + before if getattr(before, "shape", None) == counts.shape else counts


def _share_right(
    kind: str, prediction: torch.Tensor, target: torch.Tensor, counted: torch.Tensor | None
) -> torch.Tensor | None:
    """Share of the predicted classes that are right, of those that the loss counts; of one score for each example, its
    side of the middle."""
    if counted is not None and is_classes(prediction, target):
        return ((prediction.argmax(1) == target) & counted).sum().float() / counted.sum().clamp(min=1)
    if kind in BINARY_LOSSES and prediction.shape == target.shape and target.numel() == target.shape[:1].numel():
        middle = 0.5 if kind == "binary_cross_entropy" else 0.0
        return ((prediction > middle) == (target > 0.5)).float().mean()
    return None


def histogram(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """How many labels of each class there are; the label `classes` stands for none."""
    counts = torch.zeros(classes + 1, device=labels.device)
    return counts.scatter_add_(0, labels.long(), torch.ones(labels.numel(), device=labels.device))[:classes]


def is_classes(prediction: torch.Tensor, target: torch.Tensor) -> bool:
    return (
        not target.is_floating_point()
        and prediction.dim() >= 2
        and prediction.dim() == target.dim() + 1
        and prediction.shape[0] == target.shape[0]
    )
