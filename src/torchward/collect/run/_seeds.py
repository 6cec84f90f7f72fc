"""Reads in a program's source which generators of random numbers it seeds and which it draws from. None is run."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from torchward.facts import Site, Unseeded

BYTES = 400_000
"""Of a file: a longer one was not written by hand."""
NO_DRAWS = frozenset({"get_state", "set_state", "getstate", "setstate", "get_bit_generator", "set_bit_generator"})
"""Functions of `np.random` and `random` that draw nothing from the global generator; their classes do neither."""
DIVIDING = "train_test_split"
"""Draws from numpy's global generator where it is given no `random_state`."""


@dataclass
class _Found:
    seeded: set[str] = field(default_factory=set)
    draws: dict[str, Site] = field(default_factory=dict)


@lru_cache(maxsize=8)
def unseeded(files: tuple[str, ...]) -> tuple[Unseeded, ...]:
    """Of a program that gives torch a seed: the generators that it draws from and never seeds."""
    found, defined, called = _Found(), set[str](), set[str]()
    for file in files:
        tree = _parsed(file)
        if tree is None:
            return ()  # it may well stand there
        names = _imported(tree)
        for node, function in _walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                defined.add(node.name)
            elif isinstance(node, ast.Call):
                path = _path(node.func, names)
                _judge(node, path, Site(file, node.lineno, function), found)
                if path:
                    called.add(path[-1])
    # A library's function that seeds does so for all; a function of the program's own was read above.
    helpers = {name for name in called if "seed" in name.lower() and name not in {"seed", "manual_seed"}}
    if "torch" not in found.seeded or (helpers - defined - {"manual_seed_all", "initial_seed", "seed_all"}):
        return ()
    return tuple(Unseeded(name, site) for name, site in found.draws.items() if name not in found.seeded)


def _parsed(file: str) -> ast.Module | None:
    try:
        with tokenize.open(file) as source:
            text = source.read(BYTES + 1)
        return ast.parse(text) if len(text) <= BYTES else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """All nodes, in the order of the text, each with the function that it stands in."""
    waiting = [(tree, "<module>")]
    while waiting:
        node, function = waiting.pop()
        yield node, function
        inner = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
        waiting += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]


def _imported(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """Name in the file -> what it stands for."""
    names: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                whole = tuple(one.name.split("."))
                names[one.asname or whole[0]] = whole if one.asname else whole[:1]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for one in node.names:
                names[one.asname or one.name] = (*(node.module or "").split("."), one.name)
    return names


def _path(node: ast.expr, names: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """`np.random.shuffle` -> ("numpy", "random", "shuffle"); what is no imported name keeps its last part alone."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return tuple(parts[:1])
    start = names.get(node.id)
    parts.reverse()
    if start is None:
        return (node.id,) if not parts else ("?", *parts)
    return (*start, *parts)


def _judge(call: ast.Call, path: tuple[str, ...], site: Site, found: _Found) -> None:
    last = path[-1] if path else ""
    given = bool(call.args or call.keywords) and not (
        len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value is None
    )
    if last == "manual_seed" and path[0] == "torch" and given:
        found.seeded.add("torch")
    elif path[:2] == ("numpy", "random") and len(path) == 3:
        if last in ("seed", "set_state"):
            found.seeded.add("np.random")
        elif last in ("default_rng", "RandomState"):
            if not given:
                found.draws.setdefault(f"np.random.{last}()", site)
        elif _draws(last):
            found.draws.setdefault("np.random", site)
    elif path[:1] == ("random",) and len(path) == 2:
        if last in ("seed", "setstate"):
            found.seeded.add("random")
        elif _draws(last):
            found.draws.setdefault("random", site)
    elif last == DIVIDING and path[0] == "sklearn" and "random_state" not in {one.arg for one in call.keywords}:
        whole = any(one.arg == "shuffle" and getattr(one.value, "value", True) is False for one in call.keywords)
        if not whole and not any(one.arg is None for one in call.keywords):
            found.draws.setdefault("np.random", site)


def _draws(name: str) -> bool:
    return name not in NO_DRAWS and not name[:1].isupper()
