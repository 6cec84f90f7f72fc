"""A run as a whole: everything that was seen in one process, or in all ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchward.facts.batch import (
    Batches,
    Beginning,
    Empties,
    FarOff,
    Forgeries,
    Input,
    Judged,
    Loader,
    Mirrored,
    Noised,
    Pairs,
    RankEvaluation,
    StoredRows,
    Sweep,
    UnusedLoader,
    WorkerRandomness,
    WrappedIntegers,
)
from torchward.facts.dense import Orientation, ResizedClasses
from torchward.facts.fit import Fit, Folds, Overlap, Overlapping, Renumbered, Reordered, SharedUnits
from torchward.facts.loss import (
    BatchedGraphs,
    Bounded,
    Cut,
    DeafBackward,
    Divergence,
    Loss,
    LossStream,
    LostDerivative,
    NonFinite,
    Partners,
    Picked,
    Pull,
    Scaled,
    ScaledTogether,
    Smoothed,
    Squashed,
    Steep,
    TwiceJudged,
)
from torchward.facts.model import (
    Activation,
    AddedRows,
    Attention,
    Copy,
    CutIds,
    Fields,
    Model,
    Module,
    Overwritten,
    Parameter,
    Recurrence,
    RowsAsTime,
    Table,
    Views,
)
from torchward.facts.optimizer import Clip, Cycle, Optimizer, OwnDecay, Resumption, Scheduler, Subnormals
from torchward.facts.reinforcement import (
    Acting,
    Advantages,
    Agreement,
    Alignment,
    Anchor,
    Beside,
    Bootstraps,
    Choices,
    CutTargets,
    EndTargets,
    Entropy,
    Episodes,
    HeldObservations,
    Learner,
    Lengths,
    Preferences,
    PromptGroups,
    Ratio,
    Reference,
    Returns,
)
from torchward.facts.score import (
    Answers,
    AverageKept,
    ClassAnswers,
    Decision,
    ErrorByHand,
    KeptScore,
    Metric,
    MixedScore,
    PutBack,
    Score,
    ScoredInTraining,
)
from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
class Rounds:
    """A loop over a number of rounds, around a training, that the code may leave before its end."""

    site: Site | None
    planned: int
    """The number that the range ends with."""
    reached: Series
    """Values of its variable."""


@dataclass(frozen=True, eq=False)
class AliasedLoad:
    """A call of `load_state_dict` with tensors that are the module's own parameters: it changes nothing."""

    step: int
    site: Site | None
    model: str


@dataclass(frozen=True, eq=False)
class LostTie:
    """A layer that was given the weight of another module, no part of the model any more at its first call."""

    model: int
    """Index in `Run.models`."""
    layer: str
    table: str
    """An embedding of the same shape in the model."""
    weights: int


@dataclass(frozen=True, eq=False)
class PartialLoad:
    """A call of `load_state_dict` that left parameters or buffers as they were, because they were not given."""

    step: int
    site: Site | None
    model: str
    given: int
    """Entries of the state dict."""
    taken: int
    """Of these, entries that the module has, too."""
    own: int
    """Entries of the module's own state dict."""
    fitting: int
    """Entries of both that have the same name but for one part in front, the same for all."""
    names: tuple[str, str]
    """One that was given, and the module's own name that belongs to it, or just the first of each."""


@dataclass(frozen=True, eq=False)
class Unsaved:
    """A call of `load_state_dict` on another model of the class of one that was trained: tensors that both read in
    `forward`, that are not in the state dict, and that stayed the same in training, are different ones."""

    step: int
    site: Site | None
    model: int
    """Index of the trained one in `Run.models`."""
    into: str
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Kept:
    """A container that was found to gather tensors, in two or more looks at a process that grows."""

    kind: str
    """`list`, `dict`, `deque`."""
    name: str
    """`history`, `Net.history`; empty if unknown."""
    elements: Series
    bytes: Series
    """Of the tensors and arrays in it, estimated from a few."""
    passes: int
    """Passes over the training data begun between the first look and the last."""


@dataclass(frozen=True, eq=False)
class CheckpointLoad:
    """A checkpoint was loaded: one that holds the state of an optimizer, or one that this process saved without."""

    step: int
    site: Site | None
    into_model: bool
    """A state dict was loaded into a model before the next checkpoint was."""
    into_optimizer: bool
    """... and into an optimizer."""
    own_file: bool
    """This process itself saves such checkpoints to that file."""
    optimizers: tuple[int, ...] = ()
    """Those that were given its state."""
    went_on: bool = False
    """One of these has stepped since."""
    saved_without: int | None = None
    """The step at which it was saved, if it holds no optimizer's state."""
    models: int = 0
    """State dicts that were loaded into models before the next checkpoint was loaded."""


