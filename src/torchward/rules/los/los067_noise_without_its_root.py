"""LOS067: a diffusion model's inputs are mixed with a variance where its root belongs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

NOISE = (0.85, 1.15)
"""Mean square of what the model is to give back: noise of unit variance."""
CLEAN = 0.25
"""Share of noise at the clean end, at most."""
VALUES = 1_000
"""In the middle of the schedule around one time, at least: b is then known to within 0.03."""
BETWEEN = (0.2, 0.85)
"""Share of noise that tells one way of mixing from another."""
FITS, MISSES = 0.06, 0.1
"""By how much sums that are to be 1 may differ from it, and by how much those of sound ways must."""
TIMES = 2
CONTINUOUS = 1.5
"""Time up to which it is no number of a step."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.noised:
        noisy = 0 if found.share[0] > found.share[1] else 1
        clean = 1 - noisy
        if not NOISE[0] < found.target < NOISE[1] or not abs(found.share[clean]) < CLEAN or found.rest[clean] <= 0:
            continue
        told = [
            (share, max(0.0, rest) / found.rest[clean]) for _, values, share, rest in found.middle if values >= VALUES
        ]
        told = [(share, signal) for share, signal in told if BETWEEN[0] < share < BETWEEN[1]]
        if len(told) < TIMES:
            continue
        for part, sums in (("noise", [signal + share for share, signal in told]), ("data", _rooted(told))):
            if all(abs(one - 1) <= FITS for one in sums) and all(_unsound(*one) for one in told):
                share, signal = told[len(told) // 2]
                yield Finding(
                    "LOS067",
                    data={
                        "part": part,
                        "noise": share,
                        "data": math.sqrt(signal),
                        "squares": share**2 + signal,
                        "times": len(told),
                    },
                    place=at(found.site),
                    confidence=Confidence.LIKELY,
                    # In continuous time a deviation of 1 - alpha_bar is a way of its own ("sub-VP", Song et al. 2021).
                    severity=Severity.HINT if part == "noise" and max(found.times) <= CONTINUOUS else None,
                )
                return


def _rooted(told: list[tuple[float, float]]) -> list[float]:
    return [math.sqrt(signal) + share**2 for share, signal in told]


def _unsound(share: float, signal: float) -> bool:
    """Neither of unit variance (Ho et al. 2020), nor straight from data to noise (Lipman et al. 2023)."""
    return abs(signal + share**2 - 1) >= MISSES and abs(math.sqrt(signal) + share - 1) >= MISSES


RULE = Rule(
    code="LOS067",
    name="noise-without-its-root",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In the middle of the schedule the model's input is {data:.2f} times the data and {noise:.2f} times the noise: the squares of "
        "both add up to {squares:.2f}, not to 1 (at {times} times looked at). The factor of the {part} is what its square should be.",
        "在噪声调度的中段，模型输入是 {data:.2f} 倍数据加 {noise:.2f} 倍噪声：两者的平方和是 {squares:.2f}，而不是 1"
        "（查看的 {times} 个时刻都是如此）。{part} 的系数取成了它平方应有的值。",
    ),
    why=Text(
        "`x_t = sqrt(alpha_bar) * x_0 + sqrt(1 - alpha_bar) * noise`: both roots belong to it. Without one, the model is trained on "
        "other amounts of noise than its sampler, which uses the usual formulas, meets on its way back.",
        "`x_t = sqrt(alpha_bar) * x_0 + sqrt(1 - alpha_bar) * noise`：两个根号都不能少。少了一个，模型训练时的噪声量就与采样器"
        "（它使用通常的公式）在逆向过程中遇到的不同。",
    ),
    fix=Text(
        "`alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * noise`.",
        "改为 `alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * noise`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
data = torch.randn(2000, 16).cumsum(1)
data = (data - data.mean(0)) / data.std(0)
alpha_bar = torch.cumprod(1 - torch.linspace(1e-3, 0.08, 100), 0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(17, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 16))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t[:, None] / 100], 1))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(700):
    x = data[torch.randint(0, 2000, (256,))]
    t = torch.randint(0, 100, (256,))
    noise = torch.randn_like(x)
    kept = alpha_bar[t][:, None]
    noisy = kept.sqrt() * x + (1 - kept) * noise
    loss = nn.functional.mse_loss(model(noisy, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
data = torch.randn(2000, 16).cumsum(1)
data = (data - data.mean(0)) / data.std(0)
alpha_bar = torch.cumprod(1 - torch.linspace(1e-3, 0.08, 100), 0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(17, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 16))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t[:, None] / 100], 1))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(700):
    x = data[torch.randint(0, 2000, (256,))]
    t = torch.randint(0, 100, (256,))
    noise = torch.randn_like(x)
    kept = alpha_bar[t][:, None]
    noisy = kept.sqrt() * x + (1 - kept).sqrt() * noise
    loss = nn.functional.mse_loss(model(noisy, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://arxiv.org/abs/2006.11239",),
    explains=("LOS057",),
    needs=("loss",),
    preview=True,
)
