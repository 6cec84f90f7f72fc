"""RL005: returns are of a size that a critic takes very long to reach."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import recent

LEAST_LOGS = 4
LARGE = 3e3
"""Deviation of the returns in a rollout. CartPole's are about 30, Pendulum's a few hundred, and PPO learns both as they
are; networks start at outputs near 0 and move by about a learning rate a step (Andrychowicz et al. 2021 normalise)."""
LEARNED = 0.5
"""A critic that explains this much of the returns has coped."""


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        spread = learner.batches.get("return_std")
        explained = recent(learner, "train/explained_variance")
        if not spread or len(spread) < LEAST_LOGS or learner.normalised_rewards or not explained:
            continue
        if median(spread.values) < LARGE or median(explained) > LEARNED:
            continue
        yield Finding(
            "RL005",
            data={
                "algorithm": learner.algorithm,
                "spread": median(spread.values),
                "reward": max(learner.batches["reward_max"].values),
                "explained": median(explained),
                "gamma": learner.settings.get("gamma", 0.99),
            },
            place=at(learner.site, spread),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL005",
    name="reward-scale",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the returns that `{algorithm}` learns from differ by {spread} (rewards up to {reward}), and its critic explains "
        "{explained:.0%} of that.",
        "`{algorithm}` 用来学习的回报差异达 {spread}（奖励最大 {reward}），其评论家（critic）只解释了其中的 {explained:.0%}。",
    ),
    why=Text(
        "A critic starts near 0 and moves by about its learning rate at each step, so it needs a very long time to get to "
        "values of thousands; where it shares layers with the policy, its huge loss drowns the policy's.",
        "评论家从 0 附近出发，每步大约移动一个学习率，要走到数千的值需要很久；若它与策略共享网络层，其巨大的损失还会淹没策略的损失。",
    ),
    fix=Text(
        "Divide the rewards by a constant, or let a wrapper do it: `env = VecNormalize(env, norm_obs=False, "
        "norm_reward=True, gamma={gamma})`.",
        "把奖励除以一个常数，或交给包装器：`env = VecNormalize(env, norm_obs=False, norm_reward=True, gamma={gamma})`。",
    ),
    bad="""\
import gymnasium as gym
from stable_baselines3 import PPO

env = gym.wrappers.TransformReward(gym.make("CartPole-v1"), lambda reward: 1000 * reward)
model = PPO("MlpPolicy", env, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=700)
print(model.num_timesteps)
""",
    good="""\
import gymnasium as gym
from stable_baselines3 import PPO

env = gym.wrappers.TransformReward(gym.make("CartPole-v1"), lambda reward: 0.1 * reward)
model = PPO("MlpPolicy", env, n_steps=64, n_epochs=3, seed=0)
model.learn(total_timesteps=700)
print(model.num_timesteps)
""",
    links=(
        "https://stable-baselines3.readthedocs.io/en/master/guide/rl_tips.html",
        "https://arxiv.org/abs/2006.05990",
    ),
    explains=("RL003", "RL012", "OPT013", "NUM002"),
)
