"""Batches and the loaders that they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Input:
    """The first floating-point tensor given to a model by its caller, over sampled training calls."""

    model: int
    shape: tuple[int, ...]
    dtype: str
    mean: Series
    std: Series
    minimum: Series
    maximum: Series
    nonfinite: Series
    """Number of values that are NaN or infinite, of the whole tensor."""
    normalised_first: bool
    """The first module with parameters or statistics inside the model is a normalisation layer."""
    site: Site | None
    layer_std: Series = field(default_factory=Series)
    """Deviation of what the first module with parameters was given."""
    layer_rms: Series = field(default_factory=Series)
    """Root mean square of the floating-point tensor that the first module with parameters was given: the input after
    what the model itself does to it (`x / 255` in `forward`). Empty when no such module was seen."""
    spread: Series = field(default_factory=Series)
    """Deviation between the rows of the batch: root mean square over features. Batches of eight or more."""
    output_spread: Series = field(default_factory=Series)
    """... of what the model made of it."""
    output_directions: Series = field(default_factory=Series)
    """Deviation of the directions of its rows: 0 when all point the same way, 1 when they point everywhere."""
    axes: Series = field(default_factory=Series)
    """Directions that the rows of the batch differ in (participation ratio): 1 when all lie on one line."""
    output_axes: Series = field(default_factory=Series)
    """... of what the model made of it."""
    output_shape: tuple[int, ...] = ()
    beside_minimum: Series = field(default_factory=Series)
    """Of a second tensor with one number per example, if there is one: a time step, a length."""
    beside_maximum: Series = field(default_factory=Series)
    target_std: Series = field(default_factory=Series)
    """Deviation of what the model's output is compared with in a squared or absolute error that is written by hand."""


@dataclass(frozen=True, eq=False)
class Range:
    """Where the values of batches lie, in sampled steps."""

    minimum: Series
    maximum: Series
    below_minus_one: Series
    """Share of the values that are less than -1 (and more than rounding would make them so); ..."""
    negative: Series
    above_one: Series


@dataclass(frozen=True, eq=False)
class Judged:
    """A model that is given data as well as what another model made."""

    model: int
    """Index in `Run.models`."""
    maker: int
    operation: str
    """What the other one ends with, `TanhBackward0`; empty where that was not always the same."""
    site: Site | None
    data: Range
    made: Range
    variety: Series = field(default_factory=Series)
    """Mean distance between two generated examples, as a share of that between two of the data; sampled steps, up to
    128 rows of each."""
    missed: Series = field(default_factory=Series)
    """Distance of data from the nearest generated example: 0 is that from the nearest of the data themselves, 1 that
    from any of them."""


@dataclass(frozen=True, eq=False)
class Noised:
    """A model that is given a batch and one number per example, its time step, and that is to give back values of the
    same shape: how is its input made of them, in the first and the last twentieth of the steps? Sampled steps."""

    model: int
    site: Site | None
    times: tuple[float, float]
    """Mean time step of either part."""
    batches: tuple[int, int]
    """Sampled batches that had such examples."""
    share: tuple[float, float]
    """b, when the input is b times what the model is to give back, and something that is independent of that ..."""
    rest: tuple[float, float]
    """... whose mean square is this."""
    target: float
    """Mean square of what the model is to give back, ..."""
    targets: tuple[float, float] = (0.0, 0.0)
    """... in either part."""
    middle: tuple[tuple[float, float, float, float], ...] = ()
    """(mean time step, values, share, rest) in between."""


@dataclass(frozen=True, eq=False)
class Batches:
    """Identity of the batches given to a model in training: a fingerprint of input values per sampled step."""

    model: int
    fingerprints: Sequence[str]
    steps: Sequence[int]
    window: bool
    """The tensor is a view of part of a larger one (a slice of the data set)."""
    window_share: float | None
    """The part of that larger tensor that it covers."""
    renewed: int
    """Samples at which it was another object than at the sample before."""
    from_loader: bool
    """It came out of a loader (directly, or moved to a device) at most of the samples."""
    loader_batches: int | None
    """Length of that loader, in batches."""
    site: Site | None


