"""TRN017: torch is given a seed, and the program draws from another generator that is given none."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run, Start, Unseeded
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    if run.start is None:
        return
    drawn = [one for one in run.start.unseeded if _matters(one, run.start)]
    if drawn:
        yield Finding(
            "TRN017",
            data={"names": tuple(f"`{one.name}`" for one in drawn), "seed": str(run.start.seed)},
            place=at(drawn[0].site),
            confidence=Confidence.LIKELY,
        )


def _matters(one: Unseeded, start: Start) -> bool:
    """A generator of its own, or something was drawn from the global one before the first backward pass."""
    state = {"np.random": start.numpy, "random": start.python}.get(one.name, ("", True))
    return state is not None and state[1]


RULE = Rule(
    code="TRN017",
    name="generator-never-seeded",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The program gives torch a seed ({seed}), and draws from {names}, which it never seeds: each start has other numbers there.",
        "程序给 torch 设置了种子（{seed}），但还从 {names} 取随机数，而它从未设置种子：每次启动得到的数都不同。",
    ),
    why=Text(
        "`torch.manual_seed` seeds torch alone. Splits, shuffles, augmentation or sampling that draw from elsewhere differ from run to run, so the same seed gives "
        "another result, and two settings cannot be compared by one run each.",
        "`torch.manual_seed` 只设置 torch 的种子。从其他随机源得到的划分、打乱、增强或采样每次运行都不同，因此同一个种子会给出不同的结果，也不能各跑一次就比较两种设置。",
    ),
    fix=Text(
        "`random.seed({seed})`, `np.random.seed({seed})` (at most 2**32 - 1), `np.random.default_rng({seed})`, `train_test_split(..., random_state={seed})`.",
        "`random.seed({seed})`、`np.random.seed({seed})`（不超过 2**32 - 1）、`np.random.default_rng({seed})`、`train_test_split(..., random_state={seed})`。",
    ),
    bad="""\
import random

import torch
from torch import nn

torch.manual_seed(1)
x = torch.randn(1000, 6)
y = x[:, 0] * x[:, 1] + 0.3 * torch.randn(1000)
rows = list(range(1000))
random.shuffle(rows)
train, test = rows[:700], rows[700:]
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    random.shuffle(train)
    for start in range(0, 700, 35):
        part = train[start : start + 35]
        loss = nn.functional.mse_loss(model(x[part]).squeeze(1), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[test]).squeeze(1), y[test]).item())
""",
    good="""\
import random

import torch
from torch import nn

random.seed(1)
torch.manual_seed(1)
x = torch.randn(1000, 6)
y = x[:, 0] * x[:, 1] + 0.3 * torch.randn(1000)
rows = list(range(1000))
random.shuffle(rows)
train, test = rows[:700], rows[700:]
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    random.shuffle(train)
    for start in range(0, 700, 35):
        part = train[start : start + 35]
        loss = nn.functional.mse_loss(model(x[part]).squeeze(1), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, nn.functional.mse_loss(model(x[test]).squeeze(1), y[test]).item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/randomness.html",),
    preview=True,
)
