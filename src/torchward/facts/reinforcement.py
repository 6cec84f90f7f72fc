"""Reinforcement learning: what a library's learner was set to, what it logged, and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchward.facts.series import Series, Site


@dataclass(frozen=True, eq=False)
class Lengths:
    """Texts that a policy writes token by token, and that a loss weighs with one advantage each; sampled passes."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    follows: Series
    """Rank correlation of the texts' lengths and how much likelier the loss makes them; NaN where either does not
    differ."""
    mean: Series
    """Length, in tokens that count."""
    usual: Series
    """Share of the texts that have the most usual length."""
    width: Series
    """Columns in which tokens of any text count: the length of the longest, unless texts begin in different ones."""
    alike: Series
    """Share of the texts that begin with the most usual first token."""


@dataclass(frozen=True, eq=False)
class Preferences:
    """A loss that compares sequences of one batch two by two, a preferred and a rejected one; sampled passes."""

    site: Site | None
    pairs: int
    common: Series
    """Tokens that the two sequences of a pair begin with in common, on average."""
    other: Series
    """... if the batch were paired the other way: neighbours instead of halves, or halves instead of neighbours."""
    fewest: Series
    """... in the pair, of these, that has the fewest."""


@dataclass(frozen=True, eq=False)
class Learner:
    """One algorithm of stable-baselines3 that was asked to learn. Steps of its series are steps of the environment."""

    index: int
    algorithm: str
    """`PPO`, `DQN`, ..."""
    site: Site | None
    """Where `learn` was called."""
    total_steps: int
    """Steps of the environment at which the last call of `learn` was to end."""
    asked_steps: int = 0
    """Steps that all calls together were asked for."""
    begun: int = 0
    """Steps that it had behind it at the first call: more than 0 for one that was loaded."""
    steps: int = 0
    """Steps that it had done at its last log, over all calls of `learn`."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """Numbers among its arguments, by name; schedules at their start."""
    metrics: Mapping[str, Series] = field(default_factory=dict)
    """What it logged, by name: `train/approx_kl`."""
    actions: int | None = None
    """Number of actions, where they are a plain choice."""
    action_low: float | None = None
    """Bounds of continuous actions, over all of their components."""
    action_high: float | None = None
    squashed: bool = False
    """The policy bounds its actions itself."""
    image: bool = False
    """Observations are images."""
    normalised_observations: bool = False
    """By `VecNormalize`."""
    normalised_rewards: bool = False
    updates: int = 0
    """Gradient updates (PPO and A2C: epochs over a rollout)."""
    batches: Mapping[str, Series] = field(default_factory=dict)
    """What it was about to learn from, at most of its logs: `reward_max` (largest absolute value), `reward_std`,
    `return_std`, `value_max` (largest absolute estimate), `clipped` (share of action components outside their
    bounds)."""
    evaluation_calls: int = 0
    """Calls of `predict` outside of training."""
    evaluation_normalised: int = 0
    """Observations that a `VecNormalize` normalised from the first of them on, outside of training."""
    evaluation_updating: int = 0
    """Steps of a `VecNormalize` outside of training that went on updating its statistics."""
    evaluation_site: Site | None = None
    """Where the first of the calls was made."""
    normaliser_shift: float | None = None
    """How much `VecNormalize` changes observations: the largest of |mean| / deviation and |log2 deviation|."""
    normaliser_apart: float | None = None
    """Likewise between the statistics of the one it learned through and of the last one outside of training."""


@dataclass(frozen=True, eq=False)
class Choices:
    """A model of which the loss looks at one value in each row, as of the action that was taken; sampled steps."""

    model: int
    """Index in `Run.models`."""
    actions: int
    greedy: Series
    """Share of the rows in which that value is the largest one."""
    rows: int
    """In all of these steps."""
    asked: int
    """Calls of the model without gradients for another number of examples, as when it chooses an action."""


@dataclass(frozen=True, eq=False)
class Acting:
    """What was done in environments, in sampled steps, beside what a model that was asked values most."""

    model: int
    """Index in `Run.models`."""
    greedy: Series
    """Share of the actions that are the ones it values most; where it was not asked, they are not."""
    acts: tuple[int, ...]
    """Of how many actions each of these is the share."""


@dataclass(frozen=True, eq=False)
class Bootstraps:
    """A model whose targets are rewards plus a factor times the best value of the next state, in sampled steps."""

    model: int
    """Index in `Run.models`."""
    site: Site | None
    rows: int
    """In all of these steps."""
    others: int
    """... of them, those whose target is made otherwise, as that of an episode's last step is."""
    factor: float
    steps: Series
    """Rows left over in each of the steps."""
    over: int = 0
    """... of them, those whose target is a reward that others have too, without any next value."""
    still: int = 0
    """Of the steps, those in which all next states were the very states that the values of are trained."""
    wiped: int = 0
    """Rows whose target is exactly 0, though every episode that ended had a reward in its last step."""
    wiped_steps: int = 0
    """Steps with such rows."""


@dataclass(frozen=True, eq=False)
class HeldObservations:
    """An environment changed what it had returned, while that was still held."""

    site: Site | None
    """Its `step`, if it is the program's own."""
    name: str
    """Its class."""
    steps: int
    """In a row, that were looked at."""
    held: int
    """... whose observation was still held after them, by more than the environment, and held other values."""
    step: int
    """Optimizer steps until then."""


