"""RL002: the policy stopped trying anything before it had learned anything."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Learner, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import loop_risen, policy, returns_of_loop, risen

EARLY = 0.5
"""Share of the run: later, a policy may well have made up its mind."""
LOW = 0.05
"""Entropy as a share of that of a uniform choice; or a standard deviation, of the 1 that policies begin with."""
LEARNED = 0.25
"""Rise of the mean return, as a share of its size at the start, from which a policy may have made up its mind rightly."""
LEAST_LOGS = 8


def _share(learner: Learner) -> tuple[list[int], list[float]]:
    """What is left of the freedom at the start: entropy over its largest value, or the actions' deviation."""
    if learner.actions is not None and learner.actions > 1:
        series = learner.metrics.get("train/entropy_loss")
        scale = -math.log(learner.actions)
    else:
        series, scale = learner.metrics.get("train/std"), 1.0
    return ([], []) if series is None else (list(series.steps), [value / scale for value in series.values])


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        steps, shares = _share(learner)
        if len(shares) < LEAST_LOGS or risen(learner, LEARNED) is not False:
            continue
        free = [place for place, share in enumerate(shares) if share >= LOW]
        begun = free[-1] + 1 if free else 0
        if begun == len(shares):
            continue
        early = steps[begun] - learner.begun <= EARLY * learner.asked_steps
        if not early:
            continue
        returns = learner.metrics["rollout/ep_rew_mean"].values
        yield Finding(
            "RL002",
            data={
                "algorithm": learner.algorithm,
                "step": steps[begun],
                "share": shares[-1],
                "first": returns[0],
                "last": returns[-1],
                "coefficient": learner.settings.get("ent_coef", 0.0),
            },
            place=at(learner.site, first=steps[begun]),
            confidence=Confidence.LIKELY,
        )


def check_loop(run: Run) -> Iterator[Finding]:
    found = returns_of_loop(run)
    if found is None or loop_risen(run, LEARNED) is not False:
        return
    for entropy in run.entropies:
        shares = [nats / entropy.nats.values[0] for nats in entropy.nats.values] if entropy.nats.values[0] > 0 else []
        free = [place for place, share in enumerate(shares) if share >= LOW]
        if len(shares) < LEAST_LOGS or free[-1] + 1 == len(shares):
            continue
        begun = entropy.nats.steps[free[-1] + 1]
        if begun > EARLY * run.steps:
            continue
        yield Finding(
            "RL002",
            data={
                "algorithm": policy(run),
                "step": begun,
                "share": shares[-1],
                "first": found[0],
                "last": found[1],
                "coefficient": abs(entropy.factor.values[-1]),
            },
            place=at(entropy.site, first=begun),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL002",
    name="entropy-collapsed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_loop),
    message=Text(
        "the policy of `{algorithm}` is all but deterministic from step {step} on ({share:.1%} of the "
        "randomness that it began with is left), while the mean return went from {first} to {last}.",
        "`{algorithm}` 的策略从第 {step} 步起几乎成为确定性的（只剩初始随机性的 {share:.1%}），而平均回报从 {first} 变为 {last}。",
    ),
    why=Text(
        "A policy that always does the same sees only what that leads to: nothing better can be found any more, and the "
        "gradient of a policy without entropy is close to zero.",
        "总是做同一件事的策略只能看到这件事的后果：再也找不到更好的做法，而且熵为零的策略梯度几乎为零。",
    ),
    fix=Text(
        "Give randomness a value: raise the factor of the entropy (`ent_coef`, now {coefficient}), 0.01 to begin with; and lower the "
        "learning rate if the policy lost it within a few updates.",
        "让随机性有价值：提高熵的系数（`ent_coef`，现为 {coefficient}），可先取 0.01；若在几次更新内就失去随机性，还应降低学习率。",
    ),
    bad="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import A2C


class Signals(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (8,), np.float32)
    action_space = gym.spaces.Discrete(8)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        self.lights = self.np_random.uniform(-1, 1, 8).astype(np.float32)
        return self.lights, {}

    def step(self, action):
        reward = float(action == self.lights.argmax())
        self.time += 1
        self.lights = self.np_random.uniform(-1, 1, 8).astype(np.float32)
        return self.lights, reward, False, self.time >= 16, {}


model = A2C("MlpPolicy", Signals(), ent_coef=-3.0, learning_rate=3e-3, n_steps=16, seed=0)
model.learn(total_timesteps=16 * 1400)
print(model.num_timesteps)
""",
    good="""\
import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Signals(gym.Env):
    observation_space = gym.spaces.Box(-1.0, 1.0, (8,), np.float32)
    action_space = gym.spaces.Discrete(8)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        self.lights = self.np_random.uniform(-1, 1, 8).astype(np.float32)
        return self.lights, {}

    def step(self, action):
        reward = float(action == self.lights.argmax())
        self.time += 1
        self.lights = self.np_random.uniform(-1, 1, 8).astype(np.float32)
        return self.lights, reward, False, self.time >= 16, {}


model = PPO("MlpPolicy", Signals(), ent_coef=0.01, learning_rate=3e-3, n_steps=64, n_epochs=6, seed=0)
model.learn(total_timesteps=64 * 20)
print(model.num_timesteps)
""",
    links=(
        "https://stable-baselines3.readthedocs.io/en/master/modules/ppo.html",
        "https://arxiv.org/abs/2006.05990",
    ),
    explains=("RL003", "RL012", "MOD004"),
)
