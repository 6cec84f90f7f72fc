"""TRN055: a discriminator's targets do not depend on whether an example is real or generated."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Forgeries, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._adversarial import BINARY
from torchward.rules._at import at

LOOKED, STEPS = 5, 3
"""Sampled steps of a discriminator, and those of them in which generated examples were known as such. Where the generator
steps between making and judging them, that takes two sampled steps in a row, as the first five of a run are."""
ROWS = 128
"""Examples of each kind: two means over so many labels that are 0 or 1 by chance differ by 0.06 in one standard
deviation, ..."""
APART = 0.2
"""... so this, a share of the labels' range, is three of them. With a fifth of the labels flipped on purpose the means
still differ by 0.6, and by 0.5 where half of the other rows are older generated ones."""
RANGE = 1.0
"""Of the labels of a binary loss, where only one value was seen."""


def check(run: Run) -> Iterator[Finding]:
    for pair in run.forgeries:
        if pair.looked < LOOKED or pair.steps < STEPS or min(pair.made, pair.others) < ROWS:
            continue
        if not pair.two_values or not _pushed(pair):
            continue
        span = pair.high - pair.low
        if not span and (pair.high not in (0, 1) or not set(pair.loss_kinds) <= set(BINARY)):
            continue
        if abs(pair.made_target - pair.others_target) >= APART * (span or RANGE):
            continue
        yield Finding(
            "TRN055",
            data={
                "model": _name(run, pair.model),
                "maker": _name(run, pair.maker),
                "made": pair.made,
                "others": pair.others,
                "made_target": pair.made_target,
                "others_target": pair.others_target,
                "steps": pair.steps,
            },
            place=at(pair.site),
            confidence=Confidence.CERTAIN,
        )


def _pushed(pair: Forgeries) -> bool:
    """In the step of their maker all examples get one label: they are to pass for real. A model that augments or encodes
    data passes its examples on with labels of their own."""
    return pair.grown is not None and pair.grown[0] == pair.grown[1]


def _name(run: Run, index: int) -> str:
    return next((model.name for model in run.models if model.index == index), "model")


RULE = Rule(
    code="TRN055",
    name="generated-labelled-as-real",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is trained with the same targets on what `{maker}` has just made as on what it has not: {made_target} "
        "and {others_target} on average, over {made} and {others} examples in {steps} sampled steps.",
        "训练 `{model}` 时，`{maker}` 刚生成的样本与其他样本得到相同的目标：平均为 {made_target} 与 {others_target}"
        "（{steps} 个采样步中分别有 {made} 与 {others} 个样本）。",
    ),
    why=Text(
        "A discriminator can only learn to tell real from generated examples by their labels. Where these say nothing about "
        "that, it learns nothing, its loss stays near 0.69 or falls to 0, and the generator is pushed nowhere.",
        "判别器只能靠标签学会区分真实样本与生成样本。如果标签与此无关，判别器什么也学不到，损失停在 0.69 附近或降到 0，生成器也得不到任何方向。",
    ),
    fix=Text(
        "Give real examples the label 1 and generated ones 0 in the discriminator's step: `loss = bce(D(real), ones) + "
        "bce(D(fake.detach()), zeros)`. If the batch is shuffled, take the labels along: `D(mixed[order])` with "
        "`targets[order]`.",
        "在判别器那一步给真实样本标签 1、生成样本标签 0：`loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)`。"
        "如果打乱了批次，标签要一起打乱：`D(mixed[order])` 对应 `targets[order]`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
BATCH = 64
generator = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 6))
discriminator = nn.Sequential(nn.Linear(6, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
mix = 0.6 * torch.randn(6, 6)
targets = torch.cat([torch.ones(BATCH, 1), torch.zeros(BATCH, 1)])
for step in range(500):
    real = 1 + torch.randn(BATCH, 6) @ mix
    fake = generator(torch.randn(BATCH, 4)).detach()
    order = torch.randperm(2 * BATCH)
    loss = bce(discriminator(torch.cat([real, fake])[order]), targets)
    opt_d.zero_grad()
    loss.backward()
    opt_d.step()

    made = bce(discriminator(generator(torch.randn(BATCH, 4))), torch.ones(BATCH, 1))
    opt_g.zero_grad()
    made.backward()
    opt_g.step()
print(loss.item(), made.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
BATCH = 64
generator = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 6))
discriminator = nn.Sequential(nn.Linear(6, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
mix = 0.6 * torch.randn(6, 6)
targets = torch.cat([torch.ones(BATCH, 1), torch.zeros(BATCH, 1)])
for step in range(500):
    real = 1 + torch.randn(BATCH, 6) @ mix
    fake = generator(torch.randn(BATCH, 4)).detach()
    order = torch.randperm(2 * BATCH)
    loss = bce(discriminator(torch.cat([real, fake])[order]), targets[order])
    opt_d.zero_grad()
    loss.backward()
    opt_d.step()

    made = bce(discriminator(generator(torch.randn(BATCH, 4))), torch.ones(BATCH, 1))
    opt_g.zero_grad()
    made.backward()
    opt_g.step()
print(loss.item(), made.item())
""",
    links=("https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html",),
    needs=("modules", "loss"),
    explains=("TRN001", "TRN050", "TRN051", "TRN052", "TRN053", "TRN054"),
)