@dataclass(frozen=True, eq=False)
class Loader:
    index: int
    site: Site | None
    batch_size: int | None
    batches: int | None
    examples: int | None
    shuffled: bool | None
    """A random sampler (or one of the user's own) orders it; None for an iterable data set."""
    workers: int
    iterations: int
    """Times an iterator was made."""
    fetched: int
    """Batches taken."""
    first_batches_only: int
    """Iterators from which exactly one batch was taken before the next was made."""
    wait_seconds: float
    """Time the training process spent waiting for its batches, first batch of each pass aside."""
    active_seconds: float
    """Time from the first to the last batch over all passes, first batch of each pass aside."""
    trains: bool
    """A backward pass followed its batches."""
    dataset_kind: str
    first_seconds: float = 0.0
    """Time spent on starting each pass and waiting for its first batch."""
    same_epoch: int | None = None
    """Passes begun with the epoch that the pass before had; None without a shuffling `DistributedSampler`."""
    stepped: int = 0
    """Batches, the first of each pass aside, since the one before which an optimizer had stepped."""
    persistent: bool = False
    """Its workers live on from pass to pass."""
    pinned: bool = False
    """It puts batches into pinned memory."""
    distributed: bool = False
    """Ordered by a `DistributedSampler`."""
    dropped: int = 0
    """Examples that `drop_last` leaves out of each pass."""
    drawn: int | None = None
    """Examples of a pass, where a random sampler may have been told to draw fewer than there are, ..."""
    drawn_anew: bool = False
    """... others in each pass."""
    weights: tuple[int, int] | None = None
    """Of a `WeightedRandomSampler`: how many there are, and how many of them are not 0."""
    distinct: int | None = None
    """Different examples that a sampler which is not torch's has drawn, ..."""
    draws: int = 0
    """... in so many draws."""
    idle_passes: int = 0
    """Passes over half of the batches or more in which no backward pass ran."""
    idle_site: Site | None = None
    """Where the last of these began."""
    compared_passes: int = 0
    """Passes whose first batch was compared with that of the first pass: of loaders that go through their examples in
    the same order each time."""
    moved_passes: int = 0
    """... in which the inputs were other ones, though the labels were the same."""


@dataclass(frozen=True, eq=False)
class UnusedLoader:
    """A loader that was made, and of whose data set no example was ever asked for, up to the end of the run."""

    site: Site | None
    examples: int


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Examples that a data set holds in memory and that were changed there while they were read and handed out.

    Some rows were copied at the starts of the first whole passes over its loader (and at the end of the run).
    """

    loader: int
    """Index in `Run.loaders`."""
    site: Site | None
    """The data set's `__getitem__`, else the pass over the loader."""
    name: str
    """Its class and the attribute that holds them."""
    rows: int
    changed: Sequence[float] = ()
    """Share of the rows that each pass changed."""
    far: Sequence[float] = ()
    """Mean squared distance from the first copy, after each pass."""
    deviation: Sequence[float] = ()
    """Of all values, before the first pass and after each."""
    read: int = 0
    """First batches of a pass whose own rows changed while the batch was made, and are what it holds."""
    looks: int = 0
    """... of those looked at."""
    partly: int = 0
    """... in which at least one row changed, and was handed out as it then was."""
    again: int = 0
    """Rows that more than one pass changed, ..."""
    farther: int = 0
    """... those of them that were farther from their first values after the last of their changes than after the
    first, ..."""
    by: Sequence[float] = ()
    """... and their mean squared distance from these after the first change, and after the last one."""


@dataclass(frozen=True, eq=False)
class WrappedIntegers:
    """Small integers that a data set stores, and hands out in a straight line but for steps of exactly one range."""

    loader: int
    site: Site | None
    """The data set's `__getitem__`, else the pass over the loader."""
    name: str
    """Its class and the attribute that holds them."""
    dtype: str
    values: int
    """Compared, each with the same place in another example."""
    stepped: int
    factor: int
    """By which they were multiplied; 1 where something was added or taken away."""


