"""RL003: the critic predicts returns no better than a constant would, and the policy does not improve."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import loop_risen, policy, recent, risen

LEAST_LOGS = 8
"""Logs in the last half of the run."""
NOTHING = 0.02
"""Explained variance: 1 is perfect, 0 a constant, below 0 worse than one (Huang et al. 2022). PPO on CartPole has about
0 over its first few thousand steps, and its return rises all the same."""
MANY_LOGS = 50
"""From here on it is no longer a slow start."""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        explained = recent(learner, "train/explained_variance")
        if len(explained) < LEAST_LOGS or median(explained) > NOTHING or risen(learner) is not False:
            continue
        yield Finding(
            "RL003",
            data={
                "algorithm": learner.algorithm,
                "explained": median(explained),
                "logs": len(explained),
            },
            place=at(learner.site, learner.metrics["train/explained_variance"]),
            confidence=Confidence.POSSIBLE,
            severity=None if len(explained) >= MANY_LOGS else Severity.HINT,
        )


def check_loop(run: Run) -> Iterator[Finding]:
    if loop_risen(run) is not False:
        return
    for agreement in run.agreements:
        explained = agreement.explained.values[len(agreement.explained) // 2 :]
        if len(explained) < LEAST_LOGS or median(explained) > NOTHING:
            continue
        yield Finding(
            "RL003",
            data={"algorithm": policy(run), "explained": median(explained), "logs": len(explained)},
            place=at(agreement.site, agreement.explained),
            confidence=Confidence.POSSIBLE,
            severity=None if len(explained) >= MANY_LOGS else Severity.HINT,
        )


RULE = Rule(
    code="RL003",
    name="critic-explains-nothing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_loop),
    message=Text(
        "the critic of `{algorithm}` explains {explained:.0%} of the variance of the returns (median of the last {logs} "
        "logs), and the mean return does not rise.",
        "`{algorithm}` 的评论家（critic）只解释了回报方差的 {explained:.0%}（最近 {logs} 次日志的中位数），平均回报也没有上升。",
    ),
    why=Text(
        "Advantages are returns less what the critic expected. A critic that tells no state from another leaves them as "
        "noisy as the returns themselves, and the policy follows the noise.",
        "优势等于回报减去评论家的预期。无法区分状态的评论家会让优势与回报本身一样嘈杂，策略便跟着噪声走。",
    ),
    fix=Text(
        "Print a few observations: do they change from step to step and hold what the rewards depend on? Then see that the "
        "critic learns: the factor of its loss (`vf_coef`) above 0, rewards and observations of a size near 1 "
        "(`VecNormalize(env)`).",
        "打印几个观测：它们是否逐步变化，是否包含奖励所依赖的信息？再确认评论家在学习：其损失的系数（`vf_coef`）大于 0，"
        "奖励和观测的数值在 1 左右（`VecNormalize(env)`）。",
    ),
    bad="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Tide(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.phase, self.time = self.np_random.uniform(0, 6.28), 0
        return self.observe(), {}

    def observe(self):
        return self.np_random.uniform(-1, 1, 4).astype(np.float32)

    def step(self, action):
        self.phase += 0.3 + 0.3 * action
        self.time += 1
        return self.observe(), 1.0 + 0.2 * np.sin(self.phase), False, self.time >= 16, {}


model = PPO("MlpPolicy", Tide(), n_steps=64, n_epochs=2, seed=0)
model.learn(total_timesteps=64 * 18)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import PPO

model = PPO("MlpPolicy", "CartPole-v1", vf_coef=0.5, learning_rate=3e-3, n_steps=64, n_epochs=4, seed=0)
model.learn(total_timesteps=1100)
print(model.num_timesteps)
""",
    links=("https://iclr-blog-track.github.io/2022/03/25/ppo-implementation-details/",),
    explains=(
        "TRN007",
        "RL012",
    ),
    explained_by=("MOD011",),
)
