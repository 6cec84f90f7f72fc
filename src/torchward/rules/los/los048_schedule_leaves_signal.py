"""LOS048: the noise schedule of a diffusion model ends while there is still much of the data in its inputs."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCHES = 15
"""Sampled batches with examples at either end of the schedule."""
NOISE = (0.85, 1.15)
"""Mean square of what the model is to give back, where that is noise from a standard normal distribution."""
CLEAN = 0.35
"""Share of noise at the clean end; DDPM (Ho et al. 2020) has 0.01 to 0.17 in its first twentieth."""
SIGNAL = 0.05
"""Mean square of the data that is left at the noisy end, of what it was. DDPM leaves 0.0001, the schedule of Stable
Diffusion 0.008, which is seen in its images already (Lin et al. 2024)."""
KEEPS = 0.97
"""... above which nothing is taken away: noise is then added to the data as they are, as by denoisers of images. Measured
over tens of batches, it is 1 then to within 0.02."""
PRESERVES = 0.08
"""By how much the squares of both shares may miss 1 where one is mixed in as the other is taken away."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.noised:
        noisy = 0 if found.share[0] > found.share[1] else 1
        clean = 1 - noisy
        if min(found.batches) < BATCHES or not NOISE[0] < found.target < NOISE[1]:
            continue
        if not abs(found.share[clean]) < CLEAN or found.rest[clean] <= 0:
            continue
        share = found.share[noisy]
        signal = found.rest[noisy] / found.rest[clean] * (1 - found.share[clean] ** 2)
        if not SIGNAL < signal < KEEPS or abs(signal + share**2 - 1) > PRESERVES:
            continue
        yield Finding(
            "LOS048",
            data={
                "time": found.times[noisy],
                "signal": signal,
                "amplitude": signal**0.5,
                "noise": share**2,
                "batches": found.batches[noisy],
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS048",
    name="schedule-leaves-signal",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "at the noisiest time steps (about {time}) the model's input is {noise:.0%} noise and still {signal:.0%} data (measured "
        "in {batches} batches as squares; the data are multiplied by {amplitude}).",
        "在噪声最大的时间步（约 {time}），模型输入中噪声占 {noise:.0%}，数据仍占 {signal:.0%}"
        "（在 {batches} 个批次中按平方测得；数据的系数为 {amplitude}）。",
    ),
    why=Text(
        "Sampling begins with pure noise, which the model has then never seen: it takes the noise for an image that is there "
        "already, and large shapes and brightness come out wrong. The betas of DDPM, 0.0001 to 0.02, are made for 1,000 "
        "steps; with a few hundred they end too soon.",
        "采样从纯噪声开始，而模型从未见过纯噪声：它会把噪声当作已有的图像，生成结果的大致形状和亮度都会出错。"
        "DDPM 的 beta（0.0001 到 0.02）是为 1,000 步设计的；只用几百步时会过早结束。",
    ),
    fix=Text(
        "Print `alphas_cumprod[-1]`: it should be below 0.001. With `T` steps, take betas `torch.linspace(0.1 / T, 20 / T, T)`, "
        "or a cosine schedule, which is made for any number of steps.",
        "打印 `alphas_cumprod[-1]`：应低于 0.001。若为 `T` 步，可取 beta 为 `torch.linspace(0.1 / T, 20 / T, T)`，"
        "或使用适用于任意步数的余弦调度。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
STEPS = 100
images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
betas = torch.linspace(1e-4, 0.02, STEPS)
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
    links=("https://arxiv.org/abs/2305.08891", "https://arxiv.org/abs/2006.11239"),
    needs=("modules", "graph"),
    preview=True,
)
