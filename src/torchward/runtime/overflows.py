"""Infinities that a model makes of finite numbers, and hides again: `rsqrt(inf)` is 0, and so is `1 / inf`.

Whether it matters is tried: in double precision, where the operation does not overflow, the model is called as it is,
and with the infinities put in that its own precision makes. A mask that becomes -inf changes nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from torchward.runtime.copies import duplicate, mapped, undisturbed
from torchward.runtime.tensors import in_library, in_torch, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

APART = 0.05
"""Change of an example's output by the infinities, in deviations of all outputs, that is worth a word. It is exactly 0,
or rounding of double precision, for masks and for quotients that were next to 0 anyway."""
OPERATIONS = 4_096
"""Of a call, that are looked at."""
TRIED = 4
"""Overflowing operations of a call that are tried out."""
ELEMENTS = 2**22
"""Of such a result, which is kept for that."""
HANDLED = frozenset({"nan_to_num", "nan_to_num_", "isfinite", "isinf", "isnan"})
"""Whoever calls these knows of the infinities."""
CASTS = frozenset({"half", "float", "bfloat16"})
WIDE = torch.float64


@dataclass
class Overflow:
    """An operation that made infinities or NaN of finite numbers."""

    place: int
    """Among the operations of the call that make floating-point numbers."""
    name: str
    made: torch.Tensor
    site: int | None
    """Of the user's own code; None where the model is made of layers alone."""


class Overflows:
    """The operations of one call, as they are done."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.found: list[Overflow] = []
        self.handled = False

    def before(self, func: Any, args: Any, kwargs: Any) -> bool:
        """What an operation is given is finite, if it is known only before: it works in place."""
        name = getattr(func, "__name__", "")
        self.handled |= name in HANDLED
        return not _in_place(name) or _finite(args, kwargs)

    def after(self, func: Any, args: Any, kwargs: Any, result: Any, finite: bool, capture: Capture) -> None:
        made = next((one for one in tensors_in(result, 1) if one.is_floating_point()), None)
        if made is None or len(self.names) >= OPERATIONS:
            return
        name = getattr(func, "__name__", "")
        self.names.append(name)
        if len(self.found) >= TRIED or not plain(made) or made.numel() > ELEMENTS or not finite:
            return
        if bool(torch.isfinite(made).all()) or not (_in_place(name) or _finite(args, kwargs)):
            return
        ours, frame = _of_user(sys._getframe(2), capture)
        if ours:
            site = capture.recorder.site(frame) if frame is not None else None
            self.found.append(Overflow(len(self.names) - 1, name, made.detach().clone(), site))


class _Wide(TorchFunctionMode):
    """All of a call in double precision. At one of its operations, the infinities of the own precision are put in."""

    def __init__(self, names: list[str], put: Overflow | None, wanted: set[int]) -> None:
        super().__init__()
        self.names, self.put, self.wanted = names, put, wanted
        self.place = 0
        self.same = True
        """The operations are those of the call in the own precision, as far as it was followed."""
        self.finite: set[int] = set()
        """Of the wanted ones, those that do not overflow here."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in CASTS and func is getattr(torch.Tensor, name, None):
            func = torch.Tensor.double
        elif not _in_place(name):
            args, kwargs = mapped(args, _wide), mapped(kwargs, _wide)
        args = tuple(_wide_kind(one) for one in args)
        result = func(*args, **{key: _wide_kind(one) for key, one in kwargs.items()})
        if not _in_place(name) and type(result) is torch.Tensor:
            result = _wide(result)
        made = next((one for one in tensors_in(result, 1) if one.is_floating_point()), None)
        if made is not None and self.place < len(self.names):
            self.same &= self.names[self.place] == name
            if self.same and self.place in self.wanted and bool(torch.isfinite(made).all()):
                self.finite.add(self.place)
            if self.same and self.put is not None and self.place == self.put.place:
                self.same = made.shape == self.put.made.shape
                if self.same and made is result:
                    lost = ~torch.isfinite(self.put.made)
                    with torch.no_grad():
                        put = torch.where(lost, self.put.made.to(WIDE), made)
                    result = made.copy_(put) if _in_place(name) else put
            self.place += 1
        return result


def hidden(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """The first operation whose infinities change the output, though nothing of them is seen in it."""
    overflows, capture.overflows = capture.overflows, None
    if overflows is None or not overflows.found:
        return None
    model.eval()
    outputs = capture.call(duplicate(model), capture.args, capture.kwargs)
    if not all(bool(torch.isfinite(one).all()) for one in outputs if one.is_floating_point()):
        return None  # it is seen
    wanted = {one.place for one in overflows.found}
    exact, mode = _call(model, capture, _Wide(overflows.names, None, wanted))
    if exact is None or not mode.same:
        return None
    for one in overflows.found:
        if one.place not in mode.finite:
            continue  # it is infinite in any precision: a mask, or divided by 0
        other, put = _call(model, capture, _Wide(overflows.names, one, set()))
        if other is None or not put.same or other.shape != exact.shape:
            continue
        changed = _changed(exact, other)
        if changed:
            lost = ~torch.isfinite(one.made)
            return {
                "operation": one.name.strip("_"),
                "dtype": str(one.made.dtype).removeprefix("torch."),
                "largest": float(torch.finfo(one.made.dtype).max),
                "share": float(lost.float().mean()),
                "examples": exact.shape[0],
                "changed": changed,
                "handled": overflows.handled,
                **({"where": one.site} if one.site is not None else {}),
            }
    return None


def _call(model: nn.Module, capture: Capture, mode: _Wide) -> tuple[torch.Tensor | None, _Wide]:
    exact = duplicate(model).double()
    try:
        with undisturbed(), torch.no_grad(), mode:
            result = capture.chosen(capture.call(exact, *mapped((capture.args, capture.kwargs), _wide))).detach()
    except Exception:
        # The user's own forward code, given numbers of another precision, may fail in any way: that says nothing.
        return None, mode
    good = result.dtype == WIDE and result.dim() > 0 and bool(torch.isfinite(result).all())
    return result if good else None, mode


def _changed(exact: torch.Tensor, other: torch.Tensor) -> int:
    """Rows of the output that are another by `APART`."""
    scale = float(exact.std()) if exact.numel() > 1 else 0.0
    if not 0 < scale < float("inf"):
        return 0
    rows = (other - exact).flatten(1).square().mean(1).sqrt() if exact.dim() > 1 else (other - exact).abs()
    return int((rows >= APART * scale).sum())


def _finite(args: Any, kwargs: Any) -> bool:
    given = (one for one in tensors_in((args, kwargs), 4) if one.is_floating_point() and plain(one))
    return all(bool(torch.isfinite(one).all()) for one in given)


def _in_place(name: str) -> bool:
    return name in ("__setitem__", "__set__") or name.startswith("__i") or (name.endswith("_") and name[-2:] != "__")


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(WIDE) if tensor.is_floating_point() and tensor.dtype != WIDE else tensor


def _wide_kind(value: Any) -> Any:
    return WIDE if isinstance(value, torch.dtype) and value.is_floating_point else value


def _of_user(frame: FrameType | None, capture: Capture) -> tuple[bool, FrameType | None]:
    """An operation that the user's own code, or a layer of torch's, does; and the frame of that code, if there is one
    within the model. What an installed library does in its models is not the user's to mend."""
    ends = type(capture).call.__code__
    while frame is not None and in_torch(frame):
        if frame.f_code is ends:
            return True, None
        frame = frame.f_back
    return frame is not None and not in_library(frame.f_code.co_filename), frame
