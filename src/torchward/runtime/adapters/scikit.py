"""scikit-learn: on which rows its transformers are fitted, what they transform, and which rows are held out later.

Each `fit` passes through `BaseEstimator._validate_params`, each output of a transformer through
`_wrap_data_with_container`, each division of rows through one of three functions; what a scikit-learn does not have of
these is not looked at.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from sklearn import base  # type: ignore[import-untyped,unused-ignore]

from torchward.runtime.adapters import after_import
from torchward.runtime.fitted import LEARNS
from torchward.runtime.tensors import caller, of_user

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

SELECTION = "sklearn.model_selection"
SPLITS = "sklearn.model_selection._split"
SELECTIONS = "sklearn.feature_selection._base"
DIVIDING = (SPLITS, "sklearn.utils._param_validation")
FRAMES = 8
"""Frames above a wrapper, at most, in which the call that it belongs to stands."""


class Scikit:
    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self.recorder, self.patches = recorder, patches
        self.fitted = recorder.heldout.fitted
        self.splits = False
        """The functions that divide rows are watched."""
        self.selections = False

    def fits(self, args: Any, _kwargs: Any) -> None:
        frame = _above("wrapper", base.__name__) if type(args[0]).__name__ in LEARNS and self._here() else None
        if frame is None:
            return
        values = frame.f_locals
        method = getattr(values.get("fit_method"), "__name__", "")
        given, named = tuple(values.get("args", ())), dict(values.get("kwargs", {}))
        if values.get("estimator") is not args[0]:
            return
        self.await_splits()
        self._await_selections()
        rows = given[0] if given else named.get("X")
        target = given[1] if len(given) > 1 else named.get("y", named.get("Y"))
        # The `fit` of some does nothing else than calling it.
        above = frame.f_back
        inner = above is not None and above.f_code.co_name == "fit" and above.f_locals.get("self") is args[0]
        again, site = method == "partial_fit" and not inner, self.recorder.site(caller(1))
        self.recorder.timed(self.fitted.fits_on, args[0], rows, target, again, site)

    def transforms(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        if len(args) == 4 and self.fitted.fits and self._here():
            self.await_splits()
            self.recorder.timed(self.fitted.transformed, args[3], args[2], result)

    def tells_support(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        """A selection of features is asked which ones they are, to take them from the rows by hand."""
        if getattr(result, "ndim", 0) == 1 and _called_by_user(sys._getframe(1)):
            self.recorder.timed(self.fitted.told, args[0], result)

    def indexes(self, args: Any, _kwargs: Any) -> None:
        """`train_test_split` picks rows of one array after the other."""
        frame = _above("train_test_split", SPLITS)
        if frame is None or not _called_by_user(frame):
            return
        arrays, held_out = frame.f_locals.get("arrays"), frame.f_locals.get("n_test")
        if arrays and arrays[0] is args[0] and args[1] is frame.f_locals.get("train"):
            site = self.recorder.site(caller(1))
            self.recorder.timed(self.fitted.split, args[0], int(held_out or 0), "train_test_split", site)

    def divides(self, site: Any, result: Any, args: Any, _kwargs: Any) -> None:
        """The generator of the folds was made."""
        if site is not None and self._here():
            self.recorder.heldout.folds.divided(result, type(args[0]).__name__, site)

    def folds(self, args: Any, kwargs: Any) -> int | None:
        """`KFold(...).split` and its like."""
        array = args[1] if len(args) > 1 else kwargs.get("X")
        if _above("train_test_split", SPLITS) is None and _called_by_user(sys._getframe(1)):
            site = self.recorder.site(caller(1))
            self.recorder.timed(self.fitted.split, array, None, type(args[0]).__name__, site)
            return site
        return None

    def _here(self) -> bool:
        """In the thread that trains: others, as of forests, are none of ours."""
        return threading.get_ident() == self.recorder.models.thread

    def _await_selections(self) -> None:
        module: Any = sys.modules.get(SELECTIONS)
        if self.selections or not hasattr(module, "SelectorMixin"):
            return
        self.selections = True
        after = self.recorder.guarded("scikit-learn", self.tells_support)
        for name in ("get_support", "get_feature_names_out"):
            self.patches.around(module.SelectorMixin, name, None, after)

    def await_splits(self) -> None:
        module: Any = sys.modules.get(SPLITS)
        if self.splits or not hasattr(module, "train_test_split"):
            return
        self.splits = True
        guard = self.recorder.guarded
        self.patches.around(module, "_safe_indexing", guard("scikit-learn", self.indexes), None)
        for owner in ("BaseCrossValidator", "BaseShuffleSplit"):
            before, after = guard("scikit-learn", self.folds), guard("scikit-learn", self.divides)
            self.patches.around(getattr(module, owner, None), "split", before, after)


def _above(function: str, module: str) -> FrameType | None:
    """The nearest frame of that function."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(FRAMES):
        if frame is None or (frame.f_code.co_name == function and frame.f_globals.get("__name__") == module):
            return frame
        frame = frame.f_back
    return None


def _called_by_user(frame: FrameType | None) -> bool:
    """Between the frame and the user's code there is nothing but what divides rows."""
    while frame is not None:
        of = of_user(frame.f_code.co_filename)
        if of is not None and frame.f_globals.get("__name__") not in DIVIDING:
            return of
        frame = frame.f_back
    return False


def install(recorder: Recorder, patches: Patches) -> None:
    watched, guard = Scikit(recorder, patches), recorder.guarded
    patches.around(base.BaseEstimator, "_validate_params", guard("scikit-learn", watched.fits), None)
    if SELECTION in sys.modules:
        watched.await_splits()
    else:
        waiting = {SELECTION: guard("scikit-learn", watched.await_splits)}
        after_import(waiting, patches, sys.modules["sklearn"].__path__)
    outputs: Any = sys.modules.get("sklearn.utils._set_output")
    if outputs is not None:
        after = guard("scikit-learn", watched.transforms)
        patches.around(outputs, "_wrap_data_with_container", None, after)
