"""Facts of dense targets: masks, depth maps, heat maps."""

from __future__ import annotations

from dataclasses import dataclass

from torchward.facts.series import Site

TURNS = ("", "left-right", "up-down", "half turn", "quarter turn", "three quarter turn", "transposed", "other diagonal")
"""What may have become of a target, in the order of the figures of one that is square."""
READINGS = (*TURNS[:4], "rows taken for columns", "columns taken for rows")
"""... and of one that is not, whose values may have been laid out in the wrong order."""


@dataclass(frozen=True, eq=False)
class ResizedClasses:
    """Maps of class numbers that were resized by a method that mixes values, and are targets of a loss."""

    loss: int
    """Index of the loss."""
    site: Site | None
    """Where they were resized."""
    mode: str
    """`bilinear`, `bicubic`, `area`, ..."""
    classes: int
    """Different numbers in one map."""


@dataclass(frozen=True, eq=False)
class Orientation:
    """How the images that a model was given in sampled steps go together with the targets of one loss, if these are
    taken as they are, or mirrored or turned back.

    Correlations are taken over the places of one example, after the mean over the batch at each place is subtracted;
    of each feature of the images (channels, contrast) with each of the targets (classes or channels, edges). For each
    turn: those of the pair of features with the largest mean.
    """

    site: Site | None
    """The loss."""
    loss_kind: str
    classes: int
    """0 for targets that are no numbers of classes."""
    square: bool
    batches: int
    examples: int
    distinct: int
    """... with targets that are not alike."""
    correlations: tuple[float, ...]
    """Absolute values of the mean correlations, one for each turn; the first is that of targets as they are."""
    deviations: tuple[float, ...]
    """... how much they differ from example to example, ..."""
    counts: tuple[float, ...]
    """... and examples that have both features."""
    own: tuple[float, ...]
    """The first, with what the model made of the images at first in place of the targets. Empty: not seen."""

    def error(self, turn: int) -> float:
        """Standard error of a mean correlation, as if each target had been seen once."""
        once = self.counts[turn] * min(1.0, self.distinct / max(self.examples, 1))
        return self.deviations[turn] / max(once, 1.0) ** 0.5

    def name(self, turn: int) -> str:
        return (TURNS if self.square else READINGS)[turn]
