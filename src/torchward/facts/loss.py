"""Losses: what was given to them and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Filled:
    """Targets of one call site in which all missing numbers (NaN) had been replaced by one number, without a weight."""

    calls: int
    """Those in sampled steps, ..."""
    looked: int
    """... of so many that were looked at."""
    share: float
    """Of the targets that were missing."""
    value: float
    measured: bool
    """... which stands among those that were not missing, too."""


@dataclass(frozen=True, eq=False)
class Spread:
    """An output of a model that `gaussian_nll_loss` takes for a variance, and what it is without gradients."""

    calls: int
    """Of the loss, in sampled steps."""
    deviations: int
    """Normal distributions whose deviation is this output, but for a factor; ..."""
    variances: int
    """... and whose squared deviation is."""
    site: Site | None
    """Where one of the first kind was made."""


@dataclass(frozen=True, eq=False)
class Loss:
    """One call site of one of torch's loss functions, in training (a graph is built) or in evaluation.

    Statistics come from sampled calls. `kind` is the functional name: `cross_entropy`, `nll_loss`, `kl_div`,
    `binary_cross_entropy`, `binary_cross_entropy_with_logits`, `mse_loss`, `l1_loss`, `smooth_l1_loss`, `huber_loss`,
    `gaussian_nll_loss`, `poisson_nll_loss`.
    """

    index: int
    kind: str
    site: Site | None
    training: bool
    calls: int
    reduction: str
    values: Series
    """Training: value of sampled calls. Evaluation: mean over each evaluation (a stretch without optimizer steps)."""
    prediction_shape: tuple[int, ...] = ()
    target_shape: tuple[int, ...] = ()
    target_dtype: str = ""
    classes: int | None = None
    """Size of the class axis (1) of the prediction of `cross_entropy` and `nll_loss`."""
    ignore_index: int | None = None
    producer: str = ""
    """Operation that made the prediction, views aside: `softmax`, `log_softmax`, `sigmoid`, `relu`, `linear`, ..."""
    producers: tuple[str, ...] = ()
    """All of them: several where one line judges several things, and the figures below mix them."""
    producer_module: str = ""
    """Module whose parameters feed that operation."""
    prediction_min: float | None = None
    """Smallest over the sampled calls."""
    prediction_max: float | None = None
    row_sum_error: float | None = None
    """Largest |sum over classes - 1| of the prediction (class axis 1, or the last for two axes)."""
    row_logsumexp_error: float | None = None
    """Largest |logsumexp over classes| of the prediction: 0 for log-probabilities."""
    target_min: float | None = None
    target_max: float | None = None
    target_values: Mapping[int, int] = field(default_factory=dict)
    """Histogram of class-index targets (at most 1,000 classes) over sampled calls, ignored ones left out."""
    ignored: int = 0
    """Targets equal to `ignore_index` among the sampled ones."""
    targets_seen: int = 0
    predicted_values: Mapping[int, int] = field(default_factory=dict)
    """Histogram of the predicted class (argmax; sign for one-logit losses) over sampled calls."""
    recent_predicted: Mapping[int, int] = field(default_factory=dict)
    """... over the last 10 sampled calls."""
    recent_target: Mapping[int, int] = field(default_factory=dict)
    accuracy: Series = field(default_factory=Series)
    """Share of examples predicted right, per sampled call (training) or evaluation; class-index targets, and one score
    for each example."""
    batch_classes: Series = field(default_factory=Series)
    """Number of distinct classes in each sampled batch (one label per example only)."""
    batch_mean_class: Series = field(default_factory=Series)
    batch_size: Series = field(default_factory=Series)
    class_shares: tuple[float, ...] = ()
    """Share of each class over all sampled batches (one label per example only)."""
    target_std: float | None = None
    """Of floating-point targets, within a batch; mean over the sampled ones."""
    target_mean: float | None = None
    weights: tuple[float, ...] = ()
    """Weight of each class that the loss was given (32 classes at most)."""
    positive_weights: tuple[float, ...] = ()
    """`pos_weight`, likewise."""
    prediction_has_graph: bool = True
    """The first argument required gradients, as last sampled."""
    target_has_graph: bool = False
    """The second did."""
    target_row_sum: tuple[float, float] | None = None
    """Least and largest sum over the last axis of floating-point targets of two axes, of two columns or more."""
    target_binary: bool = False
    """... and all of their values were 0 or 1."""
    label_positives: Mapping[int, int] = field(default_factory=dict)
    """Label (place on the last axis) -> positive ones among the sampled targets of a binary loss that has a weight for
    positive ones of each label, ..."""
    label_rows: int = 0
    """... of so many of each label."""
    labels: tuple[int, int, float] | None = None
    """Class-index targets that are the place of the largest value in rows of zeros and ones: (fewest, most ones in a
    row; mean share of the rows with several that are not all neighbours), over the sampled calls."""
    pairs: int = 0
    """Sampled calls of `cross_entropy` with as many classes as examples, each of them the target of one example."""
    own_pairs: int = 0
    """... of them, those in which the target of example i was i."""
    asymmetry: float | None = None
    """Largest difference between score (i, j) and score (j, i) in these, as a share of the largest score."""
    spread: Series = field(default_factory=Series)
    """Deviation of the predictions from example to example, relative to that of floating-point targets of their shape.
    Sampled calls whose targets do not differ are left out."""
    variance_has_graph: bool | None = None
    """The third argument of `gaussian_nll_loss` did."""
    spread_uses: tuple[Spread, ...] = ()
    judges: tuple[int, int] | None = None
    """(model, position among what it returns): the output that the prediction is, if it is one as it stands."""
    in_backward: int = 0
    """Sampled training calls of whose value a backward pass began or went on."""
    left_out: int = 0
    """... into whose graph no backward pass of the same step came."""
    added_without_graph: int = 0
    """Sampled calls with gradients enabled, of values without a graph, while a number without a graph was among the
    terms of which the loss was made, and no other loss function."""
    label_smoothing: float | None = None
    """Of `cross_entropy`, as last sampled."""
    log_target: bool | None = None
    """`kl_div` was told that its target are logarithms."""
    of_few_values: bool = False
    """The prediction given to `kl_div` has no graph, its target has, and the prediction's rows are made of no more
    different values than there are different rows: shares of votes, smoothed labels, and not what a model computes."""
    evaluated_scales: tuple[tuple[float, float, float, float], ...] = ()
    """The first evaluations of predictions of a quantity: (mean, deviation of the targets, of the predictions)."""
    noise_targets: tuple[str, ...] = ()
    """Marks of the first sampled targets of a quantity, if all look drawn from the standard normal distribution. Equal
    marks: the same numbers."""
    evaluated_values: Mapping[int, int] = field(default_factory=dict)
    """Histogram of class-index targets, one for each example, over batches of the first evaluations."""
    evaluated_classes: int | None = None
    """Scores for each of these."""
    given: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """Of the calls looked at that compare a model's output with as many values as the model was given: those in which
    they were the very input, the others, of the first those whose output is that input with something added, and those
    whose input is a loader's batch, changed in place since, and not by a scale or a curve alone."""
    filled: Filled | None = None
    evaluated: Series = field(default_factory=Series)
    """Evaluation: number of examples behind each value of `accuracy`."""


