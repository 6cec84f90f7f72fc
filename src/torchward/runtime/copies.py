"""Calling a copy of the user's model so that nobody can tell: cut-down arguments, other values, states put back."""

from __future__ import annotations

import contextlib
import dis
import io
import opcode
import random
import sys
import threading
import types
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from torchward.runtime.tensors import in_library
from torchward.runtime.wrap import innermost

EXAMPLES = 16
"""Examples of the first batch that are kept: enough to tell them apart, few enough to be cheap."""


class CannotLookError(Exception):
    """Why an experiment is not made; the message goes into the report."""


def cut(value: Any, batch: int) -> Any:
    """A copy with tensors detached and cloned, and the first `EXAMPLES` examples of those that hold the batch."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach()
        if tensor.dim() and tensor.shape[0] == batch:
            tensor = tensor[:EXAMPLES]
        return tensor.clone()
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(cut(element, batch) for element in value)
    if type(value) is list:
        return [cut(element, batch) for element in value]
    if type(value) is dict:
        return {key: cut(element, batch) for key, element in value.items()}
    return value


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return change(value)
    if type(value) is tuple:
        return tuple(mapped(element, change) for element in value)
    if type(value) is list:
        return [mapped(element, change) for element in value]
    if type(value) is dict:
        return {key: mapped(element, change) for key, element in value.items()}
    return value


def fresh(value: Any) -> Any:
    """Clones, so that a model that changes its input in place harms nobody."""
    return mapped(value, torch.Tensor.clone)


def changed(value: Any, generator: torch.Generator, rows: tuple[int, int] | None = None) -> Any:
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

    return mapped(value, change)


def fits(module: nn.Module, held: int) -> bool:
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
    seen: set[Any] = set()
    for owner in {type(member) for member in module.modules()}:
        called: set[str] | None = None
        for kind_ in owner.__mro__:
            if kind_.__module__.startswith("torch."):
                continue
            for name, value in vars(kind_).items():
                function = getattr(value, "__func__", value)
                if not isinstance(function, types.FunctionType) or function.__name__ == "__init__" or function in seen:
                    continue
                if in_library(innermost(function).__code__.co_filename):
                    # The base classes of a framework do much besides: of theirs only what a call comes past.
                    called = _called(owner) if called is None else called
                    if name not in called:
                        continue
                seen.add(function)
                code = function.__code__
                if store_global in code.co_code[::2]:
                    return f"`{function.__qualname__}` changes global variables"
                # Attributes have names, too, and a global may be called the same.
                for used in {one.argval for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"}:
                    found = function.__globals__.get(used)
                    if used in ("open", "input") and found is None:
                        return f"`{function.__qualname__}` reads or writes files"
                    if isinstance(found, (list, dict, set, deque, torch.Generator, random.Random)) or (
                        type(found).__module__ == "numpy.random.mtrand" or type(found).__name__ == "Generator"
                    ):
                        return f"`{function.__qualname__}` uses the global `{used}`, which it could change"
    return ""


def _called(owner: type) -> set[str]:
    """Names of the attributes of a class that a call of its instances may come past: those named on the way."""
    names, waiting = {"forward"}, ["forward"]
    while waiting:
        name = waiting.pop()
        for kind in owner.__mro__:
            value = vars(kind).get(name)
            value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not isinstance(value, types.FunctionType) or kind.__module__.startswith("torch."):
                continue
            codes = [value.__code__, innermost(value).__code__]
            while codes:
                code = codes.pop()
                codes += [one for one in code.co_consts if isinstance(one, types.CodeType)]
                new = {one for one in code.co_names if one not in names}
                names |= new
                waiting += new
    return names


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
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


@contextlib.contextmanager
def kept_out(is_users: Callable[[nn.Module], bool]) -> Iterator[None]:
    """Within it, a call of a module of the user's raises `CannotLookError` before it does anything.

    `deepcopy` does not copy functions: a lambda that a module keeps, or a global, leads a copy back to the original.
    """
    thread = threading.get_ident()

    def refuse(module: nn.Module, _args: Any) -> None:
        if threading.get_ident() == thread and is_users(module):
            raise CannotLookError(f"a copy of the model calls a `{type(module).__name__}` that was not copied")

    handle = register_module_forward_pre_hook(refuse)
    try:
        yield
    finally:
        handle.remove()
