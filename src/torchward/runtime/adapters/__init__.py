"""Adapters, one file per framework.

Whenever an optimizer is made, those whose framework is imported by then are installed: nothing trains without one, and
so no import is slowed down or stood in for. `install(recorder, patches)` puts an adapter's wrappers in place.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

WAITS_FOR = {"sb3": "stable_baselines3", "gym": "gymnasium"}
"""File in this folder -> the module it waits for."""


class Adapters:
    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self.recorder, self.patches = recorder, patches
        self.waiting = dict(WAITS_FOR)

    def look(self) -> None:
        """Install those whose framework is imported."""
        for name, module in list(self.waiting.items()):
            if module in sys.modules:
                del self.waiting[name]
                import_module(f"{__name__}.{name}").install(self.recorder, self.patches)
