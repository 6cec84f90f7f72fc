"""LOS041: the divergence from the prior outweighs the reconstruction, and the code says nothing any more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 100
RECENT = 5
"""Last sampled steps that are looked at; in the first ones, a divergence may be small because it begins so."""
NOTHING = 0.1
"""Nats per example below which a code tells next to nothing: to tell two halves of the data apart takes 0.7."""
OUTWEIGHS = 20.0
"""One value of the code against one of the reconstruction. In the evidence bound both count alike (Kingma & Welling
2014, equation 10); the largest weight with which Higgins et al. (beta-VAE, 2017) still learned was 16 of that unit."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.divergences:
        recent = slice(-RECENT, None)
        nats, judged = found.nats.values[recent], [v for v in found.judged.values[recent] if math.isfinite(v)]
        factors = found.factor.values[recent]
        if len(nats) < RECENT or len(judged) < RECENT or found.nats.steps[-1] < STEPS or min(factors) <= 0:
            continue
        # The bound counts half of exp(v), and half of the square of an error.
        ratio = median(factors) / median(judged)
        if max(nats) > NOTHING or ratio < OUTWEIGHS:
            continue
        yield Finding(
            "LOS041",
            data={"nats": max(nats), "ratio": ratio, "code": median(factors), "error": median(judged)},
            place=at(found.site, found.nats),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS041",
    name="divergence-outweighs-error",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the code of the autoencoder has collapsed: its divergence from the prior is {nats} nats per example, and one "
        "value of it weighs {ratio:.0f} times as much in the loss as one value of the reconstruction.",
        "自编码器的隐变量已经坍缩：它与先验的散度只有每样本 {nats} nat，而损失中散度的一个值的权重"
        "是重建误差一个值的 {ratio:.0f} 倍。",
    ),
    why=Text(
        "A divergence near 0 means that the code is the same for every input: the decoder then gives one average answer. "
        "The usual reason is an error that is averaged over all pixels next to a divergence that is summed.",
        "散度接近 0 表示任何输入的隐变量都一样，解码器只能给出一个平均的结果。"
        "常见原因是重建误差对所有像素取平均，而散度却是求和。",
    ),
    fix=Text(
        "Reduce both alike, summed over the values of an example and averaged over the batch: "
        "`F.mse_loss(out, x, reduction='sum') / len(x) + kl.sum(1).mean()`, and let the weight of the divergence rise "
        "from 0 over the first epochs.",
        "两项用同样的方式归约：对一个样本的各个值求和，再对批次取平均："
        "`F.mse_loss(out, x, reduction='sum') / len(x) + kl.sum(1).mean()`，并让散度的权重在前几个 epoch 从 0 逐渐升高。",
    ),
    bad="""\
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

torch.manual_seed(0)
data = torch.randn(1500, 3) @ torch.randn(3, 40) + 0.1 * torch.randn(1500, 40)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(40, 64), nn.Tanh())
        self.mean, self.raw = nn.Linear(64, 5), nn.Linear(64, 5)
        self.decoder = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 40))

    def forward(self, x):
        h = self.body(x)
        code = Normal(self.mean(h), nn.functional.softplus(self.raw(h)) + 1e-3)
        return self.decoder(code.rsample()), code


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
prior = Normal(0.0, 1.0)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        x = data[rows]
        out, code = model(x)
        loss = nn.functional.mse_loss(out, x) + kl_divergence(code, prior).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, nn.functional.mse_loss(out, x).item())
""",
    good="""\
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

torch.manual_seed(0)
data = torch.randn(1500, 3) @ torch.randn(3, 40) + 0.1 * torch.randn(1500, 40)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(40, 64), nn.Tanh())
        self.mean, self.raw = nn.Linear(64, 5), nn.Linear(64, 5)
        self.decoder = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 40))

    def forward(self, x):
        h = self.body(x)
        code = Normal(self.mean(h), nn.functional.softplus(self.raw(h)) + 1e-3)
        return self.decoder(code.rsample()), code


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
prior = Normal(0.0, 1.0)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        x = data[rows]
        out, code = model(x)
        loss = (out - x).square().sum(1).mean() + kl_divergence(code, prior).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, nn.functional.mse_loss(out, x).item())
""",
    links=("https://arxiv.org/abs/1312.6114", "https://openreview.net/forum?id=Sy2fzU9gl"),
    explains=("TRN*", "NUM003", "MOD010", "OPT007"),
    needs=("graph",),
    preview=True,
)
