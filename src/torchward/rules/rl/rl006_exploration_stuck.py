"""RL006: the exploration rate never lets the agent explore, or never lets it use what it learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Run, Series
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import loop_risen

LEAST_LOGS = 4
NEVER = 0.01
"""Epsilon from the first log on: one action in a hundred is random. Mnih et al. 2015 end, not begin, with 0.1."""
ALWAYS = 0.9
"""Epsilon at the end of a run: what is learned is hardly ever acted on."""
DONE = 0.9
"""Share of the planned steps after which a run is at its end."""

GREEDY = 0.99
"""Share of the actions learned from that are the ones valued most, from the first samples on. Where one action in ten is
random it is 0.92 or less; measured in healthy loops: 0.25 to 0.7 at first."""
SAMPLES, ROWS = 20, 500


HARDLY = 0.95
"""Share of the actions taken that are the ones valued most at that moment, over the first half of the run and over all
of it, where the return does not rise: an epsilon of 0.05 is where others end. A constant one of 0.1 leaves 0.93 with four
actions. Measured: 0.98 where epsilon was at its floor of 0.02 from the start, 0.03 to 0.4 in sound loops."""
ACTS = 60
"""Actions seen; then chance moves that share by 0.05, two deviations."""
ALIKE = 0.01
"""Difference of mean returns that are all the same, and no more than 0: nothing was met that could be learned from."""


def _of_batches(run: Run) -> Iterator[tuple[int, Series]]:
    targets = {copy.original for copy in run.copies}
    for found in run.choices:
        early = found.greedy.values[: max(SAMPLES, len(found.greedy) // 2)]
        if found.model not in targets or run.learners or len(early) < SAMPLES or found.rows < ROWS:
            continue
        if sum(early) / len(early) >= GREEDY:
            yield found.model, found.greedy


def check_loop(run: Run) -> Iterator[Finding]:
    """A loop of the program's own: the actions in its batches."""
    for index, greedy in _of_batches(run):
        early = greedy.values[: max(SAMPLES, len(greedy) // 2)]
        model = next((one for one in run.models if one.index == index), None)
        yield Finding(
            "RL006",
            data={
                "algorithm": model.name if model is not None else "?",
                "first": 1 - sum(early) / len(early),
                "last": 1 - greedy.values[-1],
                "steps": run.steps,
            },
            place=at(model.site if model is not None else None, greedy),
            confidence=Confidence.LIKELY,
        )


def _share(shares: Sequence[float], acts: Sequence[int]) -> float:
    """Of the actions, or of the average step if that is less: a long evaluation in one of them must not speak for all."""
    of_acts = sum(share * count for share, count in zip(shares, acts, strict=False)) / sum(acts[: len(shares)])
    return min(of_acts, sum(shares) / len(shares))


def check_acting(run: Run) -> Iterator[Finding]:
    """... and where its batches hold actions of before: those that it takes. A greedy agent may do well, so the return
    must not rise, and one that goes on from a checkpoint may be at its best."""
    if run.learners or not run.ended or run.checkpoint_loads or run.resumptions or loop_risen(run) is not False:
        return
    told = {index for index, _ in _of_batches(run)}
    targets = {copy.original for copy in run.copies}
    valuing = {one.model for one in run.choices if one.model in targets} | {one.model for one in run.bootstraps}
    for found in run.acting:
        shares, half = found.greedy.values, len(found.greedy) // 2
        if found.model not in valuing - told or half < SAMPLES or sum(found.acts) < ACTS:
            continue
        first = _share(shares[:half], found.acts)
        if min(first, _share(shares, found.acts)) < HARDLY:
            continue
        returns = run.episodes.returns.values if run.episodes is not None else ()
        nothing_met = bool(returns) and max(returns) <= 0 and max(returns) - min(returns) <= ALIKE * abs(min(returns))
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "RL006",
            data={
                "algorithm": model.name if model is not None else "?",
                "first": 1 - first,
                "last": 1 - sum(shares[half:]) / len(shares[half:]),
                "steps": run.episodes.steps if run.episodes is not None else run.steps,
            },
            place=at(model.site if model is not None else None, found.greedy),
            severity=None if nothing_met else Severity.HINT,
            confidence=Confidence.LIKELY if nothing_met else Confidence.POSSIBLE,
        )


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        rates = learner.metrics.get("rollout/exploration_rate")
        if not rates or len(rates) < LEAST_LOGS or learner.begun:
            continue
        never = max(rates.values) <= NEVER and learner.settings.get("exploration_initial_eps", 1.0) <= NEVER
        always = rates.values[-1] >= ALWAYS and run.ended and learner.steps >= DONE * learner.total_steps
        if never or always:
            yield Finding(
                "RL006",
                data={
                    "algorithm": learner.algorithm,
                    "first": rates.values[0],
                    "last": rates.values[-1],
                    "steps": learner.steps,
                },
                place=at(learner.site, rates),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="RL006",
    name="exploration-stuck",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_loop, check_acting),
    message=Text(
        "`{algorithm}` took a random action with probability {first} at first and {last} at the end ({steps} steps): "
        "that is exploring never, or always.",
        "`{algorithm}` 采取随机动作的概率起初为 {first}，结束时（{steps} 步）为 {last}：等于从不探索，或始终在探索。",
    ),
    why=Text(
        "Without random actions only what the untrained network happens to prefer is ever tried; with nothing but random "
        "actions no state is reached that takes skill, and the logged return is that of chance.",
        "没有随机动作时，只会尝试未训练网络碰巧偏好的动作；全是随机动作时，到不了需要技巧的状态，记录的回报也只是碰运气的结果。",
    ),
    fix=Text(
        "Let it fall from 1 to about 0.05 over the first part of the run, where actions for training are taken; in "
        "stable-baselines3 by `exploration_initial_eps=1.0`, `exploration_final_eps=0.05` and `exploration_fraction=0.1` to `0.3`.",
        "在为训练选择动作的地方，让它在训练的前一段从 1 降到约 0.05；在 stable-baselines3 中使用 `exploration_initial_eps=1.0`、"
        "`exploration_final_eps=0.05` 和 `exploration_fraction=0.1` 到 `0.3`。",
    ),
    bad="""\
from stable_baselines3 import DQN

model = DQN(
    "MlpPolicy",
    "CartPole-v1",
    learning_rate=1e-3,
    learning_starts=100,
    target_update_interval=100,
    exploration_final_eps=1.0,
    seed=0,
)
model.learn(total_timesteps=1000)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import DQN

model = DQN(
    "MlpPolicy",
    "CartPole-v1",
    learning_rate=1e-3,
    learning_starts=100,
    target_update_interval=100,
    exploration_fraction=0.3,
    seed=0,
)
model.learn(total_timesteps=1000)
print(model.num_timesteps)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/modules/dqn.html",),
    explains=("RL012", "RL023"),
)