@dataclass(frozen=True, eq=False)
class Empties:
    """Examples among the training batches of a model, in sampled steps, whose numbers are all one and the same."""

    model: int
    axes: int
    """Of a batch: 4 for images."""
    batches: int
    examples: int
    """Of all these batches."""
    empty: int


@dataclass(frozen=True, eq=False)
class FarOff:
    """A value in the sampled training batches of a model that is far from all others of its feature."""

    model: int
    value: float
    batches: int
    """... that hold it."""
    times: int
    together: int
    """Examples of one batch with it, at most."""
    apart: float
    """Distance of the nearest other in deviations of the others: the least over the batches."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """A token that every sequence begins with in the sampled training batches of a model."""

    model: int
    token: int
    batches: int
    rows: int
    """Of all these batches."""
    asked: int
    """Sequences given to it without gradients ..."""
    having: int
    """... and those of them with that token anywhere."""
    site: Site | None
    """Where it was called with these."""


@dataclass(frozen=True, eq=False)
class Swept:
    """How large, as root mean squares, all is in one part of the times that a denoiser is trained on: a tenth of its
    training examples."""

    time: float
    """Mean time of the calls that drew samples ..."""
    calls: int
    """... and how many they were."""
    trained: float
    sampled: float
    """Its input in training, and where samples were drawn."""
    chance: float
    """By how much the logarithm of their ratio may be off by chance: one standard deviation."""
    trained_made: float
    sampled_made: float
    made_chance: float
    """The same of what it made of it."""
    missed: float
    """Correlation of its input in training with what its output was off by: near 0, once that has been learned."""
    kept: float = math.nan
    own: float = math.nan
    passed: float = 1.0
    """Part of the data left in training if it is to find noise, as a square; mean, product of what each call leaves."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """Calls of a denoiser without gradients, each at one time for all examples, which rises or falls from call to call;
    in training each batch holds several times. The last such sweep of one line."""

    model: int
    """The one that is trained; it may be a copy of it that was called."""
    site: Site | None
    step: int
    """After which it was."""
    calls: int
    rows: int
    """Examples of a call."""
    trained_rows: int
    """Training examples that it is compared with, of the sampled steps of the last two thirds before."""
    rising: bool
    guided: bool
    """It was called twice for the same batch at the same time, or with the same batch twice."""
    aim: float
    """Root mean square of what it is to make."""
    outside: int
    """Calls at times that lie outside of those seen in training."""
    parts: tuple[Swept, ...]
    """Those that it came through, in order of time."""


@dataclass(frozen=True, eq=False)
class Forgeries:
    """Targets of one output of a model for rows that another model had just made, and for rows that none had; sampled
    steps. Inputs with a graph, as in a generator's own step, are counted apart."""

    model: int
    output: int
    """Position among those that it returns."""
    maker: int
    loss_kinds: tuple[str, ...]
    site: Site | None
    """The loss that judged rows that were made."""
    looked: int
    """Sampled steps in which it was trained on rows without a graph, ..."""
    steps: int
    """... and of those the ones, alone counted below, in which some had just been made."""
    made: int
    """Rows that `maker` made, ..."""
    made_target: float
    """... and the mean of their targets."""
    others: int
    others_target: float
    low: float
    high: float
    """Range of the targets of both."""
    two_values: bool
    """They are nothing but these two, and for one row the same."""
    grown: tuple[float, float] | None = None
    """Range of the targets for inputs with a graph; None if there were none."""


@dataclass(frozen=True, eq=False)
class Mirrored:
    """Images that were met again, in sampled steps, exactly as before but mirrored or turned: what of their masks, or
    boxes?"""

    site: Site | None
    """The loader that gave both, or the loss that was given the masks."""
    by_loss: bool
    loss_kind: str
    """Empty for a loader, whose masks are known by their few values."""
    together: int
    image_alone: int
    """The mask stayed, or was mirrored or turned otherwise."""
    mask_alone: int
    """The image stayed, and the mask did not."""
    turn: str
    """What became of the last of those alone: `left-right`, `up-down`, `half turn`, `quarter turn`, `transposed`."""
    boxes: str = ""
    """How boxes are written, `corners`, `centre and size`, `corner and size`; empty for masks."""


