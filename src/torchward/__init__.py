"""torchward watches a PyTorch training run and names its silent bugs.

torchward run train.py          watch an unmodified script
with torchward.watch(): ...     watch from inside
%load_ext torchward             watch a notebook
torchward.explain()             say why the last exception was raised
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchward.inprocess import explain, watch

__version__ = "0.1.0"
__all__ = ["__version__", "explain", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("explain", "watch"):
        from torchward import inprocess

        return getattr(inprocess, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext torchward`."""
    from torchward.inprocess import load_extension

    load_extension(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext torchward`."""
    from torchward.inprocess import unload_extension

    unload_extension(shell)
