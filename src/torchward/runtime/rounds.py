"""Watches how far loops over a number of rounds come that may be left before their end."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from torchward.runtime.tensors import of_user

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

RANGES = ("range", "trange")
SHOWN = ("tqdm", "track", "enumerate")
"""What a range may be wrapped in; its first argument is the range."""
FRAMES = 16
LINES = 5_000
FEWEST = 4
"""Rounds below which to leave a loop early means little."""
LIMIT = 16

Loop = tuple[int, str, ast.expr]
"""(line, variable, last value it would take, plus one)"""


class Rounds:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.seen = recorder.guarded("rounds", self._saw)
        self.around: dict[tuple[CodeType, int], list[Loop]] = {}
        self.reached: dict[tuple[CodeType, int], tuple[int, int]] = {}
        """Loop -> its number in the log, and the round that was written last."""

    def _saw(self, frame: FrameType | None) -> None:
        """A backward pass of a sampled step, called in `frame`."""
        for _ in range(FRAMES):
            if frame is None:
                return
            code = frame.f_code
            if of_user(code.co_filename):
                key = (code, frame.f_lineno or 0)
                if key not in self.around:
                    self.around[key] = list(_loops(code, key[1]))
                for line, variable, end in self.around[key]:
                    self._reached(frame, line, variable, end)
            frame = frame.f_back

    def _reached(self, frame: FrameType, line: int, variable: str, end: ast.expr) -> None:
        scopes = (frame.f_locals, frame.f_globals)
        value, bound = scopes[0].get(variable), _value(end, scopes)
        if type(value) is not int or type(bound) is not int or bound < FEWEST:
            return
        key = (frame.f_code, line)
        index, before = self.reached.get(key, (-1, -1))
        if index < 0:
            if len(self.reached) >= LIMIT:
                return
            index = self.recorder.site_at(frame.f_code.co_filename, line, frame.f_code.co_name)
        if value != before:
            self.reached[key] = (index, value)
            self.recorder.row("rounds", s=self.recorder.step, site=index, v=value, n=bound)


def _loops(code: CodeType, line: int) -> Iterator[Loop]:
    """The loops over a range around a line that a `break` or a `return` may end."""
    lines = linecache.getlines(code.co_filename)
    if not lines or len(lines) > LINES:
        return
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        inside = isinstance(node, ast.For) and code.co_firstlineno <= node.lineno <= line <= (node.end_lineno or 0)
        if inside and isinstance(node.target, ast.Name) and _may_end(node.body):  # type: ignore[attr-defined]
            end = _end(node.iter)  # type: ignore[attr-defined]
            if end is not None:
                yield node.lineno, node.target.id, end  # type: ignore[attr-defined]


def _may_end(body: list[ast.stmt], inner: bool = False) -> bool:
    for node in body:
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break) and not inner):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        deeper = inner or isinstance(node, (ast.For, ast.While, ast.AsyncFor))
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.ExceptHandler))]
        if _may_end(children, deeper):  # type: ignore[arg-type]
            return True
    return False


def _end(node: ast.expr) -> ast.expr | None:
    while isinstance(node, ast.Call) and node.args:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in RANGES:
            return node.args[min(1, len(node.args) - 1)] if len(node.args) < 3 else None
        if name not in SHOWN:
            return None
        node = node.args[0]
    return None


def _value(node: ast.expr, scopes: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Any:
    """What an expression of names and numbers stands for; None for others. Nothing of the user's is called."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return scopes[0].get(node.id, scopes[1].get(node.id))
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, scopes)
        return None if owner is None else inspect.getattr_static(owner, node.attr, None)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        owner = _value(node.value, scopes)
        return owner.get(node.slice.value) if type(owner) is dict else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        left, right = _value(node.left, scopes), _value(node.right, scopes)
        if type(left) is int and type(right) is int:
            return left + right if isinstance(node.op, ast.Add) else left - right
    return None
