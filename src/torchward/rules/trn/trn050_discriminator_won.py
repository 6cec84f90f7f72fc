"""TRN050: the discriminator tells real from generated without fail, and the generator is taught nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._adversarial import adversaries, ends
from torchward.rules._at import at

WON = 0.05
"""Loss of the discriminator on real and generated examples together: 1.39 when it knows nothing (2 ln 2), 0.1 to 1 in a
working GAN (the DCGAN tutorial of PyTorch: about 0.3 to 1)."""
LOST = 5.0
"""Loss of the generator: 0.69 (ln 2) when the discriminator knows nothing, 1 to 4 in a working GAN."""

OFTEN = 10
"""Steps of the discriminator for one of the generator. Arjovsky et al. 2017 take 5 for a critic, which estimates a distance
and has no probabilities to be sure of; Goodfellow et al. 2014 take 1."""
AHEAD = 0.7
"""Then its loss is to be below half of a guess."""
LEAST_GENERATED = 20


def check_pace(run: Run) -> Iterator[Finding]:
    """The generator is hardly trained beside it."""
    for pair in adversaries(run):
        steps = len(pair.generator.values)
        theirs = [ends(stream) for stream in pair.discriminator]
        ours = ends(pair.generator, LEAST_GENERATED)
        if ours is None or ours[2] < 0 or len(pair.discriminator[0].values) < OFTEN * steps:
            continue
        known = [one for one in theirs if one is not None and one[2] >= 0]
        loss = sum(one[1] for one in known)
        if len(known) < len(theirs) or not WON <= loss < AHEAD or ours[1] < ours[0]:
            continue
        yield Finding(
            "TRN050",
            data={"discriminator": loss, "first": ours[0], "generator": ours[1], "steps": steps},
            place=at(pair.generator.site, pair.generator.values),
            confidence=Confidence.LIKELY,
        )


def check(run: Run) -> Iterator[Finding]:
    for pair in adversaries(run):
        theirs = [ends(stream) for stream in pair.discriminator]
        ours = ends(pair.generator)
        if ours is None or any(one is None for one in theirs):
            continue
        loss = sum(one[1] for one in theirs if one is not None)
        # Both are sums of -log: anything negative is another kind of objective.
        if ours[2] < 0 or any(one[2] < 0 for one in theirs if one is not None):
            continue
        if loss >= WON or ours[1] <= LOST or ours[1] < ours[0]:
            continue
        yield Finding(
            "TRN050",
            data={"discriminator": loss, "first": ours[0], "generator": ours[1], "steps": len(pair.generator.values)},
            place=at(pair.generator.site, pair.generator.values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="TRN050",
    name="discriminator-won",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_pace),
    message=Text(
        "over the last quarter of {steps} generator steps the discriminator's loss is {discriminator} (1.39 is a guess), and the "
        "generator's has gone from {first} to {generator}.",
        "在生成器 {steps} 步的最后四分之一中，判别器的损失为 {discriminator}（瞎猜为 1.39），生成器的损失从 {first} 变为 {generator}。",
    ),
    why=Text(
        "A discriminator that is always sure answers small changes of a generated example with the same certainty: its "
        "gradient points nowhere, and the generator stops to improve.",
        "总是十分确定的判别器，对生成样本的微小变化给出同样确定的回答：它的梯度没有方向，生成器不再进步。",
    ),
    fix=Text(
        "Slow the discriminator down: a lower learning rate than the generator's, fewer of its steps per generator step, "
        "targets of 0.9 for real examples, noise on its inputs, or a loss that does not saturate (WGAN-GP).",
        "放慢判别器：学习率低于生成器、每个生成器步对应更少的判别器步、真实样本的目标取 0.9、给其输入加噪声，或改用不会饱和的损失（WGAN-GP）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16))
discriminator = nn.Sequential(nn.Linear(16, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-5)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
mixing = torch.randn(4, 16)
for step in range(500):
    real = torch.tanh(torch.randn(64, 4) @ mixing) + 1.0
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
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16))
discriminator = nn.Sequential(nn.Linear(16, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
mixing = torch.randn(4, 16)
for step in range(500):
    real = torch.tanh(torch.randn(64, 4) @ mixing) + 1.0
    fake = generator(torch.randn(64, 8))
    loss_d = criterion(discriminator(real), 0.9 * ones) + criterion(discriminator(fake.detach()), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = criterion(discriminator(fake), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
print(loss_d.item(), loss_g.item())
""",
    links=(
        "https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html",
        "https://arxiv.org/abs/1701.04862",
    ),
    explains=("TRN051", "TRN054", "NUM003"),
    needs=("loss",),
)
