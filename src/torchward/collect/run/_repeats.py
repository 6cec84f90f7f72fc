"""Reads in a program's source whether a step of training draws what every other step draws, because a generator is
given its seed within the step. None is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from torchward.collect.run._seeds import _imported, _parsed, _path
from torchward.facts import Reseeded, Site

DEPTH = 4
"""Functions that call each other, from the loop of training on."""
MAKERS = frozenset({"default_rng", "RandomState", "Random", "manual_seed", "seed"})
LOOPS = (ast.For, ast.AsyncFor, ast.While)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LIKE = frozenset({"rand_like", "randn_like", "randint_like", "bernoulli", "dropout"})
"""Draws of as many numbers as there are in what they are given."""
ORDERS = frozenset({"randperm", "permutation", "shuffle", "permuted"})
"""Rows that were drawn anew may be put into the same order each time."""
RANGES = {"integers": 2, "randint": 2, "choice": 1, "choices": 1, "sample": 1}
"""First arguments that say what is drawn from, not how many."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Names = dict[str, tuple[str, ...]]


@lru_cache(maxsize=8)
def reseeded(files: tuple[str, ...]) -> tuple[Reseeded, ...]:
    """Draws for each example of a batch that are the same in every step."""
    trees = []
    defined: dict[str, list[tuple[str, Names, Function]]] = {}
    counted: set[str] = set()
    closures: set[str] = set()
    """A line search compares losses, and wants the same draws for each."""
    for file in files:
        tree = _parsed(file)
        if tree is None:
            return ()
        names = _imported(tree)
        trees.append((file, names, tree))
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                defined.setdefault(node.name, []).append((file, names, node))
            elif isinstance(node, ast.AugAssign):
                counted.add(node.target.attr if isinstance(node.target, ast.Attribute) else ast.unparse(node.target))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
                closures.update(part.id for part in node.args if isinstance(part, ast.Name))
            if isinstance(node, FUNCTIONS) and node.name != "__init__":
                counted.update(_attributes(node))
    found: dict[Site, Reseeded] = {}
    for file, names, tree in trees:
        for loop in ast.walk(tree):
            if isinstance(loop, FUNCTIONS) and loop.name in closures:
                continue
            if isinstance(loop, (*LOOPS, *FUNCTIONS)) and _trains(loop):
                outer = [one for one in ast.walk(tree) if isinstance(one, LOOPS) and loop in ast.walk(one)]
                for one in _repeats(file, names, loop, defined, counted.union(*map(_assigned, outer))):
                    found.setdefault(one.site, one)
    return tuple(found.values())


def _trains(loop: ast.AST) -> bool:
    """An innermost loop that calls `backward`, or a function that calls it outside of loops."""
    inner = [node for node in ast.walk(loop) if node is not loop and isinstance(node, (*LOOPS, *FUNCTIONS))]
    return _backward(loop) > 0 and not any(map(_backward, inner))


def _backward(tree: ast.AST) -> int:
    """The last line that calls `backward`; 0 if none does."""
    return max(
        (
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
        ),
        default=0,
    )


def _judges_only(function: Function) -> bool:
    """Without gradients, or in evaluation mode: the same numbers each time may be wanted."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr in ("no_grad", "inference_mode", "eval", "fork_rng"))
        for node in ast.walk(function)
    )


def _repeats(
    file: str,
    names: Names,
    loop: ast.AST,
    defined: dict[str, list[tuple[str, Names, Function]]],
    counted: set[str],
) -> Iterator[Reseeded]:
    waiting: list[tuple[str, Names, list[ast.stmt], str, frozenset[str], int]] = []
    assert isinstance(loop, (*LOOPS, *FUNCTIONS))
    inside = loop.name if isinstance(loop, FUNCTIONS) else ""
    varying = _assigned(loop)
    if isinstance(loop, (ast.For, ast.AsyncFor)):
        # What a generator of the program's own does for each of the batches that it gives.
        for call in ast.walk(loop.iter):
            if isinstance(call, ast.Call):
                for where, known, function in _called(call, defined):
                    for inner in ast.walk(function):
                        if isinstance(inner, LOOPS) and any(isinstance(node, ast.Yield) for node in ast.walk(inner)):
                            waiting.append((where, known, inner.body, function.name, _assigned(inner), 1))
    last = _backward(loop)  # what comes after it may be an evaluation
    waiting.append((file, names, [one for one in loop.body if one.lineno <= last], inside, varying, 0))
    seen: set[int] = set()
    while waiting:
        where, known, body, inside, changing, depth = waiting.pop()
        calls = list(_always(body))
        yield from _drawn(where, known, body, calls, inside, changing | counted)
        for call in calls:
            for other, imported, function in _called(call, defined) if depth < DEPTH else ():
                if id(function) not in seen:
                    seen.add(id(function))
                    waiting.append((other, imported, function.body, function.name, _assigned(function), depth + 1))


def _called(call: ast.Call, defined: dict[str, list[tuple[str, Names, Function]]]) -> list[tuple[str, Names, Function]]:
    """Functions of the program's own that a call may be of; none if several have that name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    own = defined.get(name, [])
    return own if len(own) == 1 and not _judges_only(own[0][2]) else []


