"""LOS057: where samples are drawn, a denoiser meets other noise than it was trained on at the same time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Run, Sweep
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TRAINED = 0.1
"""Share of the run's steps before which samples are not judged."""
MISSED = 0.03
"""Mean correlation, over the times, of what the model is given in training with what it misses. A model that has not yet
learned even how its input is scaled lets samples grow or shrink from call to call, with a right sampler too. Measured:
0.000 to 0.016 in sound programs that were trained to the end, 0.14 in one whose samples grew twelvefold."""
OFF = 0.12
"""By how much the logarithm of the ratio of two root mean squares, or their difference as a share of that of what the model
is to make, may miss 0, beside what chance explains (two standard deviations). In sound programs (DDPM for noise, data and
velocity, DDIM of 25 steps, flow matching) that was at most one of ten parts, mostly the cleanest one, by up to 0.34."""
PARTS, SHARE = 4, 0.5
"""Tenths of the training times in which it does, all in one direction: at least so many, and so many of those seen."""
GROSS, GROSS_PARTS = 0.4, 3
"""... or fewer, by as much on average."""


def check(run: Run) -> Iterator[Finding]:
    for sweep in run.sweeps:
        early = sweep.step < TRAINED * run.steps
        if early or sweep.guided or abs(fmean(part.missed for part in sweep.parts)) > MISSED:
            continue
        given, made = _inputs(sweep), _outputs(sweep)
        off = max(_off(given), _off(made), key=len)
        if not off:
            continue
        parts = [sweep.parts[place] for place in off]
        yield Finding(
            "LOS057",
            data={
                "model": next((model.name for model in run.models if model.index == sweep.model), "model"),
                "off": len(off),
                "seen": len(sweep.parts),
                "first": parts[0].time,
                "last": parts[-1].time,
                "given": _mean(part.sampled / part.trained for part in parts),
                "made": _mean(part.sampled_made / part.trained_made for part in parts),
            },
            place=at(sweep.site),
            confidence=Confidence.POSSIBLE,
        )


def _inputs(sweep: Sweep) -> list[tuple[float, float]]:
    """(how far off, how far by chance) for each part."""
    return [(math.log(part.sampled / part.trained), part.chance) for part in sweep.parts]


def _outputs(sweep: Sweep) -> list[tuple[float, float]]:
    """The same of what the model made; where that is to be small, it is mostly its own error."""
    aim = max(sweep.aim, 1e-6)
    return [
        ((part.sampled_made - part.trained_made) / aim, part.made_chance * part.trained_made / aim)
        for part in sweep.parts
    ]


def _off(parts: list[tuple[float, float]]) -> list[int]:
    """The parts that are off in one direction, if these are enough."""
    for sign in (1, -1):
        off = [place for place, (by, chance) in enumerate(parts) if sign * by > OFF + 2 * chance]
        gross = len(off) >= GROSS_PARTS and fmean(abs(parts[place][0]) for place in off) > GROSS
        if gross or len(off) >= max(PARTS, SHARE * len(parts)):
            return off
    return []


def _mean(ratios: Iterator[float]) -> float:
    return math.exp(fmean(math.log(ratio) for ratio in ratios))


RULE = Rule(
    code="LOS057",
    name="sampled-at-other-noise",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "where samples are drawn, `{model}` meets other noise than in training: at {off} of {seen} parts of its times (about "
        "{first} to {last}) its inputs are {given} times, and its outputs {made} times, as large as at the same times in "
        "training.",
        "采样时 `{model}` 遇到的噪声与训练时不同：在所见的 {seen} 个时间段中有 {off} 段（约 {first} 至 {last}），其输入的大小是训练中"
        "相同时间的 {given} 倍，输出是 {made} 倍。",
    ),
    why=Text(
        "A sampler goes back the way by which noise was mixed in, and at each time its samples must be as large as the noised "
        "data of that time. Where they are not, the schedule of the training, the update of the sampler, or the time that "
        "the model is told is wrong; the loss does not show it, and the samples are off, even if training goes on.",
        "采样器沿着加噪的路径逆行，在每个时间，样本的大小都应与该时间的加噪数据一致。若不一致，说明训练的噪声调度、采样器的更新公式"
        "或传给模型的时间有误；损失看不出这一点，继续训练也无法让样本变对。",
    ),
    fix=Text(
        "Compute both from one table: `x_t = ab[t].sqrt() * x0 + (1 - ab[t]).sqrt() * noise` in training, `x = (x - beta[t] / "
        "(1 - ab[t]).sqrt() * eps) / alpha[t].sqrt()` and `beta[t].sqrt() * torch.randn_like(x)` in the sampler, with "
        "`ab = torch.cumprod(alpha, 0)`; then print `x.std()` at a few times in both. Where `x0` "
        "is clamped, compute the noise from it anew.",
        "两处使用同一张表：训练中 `x_t = ab[t].sqrt() * x0 + (1 - ab[t]).sqrt() * noise`，采样器中 `x = (x - beta[t] / "
        "(1 - ab[t]).sqrt() * eps) / alpha[t].sqrt()` 并加上 `beta[t].sqrt() * torch.randn_like(x)`，其中 "
        "`ab = torch.cumprod(alpha, 0)`；然后在几个时间打印两处的 `x.std()` 对比。如果对 `x0` 做了截断（clamp），要据此重新计算噪声。",
    ),
    bad="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
