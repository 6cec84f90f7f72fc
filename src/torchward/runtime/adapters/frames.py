"""pandas: columns whose categories are turned into numbers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pandas  # type: ignore[import-untyped,unused-ignore]

from torchward.runtime.tensors import caller, of_user
from torchward.runtime.wrap import around

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches


class Frames:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def numbered(self, _token: Any, result: Any, args: Any, kwargs: Any) -> None:
        """`factorize`, called by the user's program itself."""
        frame = sys._getframe(3)
        values = args[0] if args else kwargs.get("values")
        if of_user(frame.f_code.co_filename) and isinstance(values, pandas.Series):
            site = self.recorder.site(caller(1))
            self.recorder.timed(self.recorder.tables.codes.made, values, *result, site)


def install(recorder: Recorder, patches: Patches) -> None:
    after = recorder.guarded("pandas", Frames(recorder).numbered)
    made = around(pandas.factorize, None, after)
    # Where it is pickled from, too.
    for owner in {pandas, sys.modules.get(pandas.factorize.__module__, pandas)}:
        patches.replace(owner, "factorize", made)
    patches.around(pandas.Series, "factorize", None, after)