@dataclass(frozen=True, eq=False)
class RankEvaluation:
    """Evaluations by one rank of several: from a model's first call without gradients, at one line, to the next
    backward pass or the end of the process group."""

    model: int
    site: Site | None
    loader: int | None
    """Index in `Run.loaders` of the one that gave the batch."""
    times: int
    alone: int
    """... in which nothing passed between the ranks, barriers aside."""
    prints: tuple[str, ...] = ()
    """Fingerprints of the first batch."""


@dataclass(frozen=True, eq=False)
class WorkerRandomness:
    """One random state in one loader worker: fingerprints when it started and after its first batch."""

    loader_pid: int
    worker: int
    workers: int
    generator: str
    """`numpy`, `random`, `torch`, or the attribute that holds it, `dataset.rng`."""
    start: str
    after: str
    iteration: int


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of input and target, gathered over the run: does the input say anything about the target?

    Kernel ridge regression predicts each target from the others' (leave one out), on the pairs as they are and on
    pairs with the targets shuffled.
    """

    model: int
    """Index in `Run.models`."""
    pairs: int = 0
    """Different inputs among them; the figures below are of these."""
    inputs: int = 0
    """Number of tensors given to the model; the pairs hold the first of them."""
    axes: int = 0
    """Number of its axes, the batch included."""
    features: int = 0
    whole: bool = False
    """Every value of an input is among the features (otherwise they are a sample of them)."""
    targets: int = 0
    """Different target values (classes, or numbers)."""
    loss_kind: str = ""
    by_hand: bool = False
    """The user wrote the loss as a mean of squared errors; `loss_kind` is then `mse_loss`."""
    guessed: float | None = None
    """Mean squared or absolute errors: the loss of the best prediction that ignores the input."""
    explained: float | None = None
    """Share of the targets' variance that is explained, by the better of two kernels; may be negative.
    None: too few pairs, or inputs that are ids, not numbers."""
    shuffled: float = 0.0
    """Mean of the same over shuffled pairs."""
    shuffled_deviation: float = 0.0
    classes: int = 0
    """Squared and absolute errors of one number for each example: the targets were the whole numbers from 0 to below
    this, none of them much rarer than the others. 0 otherwise."""
    as_number: float | None = None
    """... share of their variance that is explained by a linear model, ..."""
    as_classes: float | None = None
    """... and of that of "is it class k?", the mean over all k. Of an ordered quantity it is much less: what lies
    between others is seen by no linear model. Of classes that are merely numbered it is about the same."""
    filled: tuple[float, float, float] | None = None
    """A target that comes up again and again among others that hardly repeat, and do not drift: (it, its share,
    distance of the nearest other in deviations of the others)."""
    filled_column: int | None = None
    """Of several numbers for each example, the one where it lies furthest off."""
    filled_told: tuple[float, ...] = ()
    """(Share of the others on its thinner side, what the inputs explain of whether a target is it, what they might by
    chance, what they explain of the others.)"""
    copies: int | None = None
    """Feature that is the target itself, up to scale and offset."""
    marked: float = 0.0
    """Share of the examples whose input, of one number for each class, is not 0 at the class to be told ..."""
    marks: float = 0.0
    """... and how many numbers of an input are not 0."""
    sum: tuple[float, float, tuple[int, ...]] | None = None
    """The weighted sum of the features that is nearest to the target: (share of its variance that is left over, sum of
    the squared weights for features of deviation 1, features that matter)."""
    nearest: tuple[int, float] | None = None
    """The feature that correlates most with the target, and how much, without the sign."""
    batches: int = 0
    """Batches gathered of at least four examples with differing targets."""
    same_input: int = 0
    """... in which all examples had the same input."""
    one_example: int = 0
    """Batches gathered of at least four examples, if each of them was one example again and again, and not all of them
    the same."""
