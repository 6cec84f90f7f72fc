"""LOS054: an encoder of a variational autoencoder is taught by the prior alone, and not by the reconstruction."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST = 2
"""Sampled steps, all of them alike: what a loss is made of does not change by chance."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.divergences:
        if len(found.cut) < LEAST or not all(found.cut) or min(found.factor.values, default=0.0) < 0:
            continue
        yield Finding(
            "LOS054",
            data={"first": found.nats.values[0], "last": found.nats.values[-1], "samples": len(found.cut)},
            place=at(found.site, found.nats),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS054",
    name="code-cut-from-reconstruction",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "no parameter that makes the code gets a gradient from the reconstruction error (in all {samples} samples that were "
        "looked into); only the divergence from the prior trains them, which went from {first} to {last} nats.",
        "在全部 {samples} 次查看中，生成编码的参数都没有从重构误差得到梯度；训练它们的只有与先验的散度，该散度从 {first} 变为 {last} nats。",
    ),
    why=Text(
        "The divergence is least where the code says nothing of the input. Without the reconstruction to hold against it the "
        "encoder unlearns all it could tell, and the decoder can only learn the mean of the data.",
        "当编码与输入无关时，散度最小。没有重构误差与之抗衡，编码器会丢掉它所能表达的一切，解码器只能学到数据的均值。",
    ),
    fix=Text(
        "Leave the graph whole between encoder and decoder: `z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)`, "
        "with neither `detach()` nor `torch.no_grad()` around it, nor `Normal(mean, std).sample()`, which has no gradient "
        "(`rsample()` has).",
        "保持编码器与解码器之间的计算图完整：`z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)`，"
        "不要使用 `detach()` 或 `torch.no_grad()`，也不要用没有梯度的 `Normal(mean, std).sample()`（应使用 `rsample()`）。",
    ),
    bad="""\
import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(0)
factors = torch.randn(1000, 2)
data = torch.tanh(factors @ torch.randn(2, 16)) + 0.05 * torch.randn(1000, 16)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, 1)
        z = Normal(mean, torch.exp(0.5 * log_var)).sample()
        return self.decoder(z), mean, log_var


model = Vae()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in torch.randperm(1000).split(50):
        made, mean, log_var = model(data[rows])
        error = nn.functional.mse_loss(made, data[rows], reduction="sum")
        divergence = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum()
        loss = (error + 0.1 * divergence) / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(0)
factors = torch.randn(1000, 2)
data = torch.tanh(factors @ torch.randn(2, 16)) + 0.05 * torch.randn(1000, 16)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, 1)
        z = Normal(mean, torch.exp(0.5 * log_var)).rsample()
        return self.decoder(z), mean, log_var


model = Vae()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in torch.randperm(1000).split(50):
        made, mean, log_var = model(data[rows])
        error = nn.functional.mse_loss(made, data[rows], reduction="sum")
        divergence = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum()
        loss = (error + 0.1 * divergence) / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=(
        "https://arxiv.org/abs/1312.6114",
        "https://docs.pytorch.org/docs/stable/distributions.html#pathwise-derivative",
    ),
    explains=("LOS041", "LOS047", "TRN*"),
    needs=("loss", "graph"),
    preview=True,
)