STEPS, LENGTH = 50, 16
phase = 2 * math.pi * torch.rand(5000, 1)
curves = math.sqrt(2) * torch.sin(2 * math.pi * torch.linspace(0, 1, LENGTH) + phase)
betas = torch.linspace(0.1 / STEPS, 20 / STEPS, STEPS)
kept = torch.cumprod(1 - betas, dim=0)
scale = 1 - kept.sqrt()


class Denoiser(nn.Module):
    def __init__(self, width=160):
        super().__init__()
        self.time = nn.Embedding(STEPS, width)
        self.curve = nn.Linear(LENGTH, width)
        self.out = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, LENGTH)
        )

    def forward(self, noisy, t):
        return self.out(self.curve(noisy) + self.time(t))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
for epoch in range(25):
    for clean in curves[torch.randperm(len(curves))].split(128):
        t = torch.randint(0, STEPS, (len(clean),))
        noise = torch.randn_like(clean)
        noisy = kept[t, None].sqrt() * clean + scale[t, None] * noise
        loss = nn.functional.mse_loss(model(noisy, t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    print(epoch, loss.item())

x = torch.randn(500, LENGTH)
with torch.no_grad():
    for step in reversed(range(STEPS)):
        noise = model(x, torch.full((500,), step))
        x = (x - betas[step] / (1 - kept[step]).sqrt() * noise) / (1 - betas[step]).sqrt()
        if step:
            x = x + betas[step].sqrt() * torch.randn_like(x)
print(x.std().item(), curves.std().item())
""",
    good="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
STEPS, LENGTH = 50, 16
phase = 2 * math.pi * torch.rand(5000, 1)
curves = math.sqrt(2) * torch.sin(2 * math.pi * torch.linspace(0, 1, LENGTH) + phase)
betas = torch.linspace(0.1 / STEPS, 20 / STEPS, STEPS)
kept = torch.cumprod(1 - betas, dim=0)
scale = (1 - kept).sqrt()


class Denoiser(nn.Module):
    def __init__(self, width=160):
        super().__init__()
        self.time = nn.Embedding(STEPS, width)
        self.curve = nn.Linear(LENGTH, width)
        self.out = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, LENGTH)
        )

    def forward(self, noisy, t):
        return self.out(self.curve(noisy) + self.time(t))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
for epoch in range(25):
    for clean in curves[torch.randperm(len(curves))].split(128):
        t = torch.randint(0, STEPS, (len(clean),))
        noise = torch.randn_like(clean)
        noisy = kept[t, None].sqrt() * clean + scale[t, None] * noise
        loss = nn.functional.mse_loss(model(noisy, t), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    print(epoch, loss.item())

x = torch.randn(500, LENGTH)
with torch.no_grad():
    for step in reversed(range(STEPS)):
        noise = model(x, torch.full((500,), step))
        x = (x - betas[step] / (1 - kept[step]).sqrt() * noise) / (1 - betas[step]).sqrt()
        if step:
            x = x + betas[step].sqrt() * torch.randn_like(x)
print(x.std().item(), curves.std().item())
""",
    explained_by=("LOS045", "LOS048", "LOS049", "MOD050", "MOD051"),
    links=("https://arxiv.org/abs/2006.11239",),
    needs=("modules",),
)
