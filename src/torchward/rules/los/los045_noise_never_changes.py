"""LOS045: the noise of a variational autoencoder's code, or that a diffusion model is to predict, never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
"""Sampled steps with the very same noise; two draws of four numbers or more are never the same by chance."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.divergences:
        # The last batch of an epoch may be a smaller one.
        number, times = (
            Counter(mark.rpartition(":")[2] for mark in found.noise).most_common(1)[0] if found.noise else ("", 0)
        )
        if times < SAMPLES or len({mark for mark in found.noise if mark.rpartition(":")[2] == number}) > 1:
            continue
        yield Finding(
            "LOS045",
            data={"role": "code", "samples": times, "values": int(number)},
            place=at(found.site, found.nats),
            confidence=Confidence.CERTAIN,
        )
    several = any(len(set(batches.fingerprints)) > 1 for batches in run.batches)
    for loss in run.losses:
        noise = loss.noise_targets
        if not loss.training or not several or len(noise) < SAMPLES or len(set(noise)) > 1:
            continue
        if not any(one.shape == loss.target_shape for one in run.inputs):
            continue  # no noise that was mixed into what the model is given
        yield Finding(
            "LOS045",
            data={"role": "target", "samples": len(noise), "values": int(noise[0].rpartition(":")[2])},
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS045",
    name="noise-never-changes",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The noise of the {role} ({values} numbers) is the very same in all {samples} sampled steps.",
        "{role} 中的噪声（{values} 个数）在全部 {samples} 个采样步中完全相同。",
    ),
    why=Text(
        "The loss is an expectation over the noise, so each step needs a new draw. Noise that never changes is learned by "
        "heart: a decoder learns to take it away again, a diffusion model to name it without looking at the image; what comes "
        "of a fresh draw is not what was trained.",
        "损失是对噪声取的期望，每一步都需要重新抽样。噪声固定不变时会被模型背下来：解码器学会把它抵消掉，扩散模型不看图像就能说出它；"
        "用新抽的噪声得到的并不是训练时学到的东西。",
    ),
    fix=Text(
        "Draw it where it is used, one number for each value: `z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)`, or "
        "`noise = torch.randn_like(x)` within the loop.",
        "在使用处抽样，每个值各抽一个：`z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)`，或在循环内 "
        "`noise = torch.randn_like(x)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
factors = torch.randn(1500, 3)
x = torch.tanh(factors @ torch.randn(3, 20)) + 0.05 * torch.randn(1500, 20)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 12))
        self.decoder = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 20))
        self.register_buffer("noise", torch.randn(6))

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * self.noise
        return self.decoder(z), mu, logvar


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        decoded, mu, logvar = model(x[rows])
        error = (decoded - x[rows]).pow(2).sum() / len(rows)
        divergence = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(rows)
        loss = error + 0.1 * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, error.item(), divergence.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
factors = torch.randn(1500, 3)
x = torch.tanh(factors @ torch.randn(3, 20)) + 0.05 * torch.randn(1500, 20)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 12))
        self.decoder = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 20))

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1500).split(50):
        decoded, mu, logvar = model(x[rows])
        error = (decoded - x[rows]).pow(2).sum() / len(rows)
        divergence = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(rows)
        loss = error + 0.1 * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, error.item(), divergence.item())
""",
    links=("https://arxiv.org/abs/1312.6114",),
    needs=("graph",),
)
