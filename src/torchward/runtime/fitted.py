"""Watches preprocessing that learns from rows (scikit-learn's scalers, selectors, encoders), and what becomes of these.

Rows are known by the keys of `heldout`, columns by a sum over their values; nothing else of the data is kept. An array
is followed by a weak reference.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

from torchward.runtime.keys import VALUES, WIDTH, keys_of_rows
from torchward.runtime.tensors import tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

T = TypeVar("T")

SUPERVISED = frozenset(
    (
        *("SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe", "GenericUnivariateSelect"),
        *("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector", "TargetEncoder"),
        *("LinearDiscriminantAnalysis", "NeighborhoodComponentsAnalysis", "PLSRegression", "PLSCanonical", "PLSSVD"),
    )
)
"""Those whose result depends on the targets of the rows, where they are given any."""
LEARNS = SUPERVISED | {
    *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PowerTransformer", "QuantileTransformer"),
    *("KBinsDiscretizer", "SplineTransformer", "SimpleImputer", "KNNImputer", "IterativeImputer", "VarianceThreshold"),
    *("PCA", "IncrementalPCA", "KernelPCA", "SparsePCA", "TruncatedSVD", "FastICA", "NMF", "FactorAnalysis", "Isomap"),
}
"""All that are watched. What learns a list of names alone (one-hot, ordinal), or nothing, is not."""
FITS, OUTPUTS = 32, 32
"""The newest ones that are followed."""
LEAST_ROWS = 20
CELLS = 10_000_000
"""Values of an array above which it is told by its identity alone."""
KEYS = 20_000
"""Rows above which no keys are made."""
COLUMNS = 1_024
DISTINCT = 0.9
"""Share of different rows among those of a fit from which on a row that is equal to one of them is one of them."""
SAME = 0.9
"""Share of an output's new columns that an array holds which was made of it."""
EVALUATIONS = 240
"""Evaluation batches that are looked up."""


class Fit:
    def __init__(self, index: int, transformer: Any, given: Any) -> None:
        self.index = index
        self.ref = weakref.ref(transformer)
        self.given = _weak(given)
        self.rows = _rows(given)
        keys = _keys(given)
        self.keys = set(keys) if len(set(keys)) >= DISTINCT * self.rows else set()
        """Of the rows that it was fitted on; empty if these do not tell them apart."""
        self.made: set[str] = set()
        """Keys of what became of them."""
        self.others = 0
        """Rows that it transformed and was not fitted on, or may not have been."""


class Output:
    """What became of all the rows of some fits, in their order."""

    def __init__(self, value: Any, given: Any, fits: list[Fit]) -> None:
        self.ref, self.fits, self.rows = _weak(value), fits, _rows(value)
        before = _columns(given)
        self.columns = _columns(value)
        self.new = self.columns - before
        self.narrower = len(self.columns) < len(before)

    def is_in(self, array: Any, columns: Callable[[], set[str]]) -> bool:
        """The array is this output, or was made of it, row by row."""
        if _rows(array) != self.rows or len(getattr(array, "shape", ())) != 2:
            return False
        one: Any = array
        while one is not None:
            if self.ref() is one:
                return array.shape[1] > 1
            one = getattr(one, "base", None) if getattr(one, "shape", None) else None
        found = columns()
        if self.new:
            return len(found) > 1 and len(self.new & found) >= SAME * len(self.new)
        return self.narrower and len(found) > 1 and found == self.columns


