"""LOS058: a denoiser is trained on the noise of one step, where its sampler goes back over all steps up to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Run, Sweep, Swept
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

ALIKE = 0.05
"""Mean difference, over the parts of the times, between the part of the data that is left in training and what a single call
of the sampler leaves. Measured in a program with the fault: 0.03; in its sound twin, in the same parts: 0.4."""
MISSED = 0.5
"""What all observed calls together leave, as a share of what training leaves at the noisiest of their times. A sampler that
goes back the same way leaves that much or more: at the noisiest time, all steps lie before. With the fault: 0.0006."""
NOISE = (0.85, 1.15)
"""Root mean square of what the model is to give back, where that is noise from a standard normal distribution."""


def check(run: Run) -> Iterator[Finding]:
    for sweep in run.sweeps:
        parts = of_one_step(sweep)
        if not parts:
            continue
        noisy = min(parts, key=lambda part: part.kept)
        yield Finding(
            "LOS058",
            data={
                "model": next((model.name for model in run.models if model.index == sweep.model), "model"),
                "time": noisy.time,
                "kept": noisy.kept,
                "own": noisy.own,
                "passed": math.prod(part.passed for part in parts),
                "first": min(part.time for part in parts),
                "last": max(part.time for part in parts),
            },
            place=at(sweep.site),
            confidence=Confidence.LIKELY,
        )
        return


def of_one_step(sweep: Sweep) -> list[Swept]:
    """The parts of the times in which training leaves as much of the data as one call of the sampler does."""
    parts = [part for part in sweep.parts if math.isfinite(part.own) and 0 < part.own < 1]
    if not parts or sweep.guided or not NOISE[0] < sweep.aim < NOISE[1]:
        return []
    alike = fmean(abs(part.kept - part.own) for part in parts) < ALIKE
    missed = math.prod(part.passed for part in parts) < MISSED * min(part.kept for part in parts)
    return parts if alike and missed else []


RULE = Rule(
    code="LOS058",
    name="noise-of-one-step",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is trained on the noise of single steps: at about time {time} its inputs keep {kept:.1%} of the data (as "
        "squares), as much as one call of the sampler leaves there ({own:.1%}); all calls from {last} to {first} together "
        "leave {passed:.1%}.",
        "`{model}` 训练时只加入了单步的噪声：在时间约 {time} 处，其输入保留了 {kept:.1%} 的数据（按平方计），与采样器在该处单次调用"
        "所保留的（{own:.1%}）相同；而从 {last} 到 {first} 的全部调用合起来只保留 {passed:.1%}。",
    ),
    why=Text(
        "A sampler takes the noise out step by step, so at time t its samples hold the noise of all steps up to t. Trained "
        "with `alpha[t]` or `beta[t]` instead of their product over the steps, the model has never seen so noisy an input at "
        "that time; its loss falls all the same, and the samples are wrong.",
        "采样器逐步去除噪声，因此在时间 t 样本含有直到 t 的所有步的噪声。若训练时用的是 `alpha[t]` 或 `beta[t]`，而不是各步的累积"
        "乘积，模型在该时间就从未见过这么嘈杂的输入；损失照样下降，生成的样本却是错的。",
    ),
    fix=Text(
        "Mix the noise in with the product over the steps: `ab = torch.cumprod(1 - beta, dim=0)`, then `x_t = ab[t].sqrt() * x0 "
        "+ (1 - ab[t]).sqrt() * noise`.",
        "用各步的累积乘积加噪：`ab = torch.cumprod(1 - beta, dim=0)`，然后 `x_t = ab[t].sqrt() * x0 + (1 - ab[t]).sqrt() * noise`。",
    ),
    bad="""\
import math

import torch
from torch import nn

torch.manual_seed(0)
STEPS, LENGTH = 50, 16
phase = 2 * math.pi * torch.rand(5000, 1)
curves = math.sqrt(2) * torch.sin(2 * math.pi * torch.linspace(0, 1, LENGTH) + phase)
ways = torch.cos(torch.linspace(0, 1, STEPS + 1) * math.pi / 2) ** 2
betas = (1 - ways[1:] / ways[:-1]).clamp(max=0.999)
kept = torch.cumprod(1 - betas, dim=0)


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
for epoch in range(15):
    for clean in curves[torch.randperm(len(curves))].split(128):
        t = torch.randint(0, STEPS, (len(clean),))
        noise = torch.randn_like(clean)
        left = 1 - betas[t, None]
        noisy = left.sqrt() * clean + (1 - left).sqrt() * noise
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
ways = torch.cos(torch.linspace(0, 1, STEPS + 1) * math.pi / 2) ** 2
betas = (1 - ways[1:] / ways[:-1]).clamp(max=0.999)
kept = torch.cumprod(1 - betas, dim=0)


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
for epoch in range(15):
    for clean in curves[torch.randperm(len(curves))].split(128):
        t = torch.randint(0, STEPS, (len(clean),))
        noise = torch.randn_like(clean)
        left = kept[t, None]
        noisy = left.sqrt() * clean + (1 - left).sqrt() * noise
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
    explains=("LOS048", "LOS057"),
    links=("https://arxiv.org/abs/2006.11239",),
    needs=("modules", "graph"),
    preview=True,
)
