"""A model: its parameters, modules and activations, and how it was called."""

from __future__ import annotations

from dataclasses import dataclass, field

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter (or other leaf tensor that the loss reaches), with its statistics on sampled steps.

    Norms are Euclidean over the whole tensor. `update_ratio` is the norm of the optimizer's change divided by the norm
    of the weights, over at most 4,096 evenly spaced elements of the tensor.
    """

    index: int
    name: str
    """Dotted path in the model, `fc1.weight`; `optimizer[0].param[3]` for one that is in no model."""
    model: int | None
    """Index in `Run.models`; None when no model that was called holds it as a registered parameter."""
    module: str
    """Dotted path of the owning module."""
    module_kind: str
    """Class name of the owning module, `Linear`; empty when unknown."""
    shape: tuple[int, ...]
    numel: int
    dtype: str
    device: str
    requires_grad: bool
    """As last seen."""
    optimizers: tuple[int, ...]
    """Indices in `Run.optimizers` of those that hold it, as last seen."""
    loaded: bool
    """It was filled by `load_state_dict` of a module that holds it."""
    in_graph: bool
    """Some loss's graph reached it as a leaf."""
    hidden_module: str
    """Class name of the unregistered module that holds it; empty for registered ones."""
    samples: int
    """Number of sampled steps at which it was looked at."""
    samples_with_grad: int
    """... of them, with a gradient (`.grad` was not None) when an optimizer that holds it (or the leader) stepped."""
    called: bool = False
    """The module that owns it was called in a sampled step, with gradients enabled or not."""
    grad_norm: Series = field(default_factory=Series)
    weight_norm: Series = field(default_factory=Series)
    update_ratio: Series = field(default_factory=Series)
    frozen_first: bool = False
    """It did not require gradients when it was first seen, or when an optimizer was first seen."""
    unchanged: Series = field(default_factory=Series)
    """Half precision only: share of the elements with a gradient that a step left exactly as they were."""
    lost_gradient: Series = field(default_factory=Series)
    """Computed in float16 without a `GradScaler` (two axes or more): share of gradient elements that are exactly 0."""
    tiny_gradient: Series = field(default_factory=Series)
    """... that are 0 or below float16's smallest normal number."""
    rows_used: Series = field(default_factory=Series)
    """Where weight decay is a part of the gradient, matrices of which a batch may use some rows only: share of the rows
    (up to 512 of them) that have a gradient; ..."""
    used_weight: Series = field(default_factory=Series)
    """... root mean square of the weights in these rows, ..."""
    used_gradient: Series = field(default_factory=Series)
    """... and of their gradients, without the decay."""
    row_spread: Series = field(default_factory=Series)
    """max|w - w[0]| / max|w| over output units (first axis; two axes or more): 0 when all units are the same."""
    column_spread: Series = field(default_factory=Series)
    """The same along the second axis, of matrices that are in no model: written by hand, units may lie there."""


@dataclass(frozen=True, eq=False)
class Module:
    """One module that was called while a sampled step was under way (or holds dropout or batch norm)."""

    name: str
    kind: str
    model: int
    registered: bool
    """False: called inside the model's forward pass, yet not among its `modules()`."""
    parameters: int
    """Own parameters that require gradients, not counting children's."""
    site: Site | None
    """Where it was called from, for unregistered ones."""
    in_optimizer: bool = False
    """At least one of its own parameters is held by an optimizer."""
    smallest_batch: int | None = None
    """Batch norm only: least number of examples (first axis) seen in training mode, with gradients enabled."""
    values_per_channel: int | None = None
    """Batch norm only: number of values averaged per channel in that smallest batch."""
    typical_batch: int | None = None
    """Batch norm only: median number of examples in training mode over the sampled calls."""
    momentum: float | None = None
    """Batch norm with running statistics only: weight of the new batch in them."""


