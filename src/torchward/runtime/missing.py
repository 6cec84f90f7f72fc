"""Watches numbers that are missing (NaN) in targets, are filled in with a constant, and are then trained on like all
others.

In sampled steps, calls that look for such numbers or replace them are seen; the target of a loss function is one of
their tensors again if it holds one number in the places of all that were missing, and the same ones elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from torchward.runtime.evaluations import BINARY_LOSSES, CLASS_LOSSES, REGRESSIONS
from torchward.runtime.tensors import number, plain, thin
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

FUNCTIONS = ("isnan", "isfinite", "nan_to_num", "nan_to_num_")
"""Of torch, and methods of `Tensor`: each is given the numbers as they are."""
ROWS = 1_024
"""Tensors of a sampled step that are kept: single examples, which a loader puts together, among them."""
VALUES = 1_000_000
"""... and all of their values."""
LOOKED = 64
"""Calls of a loss function at one place that are looked at."""
MASKING = ("WhereBackward0", "MaskedFillBackward0", "IndexPutBackward0")
"""Operations that may keep a gradient off what is missing, though its values differ."""
BESIDE = 0.5
"""Ranges of what was measured by which the filling is away from all of it, if it is no value of that kind."""


class _Seen(NamedTuple):
    values: torch.Tensor
    missing: torch.Tensor


class _OfTorch:
    """Stands for a function of torch's. A program may keep it, say as a transform; what is saved of it or copied is the
    function itself."""

    def __init__(self, name: str, original: Any, wrapper: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__, self.__doc__, self.__wrapped__ = "torch", original.__doc__, original
        self.call = wrapper

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.call(*args, **kwargs)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise

    def __reduce__(self) -> Any:
        return self.__wrapped__.__reduce__()


class _Place:
    """Of one call of a loss function."""

    def __init__(self) -> None:
        self.looked = self.calls = 0
        self.missing = self.count = 0
        self.filling = 0.0
        self.measured = False
        """The filling stands among what was measured."""


class Missing:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.seen: list[_Seen] = []
        self.held = 0
        """Values in them."""
        self.places: dict[int, _Place] = {}
        self.sent: dict[int, int] = {}

    def stand_ins(self) -> list[tuple[Any, str, Any]]:
        """(owner, attribute, value) of what is to be in place in sampled steps."""
        found = [(owner, name) for owner in (torch, torch.Tensor) for name in FUNCTIONS if hasattr(owner, name)]
        return [(owner, name, self._stand_in(owner, name)) for owner, name in found]

    def _stand_in(self, owner: Any, name: str) -> Any:
        original, recorder, compiling = getattr(owner, name), self.recorder, torch.compiler.is_compiling
        saw = recorder.guarded("missing numbers", self._saw)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not compiling() and recorder.sampling and not recorder.inside:
                saw(args[0] if args else kwargs.get("input"))
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise

        if hasattr(original, "__code__"):
            wrapper = disguise(wrapper, original)
        if owner is not torch:
            return wrapper
        made = _OfTorch(name, original, wrapper)
        # `torch.jit.script` knows the operation of a function of torch's by the function itself.
        known = torch.jit._builtins._get_builtin_table()
        if id(original) in known:
            known[id(made)] = known[id(original)]
        return made

    def _saw(self, tensor: Any) -> None:
        if len(self.seen) >= ROWS or not plain(tensor) or not tensor.is_cpu or not tensor.is_floating_point():
            return
        if not tensor.requires_grad and self.held + tensor.numel() <= VALUES:
            self.recorder.timed(self._keep, tensor.detach())

    def _keep(self, tensor: torch.Tensor) -> None:
        missing = torch.isnan(tensor)
        # Single examples of a batch may miss nothing.
        if tensor.dim() < 2 or bool(missing.any()):
            self.seen.append(_Seen(tensor.clone(), missing))
            self.held += tensor.numel()

    def end_step(self) -> None:
        self.seen.clear()
        self.held = 0

    def judged(
        self, place: int, kind: str, prediction: torch.Tensor, target: torch.Tensor, named: dict[str, Any]
    ) -> None:
        """A loss compares these in a sampled step."""
        if not self.seen or kind not in (*REGRESSIONS, *BINARY_LOSSES, *CLASS_LOSSES) or not target.is_cpu:
            return
        if named.get("weight") is not None or named.get("reduction", "mean") == "none" or target.requires_grad:
            return
        known = self.places.setdefault(place, _Place())
        if known.looked >= LOOKED:
            return
        known.looked += 1
        found = self._filled(target.detach())
        if found is None or self._given(target) or found[1] == named.get("ignore_index", -100):
            return
        seen, filling = found
        measured = seen.values[~seen.missing]
        if _is_a_value(measured, filling) and _trained(kind, prediction, seen.missing):
            known.calls += 1
            known.filling = filling
            known.measured = known.measured or bool((measured == filling).any())
            known.missing += int(seen.missing.sum())
            known.count += seen.missing.numel()

    def _filled(self, target: torch.Tensor) -> tuple[_Seen, float] | None:
        """What the target was before all that is missing in it was replaced by one number, and this number."""
        whole = [one for one in reversed(self.seen) if one.values.shape == target.shape]
        if target.dim():
            rows = [one for one in self.seen if one.values.shape == target.shape[1:]][-len(target) :]
            if len(rows) == len(target):
                values, missing = zip(*rows, strict=True)
                whole.append(_Seen(torch.stack(values), torch.stack(missing)))
        for one in whole:
            if not bool(one.missing.any()) or bool(one.missing.all()):
                continue
            filling = float(target[one.missing][0])
            filled = torch.where(one.missing, filling, one.values).to(target.dtype)
            if not math.isnan(filling) and torch.equal(filled, target):
                return one, filling
        return None

    def _given(self, target: torch.Tensor) -> bool:
        """The model is given the same: it is to make data anew, filled as they are."""
        last = self.recorder.givens.last
        return last is not None and last[1] == target.numel() and torch.equal(thin(target).to(last[2].dtype), last[2])

    def write_counts(self) -> None:
        for place, known in self.places.items():
            if known.calls != self.sent.get(place, 0):
                self.sent[place] = known.calls
                share = number(known.missing / known.count)
                row = {"n": known.calls, "of": known.looked, "p": share, "v": number(known.filling)}
                self.recorder.row("miss", i=place, **row, me=known.measured)


def _is_a_value(measured: torch.Tensor, filling: float) -> bool:
    """What was measured differs, and the filling is among it, or far from it: next to it, it may be what to have found
    nothing means, as in counts."""
    low, high = float(measured.min()), float(measured.max())
    if not low < high:
        return False
    if low <= filling <= high:
        return True
    away = max(low - filling, filling - high)
    return away > BESIDE * (high - low) and bool((measured != measured.round()).any())


def _trained(kind: str, prediction: torch.Tensor, missing: torch.Tensor) -> bool:
    """What is predicted in place of the missing numbers has a gradient, and differs: no mask was multiplied with it."""
    made = prediction.detach()
    if prediction.grad_fn is None or prediction.grad_fn.name() in MASKING:
        return False
    if kind in CLASS_LOSSES:
        rows = made.movedim(1, -1) if made.dim() > 1 else made
        if rows.shape[:-1] != missing.shape:
            return False
        values = rows[missing]
    elif made.numel() == missing.numel():
        values = made.reshape(missing.shape)[missing]
    else:
        return False
    return bool((values != (values.flatten()[0] if values.numel() > 1 else 0)).any())
