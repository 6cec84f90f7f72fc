"""Wrappers that the user's program cannot tell from the functions they stand for.

Three things betray an ordinary wrapper, and each is answered here:

* an extra frame in tracebacks: the wrapper removes its own entry from the traceback of an exception that passes
  through it. A bare ``raise`` does not add the entry again (CPython re-raises without recording the frame twice).
* ``warnings.warn(..., stacklevel=2)`` inside the wrapped function points to the wrapper instead of the user's line:
  the warnings machinery skips frames of files whose name contains both ``importlib`` and ``_bootstrap``
  (``Lib/warnings.py``, ``_is_internal_frame``, 3.10 to 3.14), so the wrapper's code claims such a name.
* ``torch.jit.script`` compiles the source of a function against its globals: the wrapper carries the globals of the
  original, and `functools.update_wrapper` leads the compiler to the original's source.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

FILE_NAME = "<torchward importlib._bootstrap>"
"""The file name that every wrapper's code claims; see the module's docstring."""

Before = Callable[[tuple[Any, ...], dict[str, Any]], Any]
After = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], None]


def disguise(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """`wrapper` with the name, signature and globals of `original`. It may use closure variables and builtins only."""
    code = wrapper.__code__.replace(
        co_filename=FILE_NAME, co_name=getattr(original, "__name__", wrapper.__code__.co_name)
    )
    scope = getattr(innermost(original), "__globals__", wrapper.__globals__)
    made = types.FunctionType(code, scope, code.co_name, wrapper.__defaults__, wrapper.__closure__)
    made.__kwdefaults__ = wrapper.__kwdefaults__
    return functools.update_wrapper(made, original)


def innermost(function: Any) -> Any:
    """The function at the bottom of a chain of `functools.wraps` decorators."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def around(original: Callable[..., Any], before: Before | None, after: After | None) -> Callable[..., Any]:
    """`original`, with ``before(args, kwargs)`` called ahead of it and ``after(token, result, args, kwargs)`` behind.

    `after` is not called when `original` raises. Neither may raise.
    """
    if before is None:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            after(None, result, args, kwargs)  # type: ignore[misc]
            return result

    elif after is None:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before(args, kwargs)
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise

    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = before(args, kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            after(token, result, args, kwargs)
            return result

    return disguise(wrapper, original)


class Patches:
    """Attributes replaced on modules and classes, so that they can be put back."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any, Any, bool]] = []

    def __bool__(self) -> bool:
        return bool(self._undo)

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Set ``owner.name``; remembers whether the attribute was the owner's own or inherited."""
        own = name in vars(owner)
        self._undo.append((owner, name, vars(owner).get(name, getattr(owner, name)), new, own))
        setattr(owner, name, new)

    def around(self, owner: Any, name: str, before: Before | None, after: After | None) -> None:
        """Wrap ``owner.name`` with `around`; an attribute that this torch does not have is left alone."""
        original = getattr(owner, name, None)
        if original is not None:
            self.replace(owner, name, around(original, before, after))

    def undo(self) -> None:
        """Put everything back, last first. What somebody else has replaced since is left as it is."""
        while self._undo:
            owner, name, old, new, own = self._undo.pop()
            if vars(owner).get(name) is not new:
                continue
            if own:
                setattr(owner, name, old)
            else:
                delattr(owner, name)
