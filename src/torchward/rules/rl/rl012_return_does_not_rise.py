"""RL012: the mean return at the end is no higher than at the start."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import RETURN, loop_risen, policy, returns_of_loop, risen

LEAST_LOGS = 20
LEAST_STEPS = 1_000


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        returns = learner.metrics.get(RETURN)
        if (
            not run.ended
            or not returns
            or len(returns) < LEAST_LOGS
            or learner.steps < LEAST_STEPS
            or risen(learner) is not False
        ):
            continue
        yield Finding(
            "RL012",
            data={
                "algorithm": learner.algorithm,
                "first": returns.values[0],
                "last": returns.values[-1],
                "steps": learner.steps,
            },
            place=at(learner.site, returns),
            confidence=Confidence.POSSIBLE,
        )


def check_loop(run: Run) -> Iterator[Finding]:
    found = returns_of_loop(run)
    if found is None or not run.ended or run.episodes is None or loop_risen(run) is not False:
        return
    trains = run.ratios or run.agreements or run.returns or run.choices or run.bootstraps
    if run.episodes.steps >= LEAST_STEPS and trains:
        yield Finding(
            "RL012",
            data={"algorithm": policy(run), "first": found[0], "last": found[1], "steps": run.episodes.steps},
            place=at(run.models[0].site if run.models else None),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="RL012",
    name="return-does-not-rise",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check, check_loop),
    message=Text(
        "the mean return of `{algorithm}` went from {first} to {last} in {steps} steps of the environment.",
        "`{algorithm}` 的平均回报在环境的 {steps} 步中从 {first} 变为 {last}。",
    ),
    why=Text(
        "Whatever the losses say, the agent does no better than before. Short runs may just need more steps; a best return "
        "reached at once is the other innocent explanation.",
        "无论损失如何，智能体并没有比之前更好。训练太短时可能只是步数不够；另一种无害的解释是一开始就达到了最佳回报。",
    ),
    fix=Text(
        "Compare with a random policy on the same environment, then train for ten times as long with the defaults of the "
        "library; check the environment with `stable_baselines3.common.env_checker.check_env(env)`.",
        "在同一环境上与随机策略比较，然后用库的默认设置训练十倍的步数；用 `stable_baselines3.common.env_checker.check_env(env)` 检查环境。",
    ),
    bad="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN


class Lottery(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gym.spaces.Discrete(3)

    def observe(self):
        return self.np_random.uniform(-1, 1, 4).astype(np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.observe(), {}

    def step(self, action):
        self.time += 1
        return self.observe(), float(self.np_random.integers(3) - 1), False, self.time >= 10, {}


model = DQN("MlpPolicy", Lottery(), learning_starts=100, train_freq=4, target_update_interval=100, seed=0)
model.learn(total_timesteps=1200, log_interval=4)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import PPO

model = PPO("MlpPolicy", "CartPole-v1", learning_rate=2e-3, n_steps=64, n_epochs=4, seed=0)
model.learn(total_timesteps=1400)
print(model.num_timesteps)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/guide/rl_tips.html",),
    explained_by=(
        *("TRN001", "OPT007", "OPT008", "DAT002", "RL013", "RL014", "RL020", "RL021", "RL022", "RL023", "RL024"),
        *("RL025", "RL026", "RL027"),
    ),
)
