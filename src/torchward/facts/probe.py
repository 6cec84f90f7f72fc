"""What experiments on a copy of the model showed."""

from __future__ import annotations

from dataclasses import dataclass

from torchward.facts.series import Site


@dataclass(frozen=True, eq=False)
class Experiment:
    """What every probe says of itself. `looked` False: it could not, and `reason` says why."""

    model: str
    site: Site | None
    looked: bool
    reason: str
    seconds: float


@dataclass(frozen=True, eq=False)
class MemoriseProbe(Experiment):
    """A copy of the model was trained on at most 16 examples of the first batch, with Adam and without dropout."""

    steps: int = 0
    first_loss: float = 0.0
    last_loss: float = 0.0
    """The least loss of all steps."""
    least_loss: float = 0.0
    """Smallest loss that the targets allow (entropy of soft targets; 0 otherwise)."""
    constant_loss: float | None = None
    """Loss of the best constant prediction for this batch."""
    loss_kind: str = ""
    examples: int = 0
    targets: int = 0
    """Number of target values that the loss saw; 0 when the model computes its loss itself."""
    distinct_inputs: bool = True
    """No two examples with different targets have the same input."""
    inputs: int = 0
    """Numbers in the first input of an example; 0 if unknown."""
    lr: float = 0.0


@dataclass(frozen=True, eq=False)
class LeakProbe(Experiment):
    """In eval mode, other examples of the batch were changed: how much did each example's own output change?"""

    examples: int = 0
    own_change: float = 0.0
    """Largest change of the outputs of the changed examples, relative to the outputs' deviation."""
    leak: float = 0.0
    """Largest change of the outputs of the unchanged examples, relative to the outputs' deviation."""
    noise: float = 0.0
    """The same between two identical evaluations."""
    batch_axis: int = 0
    leaking_module: str = ""
    """The first part of the model whose output for the unchanged examples is another one; looked for where examples
    leak, and where the output of the changed ones is the same."""
    leaking_kind: str = ""
    order_change: float | None = None
    """The whole batch was given in reverse order: largest change of any example's own output, in the same unit."""
    order_module: str = ""
    order_kind: str = ""


@dataclass(frozen=True, eq=False)
class DependenceProbe(Experiment):
    """In eval mode, the input was replaced by other values of the same scale: did the output change at all?"""

    change: float = 0.0
    """Largest change of the output, relative to its size."""
    inputs: int = 0
    """Number of tensors given to the model."""
    ignored: tuple[int, ...] = ()
    """Positions of those without which all outputs are exactly the same, whatever the weights; no lengths or masks."""
    names: tuple[str, ...] = ()
    """What `forward` calls these."""
    without: tuple[str, ...] = ()
    """Parameters of modules that were called and that no gradient reached, then or later."""
    without_own: tuple[str, ...] = ()
    """... of them, those of modules that a class of the user's own calls, not one of a library."""
    without_change: float = 0.0
    """Change of the output, relative to its size, when those take other values: above 0, it is made of them."""
    outputs: int = 0
    """Number of tensors that the model returns."""


@dataclass(frozen=True, eq=False)
class ChanceProbe(Experiment):
    """The first loss, against that of a model that knows nothing."""

    first_loss: float = 0.0
    chance: float = 0.0
    """ln(classes) for cross-entropy, ln 2 for the binary ones."""
    loss_kind: str = ""
    classes: int = 0
    pretrained: bool = False
    """A state dict was loaded before the first step."""
    output_std: float = 0.0
    """Deviation of the raw scores of the first batch."""


@dataclass(frozen=True, eq=False)
class GradientProbe(Experiment):
    """One backward pass on the first batch: which parameters that require a gradient received none, or only zeros."""

    parameters: int = 0
    without: tuple[str, ...] = ()
    """Parameters of modules that were called, and that no gradient reached."""
    zero: tuple[str, ...] = ()
    """Parameters whose gradient was exactly zero everywhere."""
    uncalled: tuple[str, ...] = ()
    """Parameters of modules that the forward pass never called."""


