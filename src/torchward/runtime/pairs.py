"""Pairs of input and target, gathered in sampled steps: at the end of the run, do inputs say anything of targets?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.evaluations import BINARY_LOSSES, CLASS_LOSSES, REGRESSIONS
from torchward.runtime.graph import producer
from torchward.runtime.losses import LIKELIHOODS
from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root

PAIRS = 512
PER_BATCH = 64
FEATURES = 256
FEWEST = 100
CLASSES = 32
COLUMNS = 8
SHUFFLES = 8
RIDGES = (0.05, 0.5)
"""Added to the kernel's diagonal, as a share of its mean: for targets with little and with much noise."""
NUMBERED = (3, 100)
"""Classes among which a number as target is looked into, ..."""
EACH = 8
"""... examples of each, at least, on average, ..."""
UNEVEN = 2.5
"""... and how many times more or fewer than that it may be."""
WEIGHT = 0.02
"""Share of the largest weight of a sum below which a feature does not matter in it."""
ALIKE = 1e-6
"""Directions in which standardised features vary less than this are rounding."""
LOSSES = (*CLASS_LOSSES, *BINARY_LOSSES, *REGRESSIONS, *LIKELIHOODS)


class _Gathered:
    """The pairs of one model and one kind of loss."""

    def __init__(self, root: Root, kind: str, **fields: Any) -> None:
        self.root, self.kind, self.fields = root, kind, {"loss_kind": kind, **fields}
        self.inputs: list[torch.Tensor] = []
        self.targets: list[torch.Tensor] = []
        self.count = 0
        self.by_hand = self.each = False
        self.marked = self.marks = 0
        """Examples whose input, of one number for each class, is not 0 at the class that is its target; and all numbers
        of these inputs that are not 0."""