@dataclass(frozen=True, eq=False)
class Saves:
    """Calls of `torch.save`."""

    calls: int
    steps: int
    """Steps during which it was called."""
    seconds: float
    site: Site | None
    files: Mapping[str, int] = field(default_factory=dict)
    """Absolute path -> times it was written to (64 paths at most)."""


@dataclass(frozen=True, eq=False)
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
class Unseeded:
    """A generator of random numbers that the program draws from and never seeds, as its source says."""

    name: str
    """`np.random`, `random`, or `np.random.default_rng()`."""
    site: Site
    """Where it is first drawn from, or made."""


@dataclass(frozen=True)
class SortedAlone:
    """One of several tensors of a batch is put into another order, and combined with one that is not, as the source
    says; sums up to each place were made of it in between."""

    site: Site
    order: str
    """Name of the order, ..."""
    moved: str
    """... of what is put into it ..."""
    left: str
    """... and of what is not."""


@dataclass(frozen=True)
class Reseeded:
    """A generator that is given the same seed in every step of training, and then drawn from, as the source says."""

    site: Site
    seed: str
    """The call that sets it."""
    draw: str
    """The function that draws."""


@dataclass(frozen=True, eq=False)
class Start:
    """Where a process stood at its first backward pass. Marks are equal where the same was there."""

    folder: str
    """Of the run."""
    seed: int
    """Of torch's generator for the CPU: one of chance where no seed was set."""
    program: str
    """Mark of the program's own files, of the shapes of its weights and inputs, and of the versions it ran with."""
    loss: float
    weights: str
    inputs: str
    """Of the model's first input; empty if it was not seen."""
    targets: str
    """Of what torch's loss function was given; empty if it was not seen."""
    numpy: tuple[str, bool] | None
    """Of numpy's global generator, and whether anything was drawn from it; None if numpy was not loaded."""
    python: tuple[str, bool]
    """Of the module `random`, likewise."""
    loaded: bool
    """Something was loaded by `torch.load` or into a module before."""
    unseeded: tuple[Unseeded, ...] = ()
    """Where the program gives torch a seed; of the global generators, those drawn from by then or later."""
    reseeded: tuple[Reseeded, ...] = ()
    """Within a step, before numbers are drawn for each example of its batch."""
    sorted_alone: tuple[SortedAlone, ...] = ()