@dataclass(frozen=True, eq=False)
class TokenProbe(Experiment):
    """A model of sequences: its integer input of two axes, next to the class targets of its loss, position by position.

    In eval mode, the second half of the sequence was changed: did outputs at positions before it change?
    """

    examples: int = 0
    length: int = 0
    """Positions of the input."""
    classes: int = 0
    losses: int = 0
    """Places that had called a class loss in training by then."""
    shift: int | None = None
    """The target at position t is the input at t + shift (at `share` of the counted ones, and no other shift fits)."""
    share: float = 0.0
    future: float | None = None
    """Largest change of outputs at counted positions before the changed half, in deviations of the outputs."""
    noise: float = 0.0
    """The same between two identical evaluations."""
    own_change: float = 0.0
    """The same in the changed half."""
    first_changes: tuple[float, ...] = ()
    """The same at the first two positions of the changed half."""
    past: float | None = None
    """Largest change of outputs in the second half when the first was changed; looked at for a shift of 0 only."""
    future_module: str = ""
    """The innermost module whose output at these positions changed though its input there did not."""
    future_kind: str = ""
    embeddings: int = 0
    """Embedding layers called with the changed ids: more than one when the model reads the sequence twice."""
    packed: int = 0
    """Rows with positions that begin anew at 0, or several of token `start` or `end`: texts one behind the other."""
    start: int | None = None
    """What each text begins with, where rows are filled up with whole ones and the model is evaluated on one a row."""
    end: int | None = None
    """What closes each text, where the loss leaves out what comes after it and the model is evaluated on one a row."""
    across: float | None = None
    """The tokens of the first text in these rows were changed: largest change of outputs at the texts behind it."""
    padding: int | None = None
    """The id that fills up shorter sequences: only ever found in a row at their ends, of differing lengths."""
    padding_target: int | None = None
    """Target at padding positions, when it is the same at all of them and the loss counts it."""
    padding_share: float = 0.0
    """Share of such positions among those that the loss counts."""
    ignored: tuple[float, ...] = ()
    """(class that the loss ignores, share of the padding with it, share of the real positions with it), where classes
    are not the tokens themselves."""
    order: float | None = None
    """The tokens of the first half were put into another order: largest change of the outputs behind it (or of the one
    output of an example), in deviations."""
    history: float = 0.0
    """The same when they were replaced by others."""
    attends: bool = False
    """It has attention layers."""
    per_position: bool = False
    """It has an output, and a target, for each position."""
    alike: int = 0
    """Pairs of positions of one sequence with the same id; 0 where targets are per example."""
    alike_differ: float = 0.0
    """Share of them with different targets, which a model without places cannot give, ..."""
    other_differ: float = 0.0
    """... and of all pairs of counted positions, of whatever sequences."""
    clamped_module: str = ""
    """Embedding layer whose row numbers were cut off at the end of its table."""
    clamped_size: int = 0
    """Rows of that table."""
    clamped_share: float = 0.0
    """Share of the positions that share the last row."""
    clamped_tokens: bool = False
    """They are token ids; otherwise positions."""
    same_place: str = ""
    """Table of places that was asked for one and the same row at all places of all sequences."""
    inverted_masks: tuple[str, ...] = ()
    """Attention modules whose `key_padding_mask` hides every real token and shows the padding."""


@dataclass(frozen=True, eq=False)
class EndProbe(Experiment):
    """The token behind the last one that the loss counts, in each row of a causal model's first batch; no call."""

    examples: int = 0
    """Rows that have one."""
    end: int | None = None
    """Its id, if it is the same in all of them, never counted, and not followed by anything but padding."""
    known: bool = False
    """The model's configuration says that this id ends a sequence."""
    padding: bool = False
    """It is also what the rows are filled up with."""


@dataclass(frozen=True, eq=False)
class PromptProbe(Experiment):
    """The first batch of a causal model; no call. Does its loss count a prompt too, or leave out an answer's start?"""

    examples: int = 0
    length: int = 0
    prompt: str = ""
    """What tells where prompts end: `labels` without them, a `mask` of the answers, `lengths`, all handed over by the
    loader and not used by the loss; `asked`: it is evaluated on rows that end in a token which each training row has
    once; or a `template`: rows begin with one of a few texts. Empty: nothing does."""
    share: float = 0.0
    """Of the prompts among the positions that the loss counts."""
    tokens: int = 0
    """Median length of the prompts."""
    texts: int = 0
    """Versions of the template."""
    untaught: int | None = None
    """A token that each row has once; the loss leaves out the one behind it and counts from the next on, and the model
    is evaluated on rows that end in it."""
    skipped: int = 0
    """Different tokens that stand behind it."""
    edge: str = ""
    """The side on which rows are filled up, if the loss counts from the token behind `edge_token`, which each row has
    once, only in rows that are not, and in others as many places off as are filled up; empty otherwise."""
    edge_token: int = -1
    missed: float = 0.0
    """Share of the tokens behind it that the loss leaves out, ..."""
    beside: float = 0.0
    """... and of those that the loss counts, the share of others: filling, and prompts."""


