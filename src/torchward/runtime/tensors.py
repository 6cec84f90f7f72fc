"""Small tools on tensors and frames that every part of the recorder uses: thinning, late read-back, the user's line."""

from __future__ import annotations

import math
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

import torch

THIN = 4_096
"""Elements of a tensor that its statistics look at, evenly spaced."""

_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_RECIPES = os.path.join(_OWN, "recipes") + os.sep
"""Programs as users write them, and run like theirs."""
_LIBRARY = tuple(
    {
        os.path.abspath(path) + os.sep
        for path in (*(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")), _TORCH)
        if path
    }
)
_verdicts: dict[str, int] = {}

item = torch._C.TensorBase.item
"""`Tensor.item`, untouched by the recorder's own timing of the user's calls to it."""
tolist = torch._C.TensorBase.tolist


def _verdict(filename: str) -> int:
    """0 the user's own, 1 an installed library, 2 torch, torchward or no file at all."""
    known = _verdicts.get(filename)
    if known is None:
        path = os.path.abspath(filename) if not filename.startswith("<") else filename
        if filename.startswith("<") and not filename.startswith("<ipython-input"):
            known = 2 if filename.startswith(("<frozen", "<torchward", "<string>")) else 0
        elif path.startswith(_RECIPES):
            known = 0
        elif path.startswith((_TORCH, _OWN)):
            known = 2
        else:
            known = 1 if path.startswith(_LIBRARY) or "site-packages" in path or "dist-packages" in path else 0
        _verdicts[filename] = known
    return known


def of_user(filename: str) -> bool | None:
    """The file is the user's own (True), an installed library's (False), or torch's (None)."""
    return {0: True, 1: False}.get(_verdict(filename))


def in_torch(frame: FrameType | None) -> bool:
    """The frame belongs to torch or torchward."""
    return frame is None or _verdict(frame.f_code.co_filename) == 2


def in_library(filename: str) -> bool:
    """The file is not one of the user's own."""
    return _verdict(filename) != 0


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the user's own code at or above `frame`, else the innermost outside torch."""
    fallback = None
    while frame is not None:
        verdict = _verdict(frame.f_code.co_filename)
        if verdict == 0:
            return frame
        if verdict == 1 and fallback is None:
            fallback = frame
        frame = frame.f_back
    return fallback


def caller(depth: int = 1) -> FrameType | None:
    """`user_frame`, from the caller's caller on."""
    return user_frame(sys._getframe(depth + 1))


def thin(tensor: torch.Tensor, count: int = THIN) -> torch.Tensor:
    """At most about `count` evenly spaced elements of a plain dense tensor, flat and detached, sharing its memory."""
    flat = tensor.detach().reshape(-1) if tensor.is_contiguous() else tensor.detach().flatten()
    size = flat.numel()
    stride = -(-size // count)
    if stride > 1:
        # Coprime to the size, so that it does not pick the same pixel of every image.
        while math.gcd(stride, size) > 1:
            stride += 1
        flat = flat[::stride]
    return flat


_transformed: Callable[[torch.Tensor], bool] = getattr(
    getattr(torch._C, "_functorch", None), "is_functorch_wrapped_tensor", lambda _: False
)


def sizes(tensor: torch.Tensor) -> torch.Tensor:
    """`thin`, with complex numbers by their absolute values: to cast them to real ones would warn the user."""
    return thin(tensor).abs() if tensor.is_complex() else thin(tensor)


def plain(value: Any) -> bool:
    """A dense tensor that may be read like any other: no subclass with rules of its own, not inside a transformation of
    `torch.func`, not sparse, not empty."""
    return (
        type(value) in (torch.Tensor, torch.nn.Parameter)
        and not _transformed(value)
        and value.layout is torch.strided
        and value.device.type != "meta"
        and value.numel() > 0
        and not value.is_quantized
    )


def held_bytes(tensor: torch.Tensor) -> int:
    """Memory of its elements: of a sparse tensor, about that of those that it holds."""
    if tensor.layout is torch.strided:
        return tensor.numel() * tensor.element_size()
    if tensor.layout is torch.sparse_coo:
        return int(tensor._nnz()) * (tensor.element_size() + 8 * tensor.dim())
    if tensor.layout in (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc):
        return tensor.values().numel() * (tensor.element_size() + 8)
    return tensor.numel() * tensor.element_size()


def tensors_in(value: Any, depth: int = 3, nested: bool = False) -> Iterator[torch.Tensor]:
    """Tensors in nested tuples, lists, mappings and records, in order. Without nested tensors, which have no shape, or
    only those."""
    if isinstance(value, torch.Tensor):
        if bool(value.is_nested) is nested:
            yield value
    elif depth > 0:
        if isinstance(value, dict):
            value = value.values()
        elif hasattr(value, "__dataclass_fields__"):
            value = vars(value).values()
        elif not isinstance(value, (tuple, list)):
            return
        for element in list(value)[:32]:
            yield from tensors_in(element, depth - 1, nested)


def length(sized: Any) -> int | None:
    """None where it has none."""
    try:
        return len(sized)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def number(value: float) -> float:
    """Four significant digits: what the log keeps."""
    return float(f"{value:.4g}") if math.isfinite(value) else value


def setting(value: Any) -> float:
    """A plain number from a hyper-parameter that may be a tensor on the CPU; 0 for anything else."""
    if isinstance(value, torch.Tensor):
        return float(item(value)) if value.numel() == 1 and value.device.type == "cpu" else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


Then = Callable[[list[float]], None]


class Reader:
    """Reads scalars back: at once on the CPU, without waiting on accelerators.

    There the values are copied to pinned memory behind the work already queued, and handed over once the copy has
    arrived, at a later `poll`. On accelerators other than CUDA the copy is made at the next `poll`, one interval late.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Any, torch.Tensor, Then]] = []

    def read(self, scalars: Sequence[torch.Tensor], then: Then) -> None:
        """Call `then` with the values of zero-dimensional tensors of one device, now or later."""
        if not scalars:
            then([])
            return
        with torch.no_grad():
            device = scalars[0].device
            if device.type == "cpu":
                if len(scalars) < 8:
                    then([float(item(scalar)) for scalar in scalars])
                else:
                    then(tolist(torch.stack([scalar.detach().float() for scalar in scalars])))
                return
            stacked = torch.stack([scalar.detach().float() for scalar in scalars])
            if device.type != "cuda":
                self._waiting.append((None, stacked, then))
                return
            host = torch.empty(stacked.shape, dtype=stacked.dtype, pin_memory=True)
            host.copy_(stacked, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record(torch.cuda.current_stream(device))
            self._waiting.append((arrived, host, then))

    def poll(self, wait: bool = False) -> None:
        """Hand over what has arrived, oldest first; with `wait`, everything."""
        while self._waiting:
            arrived, values, then = self._waiting[0]
            if arrived is not None and not arrived.query():
                if not wait:
                    return
                arrived.synchronize()
            del self._waiting[0]
            then(tolist(values))