@dataclass(frozen=True, eq=False)
class TwiceJudged:
    """Two losses that judge the same output of a model in the same step, with targets that differ."""

    loss: int
    """Index in `Run.losses`; the one called later."""
    other: int
    model: int
    output: int
    """Position among what the model returns."""
    steps: int
    """Sampled steps."""


@dataclass(frozen=True, eq=False)
class Divergence:
    """A Kullback-Leibler divergence from a normal distribution among the terms of a loss, in sampled steps: the sum of
    exp(v) and -v (or s ** 2 and -log(s ** 2)) of the same values."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    factor: Series
    """Of exp(v) in the loss. Below 0: the divergence is made larger."""
    judged: Series
    """Factor of one value of the error that is the largest other term; NaN where none was found."""
    nats: Series
    """Size of the divergence for one example, whatever its factor: how much the code says of the input."""
    noise: Sequence[str] = ()
    """Fingerprint of the noise that the code was drawn by, one for each sampled step in which it was found."""
    cut: tuple[bool, ...] = ()
    """In the first sampled steps: the parameters that make the code get no gradient from the reconstruction error."""


@dataclass(frozen=True, eq=False)
class Partners:
    """A loss that compares each output with two others by their differences, in sampled steps: a triplet loss."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    nearest: Series
    """Largest value of the smaller difference, as a share of that of the larger one."""
    rows: int
    """Examples, as last seen."""
    loss: float


