"""Watches torch's loss functions: what they were given in training, and what became of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from torchward.runtime import graph
from torchward.runtime.evaluations import (
    BINARY_LOSSES,
    CLASS_LOSSES,
    REGRESSIONS,
    Evaluations,
    histogram,
    is_classes,
)
from torchward.runtime.resizes import Resizes
from torchward.runtime.tensors import caller, number, plain, thin

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
    "gaussian_nll_loss",
    "poisson_nll_loss",
)
LIKELIHOODS = ("gaussian_nll_loss", "poisson_nll_loss")
"""Losses whose least value is not known, and may be negative: how far they have come is not judged."""
DENSE = (*CLASS_LOSSES, *BINARY_LOSSES, *REGRESSIONS)
"""Losses whose targets may be masks."""

WEIGHT_LIMIT = 32
"""Classes of which the weights are written down."""
CLASS_LIMIT = 1_000
"""Largest number of classes of which a histogram is kept."""
PREDICTION_LIMIT = 2_000_000
"""Elements of a prediction above which its rows are thinned before they are looked at."""
PAIRS_LIMIT = 1_024
"""Examples in a batch of pairs whose scores are compared."""
RANKING = ("argmax", "max")
"""Methods that class numbers may be taken with from rows of labels."""
RANKED = 8
"""Tensors of two axes, in a sampled step, that class numbers may have been taken from."""
SQUASHING = {"SigmoidBackward0": (0.0, "sigmoid"), "TanhBackward0": (-1.0, "tanh")}
"""Curves with bounds: the lower one (the upper one is 1), and the name."""
NOISES = 8
"""Targets that look like noise of which marks are written down, for each place."""
NOISE = 1_024
"""Values that it takes to tell noise by its mean, deviation and fourth moment, ..."""
NOISE_DEVIATIONS = 5.0
"""... each within so many of its standard errors: 1, 1 / sqrt(2), sqrt(24), over the root of their number."""
SHARED_ROWS = 16
"""Examples in a batch from which on the values that their rows are made of are counted, ..."""
APART = 1e-5
"""... those that are further apart than this, in deviations: rounding may differ from place to place."""


class _Site:
    """One (kind, call in the code, training or not); `index` is its number in the log."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = 0
        self.noises = 0
        """Targets that were looked at for noise."""
        self.in_backward = self.left_out = self.added = 0
        """Sampled calls by what became of the value: a backward pass began in it, none did, it was added to a loss
        although it has no graph itself."""
        self.sent = (0, 0, 0)
        self.weights: set[str] = set()
        """Kinds of weights that were written down."""


