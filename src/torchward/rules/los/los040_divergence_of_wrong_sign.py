"""LOS040: the divergence from the prior enters the loss with the wrong sign."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
"""Sampled steps, all of them alike."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.divergences:
        factors = found.factor.values
        if len(factors) < SAMPLES or max(factors) >= 0:
            continue
        yield Finding(
            "LOS040",
            data={
                "factor": factors[-1],
                "first": found.nats.values[0],
                "last": found.nats.values[-1],
                "samples": len(factors),
            },
            place=at(found.site, found.factor),
        )


RULE = Rule(
    code="LOS040",
    name="divergence-of-wrong-sign",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the loss holds a Kullback-Leibler divergence with the wrong sign: exp(log-variance) counts {factor} in it, in "
        "all {samples} steps looked at; the divergence went from {first} to {last} nats per example.",
        "损失中的 KL 散度符号反了：在查看的全部 {samples} 步中，exp(对数方差) 在损失里的系数为 {factor}；"
        "每个样本的散度从 {first} 变为 {last} nat。",
    ),
    why=Text(
        "Exp(v) - v has a least value, at v = 0; v - exp(v) has none. Training can make such a loss as small as it "
        "likes by pushing the code away from the prior: samples drawn from the prior then decode to nothing sensible.",
        "exp(v) - v 在 v = 0 处有最小值，而 v - exp(v) 没有下界。训练只要把隐变量推离先验，就能让损失任意变小；"
        "这样一来，从先验采样得到的隐变量就解码不出有意义的结果。",
    ),
    fix=Text(
        "Add the divergence, don't subtract it: `kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()`, "
        "`loss = reconstruction + kl`. It is never negative: print it.",
        "应加上散度而不是减去：`kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()`，"
        "`loss = reconstruction + kl`。散度不会为负：打印出来检查。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
data = torch.randn(1200, 3) @ torch.randn(3, 20) + 0.1 * torch.randn(1200, 20)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 48), nn.ReLU())
        self.stats = nn.Linear(48, 8)
        self.decoder = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 20))

    def forward(self, x):
        mean, log_std = self.stats(self.body(x)).chunk(2, dim=1)
        log_std = log_std.clamp(-4, 4)
        return self.decoder(mean + log_std.exp() * torch.randn_like(mean)), mean, log_std


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        x = data[rows]
        out, mean, log_std = model(x)
        reconstruction = (out - x).square().sum(1).mean()
        divergence = (0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std).sum(1).mean()
        loss = reconstruction - 0.1 * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, reconstruction.item(), divergence.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
data = torch.randn(1200, 3) @ torch.randn(3, 20) + 0.1 * torch.randn(1200, 20)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 48), nn.ReLU())
        self.stats = nn.Linear(48, 8)
        self.decoder = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 20))

    def forward(self, x):
        mean, log_std = self.stats(self.body(x)).chunk(2, dim=1)
        log_std = log_std.clamp(-4, 4)
        return self.decoder(mean + log_std.exp() * torch.randn_like(mean)), mean, log_std


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(60):
        x = data[rows]
        out, mean, log_std = model(x)
        reconstruction = (out - x).square().sum(1).mean()
        divergence = (0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std).sum(1).mean()
        loss = reconstruction + 0.1 * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, reconstruction.item(), divergence.item())
""",
    links=("https://arxiv.org/abs/1312.6114",),
    explains=("TRN*", "NUM001", "NUM002", "NUM003", "NUM004", "NUM007", "OPT007", "LOS041"),
    needs=("graph",),
    preview=True,
)