@dataclass(frozen=True, eq=False)
class InputProbe(Experiment):
    """The values of the first input, looked at more closely; nothing is called."""

    shape: tuple[int, ...] = ()
    near: float | None = None
    """Images of 3 or 4 channels, each less the mean of every value that lies as many places further as there are
    channels: largest correlation of values fewer rows apart than there are channels, ..."""
    apart: float | None = None
    """... and of values as many rows apart."""
    rows_peak: float = 0.0
    """By how many standard errors, from image to image, the second is above the first; ..."""
    columns_peak: float = 0.0
    """... and the same of columns, one further than there are channels among them; ..."""
    pixel_edges: float = 0.0
    """... and by how many the step from one value to the next is larger where a pixel would end."""
    planes_peak: float = 0.0
    """How much the correlation changes where values are about one whole plane apart."""
    tints_peak: float = 0.0
    """By how many standard errors values as many places apart as there are channels share a tint of their image, in
    every plane the same, more than those any other few places apart."""
    smallest_column: int = 0
    smallest: float | None = None
    """Tables (two axes, few columns): root mean square of the column where it is least, constant ones left out."""
    largest_column: int = 0
    largest: float | None = None
    small_columns: int = 0
    """Columns whose root mean square is less than a thousandth of the largest."""
    normalised_first: bool = False
    """The first module with parameters or statistics inside the model is a normalisation layer."""


@dataclass(frozen=True, eq=False)
class LeafProbe(Experiment):
    """Two calls: what else with gradients, besides the parameters of the model, does its output come from?"""

    anew: tuple[str, ...] = ()
    """Parameters that each call makes anew: name in the model afterwards, empty where it is in none."""
    anew_shapes: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    """Tensors that require gradients and are attributes of the model, not its parameters: no optimizer holds them, and
    some steps later they were as at first."""
    copied: tuple[str, ...] = ()
    """`embedding, layer` pairs whose weights had the same values at first, in different memory."""


@dataclass(frozen=True, eq=False)
class RepeatProbe(Experiment):
    """In eval mode, the same call again: how much did the output change, in its deviations?"""

    carried: float = 0.0
    """From the same random state: only what the model keeps from the call before can differ."""
    random: float = 0.0
    """From another random state."""
    dropouts: tuple[str, ...] = ()
    """Modules in whose forward pass dropout was on."""
    dropout: float = 0.0
    """Largest share that they drop."""
    added_masks: tuple[str, ...] = ()
    """Modules in whose forward pass `scaled_dot_product_attention` was given a mask of the numbers 0 and 1."""
    asked_for: bool = False
    """The line that calls dropout says `training=True`."""


@dataclass(frozen=True, eq=False)
class PositionProbe(Experiment):
    """A sequence: which of its places does a gradient of the output reach?"""

    axis: int = 0
    length: int = 0
    varied: int = 0
    """Places at which examples differ; the others (padding) are not counted."""
    ignored: int = 0
    """... of them, without any gradient in any example."""
    sequence: bool = False
    """The places are positions in time beyond doubt: ids, or there are recurrent or attention layers."""
    first_read: int = 0
    last_read: int = 0


@dataclass(frozen=True, eq=False)
class SeriesProbe(Experiment):
    """A model whose target is a feature of its own input some steps on, given other values in the second half of its
    series. Changes in deviations of the outputs."""

    length: int = 0
    ahead: int = 1
    """Steps from the input to the target that is equal to it."""
    change: float = 0.0
    """Of outputs whose target is no later than the first value that was changed."""
    own_change: float = 0.0
    noise: float = 0.0
    """Between two calls with the same input."""
    future_module: str = ""
    """Path and kind of the first module whose early output changed though its early input did not; empty if unknown."""
    future_kind: str = ""


@dataclass(frozen=True, eq=False)
class PaddingProbe(Experiment):
    """Padded sequences, given again with the padding that all of them have cut off. Changes in deviations."""

    id: int = 0
    rows: int = 0
    removed: int = 0
    """Columns of nothing but padding that were cut off."""
    length: int = 0
    change: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True, eq=False)
