"""Facts: what was seen, in numbers and names. Frozen, typed, without tensors; imports nothing of ours and never torch.

An empty value (``None``, ``()``, an empty `Series`) means "not seen", never "healthy". What could not be looked at, and
why, stands in `Run.blind`.

Steps are counted over the whole process from 0: one step is one update by the leading optimizer (the first that
stepped; of several that take turns, the steps of the others carry the number of the leader's step that follows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Site:
    """A line of the user's own code: the innermost frame outside torch, the standard library and site-packages."""

    file: str
    line: int
    function: str


@dataclass(frozen=True)
class Series:
    """Values over steps; both sequences have the same length and `steps` never falls."""

    steps: Sequence[int] = ()
    values: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.steps)

    def between(self, first: int, last: int) -> Series:
        """The part with ``first <= step <= last``."""
        from bisect import bisect_left, bisect_right

        low, high = bisect_left(self.steps, first), bisect_right(self.steps, last)
        return Series(self.steps[low:high], self.values[low:high])


@dataclass(frozen=True)
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
    row_spread: Series = field(default_factory=Series)
    """max|w - w[0]| / max|w| over output units (first axis; two axes or more): 0 when all units are the same."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    eval_graph_unused: int = 0
    """In eval mode, gradients enabled, output carries a graph, and no backward pass followed."""


@dataclass(frozen=True)
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
    calls: ForwardCount = field(default_factory=ForwardCount)
    eval_sites: tuple[Site, ...] = ()
    """Where it was called without a backward pass following, in train mode."""
    graph_sites: tuple[Site, ...] = ()
    """Where it was called in eval mode with gradients enabled and no backward pass following."""
    train_call: Site | None = None
    """Last place where `.train()` was called on it."""
    eval_call: Site | None = None
    """Last place where `.eval()` was called on it."""
    eval_then_trained: int = 0
    """Sampled steps with backward passes in eval mode alone, after an explicit `.eval()` and training in train mode."""
    eval_from_start: int = 0
    """Sampled steps with backward passes in eval mode alone, when the model was never trained in train mode before."""
    in_trainings: tuple[int, ...] = ()


@dataclass(frozen=True)
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
    layer_rms: Series = field(default_factory=Series)
    """Root mean square of the floating-point tensor that the first module with parameters was given: the input after
    what the model itself does to it (`x / 255` in `forward`). Empty when no such module was seen."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Loss:
    """One call site of one of torch's loss functions, in training (a graph is built) or in evaluation.

    Statistics come from sampled calls. `kind` is the functional name: `cross_entropy`, `nll_loss`, `kl_div`,
    `binary_cross_entropy`, `binary_cross_entropy_with_logits`, `mse_loss`, `l1_loss`, `smooth_l1_loss`, `huber_loss`.
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
    """Share of examples predicted right, per sampled call (training) or evaluation; class-index targets only."""
    batch_classes: Series = field(default_factory=Series)
    """Number of distinct classes in each sampled batch (one label per example only)."""
    batch_mean_class: Series = field(default_factory=Series)
    batch_size: Series = field(default_factory=Series)
    class_shares: tuple[float, ...] = ()
    """Share of each class over all sampled batches (one label per example only)."""
    target_std: float | None = None
    """Of floating-point targets, within a batch; mean over the sampled ones."""


@dataclass(frozen=True)
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
    broadcast: tuple[tuple[int, ...], tuple[int, ...], str] | None = None
    """(shape of the prediction, shape it was broadcast to before the loss was reduced, operation)."""
    alive_graphs: int = 0
    """Marked graphs that were still alive at least two steps later, as last counted."""
    marked_graphs: int = 0
    """Graphs marked at least two steps ago."""
    most_alive_graphs: int = 0
    """Largest number of marked graphs that were alive at once."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Cycle:
    """What happened between two steps of the leading optimizer, in order, for one sampled step.

    Events: `("forward", model)`, `("backward", stream)`, `("zero", optimizer or -1)`, `("step", optimizer)`,
    `("schedule", scheduler)`, `("clip", -1)`, `("unscale", -1)`. The last event is the leader's step.
    """

    step: int
    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Optimizer:
    """One optimizer that stepped, or that was made before a backward pass that was sampled (then `steps` may be 0)."""

    index: int
    kind: str
    site: Site | None
    """Where its step was first called."""
    first_step: int
    last_step: int
    steps: int
    lr: Series
    """Largest learning rate over its groups."""
    weight_decay: float
    """Largest over its groups."""
    decoupled: bool
    """AdamW-like: the decay is scaled by the learning rate alone."""
    momentum: float
    parameters: tuple[int, ...]
    """Indices in `Run.parameters`."""
    steps_without_backward: int
    """Steps before which no gradient was computed since its previous step."""
    most_backwards_between: int
    """Most backward passes that led up to one of its steps (or to the end of the run) with no optimizer stepping."""
    cycles_checked: int
    """Sampled stretches between two of its steps in which a witness gradient was looked at at each backward pass."""
    cycles_dirty: int
    """... in which every backward pass began on top of the very gradient that the previous step had already used."""
    cycles_cleared_late: int
    """... in which gradients were cleared after the last backward pass and before the step."""
    cycles_without_gradient: int
    """... in which a backward pass ran and yet every gradient it holds was absent or zero at its step."""
    zero_sites: tuple[Site, ...] = ()
    late_zero_sites: tuple[Site, ...] = ()
    """Where gradients were cleared after a backward pass and before the step, in sampled cycles."""
    made: Site | None = None
    """Where it was made."""
    step_scaled: bool = False
    """Stepped by a `GradScaler`."""
    gradient_norm: Series = field(default_factory=Series)
    """Total norm over its parameters' gradients at its sampled steps."""
    clipped_norm: float | None = None
    """`max_norm` last given to `clip_grad_norm_`."""