@dataclass(frozen=True, eq=False)
class ForwardCount:
    """Calls of a model's forward pass while watching was dense enough to classify them (not all calls of the run)."""

    training_with_backward: int = 0
    """In train mode, with gradients enabled, and a backward pass or gradient computation followed."""
    training_no_backward: int = 0
    """In train mode, gradients disabled, or enabled and no backward pass followed before the next call."""
    training_no_grad: int = 0
    """... of these, with gradients disabled."""
    eval_with_backward: int = 0
    eval_no_grad: int = 0
    """In eval mode, gradients disabled."""
    training_asked_again: int = 0
    """Of those in train mode without gradients: with the very input of the calls before, several times in a row and
    without a step between, as Monte Carlo dropout draws its samples."""
    eval_graph_unused: int = 0
    """In eval mode, gradients enabled, output carries a graph, and no backward pass followed."""
    graphs_unused: int = 0
    """Steps in which, in either mode, such a graph was built that nothing used, ..."""
    graphs_kept: int = 0
    """... and most of these steps whose graphs were alive at once, two steps later or more, among the last ones."""


@dataclass(frozen=True, eq=False)
class IdleAdapter:
    """A set of adapters in a model that no optimizer ever held, while another set was trained."""

    name: str
    other: str
    """The one that was trained."""
    how: str
    """`added`: it was new when an optimizer was made that goes on to train the other; `asked`: it was in use in a call
    without gradients."""
    step: int
    """When that was, ..."""
    later: int
    """... and the optimizer steps after it; 100 stands for more."""
    matrices: int
    zeros: int
    """Those of them that were all 0 then."""


@dataclass(frozen=True, eq=False)
class Model:
    """One root module: called from outside any other module's forward pass, and holds parameters."""

    index: int
    name: str
    """The variable that held it where it was first called, else its class name."""
    kind: str
    parameters: int
    """Number of elements in all its parameters."""
    trainable: int
    site: Site | None
    """Where it was first called."""
    dropout_or_norm: tuple[str, ...] = ()
    """Paths of modules whose behaviour differs between train and eval mode (active dropout, batch norm)."""
    own_mode_modules: int = 0
    """How many of these were set to eval mode while the model itself was in train mode (frozen on purpose)."""
    compiled: bool = False
    wrapper: str = ""
    """`DistributedDataParallel` or `DataParallel`, when that is what was called; `kind` is what it wraps."""
    calls: ForwardCount = field(default_factory=ForwardCount)
    eval_sites: tuple[Site, ...] = ()
    """Where it was called without a backward pass following, in train mode."""
    graph_sites: tuple[Site, ...] = ()
    """Where it was called in eval mode with gradients enabled and no backward pass following."""
    kept_site: Site | None = None
    """Where graphs were built that are kept alive, though nothing used them."""
    train_call: Site | None = None
    """Last place where `.train()` was called on it."""
    eval_call: Site | None = None
    """Last place where `.eval()` was called on it."""
    eval_then_trained: int = 0
    """Sampled steps with backward passes in eval mode alone, after an explicit `.eval()` and training in train mode."""
    eval_from_start: int = 0
    """Sampled steps with backward passes in eval mode alone, when the model was never trained in train mode before."""
    in_trainings: tuple[int, ...] = ()
    shares_with: tuple[int, ...] = ()
    """Indices in `Run.models` of those known before that hold some of its parameters, too, as where a trained body is
    given another head. A parameter says the larger of its models, else the first."""
    outputs_followed: int = 0
    """Calls in training of which it was followed what became of each tensor returned, and of which one was used."""
    output_shapes: tuple[tuple[int, ...], ...] = ()
    """Of the tensors it returns, as last seen."""
    outputs_used: tuple[int, ...] = ()
    """... in how many of them a gradient came through the first, second, ... of these; -1 for one without a graph."""
    frozen_adapters: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    """At the first call: matrices of low-rank adapters, where none of them was to be trained; those that were all 0;
    names of some."""
    idle_adapters: tuple[IdleAdapter, ...] = ()
    frozen_drawn: tuple[tuple[str, int, int], ...] = ()
    """(path, units, inputs of each) of layers that were frozen when it was first called, with the very values that
    torch draws for a new layer; of models that are trained in part."""
    frozen_loaded: bool = False
    """A state dict had been loaded into such a model, or a part of it, by then."""
    linear: tuple[tuple[int, int], ...] = ()
    """Shapes (outputs, inputs) of its weight matrices from the output on, where there is nothing else between its first
    output and its input but biases: the whole of it is one matrix."""
    switched_off: tuple[str, ...] = ()
    """Paths of parts whose own attribute `requires_grad`, which torch never reads, was set to False, and whose
    parameters require gradients."""
    repeated: tuple[str, str, int] | None = None
    """(path of the list, class, times): a layer that stands several times in one `ModuleList` or `Sequential`, and was
    called several times in one forward pass, giving back the shape it was given."""
    twins: tuple[tuple[str, str, str], ...] = ()
    """(path, path, class) of a layer that was called at two places of the code of its parent in one pass, and of
    another one of the same class and shapes in the same parent that had not been called by then."""


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A recurrent layer that is called step by step in one forward pass, in sampled training calls."""

    model: int
    module: str
    calls: int
    """In all of the passes looked at, the first one of each left out."""
    cut: int
    """... to which its own state of the step before came back without a graph."""


@dataclass(frozen=True, eq=False)
class RowsAsTime:
    """A recurrent or attention layer takes the first axis of the model's input for time, and the second one is as long;
    what the rows of that axis look like over sampled training calls."""

    model: int
    """Index in `Run.models`."""
    module: str
    """Path of the layer."""
    kind: str
    length: int
    """Of either axis."""
    rows: int
    """Rows that were looked at."""
    again: int
    """... of them, such as had been among the input before."""
    together: int
    """Of all neighbours among the rows, such as had been neighbours before."""


@dataclass(frozen=True, eq=False)
class Views:
    """A part of a model that is called several times in one call of the model, on different data of one shape."""

    model: int
    """Index in `Run.models`."""
    module: str
    """Its path in the model."""
    site: Site | None
    """Where the model was first called."""
    features: int
    """Of its output."""
    spread: Series
    """Deviation between the rows of its input, root mean square over features; sampled steps."""
    directions: Series
    """Deviation of the directions of its output's rows: 0 when all point the same way, 1 when they point everywhere."""


