"""How a program scores its models itself, and what it does by these scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Score:
    """A comparison of (n, 1) with (n,) outside of any loss, of the size of a model's last output: n times n results."""

    operation: str
    """`==`, `!=`, `-`."""
    examples: int
    times: int
    site: Site | None
    model: int


@dataclass(frozen=True, eq=False)
class Answers:
    """How many examples of one set of targets a model has named the class of rightly, as the program itself counts it
    without gradients."""

    model: int
    site: Site | None
    examples: int
    """Of one batch, the first that this set was compared in."""
    right: Series
    """Share of them."""


@dataclass(frozen=True, eq=False)
class Decision:
    """One line that compares an output of a model, as it stands, with a number: above it, one of two classes."""

    model: int
    site: Site | None
    numbers: tuple[float, ...]
    """What it is compared with."""
    values: int
    above: int
    """... of them, those above 0, ..."""
    between: int
    """... and of these, those up to 0.5."""
    low: float
    high: float
    """The least and the largest of the values."""


class Named(NamedTuple):
    """What the examples of one class were taken for."""

    examples: int
    right: int
    most: int
    """The class that was named for most of them, ..."""
    times: int
    """... and for how many."""

    def with_more(self, other: Named) -> Named:
        """What both hold; which class was named most is known of each by itself only."""
        more, less = sorted((self, other), key=lambda one: -one.times)
        times = more.times + (less.times if less.most == more.most else 0)
        return Named(self.examples + other.examples, self.right + other.right, more.most, times)


@dataclass(frozen=True, eq=False)
class ClassAnswers:
    """What was counted without gradients, by the program or its loss, after so many steps, class by class."""

    model: int
    step: int
    classes: Mapping[int, Named]
    missed: Mapping[int, Named]
    """The same of those batches alone in which most examples were named wrongly."""


@dataclass(frozen=True, eq=False)
class ScoredInTraining:
    """The program computes a score of the very outputs that it is trained by, or of some metric while it trains."""

    site: Site | None
    name: str
    """Of the metric, one of torchmetrics; empty of a comparison by hand."""
    times: int
    """Sampled steps in which that was seen, up to 8."""


@dataclass(frozen=True, eq=False)
class MixedScore:
    """What gathers a score was asked for it while it held batches of training, and of an evaluation after them."""

    site: Site | None
    """Where it was asked."""
    name: str
    """Its class."""
    times: int
    """Evaluations in which that was seen."""
    step: int
    """The last one's."""
    trained: int
    """Batches of training, in the last one, ..."""
    evaluated: int
    """... and of the evaluation."""


@dataclass(frozen=True, eq=False)
class KeptScore:
    """What gathers a score was asked for it after an evaluation while it held those of former ones, with training in
    between."""

    site: Site | None
    name: str
    """Its class."""
    earlier: int
    """Former evaluations that it held, at most."""
    step: int


@dataclass(frozen=True, eq=False)
class ErrorByHand:
    """Squared errors that the program computes itself, without gradients, by a subtraction in one place."""

    squared: Series
    """Their mean, one value for each stretch without steps; only of the first batches where these are many."""
    sizes: tuple[int, ...]
    """Numbers that each is the mean of."""


@dataclass(frozen=True, eq=False)
class AverageKept:
    """For an evaluation a trained model was given a running average of its weights, and training went on from it."""

    model: int
    step: int
    """After which it was last seen."""
    times: int
    """Evaluations at which it was, one after the other."""
    otherwise: int
    """Evaluations that were looked at and at which it was not so."""
    away: float
    """How far the weights were set back, in lengths of the next step."""
    part: float
    """Of the way of the weights in a step that the average goes along, as last seen."""
    site: Site | None
    """Where the model was called in the evaluation."""


@dataclass(frozen=True, eq=False)
class PutBack:
    """A trained model was given the weights that it had at an earlier evaluation."""

    model: int
    step: int
    """When."""
    evaluated: int
    """The step after which that evaluation was."""
    evaluations: tuple[int, ...]
    """All of the model's."""
    site: Site | None


@dataclass(frozen=True, eq=False)
class Metric:
    """What a metric of torchmetrics came to, each time it was reset."""

    name: str
    """Its class."""
    higher_is_better: bool
    values: Series
