"""How models and their parts are called: by the variable that holds them, and by their path."""

from __future__ import annotations

import re
import sys
from types import FrameType

from torch import nn


def variable_name(module: nn.Module, frame: FrameType | None) -> str:
    """The variable (or attribute of `self`) that holds the module where it is called, else its class name."""
    if frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for name, value in list(scope.items()):
                if value is module and not name.startswith("_") and name != "self":
                    return name
        owner = frame.f_locals.get("self")
        for name, value in list(getattr(owner, "__dict__", {}).items()) + list(getattr(owner, "_modules", {}).items()):
            if value is module:
                return f"self.{name}"
    return type(module).__name__


def unwrapped(name: str) -> str:
    """A path within a model as the model itself has it, without what wrappers and the compiler put in front."""
    return name.replace("_orig_mod.", "").removeprefix("module.").removesuffix("._orig_mod")


def named_end(model: nn.Module, end: int) -> bool:
    """The program, or the model, has a name for this number that says it is what ends a text."""
    scopes = (vars(model), *(vars(sys.modules.get(one, sys)) for one in ("__main__", type(model).__module__)))
    return any(
        type(value) is int and value == end and _END.search(name)
        for scope in scopes
        for name, value in list(scope.items())
    )


_END = re.compile(r"(^|_)(eos|eot|end|stop)(_|$)", re.IGNORECASE)
