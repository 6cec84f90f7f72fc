"""How rows are prepared: what preprocessing learned from, what became of these rows, the order of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchward.facts.series import Site


@dataclass(frozen=True, eq=False)
class PreparedRows:
    """Batches on which a model was called without gradients, and of whose rows some fit may have known.

    Of the rows that a model is trained on some are remembered. All sequences have the same length.
    """

    model: int
    rows: Sequence[int]
    """Rows that were looked up, per batch."""
    known: Sequence[int]
    """... of which the model had been trained on."""
    trained: Sequence[int]
    """Rows of the last few training batches before it ..."""
    remembered: Sequence[int]
    """... and how many of them were remembered from before."""
    fitted: Sequence[int]
    """Rows of the batch that were made of those of the fit."""
    fitted_training: Sequence[float]
    """Share of the training rows by then that were."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A transformer that learned from rows: a scaler, a selection of features, an encoder."""

    index: int
    kind: str
    """Its class."""
    site: Site | None
    rows: int
    features: int
    supervised: bool
    """It learned from the targets of the rows, too."""
    other_rows: int = 0
    """Rows that it transformed and was not fitted on, or may not have been."""
    split_site: Site | None = None
    """Where all rows, transformed by it, were divided into some to train on and some held out ..."""
    split_by: str = ""
    """... and by what."""
    held_out: int | None = None
    """Rows that were held out; None of folds."""
    by_hand: bool = False
    """It was asked which features it selects: other rows may have been given these by hand."""
    asked: tuple[PreparedRows, ...] = ()


@dataclass(frozen=True, eq=False)
class Fold:
    """A fold of a cross-validation, in which a model was evaluated."""

    number: int
    rows: int
    """To train on ..."""
    held_out: int
    """... and held out."""
    evaluated: bool
    """The model was called without gradients for as many rows as are held out."""
    trained: bool
    """It was trained on about as many rows as there are, at least."""
    carried: bool | None
    """Its weights at the first step were those of its last evaluation in an earlier fold; None if it was in none."""
    step: int
    """The last one that this was looked at."""


@dataclass(frozen=True, eq=False)
class Folds:
    """A model that went through the folds of a split."""

    model: int
    kind: str
    """What divided the rows ..."""
    site: Site | None
    """... and where."""
    folds: Sequence[Fold]


@dataclass(frozen=True, eq=False)
class Renumbered:
    """Categories that an embedding layer was asked for without gradients, and that have other numbers in other rows."""

    model: int
    layer: str
    column: str
    """Its name in the table."""
    site: Site | None
    """Where they were numbered ..."""
    other_site: Site | None
    """... and where those of the other rows were, which are more."""
    rows: int
    other_rows: int
    shared: int
    """Categories that both have ..."""
    moved: int
    """... and those of them that have another number."""
    step: int


@dataclass(frozen=True, eq=False)
class Overlapping:
    """Windows of series on which a model was called without gradients, at one line, beside those it was trained on."""

    model: int
    site: Site | None
    step: int
    """The last one after which there was such an evaluation: ..."""
    windows: int
    overlapping: int
    """... its windows, and those that hold a stretch of a window that was trained on, at another place."""
    batches: int
    own: int
    """Of all batches at the line, those of windows that were trained on as they stand."""


@dataclass(frozen=True, eq=False)
class SharedUnits:
    """Examples on which a model was called without gradients, at one line, beside some of those it was trained on."""

    model: int
    site: Site | None
    step: int
    examples: int
    with_mates: int
    """Of these, the ones whose nearest training examples lie far closer than the next ones, as of the same unit."""
    mates: float
    """How many such training examples, on average ..."""
    trained: int
    """... among so many."""

    @property
    def units(self) -> float:
        """About how many units the training examples are of."""
        return self.trained / max(1.0, self.mates)


@dataclass(frozen=True, eq=False)
class Reordered:
    """Batches on which a model was called without gradients, at one line, whose columns do not fit those of the
    training batches as they stand, and all fit in another order.

    Columns are those of a table, or the channels of images or series, told apart by statistics of their values.
    """

    model: int
    site: Site | None
    axes: int
    """Of a batch: 4 for images."""
    axis: int
    """... along which the columns stand."""
    columns: int
    looked: int
    """Batches at the line."""
    turned: int
    """... in another order."""
    neither: int
    """... that fit in no order."""
    rows: int
    """Examples in the largest of those in another order ..."""
    moved: int
    """... and its columns that are far from what stood in their place."""
    place: int
    """The one that is furthest: it is what stands at `trained_place` in training."""
    trained_place: int
    shown: int
    """Batches in another order whose examples the model was given in the order of training as well."""
    trained_later: int
    """... in whose order it was trained later on."""
    agreeing: int = 0
    """... in the same order as the one before; at most one less than `turned`."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """Batches on which a model was called without gradients, at one line: have it been trained on their rows before?

    Of the rows that a model is trained on some are remembered. All sequences have the same length.
    """

    model: int
    site: Site | None
    rows: Sequence[int]
    """Rows that were looked up, per batch."""
    known: Sequence[int]
    """... of which the model had been trained on."""
    trained: Sequence[int]
    """Rows of the last few training batches before it ..."""
    remembered: Sequence[int]
    """... and how many of them were remembered from before: what a batch of the training data itself would reach."""
    standardised: Sequence[bool] = ()
    """Tables: most columns have mean 0 and deviation 1 over the rows of this very batch."""
    standardised_training: Sequence[bool] = ()
    """The same is so of a training batch before it."""
    sizes: Sequence[float | None] = ()
    """Root mean square of the batch; None where it is not made of numbers that were measured."""
    training_sizes: Sequence[tuple[float, ...]] = ()
    """Least and largest such size of the last few training batches before it."""
    doubled: Sequence[int] = ()
    """Rows of the batch that the model had been trained on and that stand in it more than once."""
    all_data: Sequence[bool] = ()
    """All training rows are among those of the batch."""
