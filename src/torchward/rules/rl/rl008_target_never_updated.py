"""RL008: the target network of a Q-learner is never brought up to date."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        interval, tau = learner.settings.get("target_update_interval"), learner.settings.get("tau", 1.0)
        if interval is None or not run.ended or not learner.updates or learner.begun:
            continue
        if not (learner.asked_steps < interval or tau == 0):
            continue
        yield Finding(
            "RL008",
            data={
                "algorithm": learner.algorithm,
                "asked": learner.asked_steps,
                "interval": int(interval),
                "tau": tau,
                "updates": learner.updates,
            },
            place=at(learner.site),
        )


RULE = Rule(
    code="RL008",
    name="target-network-never-updated",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{algorithm}` made {updates} updates towards a target network that was never brought up to date: it is due every "
        "{interval} steps (tau {tau}), and the run was to last {asked}.",
        "`{algorithm}` 朝着从未同步过的目标网络做了 {updates} 次更新：目标网络每 {interval} 步同步一次（tau 为 {tau}），而整个训练只有 {asked} 步。",
    ),
    why=Text(
        "The values of next states come from the target network. It still is the network of random weights that it was at "
        "the start, so what is learned is one step of reward plus noise, however long the training.",
        "下一状态的价值来自目标网络。它仍是最初随机权重的网络，因此无论训练多久，学到的都只是一步奖励加噪声。",
    ),
    fix=Text(
        "Set `target_update_interval` to a small part of the run, for example `target_update_interval=500`, or follow "
        "slowly at each step: `tau=0.005, target_update_interval=1`.",
        "把 `target_update_interval` 设为总步数的一小部分，例如 `target_update_interval=500`，或每一步缓慢跟随：`tau=0.005, target_update_interval=1`。",
    ),
    bad="""\
from stable_baselines3 import DQN

model = DQN("MlpPolicy", "CartPole-v1", learning_rate=1e-3, learning_starts=100, seed=0)
model.learn(total_timesteps=800)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import DQN

model = DQN("MlpPolicy", "CartPole-v1", learning_rate=1e-3, learning_starts=100, target_update_interval=100, seed=0)
model.learn(total_timesteps=800)
print(model.num_timesteps)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/modules/dqn.html",),
    explains=("RL012",),
)