class Fitted:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.fits: list[Fit] = []
        self.outputs: list[Output] = []
        self.evaluations = 0
        self.trained: dict[tuple[int, int], tuple[int, int]] = {}
        """(model, fit) -> rows that it was trained on, of those looked at, and how many of them the fit had seen."""

    # -- told by an adapter

    def fits_on(self, transformer: Any, given: Any, target: Any, again: bool, site: int) -> None:
        """A transformer is about to learn from rows; `again`: from more of them."""
        name = type(transformer).__name__
        if name not in LEARNS or not type(transformer).__module__.startswith("sklearn."):
            return
        known = self._find(transformer)
        if known is not None:
            self.fits.remove(known)
        if again or _rows(given) < LEAST_ROWS or len(getattr(given, "shape", ())) != 2:
            return
        fit = Fit(self.recorder.next_index("fit"), transformer, given)
        self.fits = [*self.fits[-FITS + 1 :], fit]
        supervised = name in SUPERVISED and target is not None
        self.recorder.row("ft", i=fit.index, name=name, site=site, n=fit.rows, f=int(given.shape[1]), su=supervised)

    def transformed(self, transformer: Any, given: Any, result: Any) -> None:
        """Rows were transformed, by this or any other transformer."""
        own, keys = self._find(transformer), _Lazy(lambda: _keys(given))
        if own is None and not any(fit.made for fit in self.fits) and not self.outputs:
            return
        made = _Lazy(lambda: _keys(result))
        whole = own is not None and self._all_rows(own, given, keys)
        if own is not None and not whole:
            unknown = sum(key not in own.keys for key in keys()) if own.keys and keys() else _rows(given)
            if unknown:
                self._other_rows(own, unknown)
            elif len(made()) == len(keys()):
                own.made.update(made())
        fits = self._whole(given)
        if own is not None and whole:
            fits = [*fits, own]
            own.made.update(made())
        if fits and _rows(result) == _rows(given):
            output = Output(result, given, fits)
            if output.new or output.narrower or not output.columns:
                self.outputs = [*self.outputs[-OUTPUTS + 1 :], output]
        for fit in self.fits:
            if fit is not own and fit.made and len(keys()) == len(made()):
                fit.made.update([new for old, new in zip(keys(), made(), strict=True) if old in fit.made])

    def told(self, transformer: Any, features: Any) -> None:
        """A selection told which features to keep, as a mask, by number or name: any rows may be treated so."""
        own = self._find(transformer)
        if own is None:
            return
        self.recorder.row("ft", i=own.index, by_hand=True)
        given = own.given()
        if given is None or features.dtype.kind not in "bi":
            return
        kept = given.iloc[:, features] if hasattr(given, "iloc") else given[:, features]
        own.made.update(_keys(kept))

    def split(self, array: Any, held_out: int | None, how: str, site: int) -> None:
        """The user's code has rows divided into those to train on and those held out."""
        for fit in self._whole(array):
            self.recorder.row("ft", i=fit.index, sp=site, by=how, out=held_out)

    # -- told by `heldout`

    def trained_on(self, root: Root, keys: list[str]) -> None:
        """Some rows of a training batch."""
        for fit in self.fits:
            if fit.made:
                rows, among = self.trained.get((root.index, fit.index), (0, 0))
                self.trained[root.index, fit.index] = rows + len(keys), among + sum(key in fit.made for key in keys)

    def asked(self, root: Root, keys: list[str], seen: set[str], recent: list[tuple[int, int]]) -> None:
        """Some rows of a batch that a trained model is given without gradients."""
        for fit in self.fits:
            trained, among = self.trained.get((root.index, fit.index), (0, 0))
            if among and self.evaluations < EVALUATIONS:
                self.evaluations += 1
                counts = {
                    "n": len(keys),
                    "h": sum(key in seen for key in keys),
                    "tn": sum(rows for rows, _ in recent),
                    "th": sum(known for _, known in recent),
                    "a": sum(key in fit.made for key in keys),
                    "ta": among / trained,
                }
                self.recorder.row("fe", m=root.index, i=fit.index, **counts)

    # -- inside

    def _find(self, transformer: Any) -> Fit | None:
        return next((fit for fit in self.fits if fit.ref() is transformer), None)

    def _whole(self, array: Any) -> list[Fit]:
        """Those of which it holds all rows, transformed."""
        columns = _Lazy(lambda: _columns(array))
        found = {fit.index: fit for output in self.outputs if output.is_in(array, columns) for fit in output.fits}
        return list(found.values())

    def _other_rows(self, fit: Fit, rows: int) -> None:
        fit.others += rows
        self.recorder.row("ft", i=fit.index, ot=fit.others)

    @staticmethod
    def _all_rows(fit: Fit, given: Any, keys: Callable[[], list[str]]) -> bool:
        if _rows(given) != fit.rows:
            return False
        return fit.given() is given or bool(fit.keys and keys() and all(key in fit.keys for key in keys()))


class _Lazy(Generic[T]):
    def __init__(self, make: Callable[[], T]) -> None:
        self.make = make
        self.value: T | None = None

    def __call__(self) -> T:
        if self.value is None:
            self.value = self.make()
        return self.value


def _weak(value: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None


def _rows(value: Any) -> int:
    shape = getattr(value, "shape", ())
    return int(shape[0]) if shape else 0


def _table(value: Any) -> torch.Tensor | None:
    """Numbers of two axes as a model would be given them, in single precision; None for anything else."""
    shape: tuple[int, ...] = getattr(value, "shape", ())
    if len(shape) != 2 or not 0 < shape[0] * shape[1] <= CELLS:
        return None
    if isinstance(value, torch.Tensor):
        return value.detach().float() if value.device.type == "cpu" and value.layout is torch.strided else None
    if hasattr(value, "dtypes"):
        kinds: Iterable[Any] = value.dtypes
        if not all(getattr(kind, "kind", "") in "fiub" for kind in kinds):
            return None
        value = value.to_numpy()
    if getattr(getattr(value, "dtype", None), "kind", "") not in "fiub" or not hasattr(value, "__array_interface__"):
        return None
    with sys.modules["numpy"].errstate(all="ignore"):
        return torch.from_numpy(value.astype("float32"))


def _keys(value: Any) -> list[str]:
    """One for each row; none if they would say nothing."""
    table = _table(value) if _rows(value) <= KEYS else None
    if table is None:
        return []
    parts = -(-2 * len(table) * min(table.shape[1], WIDTH) // VALUES)
    found = [keys_of_rows(part) for part in table.nan_to_num(0, 0, 0).tensor_split(parts)]
    return [key for keys in found for key in keys] if all(found) else []


def _columns(value: Any) -> set[str]:
    """One for each different column."""
    table = _table(value)
    if table is None or table.shape[1] > COLUMNS:
        return set()
    weights = (torch.arange(1, len(table) + 1, dtype=torch.float64).sin() * 1e4) % 1 + 0.5
    return {f"{value:.9g}" for value in tolist(weights @ table.nan_to_num(0, 0, 0).double())}
