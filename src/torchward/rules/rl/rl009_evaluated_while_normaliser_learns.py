"""RL009: the statistics that normalise observations go on changing during evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MOST = 0.5
"""Share of the evaluation's steps that updated the statistics."""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        calls, updating = learner.evaluation_calls, learner.evaluation_updating
        if calls and updating > MOST * calls:
            yield Finding(
                "RL009",
                data={"algorithm": learner.algorithm, "calls": calls, "updating": updating},
                place=at(learner.evaluation_site),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="RL009",
    name="evaluated-while-normaliser-learns",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{algorithm}` acted outside of training {calls} times, and {updating} of these steps updated the statistics of "
        "`VecNormalize`.",
        "`{algorithm}` 在训练之外行动了 {calls} 次，其中 {updating} 步更新了 `VecNormalize` 的统计量。",
    ),
    why=Text(
        "The policy knows observations by the scale that they had in training. Statistics that follow the evaluation shift "
        "them, so results depend on how long and in which order one evaluates; rewards are normalised too, if read there.",
        "策略按训练时的尺度认识观测。跟着评估变化的统计量会使观测漂移，结果便取决于评估的时长和次序；若从这里读取奖励，奖励也是归一化过的。",
    ),
    fix=Text(
        "Before evaluating: `env.training = False` and `env.norm_reward = False`, on the `VecNormalize` itself or on the "
        "one that `VecNormalize.load(path, env)` gives.",
        "评估之前设置 `env.training = False` 和 `env.norm_reward = False`，无论是 `VecNormalize` 本身还是 `VecNormalize.load(path, env)` 的返回值。",
    ),
    bad="""\
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

env = VecNormalize(DummyVecEnv([lambda: Monitor(gym.make("CartPole-v1"))]))
model = PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)
print(evaluate_policy(model, env, n_eval_episodes=5))
""",
    good="""\
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

env = VecNormalize(DummyVecEnv([lambda: Monitor(gym.make("CartPole-v1"))]))
model = PPO("MlpPolicy", env, learning_rate=1e-3, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=500)
env.training = False
env.norm_reward = False
print(evaluate_policy(model, env, n_eval_episodes=5))
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/guide/vec_envs.html",),
)
