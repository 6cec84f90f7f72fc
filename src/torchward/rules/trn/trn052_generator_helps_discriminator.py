"""TRN052: the generator is trained towards the discriminator's own answer: both losses vanish."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._adversarial import adversaries, ends
from torchward.rules._at import at

VANISHED = 0.1
"""-log p and -log(1 - p) cannot both be below it: one of the two is at least ln 2 = 0.69."""


def check(run: Run) -> Iterator[Finding]:
    for pair in adversaries(run):
        theirs = [ends(stream) for stream in pair.discriminator]
        ours = ends(pair.generator)
        if ours is None or any(one is None for one in theirs):
            continue
        loss = sum(one[1] for one in theirs if one is not None)
        if ours[2] < 0 or any(one[2] < 0 for one in theirs if one is not None):
            continue
        if loss < VANISHED and ours[1] < VANISHED:
            yield Finding(
                "TRN052",
                data={"discriminator": loss, "generator": ours[1], "steps": len(pair.generator.values)},
                place=at(pair.generator.site, pair.generator.values),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="TRN052",
    name="generator-helps-discriminator",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "discriminator and generator both have next to no loss ({discriminator} and {generator}, over the last quarter of "
        "{steps} steps): they are not adversaries.",
        "判别器与生成器的损失都接近零（{discriminator} 与 {generator}，{steps} 步的最后四分之一）：它们并不是对手。",
    ),
    why=Text(
        "What the discriminator loses on generated examples the generator gains. Both can only be content when the generator "
        "is rewarded for being found out: its labels are those of the discriminator's step.",
        "判别器在生成样本上的所失就是生成器的所得。只有当生成器因被识破而得到奖励时，两者才会都满意：它用了判别器那一步的标签。",
    ),
    fix=Text(
        "In the generator's step, label generated examples as real: `loss_g = criterion(discriminator(fake), "
        "torch.ones(...))`; in the discriminator's, as generated: `criterion(discriminator(fake.detach()), "
        "torch.zeros(...))`.",
        "在生成器的步骤中把生成样本标为真：`loss_g = criterion(discriminator(fake), torch.ones(...))`；"
        "在判别器的步骤中标为假：`criterion(discriminator(fake.detach()), torch.zeros(...))`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(600):
    angle = 6.2832 * torch.rand(64)
    real = torch.stack([angle.cos(), angle.sin()], 1)
    fake = generator(torch.randn(64, 8))
    loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = criterion(discriminator(fake), zeros)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
print(loss_d.item(), loss_g.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(600):
    angle = 6.2832 * torch.rand(64)
    real = torch.stack([angle.cos(), angle.sin()], 1)
    fake = generator(torch.randn(64, 8))
    loss_d = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = criterion(discriminator(fake), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
print(loss_d.item(), loss_g.item())
""",
    links=("https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html",),
    needs=("loss",),
)
