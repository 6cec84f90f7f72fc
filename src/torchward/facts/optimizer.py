"""Optimizers, schedules and clipping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Cycle:
    """What happened between two steps of the leading optimizer, in order, for one sampled step.

    Events: `("forward", model)`, `("backward", stream)`, `("zero", optimizer or -1)`, `("step", optimizer)`,
    `("schedule", scheduler)`, `("clip", -1)`, `("unscale", -1)`. The last event is the leader's step.
    """

    step: int
    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
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
    empty_group: tuple[int, float, float] | None = None
    """(position, rate, the largest other rate) of a group without parameters that has a rate of its own."""
    stray_lr: float | None = None
    """A rate that the script wrote where no step reads it; None if a group has that rate, too."""
    stray_in: str = ""
    """Where on the optimizer that was."""
    eps: float | None = None
    """Of its first group; None when it has none."""
    betas: tuple[float, ...] = ()
    cycles_rescaled: int = 0
    """Sampled cycles in which something other than clipping, unscaling or zeroing changed its gradients after the last
    backward pass and before its step."""
    made_rates: tuple[float, float] = (0.0, 0.0)
    """The least and the largest learning rate that it was made with, of its groups; ..."""
    flat_steps: int = 0
    """... sampled steps in which all groups had one and the same rate, ..."""
    rated_steps: int = 0
    """... of so many."""
    scaler_calls: int = 0
    """Times an enabled `GradScaler` was asked to step it; those beyond `steps` were skipped."""
    overwritten: Series = field(default_factory=Series)
    """1 where the rate at a sampled step was another one than its only scheduler had set, 0 where not."""
    closures: int = 0
    """Sampled steps with a closure."""
    closures_without_backward: int = 0
    """... in which it ran no backward pass."""
    closure_passes: int = 0
    """Backward passes in closures, in sampled steps, the first of each step aside."""
    closure_passes_dirty: int = 0
    """... that began on top of the gradient of the pass before."""
    scale: Series = field(default_factory=Series)
    """Scale of the `GradScaler` that steps it, in sampled steps."""
    cycles_after_passes: int = 0
    """Of the stretches in which a gradient was looked at, those that began after more backward passes than there were
    steps of other optimizers since its own last one, as where two of them take turns to gather gradients; ..."""
    cycles_dirty_after_passes: int = 0
    """... of these, in which every backward pass began on a gradient that was there already."""


@dataclass(frozen=True, eq=False)
class OwnDecay:
    """A pull of weights towards zero that the program makes itself, apart from its optimizer's `weight_decay`."""

    kind: str
    """`weights`: they are scaled down between the steps; `gradients`: they are added to their gradients after the
    backward pass; `squares`, `sizes`, `norm`: theirs are among the terms of the loss."""
    optimizer: int | None
    stream: int | None
    parameters: tuple[int, ...]
    """Matrices that it was seen on, as last sampled; of several hundred the first or the largest ones."""
    strength: Series
    """Share that is taken from the weights (`weights`), else what a `weight_decay` of the same pull would be. Sampled
    steps in which there was none have no value."""
    every: float
    """Share of the sampled steps in which it was seen."""
    penalty: Series = field(default_factory=Series)
    """What it adds to the loss, if it does."""
    rest: Series = field(default_factory=Series)
    """The loss without it."""


@dataclass(frozen=True, eq=False)
class Subnormals:
    """Numbers next to zero, below the smallest normal one of their type, in what an optimizer keeps of its largest
    parameters on the processor; and how much longer the arithmetic of a step took with them, tried out on copies."""

    optimizer: int
    step: int
    """Of the last trial."""
    share: float
    """Of all the values that were looked at."""
    parameter: int
    """Index in `Run.parameters` of the one whose state costs most time by them, ..."""
    key: str
    """... what the optimizer calls that state, ..."""
    share_there: float
    slower: float
    """... and times that a step's operations on it took longer than without them."""
    seconds: float
    """What they add to a step: estimated from the trial, over the states that it measured."""


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
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
    period: int | None = None
    """Its own steps between warm restarts, where they are evenly spaced."""
    mode: str = ""
    """`min` or `max`, of one that watches a metric."""
    metrics: tuple[float, ...] = ()
    """The first values that it was given."""
    told_epochs: tuple[float, ...] = ()
    """The first values given to one that watches no metric, and takes them for numbers of epochs."""
    planned_lr: float | None = None
    """`max_lr` of its optimizer's first group, else the rate that the group had before any schedule."""
    highest_factor: float | None = None
    """Of a LambdaLR: the largest factor that any group's base rate was multiplied by, as soon as one is beyond 0.5 no
    further ones."""


@dataclass(frozen=True, eq=False)
class Resumption:
    """An optimizer was given the state that lies in a checkpoint, and has stepped since."""

    step: int
    site: Site | None
    """Where the checkpoint was loaded."""
    optimizer: int
    made_with: float
    """Its rate before: like the others here the largest of its groups'."""
    lr: float
    """The rate in the checkpoint."""
    first_lr: float
    """The rate that it stepped with next."""
    peak: float | None
    """`initial_lr` in the checkpoint, which schedulers of torch put there."""
    steps: int | None
    """Steps that lie behind the state, where the optimizer counts them."""
    saved: int | None
    """The step at which this process saved it, if it did."""
    counters: Mapping[str, int]
    """The whole numbers in the checkpoint."""
    next_counters: Mapping[str, int] | None
    """... and in the next one of the same entries that was saved to the same folder, after training had gone on."""
    schedules: tuple[Resumed, ...] = ()


@dataclass(frozen=True, eq=False)
class Resumed:
    """One scheduler of an optimizer that was given a state."""

    scheduler: int
    """Index in `Run.schedulers`."""
    first: int | None
    """`last_epoch` at the first step after that; ..."""
    last: int | None
    """... and as last seen."""
    steps: int
    """Times that it was stepped in all."""
    stood: int | None
    """`last_epoch` in the checkpoint's state of a scheduler that was set up in the same way, if it holds one."""