@dataclass(frozen=True)
class Clip:
    """One call site of `clip_grad_norm_` or `clip_grad_value_`."""

    kind: str
    site: Site | None
    threshold: float
    calls: int
    before_step: int
    """Sampled calls after a backward pass and before the step."""
    after_step: int
    """Sampled calls with no backward pass between the optimizer's step and the call."""
    total_norm: Series
    """Norm before clipping, sampled (norm clipping only)."""


@dataclass(frozen=True)
class Scheduler:
    index: int
    kind: str
    optimizer: int | None
    site: Site | None
    """Where it was made."""
    step_site: Site | None
    """Where its step was first called."""
    length: int | None
    """Number of its own steps after which its schedule is over (`T_max`, `total_steps`, last milestone, ...)."""
    step_size: int | None
    """Period of StepLR, or first milestone of MultiStepLR."""
    steps: int
    """Times its step was called."""
    steps_before_optimizer: int
    """... before its optimizer had stepped even once."""
    before_optimizer_cycles: int
    """Sampled cycles in which it stepped after the backward pass and before the optimizer."""
    optimizer_steps: int
    """Steps of its optimizer since it was made."""
    loader_batches: int | None
    """Length of the loader that feeds training, in batches, if one was seen."""
    epochs: int
    """Passes over that loader begun since it was made."""
    nominal_epochs: int | None
    """Number of passes that the run makes in all, as far as known (those begun)."""
    final_lr_ratio: float | None
    """Learning rate now divided by its first."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class SlowCall:
    """Calls that make the host wait for the device, or that print a tensor, while sampled steps were under way.

    Those made while a loader puts a batch together are left out.
    """

    kind: str
    """`item`, `tolist`, `numpy`, `cpu`, `float`, `bool`, `print`."""
    site: Site | None
    steps: int
    """Sampled steps in which it was called."""
    calls: int
    seconds: float
    on_cpu: bool = True
    """Of tensors on the CPU: there was no device to wait for."""


@dataclass(frozen=True)
class NonFinite:
    """The first time a loss was seen to be NaN or infinite, and what was found by walking back from it."""

    step: int
    value: str
    """`nan`, `inf` or `-inf`."""
    stream: int | None
    last_finite_loss: float | None
    origin: str
    """`input`, `parameter`, `operation`, or empty when it could not be told."""
    origin_name: str
    """Name of the parameter, or `log in fc2`-like name of the operation nearest to the input."""
    origin_op: str
    module: str
    site: Site | None
    parameters: tuple[str, ...]
    """Parameters that already held non-finite values."""


@dataclass(frozen=True)
class Training:
    """A stretch of the run with its own optimizers: a fold, a stage. Optimizers whose steps interleave share one."""

    index: int
    optimizers: tuple[int, ...]
    first_step: int
    last_step: int
    losses: tuple[int, ...]
    """Indices in `Run.streams` of the backward calls that ran in it."""
    adversarial: bool
    """More than one optimizer, holding different parameters: its losses need not fall."""
    evaluations: tuple[int, ...] = ()
    """Indices in `Run.losses` of evaluation losses that were called in it."""


@dataclass(frozen=True)
class Run:
    """One process of a run, as far as its log was written."""

    command: tuple[str, ...] = ()
    pid: int = 0
    rank: int | None = None
    world_size: int | None = None
    torch_version: str = ""
    python_version: str = ""
    device: str = ""
    """Type of the device that holds the parameters: `cpu`, `cuda`, ..."""
    ended: bool = False
    """The process ended (in whatever way) and its log is complete as far as it ever will be."""
    clean_end: bool = False
    """The interpreter shut down in order."""
    steps: int = 0
    samples: int = 0
    """Sampled steps."""
    seconds: float = 0.0
    """From the first step's beginning to the last row."""
    step_seconds: Series = field(default_factory=Series)
    """Median duration of a step over the stretch since the value before."""
    own_seconds: float = 0.0
    """Time that the recorder spent, probes included."""
    probe_seconds: float = 0.0
    backwards: int = 0
    models: tuple[Model, ...] = ()
    modules: tuple[Module, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    loaders: tuple[Loader, ...] = ()
    workers: tuple[WorkerRandomness, ...] = ()
    losses: tuple[Loss, ...] = ()
    streams: tuple[LossStream, ...] = ()
    trainings: tuple[Training, ...] = ()
    activations: tuple[Activation, ...] = ()
    inputs: tuple[Input, ...] = ()
    batches: tuple[Batches, ...] = ()
    clips: tuple[Clip, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    slow_calls: tuple[SlowCall, ...] = ()
    nonfinite: NonFinite | None = None
    empty_cache_calls: int = 0
    empty_cache_steps: int = 0
    """Steps during which the allocator's cache was cleared."""
    empty_cache_seconds: float = 0.0
    empty_cache_site: Site | None = None
    resident_bytes: Series = field(default_factory=Series)
    """Resident memory of the process on sampled steps."""
    blind: Mapping[str, str] = field(default_factory=dict)
    """What could not be looked at -> why. Keys: `modules`, `graph`, `parameters`, `loss`, `loader`, `probes`."""
    errors: tuple[str, ...] = ()
    """Parts of the recorder that failed and were switched off."""


@dataclass(frozen=True)
class Experiment:
    """What every probe says of itself. `looked` False: it could not, and `reason` says why."""

    model: str
    site: Site | None
    looked: bool
    reason: str
    seconds: float


@dataclass(frozen=True)
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
    lr: float = 0.0


@dataclass(frozen=True)
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
    leaking_kind: str = ""


@dataclass(frozen=True)
class DependenceProbe(Experiment):
    """In eval mode, the input was replaced by other values of the same scale: did the output change at all?"""

    change: float = 0.0
    """Largest change of the output, relative to its size."""
    inputs: int = 0
    """Number of tensors given to the model."""
    ignored: tuple[int, ...] = ()
    """Positions of those that the output does not depend on."""
    without: tuple[str, ...] = ()
    """Parameters of modules that were called and that no gradient reached, then or later."""
    without_change: float = 0.0
    """Change of the output, relative to its size, when those take other values: above 0, it is made of them."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class GradientProbe(Experiment):
    """One backward pass on the first batch: which parameters that require a gradient received none, or only zeros."""

    parameters: int = 0
    without: tuple[str, ...] = ()
    """Parameters of modules that were called, and that no gradient reached."""
    zero: tuple[str, ...] = ()
    """Parameters whose gradient was exactly zero everywhere."""
    uncalled: tuple[str, ...] = ()
    """Parameters of modules that the forward pass never called."""


PROBES = (MemoriseProbe, LeakProbe, DependenceProbe, ChanceProbe, GradientProbe)
