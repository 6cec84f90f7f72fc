"""RL004: estimated values are larger than any sum of the rewards could be."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Learner, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

FACTOR = 4.0
"""Above the bound by this factor. The bound itself, largest reward / (1 - gamma), is reached only by collecting the
largest reward for ever."""


GROWN = 10.0
"""... and beyond their first by this: tiny rewards lie below what a fresh network gives."""


def _estimates(learner: Learner) -> tuple[list[float], str]:
    """The largest value that the estimates must have reached at each log, and where that is read off."""
    if "value_max" in learner.batches:
        return list(learner.batches["value_max"].values), "value"
    # A temporal difference lies between two values, so it is at most twice the largest.
    if learner.algorithm == "DQN" and "train/loss" in learner.metrics:
        return [loss / 2 for loss in learner.metrics["train/loss"].values], "train/loss"
    if "train/critic_loss" in learner.metrics:  # two critics, squared
        losses = learner.metrics["train/critic_loss"].values
        return [(max(loss, 0.0) / 2) ** 0.5 / 2 for loss in losses], "train/critic_loss"
    return [], ""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        gamma = learner.settings.get("gamma", 1.0)
        rewards = learner.batches.get("reward_max")
        if not 0 < gamma < 1 or not rewards or len(rewards) < 4:
            continue
        bound = max(rewards.values) / (1 - gamma)
        estimates, source = _estimates(learner)
        if bound <= 0 or not estimates or not estimates[-1] > max(FACTOR * bound, GROWN * estimates[0]):
            continue
        yield Finding(
            "RL004",
            data={
                "algorithm": learner.algorithm,
                "estimate": estimates[-1],
                "reward": max(rewards.values),
                "gamma": gamma,
                "bound": bound,
                "source": source,
                "rate": learner.settings.get("learning_rate", 0.0),
            },
            place=at(learner.site, rewards),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL004",
    name="values-beyond-rewards",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{algorithm}` estimates values of {estimate} (read off its {source}), but with rewards of at most {reward} and "
        "gamma {gamma} no return can be larger than {bound}.",
        "`{algorithm}` 估计的价值达到 {estimate}（由其 {source} 得出），但奖励最大为 {reward}、gamma 为 {gamma} 时，任何回报都不可能超过 {bound}。",
    ),
    why=Text(
        "Values are learned from their own estimates. Once those feed on each other they run away, and a policy that "
        "follows them prefers whatever is most over-estimated.",
        "价值是从它自身的估计中学来的。一旦估计互相喂养就会失控，跟随它们的策略会偏爱高估得最厉害的动作。",
    ),
    fix=Text(
        "Lower the learning rate (now {rate}), update the target network more slowly (`tau=0.005`, or a larger "
        "`target_update_interval`), and bring rewards to a size near 1.",
        "降低学习率（现为 {rate}），更慢地更新目标网络（`tau=0.005`，或更大的 `target_update_interval`），并把奖励调到 1 左右。",
    ),
    bad="""\
from stable_baselines3 import DQN

model = DQN(
    "MlpPolicy",
    "CartPole-v1",
    learning_rate=5e-3,
    learning_starts=100,
    train_freq=2,
    gradient_steps=2,
    target_update_interval=1,
    seed=0,
)
model.learn(total_timesteps=600)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import DQN

model = DQN(
    "MlpPolicy",
    "CartPole-v1",
    learning_rate=1e-3,
    learning_starts=100,
    train_freq=2,
    gradient_steps=1,
    target_update_interval=100,
    seed=0,
)
model.learn(total_timesteps=600)
print(model.num_timesteps)
""",
    links=(
        "https://stable-baselines3.readthedocs.io/en/master/modules/dqn.html",
        "https://arxiv.org/abs/1812.02648",
    ),
    explains=("RL012", "OPT007", "NUM002", "MOD003", "MOD004"),
)
