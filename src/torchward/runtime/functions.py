"""Looks at functions with a backward pass of the program's own: does it use the gradient that it is given?"""

from __future__ import annotations

import dis
from typing import Any

from torchward.runtime import graph
from torchward.runtime.tensors import in_library

COMPUTES = ("CALL", "BINARY_", "PRECALL")


def deaf(walked: graph.Walk) -> tuple[str, str, int] | None:
    """(name, file, line) of a `backward` that computes something and never reads the gradient of its output: all that
    comes after the function, factors and means among it, counts for nothing."""
    seen: set[Any] = set()
    for node in walked.nodes[1:]:  # the gradient that arrives at the loss itself is 1
        function = getattr(type(node), "_forward_cls", None)
        if function is None or function in seen:
            continue
        seen.add(function)
        code = getattr(getattr(function, "backward", None), "__code__", None)
        count = code.co_argcount + bool(code.co_flags & VARIADIC) if code is not None else 0
        if code is None or in_library(code.co_filename) or count < 2:
            continue
        given = set(code.co_varnames[1:count])
        steps = list(dis.get_instructions(code))
        reads = any("LOAD" in step.opname and _names(step.argval) & given for step in steps)
        fails = any(step.opname == "RAISE_VARARGS" for step in steps)
        if not reads and not fails and any(step.opname.startswith(COMPUTES) for step in steps):
            return function.__name__, code.co_filename, code.co_firstlineno
    return None


def _names(value: Any) -> set[str]:
    """Some versions of Python load two variables at once."""
    return (
        {value}
        if isinstance(value, str)
        else {one for one in value if isinstance(one, str)}
        if isinstance(value, tuple)
        else set()
    )


VARIADIC = 0x04
"""Flag of a code object that takes `*args`."""