class Pairs:
    """`saw_call` keeps a model's input until `saw_loss` knows the targets that its output was compared with. What
    another model has computed, with a graph, is no input of the data's."""

    def __init__(self) -> None:
        self.waiting: tuple[Root, list[torch.Tensor], list[torch.Tensor]] | None = None
        self.gathered: dict[int, _Gathered] = {}

    def saw_call(self, root: Root, args: Any, kwargs: Any, result: Any) -> None:
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)]
        known = self.gathered.get(root.index)
        self.waiting = None
        if (
            not given
            or given[0].requires_grad
            or (known is None and len(self.gathered) >= 4)
            or (known is not None and known.count >= PAIRS)
        ):
            return
        self.waiting = (root, given, [t for t in tensors_in(result) if t.is_floating_point()])

    def saw_loss(self, kind: str, prediction: torch.Tensor, target: torch.Tensor, each: bool = False) -> None:
        """The loss at whose root a backward pass begins. `each`: of each value; what becomes of these is not seen."""
        if kind in LOSSES and plain(prediction) and plain(target):
            self._gather(kind, prediction, target, each=each)

    def saw_error(self, error: torch.Tensor, node: Any, sign: float) -> None:
        """... where it is a mean of squared errors that the user wrote: the target is what they were taken from."""
        for output in self.waiting[2] if self.waiting is not None else ():
            if output.numel() == error.numel() and plain(output) and producer(output.grad_fn) is producer(node):
                values = output.detach().reshape(error.shape).double()
                target = values - sign * error.double()
                # As fine as the subtraction was: equal targets are to be equal again.
                fine = target.abs().amax().clamp(min=1e-30) * 2.0**-18
                self._gather("mse_loss", output, (target / fine).round() * fine, by_hand=True)
                return

    def _gather(
        self, kind: str, prediction: torch.Tensor, target: torch.Tensor, by_hand: bool = False, each: bool = False
    ) -> None:
        if self.waiting is None:
            return
        root, inputs, outputs = self.waiting
        self.waiting = None
        given = inputs[0].detach()
        count = given.shape[0] if given.dim() else 0
        if count < 4 or target.dim() == 0 or target.shape[0] != count or target.numel() > COLUMNS * count:
            return
        storage = prediction.untyped_storage().data_ptr()
        if not any(plain(one) and one.untyped_storage().data_ptr() == storage for one in outputs):
            return
        if given.is_complex() or given.dtype == torch.bool or target.is_complex():
            return
        known = self.gathered.get(root.index)
        # Of a large batch, or of all the data, other rows each time.
        first = min(known.count % count, count - PER_BATCH) if known is not None and count > PER_BATCH else 0
        rows = slice(first, first + PER_BATCH)
        flat = given[rows].reshape(min(count, PER_BATCH), -1)
        stride = -(-flat.shape[1] // FEATURES)
        flat = flat[:, ::stride]
        if known is None:
            known = self.gathered[root.index] = _Gathered(
                root, kind, whole=stride == 1, inputs=len(inputs), axes=given.dim()
            )
            known.by_hand = by_hand
        if (
            known.kind != kind
            or known.by_hand != by_hand
            or (known.inputs and known.inputs[0].shape[1] != flat.shape[1])
        ):
            return
        if kind == "cross_entropy" and prediction.shape == given.shape and target.dim() == 1 and given.is_cpu:
            places = target.detach()[rows].long().clamp(0, given.shape[1] - 1)
            known.marked += int((given[rows].gather(1, places[:, None]) != 0).sum())
            known.marks += int((given[rows] != 0).sum())
        known.each |= each
        known.inputs.append(flat.clone())
        known.targets.append(target.detach()[rows].reshape(flat.shape[0], -1).clone())
        known.count += flat.shape[0]

    def judged(self) -> list[tuple[Root, dict[str, Any]]]:
        """(model, fields of the fact) of each; forgets the pairs."""
        found = []
        for one in self.gathered.values():
            widths = {target.shape[1] for target in one.targets}
            if len(widths) == 1:
                fields = _judge(one)
                if fields is not None:
                    found.append((one.root, fields))
        self.gathered.clear()
        return found


def _judge(gathered: _Gathered) -> dict[str, Any] | None:
    alike = [
        bool((rows == rows[0]).all())
        for rows, wanted in zip(gathered.inputs, gathered.targets, strict=True)
        if rows.shape[0] >= 4 and not bool((wanted == wanted[0]).all())
    ]
    # On the CPU: not every device has double precision, and the two may lie on different ones.
    pairs = zip(gathered.inputs, gathered.targets, strict=True)
    several = [torch.cat([given.cpu().double(), wanted.cpu().double()], 1) for given, wanted in pairs]
    repeated = [bool((rows == rows[0]).all()) for rows in several if rows.shape[0] >= 4]
    raw = torch.cat(gathered.inputs).cpu()
    target = torch.cat(gathered.targets).cpu()
    fields: dict[str, Any] = {
        **gathered.fields,
        "features": raw.shape[1],
        "batches": len(alike),
        "same_input": sum(alike),
        "marked": gathered.marked / gathered.count,
        "marks": gathered.marks / gathered.count,
        "one_example": len(repeated) if all(repeated) and len({tuple(tolist(rows[0])) for rows in several}) > 1 else 0,
    }
    unique = {tuple(row): index for index, row in reversed(list(enumerate(tolist(raw))))}
    keep = torch.tensor(sorted(unique.values()))
    raw, target = raw[keep][:PAIRS], target[keep][:PAIRS]
    fields["pairs"] = raw.shape[0]
    if raw.shape[0] < FEWEST:
        return fields
    if not raw.is_floating_point():
        return fields
    inputs = raw.float()
    labels = target.flatten() if target.shape[1] == 1 and gathered.kind in CLASS_LOSSES else None
    wanted = _one_hot(labels) if labels is not None else target.float()
    if wanted is None or not bool(torch.isfinite(inputs).all()) or not bool(torch.isfinite(wanted).all()):
        return fields
    fields["by_hand"] = gathered.by_hand
    if gathered.kind in ("mse_loss", "l1_loss"):
        off = wanted - (wanted.mean(0) if gathered.kind == "mse_loss" else wanted.median(0).values)
        fields["guessed"] = float((off.square() if gathered.kind == "mse_loss" else off.abs()).mean())
    elif gathered.kind in REGRESSIONS:  # of the usual width; the best constant lies between these two
        middles = wanted.mean(0), wanted.median(0).values
        fields["guessed"] = min(float(nn.functional.huber_loss(one.expand_as(wanted), wanted)) for one in middles)
    fields["targets"] = len(set(tolist(target.reshape(-1))))
    wanted = wanted[:, wanted.std(0) > 0]
    if wanted.shape[1] == 0:
        return fields
    if gathered.fields["whole"] and target.shape[1] == 1:
        best, size = _copy_of(inputs, target.double()[:, 0])
        fields["copies"] = best if size > 1 - 1e-9 else None
        fields["nearest"] = [best, round(size, 6)]
        if gathered.kind in REGRESSIONS and inputs.shape[1] <= inputs.shape[0] // 4:
            fields["sum"] = _sum_of(inputs.double(), target.double()[:, 0])
    if gathered.kind in REGRESSIONS and target.shape[1] == 1:
        fields |= _as_classes(inputs, target[:, 0].double())
    # What was filled in may well be left out again, by a mask on the losses of each value.
    if gathered.kind in REGRESSIONS and target.is_floating_point() and not gathered.each:
        columns = [(column, _filled(target[:, column].double())) for column in range(target.shape[1])]
        found = [(one, column) for column, one in columns if one is not None]
        if found:  # of several columns the one where it lies furthest off
            filled, column = max(found, key=lambda each: (each[0][2], -each[1]))
            fields["filled"], fields["filled_column"] = filled, column if target.shape[1] > 1 else None
            fields["filled_told"] = _told(inputs, target[:, column].double(), filled[0])
    return fields | _explained(inputs, wanted)


def _one_hot(labels: torch.Tensor) -> torch.Tensor | None:
    values, places = labels.unique(return_inverse=True)
    if values.numel() > CLASSES:
        return None
    return torch.nn.functional.one_hot(places, values.numel()).float()


def _as_classes(inputs: torch.Tensor, target: torch.Tensor) -> dict[str, Any]:
    """Numbers as targets that may be the numbers of classes: what a linear model explains of either reading."""
    labels = target.round().long()
    count, classes = labels.numel(), int(labels.max()) + 1
    if (
        not NUMBERED[0] <= classes <= NUMBERED[1]
        or int(labels.min()) < 0
        or float((target - labels).abs().max()) > 1e-3
    ):
        return {}
    times, mean = labels.bincount(minlength=classes), count / classes
    if mean < EACH or float(times.max()) > UNEVEN * mean or float(times.min()) < mean / UNEVEN:
        return {}
    inputs = _standard(inputs)
    if inputs.shape[1] == 0:
        return {}
    one_hot = torch.nn.functional.one_hot(labels, classes).float()
    wanted = torch.cat([target.float()[:, None], one_hot], 1)
    wanted = (wanted - wanted.mean(0)) / wanted.std(0)
    kernel = inputs @ inputs.t() / inputs.shape[1]
    explained = torch.stack([1 - _left_out(kernel, ridge, wanted).square().mean(0) for ridge in RIDGES])
    return {
        "classes": classes,
        "as_number": round(float(explained[:, 0].max()), 5),
        "as_classes": round(float(explained[:, 1:].mean(1).max()), 5),
    }


def _filled(target: torch.Tensor) -> tuple[float, float, float] | None:
    """One value that comes up again and again among others that hardly repeat, and do not drift: (it, its share,
    distance of the nearest other in deviations of the others)."""
    values, counts = target.unique(return_counts=True)
    value = values[counts.argmax()]
    others = target[target != value]
    if others.numel() < FEWEST or int(counts.max()) < EACH or values.numel() < others.numel() / 2:
        return None
    first, last = others.chunk(2)
    deviation = float(others.std())
    if deviation == 0 or abs(float(first.mean() - last.mean())) > deviation / 2:
        return None
    nearest = float((others - value).abs().min()) / deviation
    return float(value), round(1 - others.numel() / target.numel(), 5), round(nearest, 4)


def _told(inputs: torch.Tensor, target: torch.Tensor, value: float) -> list[float]:
    """(share of the other targets on the thinner side of that value, how well the inputs tell whether one is it, the
    best of shuffled ones, how well they tell the others)."""
    there = target == value
    others = target[~there]
    below = float((others < value).double().mean())
    which = _explained(inputs, there.float()[:, None])
    rest = _explained(inputs[~there], others.float()[:, None])
    by_chance = which["shuffled"] + 3 * which["shuffled_deviation"]
    return [round(min(below, 1 - below), 4), which["explained"], round(by_chance, 5), rest["explained"]]


def _standard(inputs: torch.Tensor) -> torch.Tensor:
    inputs = inputs[:, inputs.std(0) > 0]
    return ((inputs - inputs.mean(0)) / inputs.std(0)).clamp(-10, 10)


def _left_out(kernel: torch.Tensor, ridge: float, wanted: torch.Tensor) -> torch.Tensor:
    """Error at each row, predicted from all the others."""
    size = float(kernel.diagonal().mean()) * ridge
    inverse = torch.cholesky_inverse(
        torch.linalg.cholesky(kernel + size * torch.eye(kernel.shape[0], dtype=kernel.dtype))
    )
    return (inverse @ wanted) / inverse.diagonal()[:, None]


def _copy_of(inputs: torch.Tensor, target: torch.Tensor) -> tuple[int, float]:
    """The feature that correlates most with the target, and how much."""
    values = inputs.double() - inputs.double().mean(0)
    centred = target - target.mean()
    sizes = values.norm(dim=0) * centred.norm()
    correlation = (values * centred[:, None]).sum(0).abs() / sizes.clamp(min=1e-300)
    correlation[sizes == 0] = 0
    best = int(correlation.argmax())
    return best, float(correlation[best])


def _sum_of(inputs: torch.Tensor, target: torch.Tensor) -> list[Any] | None:
    """(share of the target's variance that the best weighted sum of the features leaves over, sum of the squares of its
    weights for features of deviation 1, features that matter in it); None where the target is one number.

    Of independent features that make up the target the squares add up to 1; to far more where features that are alike
    are subtracted from each other."""
    places = torch.nonzero(inputs.std(0) > 0)[:, 0]
    if not len(places) or float(target.std()) == 0:
        return None
    values = inputs[:, places]
    values, wanted = (values - values.mean(0)) / values.std(0), (target - target.mean()) / target.std()
    weights = torch.linalg.lstsq(values, wanted[:, None], rcond=ALIKE, driver="gelsd").solution[:, 0]
    left = float((wanted - values @ weights).square().mean())
    matter = places[weights.abs() > WEIGHT * weights.abs().max()]
    return [left, round(float(weights.square().sum()), 3), tolist(matter)]


def _explained(inputs: torch.Tensor, wanted: torch.Tensor) -> dict[str, Any]:
    """Leave-one-out kernel ridge regression, with the targets as they are and shuffled."""
    count = inputs.shape[0]
    inputs = _standard(inputs)
    if inputs.shape[1] == 0:
        return {"explained": 0.0, "shuffled": 0.0, "shuffled_deviation": 0.0}
    wanted = (wanted - wanted.mean(0)) / wanted.std(0)
    generator = torch.Generator().manual_seed(3)
    orders = [torch.arange(count)] + [torch.randperm(count, generator=generator) for _ in range(SHUFFLES)]
    stacked = torch.cat([wanted[order] for order in orders], 1)
    linear = inputs @ inputs.t() / inputs.shape[1]
    squares = linear.diagonal()
    distance = (squares[:, None] + squares[None, :] - 2 * linear).clamp(min=0)
    kernels = (linear, torch.exp(-distance / distance.median().clamp(min=1e-6)))
    best = torch.full((len(orders),), -1.0)
    for kernel in kernels:
        for ridge in RIDGES:
            errors = _left_out(kernel, ridge, stacked)
            best = best.maximum(1 - errors.square().mean(0).reshape(len(orders), -1).mean(1))
    others = best[1:]
    return {
        "explained": round(float(best[0]), 5),
        "shuffled": round(float(others.mean()), 5),
        "shuffled_deviation": round(float(others.std()), 5),
    }