@dataclass(frozen=True, eq=False)
class Cut:
    """Values that a loss cuts off at the bounds of a probability and takes the logarithm of, in sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    module: str
    """Path of the layer that the values come from, empty if unknown."""
    raw: bool
    """A layer with weights of its own made them, and nothing bounded them since."""
    bounds: tuple[float, float]
    outside: Series
    """Share of the values that are below 0 or above 1."""
    least: Series
    most: Series


@dataclass(frozen=True, eq=False)
class Picked:
    """The smallest or largest of values that a loss picks out of some that were masked, to 0 or another number; sampled
    steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    operation: str
    """`min`, `max`, `topk`, `amin`, `amax`."""
    shape: tuple[int, ...]
    """Of what is picked from, as last seen."""
    rows: int
    """... of which so many hold values that were masked and others."""
    masked: Series
    """Share of these rows in which all that was picked had been masked."""
    share: float
    """Of the values that were masked, as last seen."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """What a loss adds up, multiplied by trained numbers which are found nowhere else in it; sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    parameter: str
    """That the numbers are made of; empty if it belongs to no module."""
    weight: Series
    """Mean of the numbers."""
    least: Series
    """The smallest of what is multiplied, ..."""
    values: Series
    """... and its mean."""


@dataclass(frozen=True)
class Squashed:
    """What a loss that compares value by value was given is what a model makes another of its outputs of."""

    loss: int
    """Index in `Run.losses`."""
    model: int
    output: int
    """The other one: its position among what the model returns."""
    curve: str
    """`sigmoid` or `tanh`."""
    calls: int
    """Sampled ones."""
    inside: bool
    """All targets lay within the bounds of the curve, ..."""
    at_bounds: float
    """... and this share of them at these."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """Scores that a loss takes a softmax of, to have it choose the right one, and that are products of vectors; sampled
    steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    loss: int | None
    """Index in `Run.losses` of the function that takes the right score; None where it is written by hand."""
    bound: Series
    """Size that no score can exceed while the factors of the products stay: the product of the lengths."""
    uneven: Series
    """Largest difference between the lengths of vectors, as a share of the largest: 0 where they are normalised."""
    width: Series
    """Largest difference between scores of a row."""
    choices: int
    """Scores of a row, masked ones left out; the fewest."""


@dataclass(frozen=True, eq=False)
class DeafBackward:
    """A `backward` of the program's own, in the graph of a loss, that never reads the gradient that it is given."""

    name: str
    """Of the function."""
    site: Site | None


@dataclass(frozen=True, eq=False)
class Pull:
    """Terms of a loss that grow with the difference between weights and fixed numbers of their shape."""

    stream: int
    site: Site | None
    passes: int
    """Sampled backward passes with such terms, ..."""
    zero: int
    """... and those in which all of these differences were exactly 0."""
    weights: int
    first_step: int
    last_step: int


