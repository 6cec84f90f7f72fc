"""Watches with which targets a model is trained on rows that another model has just made, and on rows that none has.

Rows are known by a sum over their values with irrational weights. Nothing is read here: the counts reach the log
through the recorder's reader, so an accelerator is not waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime import graph
from torchward.runtime.tensors import number, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

KINDS = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "cross_entropy")
"""Losses by which real and generated examples are told apart."""
ROWS = 1_024
"""Rows of a batch above which it is not looked at."""
WIDTH = 4_096
"""Values of a row that its sum is of, evenly spaced."""
BATCHES, CALLS = 8, 8
"""Generated batches of this sampled step and the one before, and calls of models that may judge them."""
SAME = 1e-9
"""Relative difference of two sums of the same values: additions in double precision may come in another order. Values
in single precision are 6e-8 apart."""
DESCENT = 6
"""Operations at most between what a model returns and what a loss is given."""
TIMES = 2_048
"""Calls of losses that are written down."""
PASSING = graph.RESHAPING | {"SigmoidBackward0", "ToCopyBackward0", "AliasBackward0", "SelectBackward0"}
"""Operations that leave every example where it stands."""


class _Call(NamedTuple):
    """A training call of a model in this sampled step, as far as one of its outputs goes."""

    model: int
    place: int
    """Of the output."""
    node: Any
    rows: int
    width: int
    """Values of a row of the input."""
    grown: bool
    """The input has a graph: it is being made better, as in the step of a generator."""
    sums: torch.Tensor | None
    """One for each row of the input; None where rows of this width were not judged before."""


class Forged:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.widths: set[int] = set()
        """Values of a row of inputs that such a loss has judged: only outputs of as many are remembered."""
        self.made: list[tuple[int, int, torch.Tensor]] = []
        """(step, model, sum of each row) of what models returned in this sampled step or the one before: a generator
        may step between making an example and its judgement."""
        self.calls: list[_Call] = []
        self.times = 0

    def end_step(self) -> None:
        self.made = [one for one in self.made if one[0] == self.recorder.step]
        self.calls.clear()

    def returned(self, root: Root, made: list[torch.Tensor]) -> None:
        """A model returned these in a sampled step."""
        if self.widths and made and _fits(made[0]) and made[0][0].numel() in self.widths and len(self.made) < BATCHES:
            self.made.append((self.recorder.step, root.index, _sums(made[0])))

    def called(self, root: Root, args: Any, kwargs: Any, outputs: list[tuple[int, torch.Tensor]]) -> None:
        """A sampled training call."""
        if len(self.recorder.models.roots) < 2 or len(self.calls) >= CALLS or self.times >= TIMES:
            return
        given = next((one for one in tensors_in((args, kwargs), 4) if one.is_floating_point()), None)
        if given is None or not _fits(given):
            return
        rows, width, grown = len(given), given[0].numel(), given.grad_fn is not None
        sums = _sums(given) if width in self.widths and not grown else None
        for place, output in outputs:
            if output.dim() and len(output) == rows:
                self.calls.append(_Call(root.index, place, output.grad_fn, rows, width, grown, sums))

    def judged(self, loss: int, kind: str, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """A loss compares these in a sampled step."""
        call = self._call_of(prediction) if self.calls and kind in KINDS and self.times < TIMES else None
        labels = _labels(kind, prediction, target, call.rows) if call is not None else None
        if call is None or labels is None:
            return
        if call.sums is None and not call.grown:
            self.widths.add(call.width)
            return
        self.times += 1
        known = self._known(call)
        low, high = labels.min(), labels.max()
        few = (((labels == low) | (labels == high)) & (labels == labels[:, :1])).all()
        labels = labels[:, 0]
        makers = sorted({model for model, _ in known})
        scalars = [low, high, few.double()]
        none = torch.ones_like(labels)
        for maker in makers:
            sums = torch.cat([sums for model, sums in known if model == maker])
            by = _among(call.sums, sums)  # type: ignore[arg-type]
            none = none * (1 - by)
            scalars += [by.sum(), (by * labels).sum()]
        scalars += [none.sum(), (none * labels).sum()]
        row = {"m": call.model, "o": call.place, "i": loss, "s": self.recorder.step, "g": call.grown}

        def write(values: list[float]) -> None:
            counts = values[3:-2]
            made = max(zip(counts[::2], counts[1::2], makers, strict=True), default=(0.0, 0.0, None))
            by = {"n": int(made[0]), "t": number(made[1]), "by": made[2] if made[0] else None}
            others = {"on": int(values[-2]), "ot": number(values[-1])}
            low, high = number(values[0]), number(values[1])
            self.recorder.row("fg", **row, **by, **others, lo=low, hi=high, few=bool(values[2]))

        self.recorder.reader.read(scalars, write)

    def _known(self, call: _Call) -> list[tuple[int, torch.Tensor]]:
        """(model, sum of each row) of what other models have just made on the device that it was called on."""
        if call.sums is None:
            return []
        recent = [(model, sums) for step, model, sums in self.made if step >= self.recorder.step - 1]
        return [(model, sums) for model, sums in recent if model != call.model and sums.device == call.sums.device]

    def _call_of(self, prediction: torch.Tensor) -> _Call | None:
        """The call that returned it, or what it was made of without moving an example."""
        node = prediction.grad_fn
        for _ in range(DESCENT):
            if node is None:
                return None
            for call in reversed(self.calls):
                if call.node is node:
                    return call if prediction.shape[:1] == (call.rows,) else None
            if node.name() not in PASSING:
                return None
            node = node.next_functions[0][0]
        return None


def _fits(tensor: torch.Tensor) -> bool:
    """A batch of examples in floating point; double precision is not to be had on every accelerator."""
    good = plain(tensor) and tensor.is_floating_point() and tensor.dim() > 1 and tensor.device.type in ("cpu", "cuda")
    return good and len(tensor) <= ROWS


def _sums(given: torch.Tensor) -> torch.Tensor:
    flat = given.detach().reshape(len(given), -1)
    flat = flat[:, :: -(-flat.shape[1] // WIDTH)].double()
    # No multiples of one number: with those, different values of the same total would often have the same sum.
    ramp = torch.arange(1, flat.shape[1] + 1, dtype=torch.float64, device=flat.device)
    return (flat * ((ramp.sin() * 1e4) % 1 + 0.5)).sum(1)


def _among(sums: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """1 for each of the rows that is one of those known, else 0."""
    ordered = known.sort().values
    place = torch.searchsorted(ordered, sums)
    near = torch.stack([ordered[(place - back).clamp(0, len(ordered) - 1)] for back in (0, 1)])
    return ((near - sums).abs().amin(0) <= SAME * sums.abs()).double()


def _labels(kind: str, prediction: torch.Tensor, target: torch.Tensor, rows: int) -> torch.Tensor | None:
    """(example, number): the targets; of a loss of classes, the classes, of which there are to be two."""
    if kind == "cross_entropy":
        classes = prediction.shape == (rows, 2) and target.shape == (rows,) and not target.is_floating_point()
        return target.detach().double()[:, None] if classes else None
    fits = prediction.numel() == target.numel() and not target.requires_grad
    return target.detach().double().reshape(rows, -1) if fits else None
