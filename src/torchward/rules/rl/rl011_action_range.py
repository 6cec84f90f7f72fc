"""RL011: the actions that a fresh policy samples do not fit the range that the environment accepts."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist, median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

FIRST_LOGS = 3
CLIPPED = 0.75
"""Share of actions cut off at the bounds in the first rollouts. A normal distribution of deviation 1 has 32% beyond 1
and 75% beyond 0.32."""
WIDE = 20.0
"""Width of a range of which such a distribution, 6 wide, sees less than a third: bounds of -10 and 10, or 0 and 20."""
FRESH = 0.15
"""Difference between the share that is cut off and that of a normal distribution around 0, at most: of 2,000 actions, and
after a few updates."""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        clipped = learner.batches.get("clipped")
        low, high = learner.action_low, learner.action_high
        if not clipped or low is None or high is None or learner.begun:
            continue
        first = median(clipped.values[:FIRST_LOGS])
        beyond = 1 - (NormalDist().cdf(high) - NormalDist().cdf(low))
        wide = high - low >= WIDE and abs(first - beyond) <= FRESH and len(clipped) >= FIRST_LOGS
        if first < CLIPPED and not wide:
            continue
        yield Finding(
            "RL011",
            data={"algorithm": learner.algorithm, "clipped": first, "low": low, "high": high},
            place=at(learner.site, clipped),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL011",
    name="action-range",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "actions lie between {low} and {high}, and {clipped:.0%} of what the fresh policy of `{algorithm}` samples is cut "
        "off at these bounds: it begins with a deviation of 1.",
        "动作范围是 {low} 到 {high}，而 `{algorithm}` 的初始策略采样的动作中有 {clipped:.0%} 被截断在边界上：它起始的标准差为 1。",
    ),
    why=Text(
        "In a range much narrower than 1 nearly every action becomes one of the two bounds, whatever was sampled, and the "
        "gradient does not know of it; in a much wider one only a sliver around 0 is ever tried.",
        "范围远小于 1 时，无论采样到什么，几乎每个动作都变成两个边界之一，而梯度对此一无所知；范围远大于 1 时，只会尝试 0 附近的一小段。",
    ),
    fix=Text(
        "Let the policy act between -1 and 1 and scale in a wrapper: `env = gym.wrappers.RescaleAction(env, -1.0, 1.0)`.",
        "让策略在 -1 到 1 之间行动，在包装器中缩放：`env = gym.wrappers.RescaleAction(env, -1.0, 1.0)`。",
    ),
    bad="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Valve(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
    action_space = gym.spaces.Box(-0.05, 0.05, (1,), np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.time = self.np_random.uniform(-0.5, 0.5, 3).astype(np.float32), 0
        return self.state, {}

    def step(self, action):
        self.state[0] = np.clip(self.state[0] + action[0], -1, 1)
        self.time += 1
        return self.state.copy(), -abs(float(self.state[0])), False, self.time >= 20, {}


model = PPO("MlpPolicy", Valve(), learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)
print(model.num_timesteps)
""",
    good="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Valve(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
    action_space = gym.spaces.Box(-0.05, 0.05, (1,), np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.time = self.np_random.uniform(-0.5, 0.5, 3).astype(np.float32), 0
        return self.state, {}

    def step(self, action):
        self.state[0] = np.clip(self.state[0] + action[0], -1, 1)
        self.time += 1
        return self.state.copy(), -abs(float(self.state[0])), False, self.time >= 20, {}


env = gym.wrappers.RescaleAction(Valve(), np.float32(-1.0), np.float32(1.0))
model = PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)
print(model.num_timesteps)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/guide/rl_tips.html",),
    explains=("RL012",),
)