@dataclass(frozen=True, eq=False)
class ScaledTogether:
    """Forecasts each of which was brought to one scale together with the values that are to be forecast."""

    loss: int
    """Index of the loss; -1 if it is written by hand."""
    calls: int
    """Sampled calls in which all examples were, of the first dozen."""
    how: str
    """`standard`: mean 0 and deviation 1; `range`: from 0 or -1 to 1."""
    past: int
    """Values that the model is given, ..."""
    values: int
    """... and those with the future."""


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Targets that a loss weighs log-probabilities with: one number for the right class, another for all others."""

    site: Site | None
    classes: int
    right: float
    other: float
    passes: int
    """Sampled backward passes."""


@dataclass(frozen=True, eq=False)
class BatchedGraphs:
    """A loss of several graphs that lie one behind the other in a batch, with messages between their nodes; the last of
    the sampled passes looked at."""

    site: Site | None
    nodes: int
    graphs: int
    largest: int
    """Nodes of the largest graph."""
    reached: int
    """One more than the last node that an edge leads to or comes from."""
    passes: int
    short: int
    """Passes in which all edges lay among as many first nodes as the largest graph has."""


@dataclass(frozen=True, eq=False)
class LostDerivative:
    """A derivative by an input that the loss is made of, taken by `torch.autograd.grad` without a graph of its own."""

    site: Site | None
    steps: int
    """Sampled steps."""


@dataclass(frozen=True, eq=False)
class LossStream:
    """Values of the loss at one backward call (a line of the script), at every step."""

    index: int
    site: Site | None
    values: Series
    """Last backward value of each step; read back late on accelerators."""
    head: str = ""
    """Name of the autograd node at the root, `MeanBackward0`; empty for a leaf."""
    kind: str = ""
    """Loss function found under it, or `custom`."""
    is_leaf: bool = False
    """The loss had no graph: `requires_grad` was set on it by hand."""
    reaches_parameters: int | None = None
    """Number of parameter leaves that its graph reached when last walked; None if never walked to the end."""
    leaves: tuple[int, ...] = ()
    """Indices in `Run.parameters` of those that its graph reached in the first samples."""
    raised: tuple[int, ...] = ()
    """... of those that a loss function reaches which this loss subtracts."""
    broadcast: tuple[tuple[int, ...], tuple[int, ...], str] | None = None
    """(shape of the prediction, shape it was broadcast to before the loss was reduced, operation)."""
    crossed: tuple[tuple[int, ...], tuple[int, ...], str] | None = None
    """(shape of one of two numbers for each example, shape that both have in the prediction, operation)."""
    averaged: tuple[tuple[int, ...], tuple[int, ...], str] | None = None
    """Signed errors whose mean is squared: (their shape, shape of the means, operation)."""
    between: tuple[int, ...] = ()
    """Lengths of the vectors that it takes the differences of, where both were computed from parameters."""
    draws: tuple[int, ...] = ()
    """Lengths of the vectors that it draws together in pairs, both computed from parameters, if it does only this."""
    cancelled: Mapping[str, Series] = field(default_factory=dict)
    """Operation on a difference of two computed numbers -> share of its values that have no two digits left."""
    alive_graphs: int = 0
    """Marked graphs that were still alive at least two steps later, as last counted."""
    marked_graphs: int = 0
    """Graphs marked at least two steps ago."""
    most_alive_graphs: int = 0
    """Largest number of marked graphs that were alive at once."""
    terms: Mapping[int, Series] = field(default_factory=dict)
    """Index of a loss -> what it adds to the sum that is differentiated, as a share of the whole (of absolute values);
    for losses that are one of several terms."""
    apart: tuple[int, ...] = ()
    """... of them, those that have no parameter in common with any other term."""
    plain_depth: int | None = None
    """Least number of weight matrices and kernels on any way from the loss to the data; None where none was found."""
    penalty_alone: int = 0
    """Sampled steps in which nothing was differentiable in it but the size of weights, though it is more than that."""
    weighed_choices: int = 0
    """Sampled steps in which it weighed log-probabilities of choices by numbers of both signs: a policy's loss, whose
    value need not fall."""
    weighed_by_graph: tuple[int, ...] = ()
    """Sampled steps in which log-probabilities of choices were multiplied with fixed numbers less values that have a
    graph of their own."""
    softmax: tuple[tuple[int, ...], int, str] | None = None
    """(shape, axis, layer that feeds it) of a softmax whose result a matrix product sums over another axis."""
    normalised: tuple[tuple[int, ...], int, int, str] | None = None
    """(shape, axis of the norm, axis that is summed, layer that feeds it) of vectors that products compare, and that
    were divided by their norms along another axis."""
    summed: tuple[tuple[int, ...], int, str] | None = None
    """(shape, axis, layer that feeds it) of a softmax that is summed over its own axis before it weighs anything."""
    dropped: tuple[float, str] | None = None
    """(share of the values that the strongest dropout sets to 0, layer in front of it), of those of 0.75 or more."""
    lost: tuple[int, int] | None = None
    """(rows, different ones) of an index by which values are added in place, where only the last for each row stays."""
    mixed: tuple[tuple[int, ...], tuple[int, ...], int, str] | None = None
    """(shape, shape it was given, class axis in the first, layer that made them) of scores whose class axis was taken
    apart before a softmax."""


@dataclass(frozen=True, eq=False)
class NonFinite:
    """The first time a loss was seen to be NaN or infinite, and what was found by walking back from it."""

    step: int
    value: str
    """`nan`, `inf` or `-inf`."""
    stream: int | None
    last_finite_loss: float | None
    origin: str
    """`input`, `target`, `parameter`, `operation`, or empty when it could not be told."""
    origin_name: str
    """Name of the parameter, or `log in fc2`-like name of the operation nearest to the input."""
    origin_op: str
    module: str
    site: Site | None
    parameters: tuple[str, ...]
    """Parameters that already held non-finite values."""
    line: Site | None = None
    """The one line of the program where that operation is written; None when it cannot be told."""
    steep_op: str = ""
    """Of a parameter that was broken before: an operation of the same graph whose slope is infinite at 0 (or 1)."""
    steep_module: str = ""
    backwards: int = 0
    """Backward passes by then."""


@dataclass(frozen=True, eq=False)
class Steep:
    """Where gradients that were not finite may have come from, looked for once they were seen."""

    step: int
    operation: str
    """Nearest to the loss, of those whose slope is infinite at 0 (or 1) and that nothing keeps off it; or empty."""
    module: str
    line: Site | None
    """The one line of the program where that operation is written; None when it cannot be told."""