@dataclass(frozen=True, eq=False)
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
    crashed: bool = False
    """An exception ended it."""
    steps: int = 0
    samples: int = 0
    """Sampled steps."""
    seconds: float = 0.0
    """From the first step's beginning to the last row."""
    step_seconds: Series = field(default_factory=Series)
    """Median duration of a step over the stretch since the value before."""
    lead_seconds: Series = field(default_factory=Series)
    """Likewise of the processor's time from the end of a step to the first backward pass after it: data and forward
    pass. What other programs on the machine take is not in it, and neither is what workers of a loader do."""
    own_seconds: float = 0.0
    """Time that the recorder spent, probes included."""
    probe_seconds: float = 0.0
    backwards: int = 0
    models: tuple[Model, ...] = ()
    modules: tuple[Module, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    recurrences: tuple[Recurrence, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    loaders: tuple[Loader, ...] = ()
    unused_loaders: tuple[UnusedLoader, ...] = ()
    stored_rows: tuple[StoredRows, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    reordered: tuple[Reordered, ...] = ()
    overlapping: tuple[Overlapping, ...] = ()
    shared_units: tuple[SharedUnits, ...] = ()
    empties: tuple[Empties, ...] = ()
    fits: tuple[Fit, ...] = ()
    folds: tuple[Folds, ...] = ()
    renumbered: tuple[Renumbered, ...] = ()
    far_off: tuple[FarOff, ...] = ()
    beginnings: tuple[Beginning, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    forgeries: tuple[Forgeries, ...] = ()
    wrapped_integers: tuple[WrappedIntegers, ...] = ()
    mirrored: tuple[Mirrored, ...] = ()
    orientations: tuple[Orientation, ...] = ()
    resized_classes: tuple[ResizedClasses, ...] = ()
    rank_evaluations: tuple[RankEvaluation, ...] = ()
    workers: tuple[WorkerRandomness, ...] = ()
    losses: tuple[Loss, ...] = ()
    streams: tuple[LossStream, ...] = ()
    twice_judged: tuple[TwiceJudged, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    entropies: tuple[Entropy, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    advantages: tuple[Advantages, ...] = ()
    prompt_groups: tuple[PromptGroups, ...] = ()
    lengths: tuple[Lengths, ...] = ()
    preferences: tuple[Preferences, ...] = ()
    references: tuple[Reference, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    beside: tuple[Beside, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    returns: tuple[Returns, ...] = ()
    partners: tuple[Partners, ...] = ()
    picked: tuple[Picked, ...] = ()
    scaled: tuple[Scaled, ...] = ()
    squashed: tuple[Squashed, ...] = ()
    cuts: tuple[Cut, ...] = ()
    bounded: tuple[Bounded, ...] = ()
    smoothed: tuple[Smoothed, ...] = ()
    pulls: tuple[Pull, ...] = ()
    deaf_backwards: tuple[DeafBackward, ...] = ()
    fields: tuple[Fields, ...] = ()
    scaled_together: tuple[ScaledTogether, ...] = ()
    batched_graphs: tuple[BatchedGraphs, ...] = ()
    lost_derivatives: tuple[LostDerivative, ...] = ()
    trainings: tuple[Training, ...] = ()
    activations: tuple[Activation, ...] = ()
    attention: tuple[Attention, ...] = ()
    inputs: tuple[Input, ...] = ()
    judged: tuple[Judged, ...] = ()
    noised: tuple[Noised, ...] = ()
    batches: tuple[Batches, ...] = ()
    clips: tuple[Clip, ...] = ()
    own_decays: tuple[OwnDecay, ...] = ()
    subnormals: tuple[Subnormals, ...] = ()
    """One for each optimizer that was tried out."""
    cycles: tuple[Cycle, ...] = ()
    slow_calls: tuple[SlowCall, ...] = ()
    nonfinite: NonFinite | None = None
    steep: Steep | None = None
    pairs: tuple[Pairs, ...] = ()
    empty_cache_calls: int = 0
    empty_cache_steps: int = 0
    """Steps during which the allocator's cache was cleared."""
    empty_cache_seconds: float = 0.0
    empty_cache_site: Site | None = None
    resident_bytes: Series = field(default_factory=Series)
    """Resident memory of the process on sampled steps."""
    rounds: tuple[Rounds, ...] = ()
    aliased_loads: tuple[AliasedLoad, ...] = ()
    lost_ties: tuple[LostTie, ...] = ()
    restored: int | None = None
    """The step after which a trained model was last given other weights than it had."""
    partial_loads: tuple[PartialLoad, ...] = ()
    compared_by_hand: tuple[int, int] = (0, 0)
    """Without gradients, outputs from which the program subtracted the very input of the model, and those from which it
    subtracted something else of its size."""
    unsaved: tuple[Unsaved, ...] = ()
    overwritten: tuple[Overwritten, ...] = ()
    kept_scores: tuple[KeptScore, ...] = ()
    scores: tuple[Score, ...] = ()
    answers: tuple[Answers, ...] = ()
    decisions: tuple[Decision, ...] = ()
    class_answers: tuple[ClassAnswers, ...] = ()
    scored_in_training: ScoredInTraining | None = None
    mixed_scores: tuple[MixedScore, ...] = ()
    put_back: tuple[PutBack, ...] = ()
    average_kept: AverageKept | None = None
    errors_by_hand: tuple[ErrorByHand, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checkpoint_loads: tuple[CheckpointLoad, ...] = ()
    resumptions: tuple[Resumption, ...] = ()
    saves: Saves | None = None
    learners: tuple[Learner, ...] = ()
    choices: tuple[Choices, ...] = ()
    acting: tuple[Acting, ...] = ()
    bootstraps: tuple[Bootstraps, ...] = ()
    held_observations: tuple[HeldObservations, ...] = ()
    cut_targets: tuple[CutTargets, ...] = ()
    end_targets: tuple[EndTargets, ...] = ()
    episodes: Episodes | None = None
    copies: tuple[Copy, ...] = ()
    views: tuple[Views, ...] = ()
    rows_as_time: tuple[RowsAsTime, ...] = ()
    tables: tuple[Table, ...] = ()
    added_rows: tuple[AddedRows, ...] = ()
    cut_ids: tuple[CutIds, ...] = ()
    kept: tuple[Kept, ...] = ()
    group_size: int | None = None
    """Processes in the default process group; None if there was none."""
    replicas: int = 0
    """`DistributedDataParallel` wrappers made."""
    replicas_search: bool = False
    """One of them was made with `find_unused_parameters=True`."""
    threads: int | None = None
    """Threads of torch within an operation."""
    cores: int | None = None
    """Cores that the process may run on."""
    replica_site: Site | None = None
    """Where the first of them was made."""
    start: Start | None = None
    earlier: Start | None = None
    """Of the run before of the same command in the same folder, if it was recorded beside this one and is over."""
    blind: Mapping[str, str] = field(default_factory=dict)
    """What could not be looked at -> why. Keys: `modules`, `graph`, `parameters`, `loss`, `loader`, `probes`."""
    errors: tuple[str, ...] = ()
    """Parts of the recorder that failed and were switched off."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """The processes of one distributed job, in order of their ranks; two at least."""

    runs: tuple[Run, ...]
