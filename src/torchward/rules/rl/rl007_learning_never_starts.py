"""RL007: the run ended before the first update was due."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for learner in run.learners:
        starts = learner.settings.get("learning_starts")
        if starts is None or not run.ended or learner.updates or not 0 < learner.total_steps <= starts:
            continue
        yield Finding(
            "RL007",
            data={"algorithm": learner.algorithm, "total": learner.total_steps, "starts": int(starts)},
            place=at(learner.site),
        )


RULE = Rule(
    code="RL007",
    name="learning-never-starts",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{algorithm}` was asked for {total} steps, but it begins to learn only after {starts}: nothing was learned.",
        "要求 `{algorithm}` 运行 {total} 步，但它在 {starts} 步之后才开始学习：什么也没有学到。",
    ),
    why=Text(
        "Until `learning_starts` steps have filled the replay buffer, actions are random and no update is made. Steps are "
        "counted from 0 again by each call of `learn` without `reset_num_timesteps=False`.",
        "在 `learning_starts` 步填满回放缓冲区之前，动作是随机的，也不做任何更新。每次调用 `learn` 而不带 `reset_num_timesteps=False` 时，步数都从 0 重新计。",
    ),
    fix=Text(
        "Train for much longer than {starts} steps or set `learning_starts` to a few per cent of the run; in a loop write "
        "`model.learn({total}, reset_num_timesteps=False)`.",
        "训练远多于 {starts} 步，或把 `learning_starts` 设为总步数的百分之几；在循环中写 `model.learn({total}, reset_num_timesteps=False)`。",
    ),
    bad="""\
from stable_baselines3 import SAC

model = SAC("MlpPolicy", "Pendulum-v1", learning_starts=1000, seed=0)
model.learn(total_timesteps=800, log_interval=1)
print(model.num_timesteps)
""",
    good="""\
from stable_baselines3 import SAC

model = SAC("MlpPolicy", "Pendulum-v1", learning_starts=300, train_freq=8, seed=0)
model.learn(total_timesteps=800, log_interval=1)
print(model.num_timesteps)
""",
    links=("https://stable-baselines3.readthedocs.io/en/master/modules/sac.html",),
    explains=("RL012",),
)
