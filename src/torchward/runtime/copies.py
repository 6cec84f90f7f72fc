"""Calling a copy of the user's model so that nobody can tell: cut-down arguments, other values, states put back."""

from __future__ import annotations

import contextlib
import copy
import dis
import enum
import io
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


CONTAINERS = (list, dict, deque)
PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes, range, frozenset, type, enum.Enum, torch.dtype, torch.device),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType),
)
"""What does not change in place, or is not changed by a model: containers of such can be put back."""
KEPT_ENTRIES = 100_000
"""Of a global list or dictionary that a model reads: copied before each piece of an experiment."""
KEPT_DEPTH = 4
MISSING = object()


class CannotLookError(Exception):
    """Why an experiment is not made; the message goes into the report."""


def duplicate(module: nn.Module) -> nn.Module:
    """A deep copy, in which functions that modules keep (a lambda made in `__init__`) lead to the copies, too.

    `deepcopy` does not copy functions: what such a one holds in its closure or its defaults would be the original.
    """
    memo: dict[int, Any] = {}
    result = copy.deepcopy(module, memo)
    for member in result.modules():
        for name, value in vars(member).items():
            vars(member)[name] = _led(value, memo)
    return result


def _led(value: Any, memo: dict[int, Any]) -> Any:
    """What a copied module keeps, where functions that hold parts of the original are made anew to hold the copy's."""
    if type(value) is list:
        value[:] = [_led(one, memo) for one in value]
    elif type(value) is dict:
        value.update({key: _led(one, memo) for key, one in value.items()})
    elif type(value) is tuple:
        return tuple(_led(one, memo) for one in value)
    elif isinstance(value, types.FunctionType) and (value.__closure__ or value.__defaults__):
        return _anew(value, memo)
    return value


def _anew(function: types.FunctionType, memo: dict[int, Any]) -> types.FunctionType:
    if id(function) in memo:
        return memo[id(function)]

    def held(value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            return _led(value, memo)
        inner = value.values() if type(value) is dict else value if type(value) in (list, tuple) else (value,)
        parts = any(isinstance(one, (nn.Module, nn.Parameter, types.MethodType)) for one in inner)
        return copy.deepcopy(value, memo) if parts else value

    closure = function.__closure__
    cells = tuple(types.CellType() for _ in closure or ())
    made = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, None, cells if closure else None
    )
    made.__kwdefaults__ = function.__kwdefaults__
    memo[id(function)] = made
    for cell, original in zip(cells, function.__closure__ or (), strict=True):
        content = _content(original)
        if content is not MISSING:
            cell.cell_contents = held(content)
    made.__defaults__ = tuple(map(held, function.__defaults__)) if function.__defaults__ else None
    return made


def cut(value: Any, batch: int) -> Any:
    """A copy with tensors detached and cloned, and the first `EXAMPLES` examples of those that hold the batch.

    Of what has no strides, such as a sparse matrix, no part is taken.
    """
    if isinstance(value, torch.Tensor):
        tensor = value.detach()
        if tensor.dim() and tensor.layout is torch.strided and tensor.shape[0] == batch:
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


