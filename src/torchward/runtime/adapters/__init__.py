"""Adapters, one file per framework. `install(recorder, patches)` puts an adapter's wrappers in place.

Those of frameworks that train are installed whenever an optimizer is made, if their framework is imported by then:
nothing trains without one. What prepares data is at work before that; it is waited for, and its adapter installed right
after its import.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

WAITS_FOR = {"sb3": "stable_baselines3", "gym": "gymnasium"}
"""File in this folder -> the module it waits for."""
BEFORE = {"scikit": "sklearn", "metrics": "torchmetrics", "frames": "pandas"}
"""Those that are installed when it is imported."""

MACHINERY = "<frozen importlib._bootstrap>"
"""The name of the file of the import system's own code, whose frames Python leaves out of tracebacks."""


class Adapters:
    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self.recorder, self.patches = recorder, patches
        self.waiting = dict(WAITS_FOR)

    def look(self) -> None:
        """Install those whose framework is imported."""
        for name, module in list(self.waiting.items()):
            if module in sys.modules:
                del self.waiting[name]
                self._install(name)

    def begin(self) -> None:
        waiting: dict[str, Callable[[], Any]] = {}
        for name, module in BEFORE.items():
            install = self.recorder.guarded("adapters", lambda name=name: self._install(name))
            if module in sys.modules:
                install()
            else:
                waiting[module] = install
        if waiting:
            after_import(waiting, self.patches)

    def _install(self, name: str) -> None:
        import_module(f"{__name__}.{name}").install(self.recorder, self.patches)


def after_import(waiting: dict[str, Callable[[], Any]], patches: Patches, folders: Sequence[str] = ()) -> None:
    """Call what waits for a module once that is imported from one of the folders; of `sys.path` if none are named.

    The finders of these folders are asked by way of an attribute of their own, until none waits, and the one loader of
    a module likewise (as in `inject/sitecustomize.py`): nothing is left to be seen afterwards, and tracebacks leave
    these frames out.
    """
    asked: list[Any] = []
    for finder in list(sys.path_importer_cache.values()):
        if (
            getattr(finder, "path", None) in (folders or sys.path)
            and hasattr(finder, "find_spec")
            and hasattr(finder, "__dict__")
        ):
            asked.append(finder)

    def imported(module: str) -> None:
        then = waiting.pop(module, None)
        for finder in asked if not waiting else ():
            if getattr(vars(finder).get("find_spec"), "__module__", None) == __name__:
                del finder.find_spec
        if then is not None:
            then()

    for finder in asked:
        patches.replace(finder, "find_spec", _finding(finder.find_spec, waiting, imported))


def _finding(find: Any, waiting: dict[str, Callable[[], Any]], imported: Callable[[str], None]) -> Any:
    def find_spec(name: str, *args: Any, **kwargs: Any) -> Any:
        spec = find(name, *args, **kwargs)
        if name in waiting and spec is not None and hasattr(spec.loader, "__dict__"):
            loader = spec.loader

            def exec_module(made: Any) -> None:
                del loader.exec_module
                loader.exec_module(made)
                imported(name)

            exec_module.__code__ = exec_module.__code__.replace(co_filename=MACHINERY)
            loader.exec_module = exec_module
        return spec

    find_spec.__code__ = find_spec.__code__.replace(co_filename=MACHINERY)
    return find_spec