@dataclass(frozen=True, eq=False)
class Copy:
    """A model that no optimizer holds, with parameters of the same shapes as one that is trained."""

    model: int
    original: int
    """Index in `Run.models` of the trained one."""
    distance: Series
    """At its calls: how far its largest parameter was from the trained one's, as a share of that one's norm."""
    changes: int
    """Times that its own weights had changed since it was last looked at."""
    as_begun: bool
    """When last looked at, its weights were those that the trained one had when that was first called."""
    site: Site | None
    """Where it was first called."""
    still: int = 0
    """Looks at it in eval mode, in a row to the last, in which its batch statistics were the same, though its own
    weights and the original's batch statistics had changed."""
    weights: str = ""
    """A mark of its weights when it was last looked at; equal ones have equal marks."""


@dataclass(frozen=True, eq=False)
class Overwritten:
    """Weights that a model was given, and that others, which have nothing to do with them, had replaced when it was
    trained, without a step of any optimizer in between."""

    model: int
    site: Site | None
    """Where they were given."""
    names: tuple[str, ...]
    numbers: int
    of: int
    """... of all that were given there."""


@dataclass(frozen=True, eq=False)
class Fields:
    """An embedding that is asked for a few columns of numbers at a time."""

    model: int
    name: str
    """Path of the layer."""
    site: Site | None
    """Where the model was called."""
    rows: int
    columns: tuple[tuple[int, int], ...]
    """The least and the largest number in each, over dozens of batches."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a trained embedding, or of a parameter with a row for each position, that the last evaluation looked up.

    A row is unmoved if it is what it was when the model was first called, but for weight decay.
    """

    model: int
    """Index in `Run.models`."""
    name: str
    """Path of the layer, or of the parameter."""
    site: Site | None
    """Where the model was called."""
    step: int
    """Of that evaluation."""
    rows: int
    fresh: bool
    """At the first call its numbers looked independently drawn, or were all alike: nothing learned was in them."""
    looked: int
    """Lookups, without what fills up sequences."""
    unmoved: int
    """... of unmoved rows that no batch looked up in a sampled step of training."""
    top: int | None
    """The row that most of these are of, ..."""
    top_share: float
    """... and its share of them."""
    met: int
    """Rows that such batches did look up, ..."""
    still: int
    """... and of them, unmoved ones."""
    places: bool
    """Rows are positions: it is asked for 0, 1, 2, ..."""
    length: int
    """Positions of the evaluated sequences."""
    longest: int
    """Positions of the longest sequence in sampled steps of training."""
    moved: int | None
    """Rows that have moved, if these are the first ones; else None."""


