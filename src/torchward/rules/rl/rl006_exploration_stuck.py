"""RL006: the exploration rate never lets the agent explore, or never lets it use what it learned."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_LOGS = 4
NEVER = 0.01
"""Epsilon from the first log on: one action in a hundred is random. Mnih et al. 2015 end, not begin, with 0.1."""
ALWAYS = 0.9
"""Epsilon at the end of a run: what is learned is hardly ever acted on."""
DONE = 0.9
"""Share of the planned steps after which a run is at its end."""


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
                    "initial": learner.settings.get("exploration_initial_eps", 1.0),
                    "final": learner.settings.get("exploration_final_eps", 0.05),
                    "part": learner.settings.get("exploration_fraction", 0.1),
                },
                place=at(learner.site, rates),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="RL006",
    name="exploration-stuck",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
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
        "Let it fall from 1 to about 0.05 over the first part of the run: `exploration_initial_eps=1.0` (now {initial}), "
        "`exploration_final_eps=0.05` (now {final}), `exploration_fraction=0.1` to `0.3` (now {part}).",
        "让它在训练的前一段从 1 降到约 0.05：`exploration_initial_eps=1.0`（现为 {initial}）、`exploration_final_eps=0.05`（现为 {final}）、"
        "`exploration_fraction=0.1` 到 `0.3`（现为 {part}）。",
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
    explains=("RL012",),
)
