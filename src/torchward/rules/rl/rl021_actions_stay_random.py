"""RL021: values of actions are learned to the end from random actions, and hardly ever asked for one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 20
ROWS = 1_000
"""Then the share of a chance choice is known to 0.05, three deviations."""
OVER_CHANCE = 0.05
HARDLY = 0.1
"""Calls for an action in a sampled step: one in ten is what an epsilon of 0.9 leaves."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    targets = {copy.original for copy in run.copies}
    for found in run.choices:
        # A target network is what tells values that are learned from each other from logged prices or clicks.
        if (
            found.model not in targets
            or found.asked > HARDLY * len(found.greedy)
            or len(found.greedy) < SAMPLES
            or found.rows < ROWS
        ):
            continue
        late = found.greedy.values[len(found.greedy) // 2 :]
        share, chance = sum(late) / len(late), 1 / found.actions
        if abs(share - chance) > OVER_CHANCE:
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "RL021",
            data={
                "model": model.name if model is not None else "?",
                "share": share,
                "chance": chance,
                "actions": found.actions,
                "samples": len(found.greedy),
                "asked": found.asked,
            },
            place=at(model.site if model is not None else None, found.greedy),
            confidence=Confidence.POSSIBLE,
        )


RULE = Rule(
    code="RL021",
    name="actions-stay-random",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` was asked for an action {asked} times in {samples} sampled steps, and to the end {share:.0%} of the actions that it "
        "learns from are the ones it values most: as many as random choices among {actions} give ({chance:.0%}).",
        "在 {samples} 个采样步中，只让 `{model}` 选择了 {asked} 次动作；直到最后，它所学习的动作中只有 {share:.0%} 是它估值最高的："
        "与在 {actions} 个动作中随机选择的结果（{chance:.0%}）一样。",
    ),
    why=Text(
        "With nothing but random actions no state is reached that takes skill, and the rewards seen are those of chance. Where "
        "the data were logged beforehand, that is as it must be; evaluate the learned choices at the end.",
        "动作全是随机的，就到不了需要技巧的状态，看到的回报也只是碰运气的结果。如果数据本来就是事先记录的，这并无不妥，但最后应评估学到的策略。",
    ),
    fix=Text(
        "Let epsilon fall during the run, in the loop in which actions are taken: `epsilon = max(0.05, 0.99 * epsilon)` after "
        "each episode, starting from 1.",
        "在选择动作的循环里让 epsilon 逐渐下降：从 1 开始，每个回合之后 `epsilon = max(0.05, 0.99 * epsilon)`。",
    ),
    bad="""\
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE = 9
values, target = (nn.Sequential(nn.Linear(SIZE, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2))
target.load_state_dict(values.state_dict())
optimizer = torch.optim.Adam(values.parameters(), lr=2e-3)
cells = torch.eye(SIZE)
memory, place, epsilon = [], 0, 1.0
for tick in range(4000):
    if random.random() < epsilon:
        action = random.randrange(3)
    else:
        with torch.no_grad():
            action = int(values(cells[place]).argmax())
    after = min(max(place + action - 1, 0), SIZE - 1)
    done = after == SIZE - 1
    memory.append((place, action, float(done), after, float(done)))
    place = 0 if done or tick % 60 == 59 else after
    if tick < 400 or tick % 8:
        continue
    now, chosen, reward, then, ended = map(torch.tensor, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        wanted = reward + 0.95 * (1 - ended) * target(cells[then]).amax(1)
    loss = nn.functional.mse_loss(values(cells[now]).gather(1, chosen[:, None])[:, 0], wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if tick % 80 == 0:
        target.load_state_dict(values.state_dict())
        print(tick, loss.item())
""",
    good="""\
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
SIZE = 9
values, target = (nn.Sequential(nn.Linear(SIZE, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2))
target.load_state_dict(values.state_dict())
optimizer = torch.optim.Adam(values.parameters(), lr=2e-3)
cells = torch.eye(SIZE)
memory, place, epsilon = [], 0, 1.0
for tick in range(4000):
    if random.random() < epsilon:
        action = random.randrange(3)
    else:
        with torch.no_grad():
            action = int(values(cells[place]).argmax())
    after = min(max(place + action - 1, 0), SIZE - 1)
    done = after == SIZE - 1
    memory.append((place, action, float(done), after, float(done)))
    place = 0 if done or tick % 60 == 59 else after
    epsilon = max(0.05, epsilon - 1 / 2500)
    if tick < 400 or tick % 8:
        continue
    now, chosen, reward, then, ended = map(torch.tensor, zip(*random.sample(memory, 64)))
    with torch.no_grad():
        wanted = reward + 0.95 * (1 - ended) * target(cells[then]).amax(1)
    loss = nn.functional.mse_loss(values(cells[now]).gather(1, chosen[:, None])[:, 0], wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if tick % 80 == 0:
        target.load_state_dict(values.state_dict())
        print(tick, loss.item())
""",
    links=("https://www.nature.com/articles/nature14236",),
    needs=("graph", "modules"),
)