def _always(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls that are made in each pass: nothing under a condition, in an inner function, or after an early way out."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.If, ast.IfExp)):
            waiting.append(node.test)
            continue
        if isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef, ast.Try)):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _assigned(tree: ast.AST) -> frozenset[str]:
    """Names that a loop or a function gives values to, its parameters included."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= _attributes(tree)
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return frozenset(names - {"self"})


def _attributes(tree: ast.AST) -> set[str]:
    """Names of attributes that are given values."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}


def _drawn(
    file: str, names: Names, body: list[ast.stmt], calls: list[ast.Call], function: str, changing: frozenset[str]
) -> Iterator[Reseeded]:
    """Seeds that do not change, and what is drawn with them afterwards in the same stretch of code."""
    whole = ast.Module(body=body, type_ignores=[])
    sizes = {
        target.id
        for node in ast.walk(whole)
        if isinstance(node, ast.Assign) and any(_counts(part, changing) for part in ast.walk(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in calls:
        path = _path(call.func, names)
        if not path or path[-1] not in MAKERS or not _fixed(call, changing):
            continue
        own = {
            node.targets[0].id
            for node in ast.walk(whole)
            if isinstance(node, ast.Assign)
            and any(part is call for part in ast.walk(node.value))
            and isinstance(node.targets[0], ast.Name)
        }
        if path[-1] == "manual_seed" and isinstance(call.func, ast.Attribute):
            target = call.func.value
            if isinstance(target, ast.Name) and target.id not in names:
                own = {target.id}
        overall = path in (("torch", "manual_seed"), ("numpy", "random", "seed"), ("random", "seed"))
        if not own and not overall:
            continue
        for draw in calls:
            if draw.lineno < call.lineno or draw is call or not _uses(draw, names, path, own):
                continue
            if _each(draw, names, changing, sizes):
                site = Site(file, call.lineno, function or "<module>")
                yield Reseeded(site, ast.unparse(call), ast.unparse(draw.func))
                break


def _fixed(call: ast.Call, changing: frozenset[str]) -> bool:
    """The seed is a number, a constant or a setting: nothing that this stretch of code changes or works out."""
    if len(call.args) != 1 or call.keywords:
        return False
    seed = call.args[0]
    if isinstance(seed, ast.Constant):
        return isinstance(seed.value, int)
    while isinstance(seed, ast.Attribute):
        if seed.attr in changing:
            return False
        seed = seed.value
    return isinstance(seed, ast.Name) and seed.id not in changing


def _uses(draw: ast.Call, names: Names, seeding: tuple[str, ...], own: set[str]) -> bool:
    """A draw from the generator that was seeded."""
    path = _path(draw.func, names)
    if not path:
        return False
    given = {
        node.id for one in draw.keywords if one.arg == "generator" for node in [one.value] if isinstance(node, ast.Name)
    }
    if own:
        method = isinstance(draw.func, ast.Attribute) and isinstance(draw.func.value, ast.Name)
        return bool(given & own) or (
            method and draw.func.value.id in own and path[-1] not in MAKERS  # type: ignore[attr-defined]
        )
    if seeding == ("torch", "manual_seed"):
        free = not any(one.arg == "generator" for one in draw.keywords)
        return free and path[0] == "torch" and path[-1] in (*LIKE, "rand", "randn", "randint", "multinomial")
    return path[: len(seeding) - 1] == seeding[:-1] and path[-1] not in MAKERS


def _each(draw: ast.Call, names: Names, rows: frozenset[str], sizes: set[str]) -> bool:
    """As many numbers are drawn as there are examples in this batch."""
    path = _path(draw.func, names)
    if path[-1] in ORDERS:
        return False
    if path[-1] in LIKE:
        return any(isinstance(node, ast.Name) and node.id in rows for one in draw.args for node in ast.walk(one))
    bounds = RANGES.get(path[-1], 0)
    given = [one for place, one in enumerate(draw.args) if place >= bounds or isinstance(one, (ast.Tuple, ast.List))]
    given += [one.value for one in draw.keywords if one.arg in ("size", "num_samples")]
    shapes = [one.value if isinstance(one, ast.Starred) else one for one in given]
    if any(
        isinstance(one, ast.Attribute) and one.attr == "shape" and getattr(one.value, "id", "") in rows
        for one in shapes
    ):
        return True
    sized = (node for one in given for node in ast.walk(one))
    return any(_counts(node, rows) or (isinstance(node, ast.Name) and node.id in sizes) for node in sized)


def _counts(node: ast.AST, rows: frozenset[str]) -> bool:
    """`len(x)`, `x.shape`, `x.shape[0]`, `x.size()`, `x.size(0)` of something that belongs to this batch."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
            return isinstance(node.args[0], ast.Name) and node.args[0].id in rows
        method = node.func if isinstance(node.func, ast.Attribute) and node.func.attr == "size" else None
        first = not node.args or (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
        return method is not None and first and isinstance(method.value, ast.Name) and method.value.id in rows
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 0:
        shape = node.value
        named = isinstance(shape, ast.Attribute) and shape.attr == "shape" and isinstance(shape.value, ast.Name)
        return named and shape.value.id in rows  # type: ignore[attr-defined]
    return False
