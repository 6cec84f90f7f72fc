"""LOS049: a diffusion model is to predict the noise as it was mixed in, small at early time steps, and not unit noise."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Noised, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES = 15
"""Sampled batches with examples at either end of the schedule; see LOS048."""
SMALL = 0.3
"""Mean square of what the model is to give back at the clean end. Unit noise has 1 at both, and so have the velocity and
the data, whatever that is for these; the score is larger at the clean end than at the noisy one."""
LARGE = (0.6, 1.15)
"""... and at the noisy end, where it is nearly unit noise."""
AS_IT_IS = 0.1
"""By how much the factor with which it stands in the input there may miss 1."""
PRESERVES = 0.08
"""By how much the squares of both shares may miss 1 where noise is mixed in as the data are taken away. Where data are
left as they are, the noise that was added is what denoisers of images are to find."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.noised:
        noisy = 0 if found.targets[0] > found.targets[1] else 1
        if min(found.batches) < BATCHES or not _as_mixed_in(found, noisy):
            continue
        yield Finding(
            "LOS049",
            data={
                "early": found.times[1 - noisy],
                "late": found.times[noisy],
                "small": found.targets[1 - noisy] ** 0.5,
                "large": found.targets[noisy] ** 0.5,
                "batches": min(found.batches),
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )


def _as_mixed_in(found: Noised, noisy: int) -> bool:
    """The input is what the model is to give back and a part of the data, whose squares make up for each other."""
    small, large = found.targets[1 - noisy], found.targets[noisy]
    if not (small < SMALL and LARGE[0] < large < LARGE[1]) or found.rest[1 - noisy] <= 0:
        return False
    signal = found.rest[noisy] / found.rest[1 - noisy] * (1 - small)
    return abs(found.share[noisy] - 1) < AS_IT_IS and abs(signal + large - 1) < PRESERVES


RULE = Rule(
    code="LOS049",
    name="noise-target-shrinks",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "what the model is to give back is the noise as it was mixed into its input, and so depends on the time step: its "
        "deviation is {large} at time steps of about {late} and {small} at about {early} ({batches} batches).",
        "模型要预测的是按混入输入时的幅度缩放过的噪声，因此随时间步变化：在时间步约 {late} 时标准差为 {large}，"
        "约 {early} 时为 {small}（{batches} 个批次）。",
    ),
    why=Text(
        "The samplers of DDPM and DDIM multiply what the model says by the amount of noise themselves, and expect noise of "
        "deviation 1 at each time step. Multiplied twice, too little noise is taken away at the end, and samples stay blurred; "
        "the loss is low for the wrong reason, for at small time steps there is nearly nothing to predict. It is sound with "
        "a sampler that subtracts what the model says as it stands.",
        "DDPM 和 DDIM 的采样器会自行乘以噪声幅度，要求模型在每个时间步输出标准差为 1 的噪声。乘了两次之后，最后阶段去除的噪声太少，"
        "样本一直模糊；损失低也只是因为小时间步几乎没有东西可预测。如果采样器直接减去模型输出，则没有问题。",
    ),
    fix=Text(
        "Keep the drawn noise as the target, and multiply only where it is mixed in: `noise = torch.randn_like(x0)`, "
        "`x_t = a.sqrt() * x0 + (1 - a).sqrt() * noise`, `loss = mse_loss(model(x_t, t), noise)`.",
        "以抽取的原始噪声为目标，只在混入时缩放：`noise = torch.randn_like(x0)`，"
        "`x_t = a.sqrt() * x0 + (1 - a).sqrt() * noise`，`loss = mse_loss(model(x_t, t), noise)`。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
STEPS = 100
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
betas = torch.linspace(0.1 / STEPS, 20 / STEPS, STEPS)
kept = torch.cumprod(1 - betas, dim=0)


class Denoiser(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.time = nn.Embedding(STEPS, width)
        self.image = nn.Linear(64, width)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 64))

    def forward(self, noisy, t):
        return self.out(self.image(noisy) + self.time(t))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for clean in images[torch.randperm(len(images))].split(64):
        t = torch.randint(0, STEPS, (len(clean),))
        share = kept[t].unsqueeze(1)
        noise = (1 - share).sqrt() * torch.randn_like(clean)
        noisy = share.sqrt() * clean + noise
        loss = nn.functional.mse_loss(model(noisy, t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
STEPS = 100
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
betas = torch.linspace(0.1 / STEPS, 20 / STEPS, STEPS)
kept = torch.cumprod(1 - betas, dim=0)


class Denoiser(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.time = nn.Embedding(STEPS, width)
        self.image = nn.Linear(64, width)
        self.out = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 64))

    def forward(self, noisy, t):
        return self.out(self.image(noisy) + self.time(t))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for clean in images[torch.randperm(len(images))].split(64):
        t = torch.randint(0, STEPS, (len(clean),))
        noise = torch.randn_like(clean)
        share = kept[t].unsqueeze(1)
        noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
        loss = nn.functional.mse_loss(model(noisy, t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://arxiv.org/abs/2006.11239",),
    needs=("modules", "graph"),
    preview=True,
)
