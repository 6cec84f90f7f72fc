"""Watches torch's loss functions: what they were given, and their values in evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from torchward.runtime import graph
from torchward.runtime.tensors import caller, item, number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

KINDS = (
    "cross_entropy",
    "nll_loss",
    "kl_div",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
)
CLASS_LOSSES = ("cross_entropy", "nll_loss")
BINARY_LOSSES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")

CLASS_LIMIT = 1_000
"""Largest number of classes of which a histogram is kept."""
PREDICTION_LIMIT = 2_000_000
"""Elements of a prediction above which its rows are thinned before they are looked at."""
EVALUATION_BATCHES = 8
"""Batches of each evaluation whose predictions are compared with the targets."""


class _Site:
    """One (kind, call in the code, training or not); `index` is its number in the log."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = 0
        self.total: Any = 0.0
        self.batches = 0
        self.right = 0.0
        self.judged = 0


class Losses:
    """State of the loss wrappers. `after` is their one entry."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sites: dict[tuple[str, Any, int, bool], _Site] = {}
        self.last: tuple[str, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]] | None = None
        """Last training call of a sampled step: kind, prediction, target, value, other arguments."""
        self.pending: set[_Site] = set()

    def after(self, kind: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder = self.recorder
        if type(result) is not torch.Tensor or recorder.inside:
            return
        training = result.requires_grad
        if training and not recorder.sampling:
            return
        frame = caller(3)
        where = (kind, frame.f_code, frame.f_lasti, training) if frame is not None else (kind, None, 0, training)
        site = self.sites.get(where)
        if site is None:
            if len(self.sites) >= 64:
                return
            site = self.sites[where] = _Site(len(self.sites))
            reduction = str(kwargs.get("reduction", "mean"))
            recorder.row("loss", i=site.index, kind=kind, site=recorder.site(frame), train=training, red=reduction)
        site.calls += 1
        named = dict(zip(("input", "target"), args, strict=False)) | kwargs
        prediction, target = named.get("input"), named.get("target")
        if not (isinstance(prediction, torch.Tensor) and isinstance(target, torch.Tensor)):
            return
        if training:
            options = {key: value for key, value in kwargs.items() if key not in ("input", "target")}
            self.last = (kind, prediction, target, result, options)
            recorder.timed(self._sample, site, kind, prediction, target, result, kwargs)
        else:
            recorder.timed(self._evaluate, site, kind, prediction, target, result, kwargs)

    # -- evaluation: one value per stretch without optimizer steps

    def _evaluate(
        self, site: _Site, kind: str, prediction: Any, target: Any, result: torch.Tensor, kwargs: dict[str, Any]
    ) -> None:
        if not plain(result):
            return
        value = result.detach()
        if value.numel() > 1 or kwargs.get("reduction") == "sum":
            value = value.sum() / max(1, target.shape[0] if target.dim() else 1)
        site.total = site.total + (item(value) if value.device.type == "cpu" else value)
        site.batches += 1
        self.pending.add(site)
        if kind in CLASS_LOSSES and site.judged < EVALUATION_BATCHES and _is_classes(prediction, target):
            site.judged += 1
            right = (prediction.detach().argmax(1) == target).float().mean()
            site.right = site.right + (item(right) if right.device.type == "cpu" else right)

    def close_evaluation(self) -> None:
        """Write the means of the evaluation that just ended."""
        for site in self.pending:
            means = [site.total / site.batches, site.right / site.judged if site.judged else float("nan")]
            step, batches, index = self.recorder.step, site.batches, site.index

            def write(values: list[float], step: int = step, batches: int = batches, index: int = index) -> None:
                self.recorder.row("ev", s=step, i=index, v=number(values[0]), a=number(values[1]), n=batches)

            if isinstance(means[0], torch.Tensor):
                means[1] = means[1] if isinstance(means[1], torch.Tensor) else torch.full_like(means[0], means[1])
                self.recorder.reader.read(means, write)
            else:
                write(means)
            site.total, site.batches, site.right, site.judged = 0.0, 0, 0.0, 0
        self.pending.clear()

    # -- training, sampled steps only

    def _sample(
        self,
        site: _Site,
        kind: str,
        prediction: torch.Tensor,
        target: torch.Tensor,
        result: torch.Tensor,
        kwargs: dict[str, Any],
    ) -> None:
        if not (plain(prediction) and plain(target) and plain(result)):
            return
        fields: dict[str, Any] = {
            "i": site.index,
            "s": self.recorder.step,
            "ps": list(prediction.shape),
            "ts": list(target.shape),
            "td": str(target.dtype).removeprefix("torch."),
            "ii": kwargs.get("ignore_index", -100) if kind in CLASS_LOSSES else None,
            "n": site.calls,
        }
        if prediction.grad_fn is not None:
            node = graph.producer(prediction.grad_fn)
            if node is not None:
                fields["op"] = graph.operation(node)
                fields["om"] = graph.feeding_layer(node, self.recorder.models.owner)[0]
        prediction = prediction.detach()
        rows = _rows(prediction, kind)
        small = thin(prediction)
        names = ["v", "lo", "hi"]
        scalars = [result.detach().float().mean(), small.min(), small.max()]
        if rows is not None:
            names += ["rs", "rl"]
            scalars += [(rows.sum(1) - 1).abs().max(), rows.logsumexp(1).abs().max()]
        if target.is_floating_point():
            few = thin(target)
            names += ["tlo", "thi", "tsd"]
            scalars += [few.min(), few.max(), few.float().std(unbiased=False)]
        self._classes(kind, prediction, target, fields, names, scalars, kwargs)

        def write(values: list[float]) -> None:
            row = dict(zip(names, map(number, values), strict=False))
            counts = values[len(names) :]
            for key in ("tv", "pv"):
                size = fields.pop(f"_{key}", 0)
                row[key] = {str(i): int(v) for i, v in enumerate(counts[:size]) if v}  # type: ignore[assignment]
                counts = counts[size:]
            self.recorder.row("ls", **fields, **row)

        self.recorder.reader.read(scalars, write)

    def _classes(
        self,
        kind: str,
        prediction: torch.Tensor,
        target: torch.Tensor,
        fields: dict[str, Any],
        names: list[str],
        scalars: list[torch.Tensor],
        kwargs: dict[str, Any],
    ) -> None:
        """Histograms of targets and predictions, and how many agree: appended behind the named scalars."""
        if kind in CLASS_LOSSES and _is_classes(prediction, target):
            classes = prediction.shape[1]
            fields["c"] = classes
            if classes > CLASS_LIMIT:
                return
            guess, truth = prediction.argmax(1).flatten(), target.flatten()
            counted = truth != kwargs.get("ignore_index", -100)
            fields["per"] = target.dim() == 1
        elif kind in BINARY_LOSSES and prediction.numel() == target.numel() == (prediction.shape[0] or 0):
            classes = 2
            guess = (prediction.flatten() > (0.5 if kind == "binary_cross_entropy" else 0.0)).long()
            truth = (target.flatten() > 0.5).long()
            counted = torch.ones_like(truth, dtype=torch.bool)
            fields["per"] = True
        else:
            return
        if truth.numel() > 262_144:
            stride = -(-truth.numel() // 262_144)
            guess, truth, counted = guess[::stride], truth[::stride], counted[::stride]
        inside = counted & (truth >= 0) & (truth < classes)
        spare = torch.full_like(truth, classes)
        names += ["ig", "tn", "ok", "bad"]
        total = counted.numel()
        scalars += [
            total - counted.sum().float(),
            torch.full((), float(total), device=truth.device),
            ((guess == truth) & inside).sum() / inside.sum().clamp(min=1),
            (counted & ~inside).sum().float(),
        ]
        for key, labels in (("tv", truth), ("pv", guess)):
            counts = torch.zeros(classes + 1, device=truth.device)
            one = torch.ones(labels.numel(), device=truth.device)
            counts.scatter_add_(0, torch.where(inside, labels, spare), one)
            fields[f"_{key}"] = classes
            scalars += list(counts[:classes].unbind())


def _is_classes(prediction: torch.Tensor, target: torch.Tensor) -> bool:
    return (
        not target.is_floating_point()
        and prediction.dim() >= 2
        and prediction.dim() == target.dim() + 1
        and prediction.shape[0] == target.shape[0]
    )


def _rows(prediction: torch.Tensor, kind: str) -> torch.Tensor | None:
    """Up to 512 rows of class scores, (rows, classes); None for losses without a class axis."""
    if kind not in (*CLASS_LOSSES, "kl_div") or prediction.dim() < 2 or prediction.shape[1] < 2:
        return None
    if prediction.dim() == 2:
        rows = prediction
    elif kind == "kl_div":
        rows = prediction.reshape(-1, prediction.shape[-1])
    else:
        if prediction.numel() > PREDICTION_LIMIT:
            prediction = prediction[:1]
        rows = prediction.movedim(1, -1).reshape(-1, prediction.shape[1])
    stride = -(-rows.shape[0] // 512)
    return rows[::stride].float()


def functions() -> list[tuple[str, Any]]:
    """(name, original) of every loss function that this torch has."""
    return [(kind, getattr(functional, kind)) for kind in KINDS if hasattr(functional, kind)]
