"""Reads in a program's source whether a function sorts one of the tensors that it is given by another one, and then
combines it, value by value, with a third one that it leaves in the old order. None is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from torchward.collect.run._seeds import _parsed
from torchward.facts import Site, SortedAlone

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SORTING = frozenset({"argsort", "sort"})
RUNNING = frozenset({"cumsum", "logcumsumexp", "cumprod", "cummax", "cummin"})
"""What is only right in an order: sums and the like up to each place."""
GATHERS = frozenset({"gather", "index_select", "take", "take_along_dim"})
COMBINING = (ast.Mult, ast.Add, ast.Sub, ast.Div)


@lru_cache(maxsize=8)
def sorted_alone(files: tuple[str, ...]) -> tuple[SortedAlone, ...]:
    found = []
    for file in files:
        tree = _parsed(file)
        if tree is None:
            return ()
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                one = _judged(node)
                if one is not None and _together(tree, node, one[0], one[3]):
                    _, order, moved, left, line = one
                    found.append(SortedAlone(Site(file, line, node.name), order, moved, left))
    return tuple(found)


def _judged(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str, str, str, int] | None:
    """(what is sorted by, the order, what is put into it, what is not, the line of that combination)."""
    given = set(_parameters(function))
    made = dict(_made(function))
    orders = {name: keys for name, value in made.items() if (keys := _sorts(value)) is not None}
    if len(orders) != 1:
        return None
    (order, keys), *_ = orders.items()
    if sum(isinstance(node, ast.Name) and node.id == order for node in ast.walk(function)) < 2:
        return None
    if len(keys & given) != 1:
        return None
    moved, put = set[str](), set[str]()
    for node in ast.walk(function):
        whole = _taken(node, order)
        if whole == "":
            return None  # put back into the old order, or used in a way that is not known
        if whole is not None:
            moved.add(whole)
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == order]
    if not moved or len(uses) != 1 + sum(_taken(node, order) is not None for node in ast.walk(function)):
        return None
    # Names whose values stand in the new order: what was sorted, and what was made of it.
    for name, value in _made(function):
        if any(_taken(node, order) is not None for node in ast.walk(value)) or _names(value) & put:
            put.add(name)
    if not any(isinstance(n, ast.Call) and _last(n) in RUNNING and _names(n) & put for n in ast.walk(function)):
        return None
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    left = given - moved - keys - stored
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, COMBINING):
            for side, other in ((node.left, node.right), (node.right, node.left)):
                alone = other.id if isinstance(other, ast.Name) and other.id in left else ""
                if alone and _bare(side) & put and _whole(alone, function):
                    return next(iter(keys & given)), order, min(moved), alone, node.lineno
    return None


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _made(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """Names that the function gives values to, one after the other."""
    for node in function.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, part in zip(target.elts, value.elts, strict=True):
                if isinstance(one, ast.Name):
                    yield one.id, part
        elif isinstance(target, ast.Tuple) and len(target.elts) == 2 and _sorts(value) is not None:
            yield getattr(target.elts[1], "id", ""), value  # values and places of a sort


def _together(tree: ast.AST, function: ast.FunctionDef | ast.AsyncFunctionDef, key: str, left: str) -> bool:
    """Where the function is called, what it sorts by and what it leaves as it is are parts of one batch."""
    names = _parameters(function)
    tuples = [
        {one.id for one in node.elts if isinstance(one, ast.Name)}
        for node in ast.walk(tree)
        if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Store)
    ]
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or (_last(call) != function.name and function.name != "forward"):
            continue
        given = dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
        if set(given) != set(names) or len(call.args) > len(names):
            continue
        first, second = given[key], given[left]
        if _siblings(first, second) or any({_name(first), _name(second)} <= one for one in tuples):
            return True
    return False


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _siblings(first: ast.expr, second: ast.expr) -> bool:
    """`time[rows]` and `event[rows]`, `batch[1]` and `batch[2]`, `batch.time` and `batch.event`."""
    if isinstance(first, ast.Subscript) and isinstance(second, ast.Subscript):
        return ast.dump(first.slice) == ast.dump(second.slice) or ast.dump(first.value) == ast.dump(second.value)
    both = isinstance(first, ast.Attribute) and isinstance(second, ast.Attribute)
    return both and ast.dump(first.value) == ast.dump(second.value)  # type: ignore[attr-defined]


def _sorts(value: ast.expr) -> set[str] | None:
    """Names that an order is made of, if it is one."""
    while isinstance(value, ast.Subscript) or (isinstance(value, ast.Attribute) and value.attr == "indices"):
        value = value.value
    return _names(value) if isinstance(value, ast.Call) and _last(value) in SORTING else None


def _taken(node: ast.AST, order: str) -> str | None:
    """Name of what this node takes in the new order; "" where the order is used to put something; None: no use."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id == order:
        return node.value.id if isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name) else ""
    gathers = isinstance(node, ast.Call) and _last(node) in GATHERS and isinstance(node.func, ast.Attribute)
    if gathers and any(isinstance(one, ast.Name) and one.id == order for one in node.args):  # type: ignore[attr-defined]
        return node.func.value.id if isinstance(node.func.value, ast.Name) else ""  # type: ignore[attr-defined]
    return None


def _last(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bare(side: ast.expr) -> set[str]:
    """Names that are combined as they stand, place by place: not within a call or under an index."""
    if isinstance(side, ast.Name):
        return {side.id}
    if isinstance(side, ast.BinOp):
        return _bare(side.left) | _bare(side.right)
    return _bare(side.operand) if isinstance(side, ast.UnaryOp) else set()


def _whole(name: str, function: ast.AST) -> bool:
    """It is a tensor with a value for each example, and no number: it is summed, averaged or looked at by itself."""
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and node.attr in ("sum", "mean", "float", "bool", "any")
        for node in ast.walk(function)
    )