class Losses:
    """State of the loss wrappers. `after` is their one entry: for calls in sampled steps and without gradients."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.resizes = Resizes(recorder)
        self.sites: dict[tuple[str, Any, int, bool], _Site] = {}
        self.last: tuple[str, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]] | None = None
        """Last training call of a sampled step: kind, prediction, target, value, other arguments."""
        self.called: list[tuple[int, torch.Tensor]] = []
        """Training calls of the sampled step that is under way: number of the place, value."""
        self.evaluations = Evaluations(recorder)
        self.graded: list[tuple[_Site, torch.Tensor]] = []
        """Training calls of this sampled step to whose value no backward pass has come yet: where, the value."""
        self.ungraded: list[_Site] = []
        """Calls in this sampled step with gradients enabled, of values without a graph."""
        self.outputs: dict[tuple[int, int], tuple[int, int]] = {}
        """What models returned in this sampled step: (memory, size) -> (model, position)."""
        self.judged: dict[tuple[int, int], tuple[int, torch.Tensor]] = {}
        """(model, position) -> the loss that judged that output in this step, and its target."""
        self.twice: set[tuple[int, int, int]] = set()
        self.ranked: list[torch.Tensor] = []
        self.squashed: list[tuple[Any, int, int]] = []
        """Outputs of this sampled step that a bounded curve made: (its node, model, position)."""

    def after(self, kind: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder = self.recorder
        if type(result) is not torch.Tensor or recorder.inside:
            return
        training = result.requires_grad
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
        named = dict(zip(("input", "target", "weight"), args, strict=False)) | kwargs
        prediction, target = named.get("input"), named.get("target")
        if not (isinstance(prediction, torch.Tensor) and isinstance(target, torch.Tensor)):
            return
        if training and kind in REGRESSIONS and target.requires_grad and not prediction.requires_grad:
            prediction, target = target, prediction  # a distance is the same both ways round, and is written both ways
        if recorder.sampling:
            if not training:
                if torch.is_grad_enabled() and prediction.is_floating_point():
                    self.ungraded.append(site)
            elif len(self.graded) < 16:
                self.graded.append((site, result))
        if training:
            options = {key: value for key, value in kwargs.items() if key not in ("input", "target")}
            self.last = (kind, prediction, target, result, options)
            if len(self.called) < 32:
                self.called.append((site.index, result))
            recorder.timed(self._sample, site, kind, prediction, target, result, named)
        else:
            recorder.timed(self.evaluations.judged, site.index, kind, prediction, target, result, kwargs)

    # -- what becomes of the value, in sampled steps

    def returned(self, model: int, outputs: list[tuple[int, torch.Tensor]]) -> None:
        """A model returned these, (position, tensor), with gradients."""
        if len(self.outputs) > 32:
            return
        for place, tensor in outputs:
            if plain(tensor):
                self.outputs[tensor.untyped_storage().data_ptr(), tensor.numel()] = (model, place)
                node = graph.producer(tensor.grad_fn)
                if node is not None and node.name() in SQUASHING:
                    self.squashed.append((node, model, place))

    def backward(self, nodes: list[Any], adds_number: bool) -> None:
        """A backward pass begins, over these nodes; `adds_number`: one of its terms has no graph."""
        begun = set(nodes) if self.graded else set()
        waiting = []
        for site, value in self.graded:
            if value.grad_fn in begun:
                site.in_backward += 1
            else:
                waiting.append((site, value))
        if adds_number and len(waiting) == len(self.graded):
            for site in set(self.ungraded):
                site.added += 1
        self.graded, self.ungraded = waiting, []

    def values(self) -> dict[Any, float]:
        """Sum of what each call in this sampled step gave, by its node; CPU only."""
        return {value.grad_fn: float(value.detach().double().sum()) for _, value in self.graded if value.is_cpu}

    def end_step(self) -> None:
        for site, _ in self.graded:
            site.left_out += 1
        self.last = None
        self.graded, self.ungraded = [], []
        self.outputs.clear()
        self.judged.clear()
        self.twice.clear()
        self.ranked.clear()
        self.squashed.clear()

    def write_counts(self) -> None:
        for site in self.sites.values():
            state = (site.in_backward, site.left_out, site.added)
            if state != site.sent:
                site.sent = state
                self.recorder.row("lb", i=site.index, b=state[0], o=state[1], a=state[2])

    def _judges(self, site: _Site, prediction: torch.Tensor, target: torch.Tensor) -> list[int] | None:
        """[model, output] that the prediction is. One that two losses judge, with other targets, is written down."""
        output = self.outputs.get((prediction.untyped_storage().data_ptr(), prediction.numel()))
        if output is None:
            return None
        before = self.judged.setdefault(output, (site.index, target))
        pair = (before[0], site.index, output[1])
        if before[0] != site.index and before[1] is not target and pair not in self.twice:
            self.twice.add(pair)
            other = before[1]
            same = other.device == target.device and other.numel() == target.numel()
            if not same:
                self.recorder.row("tj", i=site.index, j=before[0], m=output[0], o=output[1])
            else:
                difference = (thin(other).double() - thin(target).double()).abs().max()

                def write(values: list[float]) -> None:
                    if values[0] > 0:
                        self.recorder.row("tj", i=site.index, j=before[0], m=output[0], o=output[1])

                self.recorder.reader.read([difference], write)
        return list(output)

    def _before_curve(self, site: _Site, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """The prediction may be what a model makes another of its outputs of, by a sigmoid: is that one in a loss?"""
        node = graph.producer(prediction.grad_fn)
        for curve, model, place in self.squashed:
            if node is None or graph.producer(curve.next_functions[0][0]) is not node:
                continue
            least, name = SQUASHING[curve.name()]
            some = thin(target.detach()).float()
            row = {"i": site.index, "m": model, "o": place, "c": name}

            def write(read: list[float], row: dict[str, Any] = row) -> None:
                self.recorder.row("sqz", **row, n=number(read[0]), e=number(read[1]))

            edges = ((some <= least) | (some >= 1)).float().mean()
            inside = ((some >= least) & (some <= 1)).all().float()
            self.recorder.reader.read([inside, edges], write)

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
        if kind in DENSE:
            self.recorder.mirrors.compared(site.index, target)
            self.recorder.orientations.compared(site.index, kind, prediction, target)
            self.resizes.compared(site.index, prediction, target)
        if kind in (*REGRESSIONS, *BINARY_LOSSES):
            self.recorder.givens.compared(site.index, prediction, target)
            self.recorder.givens.horizons.compared(site.index, target)
        if kind in REGRESSIONS and self.squashed and target.shape == prediction.shape:
            self._before_curve(site, prediction, target)
        self.recorder.missing.judged(site.index, kind, prediction, target, kwargs)
        self.recorder.forged.judged(site.index, kind, prediction, target)
        fields: dict[str, Any] = {
            "i": site.index,
            "s": self.recorder.step,
            "ps": list(prediction.shape),
            "ts": list(target.shape),
            "td": str(target.dtype).removeprefix("torch."),
            "ii": kwargs.get("ignore_index", -100) if kind in CLASS_LOSSES else None,
            "n": site.calls,
            "sm": number(float(kwargs.get("label_smoothing") or 0.0)) if kind == "cross_entropy" else None,
            "lt": bool(kwargs.get("log_target")) if kind == "kl_div" else None,
            "pg": prediction.requires_grad,
            "tg": target.requires_grad,
            "jo": self._judges(site, prediction, target),
        }
        if kind == "gaussian_nll_loss":
            variance = kwargs.get("var", kwargs.get("weight"))
            self.recorder.spreads.judged(site.index, variance, prediction)
            fields["vg"] = isinstance(variance, torch.Tensor) and variance.requires_grad
        else:
            self._weights(site, kwargs)
        if prediction.grad_fn is not None:
            node = graph.producer(prediction.grad_fn)
            if node is not None:
                fields["op"] = graph.operation(node)
                fields["om"] = graph.feeding_layer(node, self.recorder.parameters.owner)[0]
        prediction = prediction.detach()
        rows = _rows(prediction, kind)
        small = thin(prediction)
        names = ["v", "lo", "hi"]
        scalars = [result.detach().float().mean(), small.min(), small.max()]
        reverse = kind == "kl_div" and fields["tg"] and not fields["pg"]
        if reverse and prediction.dim() == 2 and prediction.shape[0] >= SHARED_ROWS and prediction.shape[1] > 1:
            names += ["dv", "dr"]
            scalars += _distinct(prediction)
        if rows is not None:
            names += ["rs", "rl"]
            scalars += [(rows.sum(1) - 1).abs().max(), rows.logsumexp(1).abs().max()]
        if target.is_floating_point():
            few = thin(target)
            names += ["tlo", "thi", "tsd", "tmn"]
            scalars += [few.min(), few.max(), few.float().std(unbiased=False), few.float().mean()]
            if kind in REGRESSIONS and site.noises < NOISES and target.is_cpu and target.shape == prediction.shape:
                site.noises += 1
                fields["nz"] = _mark_of_noise(few.double())
            if target.shape == prediction.shape and target.dim() and target.shape[0] > 1 and kind not in CLASS_LOSSES:
                names += ["psp", "tsp"]
                scalars += [_spread(prediction), _spread(target.detach())]
            if kind in ("cross_entropy", *BINARY_LOSSES) and target.dim() == 2 and target.shape[1] > 1:
                some = target.detach()[:512].float()
                sums = some.sum(1)
                names += ["trl", "trh", "tnb"]
                scalars += [sums.min(), sums.max(), ((some != 0) & (some != 1)).any().float()]
        if kind == "cross_entropy" and _is_square(prediction, target):
            own = torch.arange(len(target), device=target.device)
            finite = torch.where(torch.isfinite(prediction), prediction, 0.0).float()
            names += ["pm", "ar", "sy"]
            scalars += [
                (target.sort().values == own).all().float(),
                (target == own).all().float(),
                (finite - finite.T).abs().max() / finite.abs().max().clamp(min=1e-30),
            ]
        labels = self._labels_of(kind, prediction, target)
        if labels is not None:
            fields["lr"] = _several(labels)
        self._classes(kind, prediction, target, fields, names, scalars, kwargs)

        def write(values: list[float]) -> None:
            row = dict(zip(names, map(number, values), strict=False))
            counts = values[len(names) :]
            for key in ("tv", "lp", "pv"):
                size = fields.pop(f"_{key}", 0)
                row[key] = {str(i): int(v) for i, v in enumerate(counts[:size]) if v}  # type: ignore[assignment]
                counts = counts[size:]
            self.recorder.row("ls", **fields, **row)

        self.recorder.reader.read(scalars, write)

    def ranked_one(self, tensor: Any) -> None:
        """The largest value of each row of a tensor, or its place, was asked for in a sampled step."""
        if len(self.ranked) < RANKED and plain(tensor) and tensor.dim() == 2 and not tensor.requires_grad:
            self.ranked.append(tensor)

    def _labels_of(self, kind: str, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
        """Rows of zeros and ones, of which the targets of a class loss are the largest values' places; CPU only."""
        shape = prediction.shape
        if kind not in CLASS_LOSSES or len(shape) != 2 or shape[0] < 4 or shape[1] > CLASS_LIMIT:
            return None
        if target.dim() != 1 or target.is_floating_point() or target.device.type != "cpu":
            return None
        for value in (*self.ranked, *self.recorder.loaders.handed_over()):
            if value.shape == shape and value.device == target.device:
                labels = value.detach()
                if bool(((labels == 0) | (labels == 1)).all()) and torch.equal(labels.float().argmax(1), target):
                    return labels
        return None

    def _weights(self, site: _Site, kwargs: dict[str, Any]) -> None:
        """Weights of classes, once for each place."""
        for name in ("weight", "pos_weight"):
            weight = kwargs.get(name)
            if not isinstance(weight, torch.Tensor) or name in site.weights or not plain(weight):
                continue
            if weight.dim() <= 1 and weight.numel() <= WEIGHT_LIMIT:
                site.weights.add(name)

                def write(values: list[float], name: str = name) -> None:
                    self.recorder.row("lw", i=site.index, w=name, v=list(map(number, values)))

                self.recorder.reader.read(list(weight.detach().reshape(-1).unbind()), write)

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
        if kind in CLASS_LOSSES and is_classes(prediction, target):
            classes = prediction.shape[1]
            fields["c"] = classes
            if classes > CLASS_LIMIT:
                return
            guess, truth = prediction.argmax(1).flatten(), target.flatten()
            counted = truth != kwargs.get("ignore_index", -100)
            fields["per"] = target.dim() == 1
        elif kind in BINARY_LOSSES and prediction.shape == target.shape and target.dim() > 1 and target[0].numel() > 1:
            # Masks, or several labels each: only how many of them are positive is of interest.
            positive = (thin(target, 65_536) > 0.5).sum().float()
            fields["_tv"] = 2
            scalars += [min(target.numel(), 65_536) - positive, positive]
            weight, width = kwargs.get("pos_weight"), target.shape[-1]
            if isinstance(weight, torch.Tensor) and weight.shape == (width,) and 1 < width <= WEIGHT_LIMIT:
                rows = target.detach().reshape(-1, width)[: 65_536 // width]
                fields["_lp"], fields["ln"] = width, len(rows)
                scalars += list((rows > 0.5).sum(0).float().unbind())
            return
        elif kind in BINARY_LOSSES and prediction.dim() and prediction.numel() == target.numel() == len(prediction):
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
            fields[f"_{key}"] = classes
            scalars += list(histogram(torch.where(inside, labels, spare), classes).unbind())


def _distinct(table: torch.Tensor) -> list[torch.Tensor]:
    """How many different values a table is made of, and how many different rows, of 512 rows at most."""
    rows = table[:512].double()
    rows = torch.where(torch.isfinite(rows), rows, -100.0)
    sums = rows @ torch.arange(1, rows.shape[1] + 1, dtype=rows.dtype, device=rows.device).sqrt()
    found = []
    for values in (rows.flatten(), sums):
        steps = values.sort().values.diff()
        found.append((steps > APART * values.std(unbiased=False)).sum() + 1)
    return found


def _mark_of_noise(values: torch.Tensor) -> str | None:
    """A mark of numbers that look drawn from the standard normal distribution; None of others."""
    count = values.numel()
    if count < NOISE:
        return None
    mean, deviation, within = float(values.mean()), float(values.std()), NOISE_DEVIATIONS / count**0.5
    if abs(mean) > within or abs(deviation - 1) > within / 2**0.5:
        return None
    fourth = float(((values - mean) / deviation).pow(4).mean())
    return f"{mean:.9g}:{float(values.flatten()[0]):.9g}:{count}" if abs(fourth - 3) < 24**0.5 * within else None


def _several(labels: torch.Tensor) -> tuple[int, int, float]:
    """(fewest, most ones in a row; share of the rows with several that are not all neighbours)."""
    ones = labels.float()
    count = ones.sum(1)
    pieces = ones[:, 0] + (ones[:, 1:] > ones[:, :-1]).sum(1)
    apart = (pieces > 1).float().mean()
    return int(count.min()), int(count.max()), number(float(apart))


def _is_square(prediction: torch.Tensor, target: torch.Tensor) -> bool:
    """As many classes as examples: each may be matched with each, as in contrastive learning."""
    return (
        prediction.dim() == 2
        and 4 <= prediction.shape[0] == prediction.shape[1] <= PAIRS_LIMIT
        and target.dim() == 1
        and not target.is_floating_point()
    )


def _spread(values: torch.Tensor) -> torch.Tensor:
    """Deviation from example to example, averaged over the values of an example; of at most 512 examples."""
    rows = values[:512].reshape(min(512, values.shape[0]), -1)
    return rows[:, :: -(-rows.shape[1] // 256)].float().std(0, unbiased=False).mean()


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
