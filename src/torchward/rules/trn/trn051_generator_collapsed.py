"""TRN051: the generator makes much the same of every noise that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._adversarial import LEAST_STEPS, adversaries
from torchward.rules._at import at

COLLAPSED = 0.05
"""Deviation between generated examples, as a share of that between the examples that the discriminator is shown."""
LAST = 5
"""Samples looked at, the last ones."""


def check(run: Run) -> Iterator[Finding]:
    inputs = {given.model: given for given in run.inputs}
    for pair in adversaries(run):
        if len(pair.generator.values) < LEAST_STEPS:
            continue
        shown = max(
            (
                value
                for model in pair.discriminator_models
                if model in inputs
                for value in inputs[model].spread.values[-20:]
            ),
            default=0.0,
        )
        for model in sorted(pair.generator_models):
            given = inputs.get(model)
            if given is None or len(given.output_spread) < 2 * LAST or not given.spread:
                continue
            made, noise = median(given.output_spread.values[-LAST:]), median(given.spread.values[-LAST:])
            if noise <= 0 or shown <= 0 or made >= COLLAPSED * shown:
                continue
            yield Finding(
                "TRN051",
                data={
                    "made": made,
                    "shown": shown,
                    "share": made / shown,
                    "noise": noise,
                    "step": given.output_spread.steps[-1],
                },
                place=at(given.site, given.output_spread),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="TRN051",
    name="generator-collapsed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "at step {step} generated examples differ from each other by {made}, {share:.1%} of the {shown} by which real ones "
        "do, although the noise that they are made of differs by {noise}.",
        "在第 {step} 步，生成的样本之间只相差 {made}，是真实样本之间差异 {shown} 的 {share:.1%}，尽管生成它们的噪声相差 {noise}。",
    ),
    why=Text(
        "The generator has found one example that passes and gives it for every noise (mode collapse). Its loss does not "
        "show that: each example by itself is convincing.",
        "生成器找到了一个能蒙混过关的样本，无论噪声如何都给出它（模式崩溃）。它的损失看不出这一点：单看每个样本都足够逼真。",
    ),
    fix=Text(
        "Let the discriminator see whole batches (minibatch standard deviation), give it more steps or a gradient penalty "
        "(WGAN-GP), lower the generator's learning rate, and check that the noise is drawn anew and not zeroed or averaged "
        "away on its way through the generator.",
        "让判别器看到整个批次（minibatch standard deviation），给它更多步数或梯度惩罚（WGAN-GP），降低生成器的学习率，"
        "并检查噪声是否每次重新采样、在生成器中是否被清零或平均掉。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 32), nn.Linear(32, 2)

    def forward(self, noise):
        return self.second(torch.relu(self.first(0.01 * noise)))


generator = Generator()
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=5e-4)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(400):
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
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 32), nn.Linear(32, 2)

    def forward(self, noise):
        return self.second(torch.relu(self.first(noise)))


generator = Generator()
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=5e-4)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4)
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(400):
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
    links=("https://arxiv.org/abs/1606.03498", "https://arxiv.org/abs/1710.10196"),
    explained_by=("MOD010",),
    needs=("modules", "loss"),
)
