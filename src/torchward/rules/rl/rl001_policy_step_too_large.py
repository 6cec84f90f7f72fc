"""RL001: each update moves the policy much further than the method allows for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run, Series, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.rl._learned import policy, rate

LARGE = 0.1
"""Approximate KL divergence of one update. Implementations stop an update early at 0.01 to 0.05 (`target_kl` of Spinning
Up and of stable-baselines3; Huang et al., The 37 Implementation Details of PPO, 2022); PPO with its usual settings has
0.003 to 0.03."""
LEAST = 3
SHARE = 0.2
"""So many of the updates, and this share of them. Once such steps have made a policy deterministic it hardly moves."""


TARGET = 0.02


def _judge(series: Series | None, site: Site | None, name: str, lr: float) -> Iterator[Finding]:
    moved = [value for value in series.values if math.isfinite(value)] if series else []
    over = sum(value > LARGE for value in moved)
    if series is None or over < max(LEAST, SHARE * len(moved)):
        return
    yield Finding(
        "RL001",
        data={
            "algorithm": name,
            "over": over,
            "logs": len(moved),
            "limit": LARGE,
            "kl": max(moved),
            "rate": lr,
            "target": TARGET,
        },
        place=at(site, series),
        confidence=Confidence.LIKELY,
    )


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        series = learner.metrics.get("train/approx_kl")
        yield from _judge(series, learner.site, learner.algorithm, learner.settings.get("learning_rate", 0.0))
    if not run.learners:
        for ratio in run.ratios:
            yield from _judge(ratio.moved, ratio.site, policy(run), rate(run))


RULE = Rule(
    code="RL001",
    name="policy-step-too-large",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{over} of {logs} updates of `{algorithm}` that were looked at moved its policy by an approximate KL divergence of "
        "more than {limit}, up to {kl}; usual are 0.003 to 0.03.",
        "在观察到的 `{algorithm}` 的 {logs} 次更新中，有 {over} 次使策略移动的近似 KL 散度超过 {limit}，最高 {kl}；通常为 0.003 到 0.03。",
    ),
    why=Text(
        "A rollout describes the policy that collected it. After so large a step the probability ratios are far from 1, "
        "most of the gradient is clipped away, and the policy can fall to one from which it does not recover.",
        "一次采样只描述采样时的策略。步子这么大之后，概率比远离 1，大部分梯度被裁剪掉，策略可能一下子掉到无法恢复的状态。",
    ),
    fix=Text(
        "Lower the learning rate (now {rate}) to about a third, or make fewer passes over each rollout; end an update as soon "
        "as the divergence reaches {target} (`target_kl` in libraries).",
        "把学习率（现为 {rate}）降到约三分之一，或减少对每批采样的遍历次数；当散度达到 {target} 时就结束本次更新（各库中的 `target_kl`）。",
    ),
    bad="""\
from stable_baselines3 import PPO

model = PPO("MlpPolicy", "CartPole-v1", learning_rate=0.02, n_steps=64, n_epochs=20, clip_range=0.8, seed=1)
model.learn(total_timesteps=700)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import PPO

model = PPO("MlpPolicy", "CartPole-v1", learning_rate=1e-3, n_steps=64, n_epochs=5, seed=0)
model.learn(total_timesteps=700)
print(model.num_timesteps)
""",
    links=(
        "https://stable-baselines3.readthedocs.io/en/master/modules/ppo.html",
        "https://iclr-blog-track.github.io/2022/03/25/ppo-implementation-details/",
    ),
    explains=("RL002", "RL003", "RL012", "MOD004"),
)
