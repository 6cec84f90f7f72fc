"""RL010: trained on normalised observations, evaluated on raw ones."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHIFTED = 1.0
"""Normalising moves some observation by at least its deviation, or doubles or halves it: below, raw ones are much the
same."""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        if not learner.normalised_observations or not learner.evaluation_calls or learner.evaluation_updating:
            continue
        shift = learner.normaliser_apart if learner.evaluation_normalised else learner.normaliser_shift
        if shift is None or shift < SHIFTED:
            continue
        yield Finding(
            "RL010",
            data={
                "algorithm": learner.algorithm,
                "calls": learner.evaluation_calls,
                "normalised": learner.evaluation_normalised,
                "shift": shift,
            },
            place=at(learner.evaluation_site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL010",
    name="evaluated-without-normaliser",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{algorithm}` was trained through `VecNormalize` and then acted {calls} times on observations that were not normalised "
        "with its statistics ({normalised} of them by another `VecNormalize`, which has others); that moves them by up to "
        "{shift} deviations or powers of two.",
        "`{algorithm}` 在 `VecNormalize` 下训练，随后行动了 {calls} 次，所用观测没有按训练时的统计量归一化"
        "（其中 {normalised} 次由另一个统计量不同的 `VecNormalize` 归一化）；二者相差多达 {shift} 个标准差或 2 的幂次。",
    ),
    why=Text(
        "To the policy, raw observations are states that it has never met. It acts, without any error, as if it had "
        "learned nothing.",
        "对策略来说，原始观测是它从未见过的状态。它不会报错，但表现得就像什么也没学到。",
    ),
    fix=Text(
        "Save the statistics with the model (`env.save('stats.pkl')`) and evaluate through them: `env = "
        "VecNormalize.load('stats.pkl', env)`, then `env.training = False` and `env.norm_reward = False`; a new "
        "`VecNormalize(env)` has none (`sync_envs_normalization(training_env, env)` copies them).",
        "把统计量与模型一起保存（`env.save('stats.pkl')`），并通过它评估：`env = VecNormalize.load('stats.pkl', env)`，"
        "然后设置 `env.training = False` 和 `env.norm_reward = False`；新建的 `VecNormalize(env)` 没有统计量"
        "（可用 `sync_envs_normalization(training_env, env)` 复制）。",
    ),
    bad="""\
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

env = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]))
model = PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)

test = gym.make("CartPole-v1")
total = 0.0
for episode in range(5):
    observation, _ = test.reset(seed=episode)
    ended = False
    while not ended:
        action, _ = model.predict(observation, deterministic=True)
        observation, reward, terminated, truncated, _ = test.step(int(action))
        total += float(reward)
        ended = terminated or truncated
print(total / 5)
""",
    good="""\
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

env = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]))
model = PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)

test = gym.make("CartPole-v1")
total = 0.0
for episode in range(5):
    observation, _ = test.reset(seed=episode)
    ended = False
    while not ended:
        action, _ = model.predict(env.normalize_obs(observation), deterministic=True)
        observation, reward, terminated, truncated, _ = test.step(int(action))
        total += float(reward)
        ended = terminated or truncated
print(total / 5)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/guide/vec_envs.html",),
)