@dataclass(frozen=True, eq=False)
class CutTargets:
    """A model whose targets were compared with the rewards of steps at which a limit of time cut an episode off."""

    model: int
    """Index in `Run.models`."""
    site: Site | None
    targets: float
    """In all sampled steps in which that was possible, times the share of these rewards that do not repeat: only they
    are known again."""
    bare: int
    """... of them, those that are such a reward, and nothing more."""


@dataclass(frozen=True, eq=False)
class EndTargets:
    """Targets of a critic, in sampled steps, in environments whose episodes end with one of a few rewards."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    expected: Series
    """Ends of episodes among the targets, on average, that bring the same reward."""
    alike: Series
    """Most targets that are nearly equal."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """Episodes in environments of gymnasium that have a limit of time, and in those of the program's own."""

    ended: int
    """Before that limit, and sooner than the longest of them."""
    cut: int
    """At that limit, or as late as the longest, or because the program began anew."""
    steps: int
    limited: int = 0
    """At that limit, for certain."""
    returns: Series = field(default_factory=Series)
    """Mean sum of the rewards of the episodes since the value before; steps of the training."""
    counts: tuple[int, ...] = ()
    """Of how many episodes each value of it is the mean."""


@dataclass(frozen=True, eq=False)
class Entropy:
    """The entropy of a policy over choices among the terms of a loss, in sampled steps: the sum of p log(p), beside
    log-probabilities of what was chosen that are weighted by numbers of both signs."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    factor: Series
    """Of the entropy of one choice in the loss. Above 0: the loss falls when the policy becomes surer."""
    nats: Series


@dataclass(frozen=True, eq=False)
class Ratio:
    """Ratios of the probabilities that a policy and an older one give to what was chosen, in a loss; sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    apart: Series
    """Largest distance of a ratio from 1."""
    again: Series
    """Share of the examples that had been trained on in sampled steps before; 0 if a batch holds one twice."""
    moved: Series = field(default_factory=Series)
    """Approximate Kullback-Leibler divergence between the two, the mean of ratio - 1 - log(ratio)."""


@dataclass(frozen=True, eq=False)
class Advantages:
    """Numbers that a loss weighs the (log-)probabilities of choices with; sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    largest: Series
    """Largest size of one; of several factors, that of the smallest."""
    count: int
    """As last seen."""


@dataclass(frozen=True, eq=False)
class PromptGroups:
    """Groups of rows in each of which the advantages have mean 0 in all sampled passes: do they share a prompt?"""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    rows: int
    """As last seen."""
    size: int
    """Rows of a group."""
    follow: bool
    """They follow each other; otherwise they are as far apart as there are groups."""
    passes: int
    mixed: int
    """... in which no group was of one prompt, but each would have been if the rows were divided the other way, ..."""
    alone: int
    """... and in which each group was of one prompt."""
    crossed: int = 0
    """Those of the `mixed` in which groups of one row of each of these would have been of one prompt."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A penalty for leaving a fixed policy, the reference, among the terms of a policy's loss; sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    sign: Series
    """-1 where the loss falls when the policy moves away, 1 where it rises."""
    largest: Series
    """Largest difference between log-probabilities of the two."""
    apart: Series
    """Mean size of the differences, in nats."""


@dataclass(frozen=True, eq=False)
class Anchor:
    """Log-probabilities by a policy, less those by another model that was given the same sequences, without gradients:
    a penalty for leaving a reference as a part of the reward; sampled steps."""

    stream: int
    """Index in `Run.streams`: the policy's loss."""
    site: Site | None
    """Where they are subtracted."""
    largest: Series
    """Largest difference; so are those between what the two models made of the sequences."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Squared errors of values (a critic's) and weighted choices (a policy's) that one loss adds up; sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    pull: Series
    """Sum of the slopes of the loss by the values, as a multiple of that by the (log-)probabilities of choices."""
    errors: Series
    """Root mean square of the errors, ..."""
    weights: Series
    """... and of what weighs the choices."""
    shared: bool
    """Both come from the same weights, in part."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """A policy's loss and what its critic expected, in sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    values: Series
    """Correlation between the slopes of the loss by the log-probabilities of choices and the critic's errors, values
    less targets: 1 where the loss falls with the probability of what brought more than was expected."""
    above: float
    """Share of the targets that were above the values when first seen: about all while values are still near 0 and
    returns are positive."""
    explained: Series
    """1 - var(errors) / var(targets) of the critic, where its targets are known: 1 is perfect, 0 a constant."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """What one loss weighs choices with, against what its critic learns of as many rows, in sampled steps."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Number of sampled steps in which the weights were, up to a positive factor and a number added to all of them,
    `right`: targets less values of the same rows; `transposed`, `reversed`, `shifted`: not so, but exactly so with
    the targets, the values or both in this order. Empty: anything else."""


@dataclass(frozen=True, eq=False)
class Returns:
    """What a loss weighs the actions of a sampled step with, against the rewards of an environment in that step."""

    stream: int
    """Index in `Run.streams`."""
    site: Site | None
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Number of sampled steps in which the weights were, up to a positive factor and a number added to all of them,
    `right`: the discounted sums of the rewards from each action on; `negative`: the opposite; `forward`: the sums of
    those up to it; `reversed`: the right sums in the wrong order; `across`: sums that go on past the end of an episode;
    `transposed`: those of other copies of the environment; `shifted`: those of the step before or after; `ends`: sums
    that break off where the flag of another step says so. Beside a critic, generalised advantages, or what it learns,
    of the rows of a minibatch. Empty: anything else."""
