"""TRN054: the generator makes examples of a few kinds only, and most of the data have none near them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._adversarial import STILL_RUNNING, judged
from torchward.rules._at import at

LEAST_STEPS = 1_000
"""Before, a generator that starts with examples near each other is still on its way: eleven sound programs
that ran longer, in two dimensions and in 64, had a variety of 0.75 or more and missed 0.4 or less by step 650."""
WIDE, WIDE_STEPS = 256, 10_000
"""Values of an example from which on it takes so many steps: after 3,000, a sound tutorial that makes digits of 784 pixels
moves them all together still, and it is meant to run for 120,000."""
LAST = 10
"""Samples looked at: those of the last half of the steps or more."""
VARIETY = 0.6
"""See `Judged`. Sound programs end at 0.8 to 1.2; one that reaches two or three of eight clusters at 0.25 to 0.6."""
MISSED = (0.4, 1.0)
"""Sound ones end at 0 to 0.3. Examples that are farther off than data from each other are of no kind at all."""
EVER = 0.25
"""... nor was it below this at any time: generators that circle from kind to kind stay above."""
IMPROVES = 0.75
"""Of what was missed before, by which less is missed now, if the training is only slow."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended and run.steps < STILL_RUNNING:
        return
    for pair in judged(run):
        variety, missed = pair.variety.values[-LAST:], pair.missed.values[-LAST:]
        given = next((one.shape for one in run.inputs if one.model == pair.model and one.shape), ())
        least = WIDE_STEPS if math.prod(given[1:]) >= WIDE else LEAST_STEPS
        if len(missed) < LAST or pair.missed.steps[-1] < least:
            continue
        before, now = median(missed[: LAST // 2]), median(missed[LAST // 2 :])
        if median(variety) >= VARIETY or not MISSED[0] < median(missed) < MISSED[1]:
            continue
        if min(missed) < EVER or now < IMPROVES * before:
            continue
        yield Finding(
            "TRN054",
            data={
                "variety": median(variety),
                "missed": median(missed),
                "samples": LAST,
                "first": pair.missed.steps[-LAST],
                "step": pair.missed.steps[-1],
            },
            place=at(pair.site, pair.missed),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN054",
    name="generator-leaves-out-data",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "generated examples are {variety:.0%} as far from each other as the data are, and the nearest of them is far from "
        "most data: {missed:.0%} of the way from a neighbour to just any example ({samples} samples from step {first} to {step}).",
        "生成样本之间的距离只有数据之间的 {variety:.0%}，而且大多数数据附近没有生成样本：到最近生成样本的距离，"
        "处在“到最近邻”与“到任意样本”之间的 {missed:.0%} 处（第 {first} 到 {step} 步的 {samples} 次采样）。",
    ),
    why=Text(
        "The generator serves a few kinds of data and leaves out the rest (mode collapse), often moving on to others as the "
        "discriminator catches up. Neither loss shows it. Where the data have no kinds, it makes too much of the same.",
        "生成器只覆盖少数几类数据而忽略其余（模式崩溃），判别器跟上后往往又换成另外几类。两个损失都看不出来。"
        "如果数据不分类别，则说明生成结果过于雷同。",
    ),
    fix=Text(
        "Lower the generator's learning rate to the discriminator's or below, give the discriminator more steps, take "
        "`betas=(0.5, 0.9)` and a gradient penalty, or let it see whole batches (minibatch standard deviation).",
        "把生成器的学习率降到不高于判别器，给判别器更多步数，使用 `betas=(0.5, 0.9)` 和梯度惩罚，"
        "或让判别器看到整个批次（minibatch standard deviation）。",
    ),
    bad="""\
import math

import torch
from torch import nn

torch.manual_seed(2)
STEPS = 1500
turn = torch.arange(8) * math.pi / 4
places = 2 * torch.stack([turn.cos(), turn.sin()], 1)
generator = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-2, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
for step in range(STEPS):
    real = (places[torch.randint(8, (128,))] + 0.08 * torch.randn(128, 2)).requires_grad_()
    score = critic(real)
    slope = torch.autograd.grad(score.sum(), real, create_graph=True)[0]
    fake = generator(torch.randn(128, 8)).detach()
    loss = nn.functional.softplus(-score).mean() + nn.functional.softplus(critic(fake)).mean()
    loss = loss + 0.05 * slope.square().sum(1).mean()
    opt_c.zero_grad()
    loss.backward()
    opt_c.step()

    made = nn.functional.softplus(-critic(generator(torch.randn(128, 8)))).mean()
    opt_g.zero_grad()
    made.backward()
    opt_g.step()
with torch.no_grad():
    nearest, place = torch.cdist(generator(torch.randn(2000, 8)), places).min(1)
print(loss.item(), made.item(), "reached", len(place[nearest < 0.3].unique()), "of 8")
""",
    good="""\
import math

import torch
from torch import nn

torch.manual_seed(2)
STEPS = 1500
turn = torch.arange(8) * math.pi / 4
places = 2 * torch.stack([turn.cos(), turn.sin()], 1)
generator = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
for step in range(STEPS):
    real = (places[torch.randint(8, (128,))] + 0.08 * torch.randn(128, 2)).requires_grad_()
    score = critic(real)
    slope = torch.autograd.grad(score.sum(), real, create_graph=True)[0]
    fake = generator(torch.randn(128, 8)).detach()
    loss = nn.functional.softplus(-score).mean() + nn.functional.softplus(critic(fake)).mean()
    loss = loss + 0.05 * slope.square().sum(1).mean()
    opt_c.zero_grad()
    loss.backward()
    opt_c.step()

    made = nn.functional.softplus(-critic(generator(torch.randn(128, 8)))).mean()
    opt_g.zero_grad()
    made.backward()
    opt_g.step()
with torch.no_grad():
    nearest, place = torch.cdist(generator(torch.randn(2000, 8)), places).min(1)
print(loss.item(), made.item(), "reached", len(place[nearest < 0.3].unique()), "of 8")
""",
    links=("https://arxiv.org/abs/1701.00160",),
    explains=("TRN001",),
    needs=("modules", "graph"),
    preview=True,
)
