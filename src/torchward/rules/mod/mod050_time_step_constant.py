"""MOD050: a denoiser is told the same time step for every example."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from torchward.facts import Input, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10
NOISE = (0.9, 1.1)
"""Deviation of targets that are drawn from a normal distribution."""


def check(run: Run) -> Iterator[Finding]:
    for given in run.inputs:
        low, high = given.beside_minimum.values, given.beside_maximum.values
        if len(low) < LEAST_SAMPLES or not _denoises(run, given):
            continue
        if min(low) == max(high) and low[0] not in given.shape:  # the same length for all
            yield Finding(
                "MOD050",
                data={"value": low[0], "samples": len(low), "batch": given.shape[0] if given.shape else 0},
                place=at(given.site, given.beside_minimum),
                confidence=Confidence.LIKELY,
            )


def _denoises(run: Run, given: Input) -> bool:
    """The model gives back the shape of its input, and is to give back normally distributed values."""
    if given.output_shape != given.shape:
        return False
    if len(given.target_std) >= LEAST_SAMPLES and NOISE[0] < fmean(given.target_std.values) < NOISE[1]:
        return True
    return any(
        loss.training
        and loss.kind in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        and loss.target_std is not None
        and NOISE[0] < loss.target_std < NOISE[1]
        and loss.prediction_shape == loss.target_shape == given.output_shape == given.shape
        for loss in run.losses
    )


RULE = Rule(
    code="MOD050",
    name="time-step-constant",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the model that is to predict noise was given {value} as the second input of all {batch} examples, in all {samples} "
        "batches looked at: for it every example is at the same time step.",
        "用于预测噪声的模型，在查看的全部 {samples} 个批次中，{batch} 个样本的第二个输入都是 {value}：对它来说每个样本都在同一时间步。",
    ),
    why=Text(
        "How much of an input is noise depends on its time step. A denoiser that is not told can only predict the average "
        "over all of them, and sampling, which walks through the steps, gives blurred or noisy results.",
        "输入中有多少是噪声取决于时间步。得不到时间步的去噪模型只能预测所有时间步的平均，而沿时间步逐步采样的结果会模糊或充满噪声。",
    ),
    fix=Text(
        "Draw one step per example and give the model the same one that the noise was mixed with: `t = torch.randint(0, "
        "steps, (len(x),))`, `model(noisy, t)`.",
        "为每个样本抽取一个时间步，并把混合噪声时所用的同一个时间步传给模型：`t = torch.randint(0, steps, (len(x),))`，`model(noisy, t)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
STEPS = 100
kept = torch.cumprod(1 - torch.linspace(1e-3, 0.1, STEPS), dim=0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Embedding(STEPS, 32)
        self.first, self.second = nn.Linear(2, 32), nn.Linear(32, 2)

    def forward(self, x, t):
        return self.second(torch.relu(self.first(x) + self.time(t)))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    angle = 6.2832 * torch.rand(128)
    clean = torch.stack([angle.cos(), angle.sin()], 1)
    t = torch.randint(0, STEPS, (128,))
    noise = torch.randn_like(clean)
    share = kept[t].unsqueeze(1)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    loss = nn.functional.mse_loss(model(noisy, torch.zeros_like(t)), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
STEPS = 100
kept = torch.cumprod(1 - torch.linspace(1e-3, 0.1, STEPS), dim=0)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Embedding(STEPS, 32)
        self.first, self.second = nn.Linear(2, 32), nn.Linear(32, 2)

    def forward(self, x, t):
        return self.second(torch.relu(self.first(x) + self.time(t)))


model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    angle = 6.2832 * torch.rand(128)
    clean = torch.stack([angle.cos(), angle.sin()], 1)
    t = torch.randint(0, STEPS, (128,))
    noise = torch.randn_like(clean)
    share = kept[t].unsqueeze(1)
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    loss = nn.functional.mse_loss(model(noisy, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://arxiv.org/abs/2006.11239",),
    needs=("modules", "loss"),
)