class ScaleProbe(Experiment):
    """Root mean square of what each layer with a weight matrix returns, in order, after the first steps."""

    layers: tuple[str, ...] = ()
    scales: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class ReshapeProbe(Experiment):
    """A `view` or `reshape` in the model that puts values side by side which were no neighbours; `site` is its line."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class OverflowProbe(Experiment):
    """An operation within the model that makes infinities or NaN of finite numbers, which its finite output does not
    show; `site` is its line. The same infinities, put into a call in double precision, change what it returns."""

    operation: str = ""
    dtype: str = ""
    """Of the result."""
    largest: float = 0.0
    """Number of that dtype."""
    share: float = 0.0
    """Of the result's elements that are not finite."""
    examples: int = 0
    """Rows of the output, ..."""
    changed: int = 0
    """... and of them, those that the infinities change."""
    handled: bool = False
    """The model asks for infinities, or replaces them, somewhere."""


@dataclass(frozen=True, eq=False)
class ModeProbe(Experiment):
    """The model as training has made it, on the first batch, in eval mode and in train mode without dropout."""

    steps: tuple[int, ...] = ()
    training: tuple[float, ...] = ()
    """Loss of the batch in train mode."""
    evaluation: tuple[float, ...] = ()
    """... in eval mode."""
    outside: float | None = None
    """A copy of the model from the first steps was given the state dict of now: how far is its output from the
    model's own, in deviations?"""
    noise: float = 0.0
    """The same between two identical evaluations."""
    kept: tuple[str, ...] = ()
    """Tensors that modules keep besides parameters and buffers, and that have changed since the first steps."""
    unset: tuple[str, ...] = ()
    """Buffers and other kept tensors of the user's modules that still hold the one value they were filled with: the
    loss in eval mode depends on them, the one in train mode does not."""
    digits_lost: float = 0.0
    """Difference of its output between single and double precision, in deviations ..."""
    digits_in: str = ""
    """... and the first module within the model that differs so, where it differs much; empty for its own code."""
    behind_dropout: tuple[tuple[str, str, float, float], ...] = ()
    """Batch norms that are given what a dropout leaves: (path, path of the dropout, its rate, variance of the input in
    eval mode over the running one)."""
    mixed: tuple[tuple[str, int, float, float], ...] = ()
    """Batch norms that are called several times in a pass: (path, calls, how many deviations apart the means of two
    calls are, ratio of their deviations), of the first call and the one furthest from it."""
    own: tuple[tuple[float, float], ...] = ()
    """For each look: loss in eval mode if these alone take the statistics of what they are given, and as it is."""
    guessing: tuple[int, float, float, float, float, int] | None = None
    """Of a causal model whose loss counts all of rows that have one token once each, in several places: that token,
    mean loss of what stands before it, entropy of this by how often each token is there (nats), mean loss of what
    stands behind; share of the former among all that is counted, and its median length."""


@dataclass(frozen=True, eq=False)
class IdsProbe(Experiment):
    """The whole-number input of two axes (example, position) of a model, and what the model reads of it. Sequences of
    numbers, (example, position, feature), have the fields on padding alone: positions of nothing but 0."""

    examples: int = 0
    length: int = 0
    packed: int = 0
    """Rows with positions that begin anew at 0, or several of token `start` or `end`: texts one behind the other."""
    start: int | None = None
    """What each text begins with, where rows are filled up with whole ones and the model is evaluated on one a row."""
    across: float | None = None
    """The tokens of the first text in these rows were changed: largest change of outputs at the texts behind it."""
    padding: int | None = None
    """The id that fills up shorter sequences; None if it could not be told."""
    tail: float = 0.0
    """Median number of padding positions at the end of a sequence."""
    common: int = 0
    """The commonest id besides padding, runs at the ends of sequences left out ..."""
    common_share: float = 0.0
    counted: int = 0
    """... among so many positions."""
    vocabulary: int = 0
    """Rows of the largest embedding."""
    recurrent: str = ""
    """Path of a recurrent layer, of which the output of the model reads the state at the very last position alone, in
    every example."""


PROBES = (
    IdsProbe,
    MemoriseProbe,
    LeakProbe,
    DependenceProbe,
    ChanceProbe,
    GradientProbe,
    TokenProbe,
    EndProbe,
    PromptProbe,
    InputProbe,
    LeafProbe,
    RepeatProbe,
    PositionProbe,
    SeriesProbe,
    PaddingProbe,
    ScaleProbe,
    ReshapeProbe,
    OverflowProbe,
    ModeProbe,
)