@dataclass(frozen=True, eq=False)
class AddedRows:
    """Rows at the end of a frozen embedding that all lie at the mean of its rows, as those of added tokens do."""

    model: int
    """Index in `Run.models`."""
    name: str
    """Path of the layer."""
    site: Site | None
    """Where the model was called."""
    rows: int
    added: int
    samples: int
    """Sampled steps of training that were looked at."""
    looked: int
    """Lookups in these steps, ..."""
    used: int
    """... and of them, of such rows."""


@dataclass(frozen=True, eq=False)
class CutIds:
    """Ids that a model was given in training after those above the last row of its embedding had been cut off to it, in
    sampled steps with such ids; the loss is of as many classes as there are rows."""

    model: int
    """Index in `Run.models`."""
    name: str
    """Path of the embedding."""
    site: Site | None
    """Where they are cut off."""
    rows: int
    length: int
    samples: int
    examples: int
    ids: int
    """... in all, and of them, ..."""
    cut: int
    """... above the last row, ..."""
    further: int
    """... by more than the numbers in `above`, ..."""
    negative: int
    """... and below 0."""
    usual: float
    """How often an id in range occurs, on average of those that do."""
    above: tuple[tuple[int, float, bool], ...]
    """For each of the next numbers above the last row: how often, the least share of a batch's examples that hold it,
    and whether it stands twice at an end of some, as filling does."""
    targets_cut: bool
    """The last class is asked for more often than its own id occurs."""
    before: int
    """Sampled steps in which training had asked the embedding before the first such id was seen, ..."""
    last_used: bool
    """... if the last row was among what they asked for."""


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of one attention layer: a softmax in the graph of the loss that a matrix product sums by; first steps."""

    layer: str
    """Module path of the layer that feeds the softmax, empty if unknown."""
    positions: int
    peaked: Series
    """Share of rows in which one weight is above 0.99, of those in which four positions or more may be looked at."""
    deviation: Series = field(default_factory=Series)
    """Of the scores of a row, mean over the rows without a mask."""
    scale: float | None = None
    """Times that the scores are as large as products of queries and keys, as linear layers make them, divided by the
    root of their size; None if that is not known."""


@dataclass(frozen=True, eq=False)
class Activation:
    """One activation in the graph of the loss (module or function alike), named by the layer that feeds it."""

    name: str
    """`fc1 -> relu`."""
    kind: str
    """`relu`, `tanh`, `sigmoid`, `softmax`, ..."""
    layer: str
    """Module path of the layer that feeds it, empty if unknown."""
    layer_kind: str
    order: int
    """Position counted from the input: 0 is the first."""
    before_loss: bool
    """Nothing with parameters between it and the loss."""
    units: int
    zero_share: Series
    """Share of values exactly 0 per sample (relu)."""
    dead_share: Series
    """Share of units that were 0 for every example of all samples in the current window of up to 8 samples (relu)."""
    saturated_share: Series
    """Share of values with |tanh| > 0.99, or sigmoid outside 0.01..0.99."""
    mean: Series
    std: Series