def changed(
    value: Any, generator: torch.Generator, rows: tuple[int, int] | None = None, nodes: int | None = None
) -> Any:
    """Other values of the same scale: all of them, or with `rows` (n, of) those of the first n of so many examples.

    Sparse matrices, and those of so many `nodes` by as many, are relabelled instead: the weights of edges stay.
    """

    def change(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.layout is not torch.strided:
            return relabelled(tensor, generator) if rows is None else tensor.clone()
        if tensor.dtype == torch.bool or not tensor.dim() or (rows is not None and tensor.shape[0] != rows[1]):
            return tensor.clone()
        if nodes is not None and tensor.shape == (nodes, nodes):
            # Of all orders of the nodes, one that takes a tenth of the time.
            shift = int(torch.randint(1, nodes, (), generator=generator))
            other = tensor.roll((shift, shift), (0, 1))
            if not torch.equal(other, tensor):
                return other
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


def relabelled(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A sparse matrix with its rows in another order, and with them its columns where there are as many: another graph
    of the same kind, with nodes of the same degrees. Anything else as it is."""
    if tensor.layout not in (torch.sparse_coo, torch.sparse_csr) or tensor.dim() != 2:
        return tensor.clone()
    rows, columns = (torch.randperm(size, generator=generator).to(tensor.device) for size in tensor.shape)
    square = tensor.shape[0] == tensor.shape[1]
    other = _reordered(tensor, rows, rows if square else columns)
    if square and same_matrix(other, tensor):  # such as the identity
        other = _reordered(tensor, rows, columns)
    return other


def _reordered(tensor: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    matrix = tensor.to_sparse_coo().coalesce()
    places = matrix.indices()
    moved = torch.stack([rows[places[0]], columns[places[1]]])
    other = torch.sparse_coo_tensor(moved, matrix.values(), tuple(tensor.shape)).coalesce()
    return other.to_sparse_csr() if tensor.layout is torch.sparse_csr else other


def same_matrix(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Two tensors without strides hold the same, or cannot be compared."""
    if one.layout not in (torch.sparse_coo, torch.sparse_csr) or one.dim() != 2:
        return True
    first, second = (tensor.to_sparse_coo().coalesce() for tensor in (one, other))
    return torch.equal(first.indices(), second.indices()) and torch.equal(first.values(), second.values())


def fits(module: nn.Module, held: int) -> bool:
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return 8 * held < free


class Outside:
    """What the code of models can change outside of them, so that it can be put back after a call of a copy."""

    def __init__(self) -> None:
        self.kept: dict[int, Any] = {}
        """Containers and random generators, by identity."""
        self.names: dict[tuple[int, str], dict[str, Any]] = {}
        """Global names that are assigned to, with their namespaces."""
        self.cells: list[types.CellType] = []

    def add(self, module: nn.Module) -> str:
        """Why a call of a copy of the model could be felt outside all the same; empty if nothing speaks against it."""
        for name, member in module.named_modules():
            for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
                for hook in getattr(member, kind, {}).values():
                    owner = getattr(hook, "__module__", None) or type(hook).__module__
                    if not owner.startswith("torch."):
                        return f"`{name or type(module).__name__}` has hooks of the user's"
        seen: set[types.CodeType] = set()
        for member in module.modules():
            for value in vars(member).values():
                if isinstance(value, types.FunctionType) and not in_library(value.__code__.co_filename):
                    reason = self._read(value, seen)
                    if reason:
                        return reason
        for owner in {type(member) for member in module.modules()}:
            called: set[str] | None = None
            for kind_ in owner.__mro__:
                if kind_.__module__.startswith("torch."):
                    continue
                for name, value in vars(kind_).items():
                    function = getattr(value, "__func__", value)
                    if not isinstance(function, types.FunctionType) or function.__name__ == "__init__":
                        continue
                    if in_library(innermost(function).__code__.co_filename):
                        # The base classes of a framework do much besides: of theirs only what a call comes past.
                        called = _called(owner) if called is None else called
                        if name not in called:
                            continue
                    reason = self._read(function, seen)
                    if reason:
                        return reason
        return ""

    def _read(self, function: types.FunctionType, seen: set[types.CodeType]) -> str:
        waiting = [(function, function.__code__)]
        while waiting:
            function, code = waiting.pop()
            if code in seen:
                continue
            seen.add(code)
            waiting += [(function, one) for one in code.co_consts if isinstance(one, types.CodeType)]
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
                self.cells.append(cell)
                if not self._keep(_content(cell)):
                    return f"`{function.__qualname__}` uses `{name}`, which it could change"
            space = function.__globals__
            # Attributes have names, too, and a global may be called the same.
            for one in dis.get_instructions(code):
                if one.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                    self.names[id(space), one.argval] = space
                elif one.opname == "LOAD_GLOBAL":
                    found = space.get(one.argval)
                    if one.argval in ("open", "input") and found is None:
                        return f"`{function.__qualname__}` reads or writes files"
                    if not self._keep(found):
                        return f"`{function.__qualname__}` uses the global `{one.argval}`, which it could change"
                    if isinstance(found, types.FunctionType) and not in_library(found.__code__.co_filename):
                        waiting.append((found, found.__code__))
        return ""

    def _keep(self, found: Any, depth: int = 0) -> bool:
        """False if it could not be put back."""
        if isinstance(found, set):
            return False  # the order in which it gives its elements could become another one
        if isinstance(found, CONTAINERS):
            if len(found) > KEPT_ENTRIES or depth > KEPT_DEPTH:
                return False
            if id(found) not in self.kept:
                self.kept[id(found)] = found
                inner = found.values() if isinstance(found, dict) else found
                # A tensor, an array or any object in it could be changed in place.
                return all(
                    self._keep(one, depth + 1) if isinstance(one, CONTAINERS) else _is_plain(one) for one in inner
                )
        elif _state_of(found) is not None:
            self.kept[id(found)] = found
        return True

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """What is kept is afterwards as it was, also where it was changed."""
        states = [(one, _state_of(one)) for one in self.kept.values()]
        values = [(space, name, space.get(name, MISSING)) for (_, name), space in self.names.items()]
        contents = [(cell, _content(cell)) for cell in self.cells]
        try:
            yield
        finally:
            for one, state in states:
                _put_back(one, state)
            for space, name, value in values:
                if value is MISSING:
                    space.pop(name, None)
                else:
                    space[name] = value
            for cell, value in contents:
                if value is not MISSING and _content(cell) is not value:
                    cell.cell_contents = value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if type(value) is tuple else isinstance(value, PLAIN)


def _state_of(found: Any) -> Any:
    """A copy of what a container holds, or the state of a random generator; None for anything else."""
    if isinstance(found, dict):
        return list(found.items())
    if isinstance(found, (list, deque)):
        return list(found)
    if isinstance(found, torch.Generator):
        return found.get_state()
    if isinstance(found, random.Random):
        return found.getstate()
    if type(found).__module__ == "numpy.random.mtrand" and hasattr(found, "get_state"):
        return found.get_state()
    if type(found).__module__ == "numpy.random._generator" and hasattr(found, "bit_generator"):
        return found.bit_generator.state
    return None


def _put_back(one: Any, state: Any) -> None:
    if isinstance(one, dict):
        if len(one) != len(state) or any(
            a is not c or b is not d for (a, b), (c, d) in zip(one.items(), state, strict=True)
        ):
            one.clear()
            one.update(state)
    elif isinstance(one, (list, deque)):
        if len(one) != len(state) or any(a is not b for a, b in zip(one, state, strict=True)):
            one.clear()
            one.extend(state)
    elif isinstance(one, torch.Generator):
        one.set_state(state)
    elif isinstance(one, random.Random):
        one.setstate(state)
    elif hasattr(one, "bit_generator"):
        one.bit_generator.state = state
    else:
        one.set_state(state)


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

    What is no part of the model, such as a global that its code calls, is not copied, and leads back to the original.
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
