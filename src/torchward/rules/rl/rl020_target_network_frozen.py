"""RL020: the target network of a hand-written Q-learner never takes over what is learned."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._copies import share_of_steps

LEAST_LOOKS = 6
LEAST_STEPS = 300
STILL_RUNNING = 20_000
"""Steps after which it is told of before the end: target networks are updated every 10,000 steps at the latest (Mnih et
al. 2015)."""
OFTEN = 0.5
"""Share of the steps in which it is asked for targets."""
APART = 0.05
PICKED = ("gather", "index")
"""How the value of the action that was taken is picked from all values."""


def check(run: Run) -> Iterator[Finding]:
    picked = any(
        loss.training
        and loss.kind in ("mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss")
        and loss.producer in PICKED
        and not loss.target_has_graph
        for loss in run.losses
    )
    if not picked or not (run.ended or run.steps > STILL_RUNNING):
        return
    models = {model.index: model for model in run.models}
    for copy in run.copies:
        steps, apart = copy.distance.steps, copy.distance.values
        if len(steps) < LEAST_LOOKS or copy.changes or steps[-1] - steps[0] < LEAST_STEPS:
            continue
        if share_of_steps(run, copy) < OFTEN:
            continue
        if apart[-1] < APART or apart[-1] <= apart[0] or copy.model not in models or copy.original not in models:
            continue
        yield Finding(
            "RL020",
            data={
                "target": models[copy.model].name,
                "online": models[copy.original].name,
                "first": steps[0],
                "last": steps[-1],
                "distance": apart[-1],
            },
            place=at(copy.site, copy.distance),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL020",
    name="target-network-frozen",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the weights of `{target}`, which gives the targets of `{online}`, never changed from step {first} to step {last}; "
        "those of `{online}` are {distance:.0%} away from them.",
        "为 `{online}` 提供目标的 `{target}`，其权重从第 {first} 步到第 {last} 步从未改变；`{online}` 的权重已与之相差 {distance:.0%}。",
    ),
    why=Text(
        "The values of next states come from the target network. It still is the untrained network of the start, so rewards "
        "travel back one step and no further, however long the training.",
        "下一状态的价值来自目标网络。它仍是最初未训练的网络，因此无论训练多久，奖励只能往回传一步。",
    ),
    fix=Text(
        "Copy the weights every few hundred steps, `{target}.load_state_dict({online}.state_dict())`, or a little at each "
        "step: `kept.lerp_(new, 0.005)` for each pair of parameters, under `torch.no_grad()`.",
        "每几百步复制一次权重：`{target}.load_state_dict({online}.state_dict())`；或在 `torch.no_grad()` 下每步更新一点："
        "对每对参数执行 `kept.lerp_(new, 0.005)`。",
    ),
    bad="""\
import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE = 10
online = nn.Sequential(nn.Linear(SIZE, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(online)
optimizer = torch.optim.Adam(online.parameters(), lr=2e-3)
memory = deque(maxlen=2000)
eye = torch.eye(SIZE)
place = 0
for step in range(900):
    epsilon = max(0.1, 1 - step / 400)
    with torch.no_grad():
        action = random.randrange(2) if random.random() < epsilon else int(online(eye[place]).argmax())
    following = max(0, min(SIZE - 1, place + (1 if action else -1)))
    done = following == SIZE - 1
    memory.append((place, action, float(done), following, done))
    place = 0 if done else following
    if len(memory) < 64:
        continue
    batch = [torch.tensor(column) for column in zip(*random.sample(memory, 32))]
    state, chosen, reward, after, over = batch
    with torch.no_grad():
        wanted = reward + 0.95 * (~over).float() * target(eye[after]).max(1).values
    loss = F.smooth_l1_loss(online(eye[state]).gather(1, chosen[:, None]).squeeze(1), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE = 10
online = nn.Sequential(nn.Linear(SIZE, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(online)
optimizer = torch.optim.Adam(online.parameters(), lr=2e-3)
memory = deque(maxlen=2000)
eye = torch.eye(SIZE)
place = 0
for step in range(900):
    epsilon = max(0.1, 1 - step / 400)
    with torch.no_grad():
        action = random.randrange(2) if random.random() < epsilon else int(online(eye[place]).argmax())
    following = max(0, min(SIZE - 1, place + (1 if action else -1)))
    done = following == SIZE - 1
    memory.append((place, action, float(done), following, done))
    place = 0 if done else following
    if len(memory) < 64:
        continue
    batch = [torch.tensor(column) for column in zip(*random.sample(memory, 32))]
    state, chosen, reward, after, over = batch
    with torch.no_grad():
        wanted = reward + 0.95 * (~over).float() * target(eye[after]).max(1).values
    loss = F.smooth_l1_loss(online(eye[state]).gather(1, chosen[:, None]).squeeze(1), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        target.load_state_dict(online.state_dict())
print(loss.item())
""",
    links=(
        "https://www.nature.com/articles/nature14236",
        "https://docs.pytorch.org/tutorials/intermediate/reinforcement_q_learning.html",
    ),
    explains=("TRN001",),
    needs=("modules", "loss"),
)
