"""LOS047: the code of a variational autoencoder has collapsed, although the weights of the loss are ordinary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.los.los041_divergence_outweighs_error import OUTWEIGHS

STEPS = 300
"""The usual autoencoder of digits has 1 nat after 50 steps, and 10 after 300."""
RECENT = 5
"""Last sampled steps that are looked at, and as many before them."""
NOTHING = 0.35
"""Nats per example, half of the 0.7 that it takes to tell two halves of the data apart."""
RISING = 1.3
"""A code that has grown by more than this since the samples before is still being found."""
LOST = 4
"""Times as much as is left must have been there before."""


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return
    for found in run.divergences:
        nats, factors = found.nats.values[-RECENT:], found.factor.values[-RECENT:]
        judged = [value for value in found.judged.values[-RECENT:] if math.isfinite(value)]
        if len(found.nats) < 3 * RECENT or found.nats.steps[-1] < STEPS or min(factors) <= 0 or not found.noise:
            continue
        # What outweighs the error by so much is LOS041's.
        if judged and median(factors) >= OUTWEIGHS * median(judged):
            continue
        before = found.nats.values[-2 * RECENT : -RECENT]
        empty = max(nats) <= NOTHING and median(nats) <= RISING * median(before)
        # Samples are far apart by now: two that have lost what there was are enough.
        lost = LOST * max(nats[-2:]) <= max(found.nats.values) and max(nats[-2:]) <= NOTHING
        if not (empty or lost):
            continue
        yield Finding(
            "LOS047",
            data={
                "nats": median(nats if empty else nats[-2:]),
                "samples": RECENT if empty else 2,
                "steps": found.nats.steps[-1] + 1,
            },
            place=at(found.site, found.nats),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LOS047",
    name="code-tells-nothing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "after {steps} steps the code of the autoencoder is {nats} nats per example away from the prior (the last {samples} "
        "samples): it says next to nothing of its input, and the decoder does without it.",
        "{steps} 步之后，自编码器的隐变量与先验的散度只有每样本 {nats} nat（最后 {samples} 次采样）："
        "隐变量几乎不含输入的信息，解码器没有用到它。",
    ),
    why=Text(
        "To tell two halves of the data apart takes 0.7 nats. A code without any (posterior collapse) costs no divergence, "
        "and is left at once for it where it gains little: squared errors of values from 0 to 1 are small next to a "
        "divergence that counts in full, a weight (beta) of several makes it dearer, and a decoder that reads the previous "
        "outputs does not need it.",
        "区分数据的两半就需要 0.7 nat。完全不含信息的隐变量（后验坍缩）不产生散度，因此当使用它的收益很小时，训练会立刻放弃它："
        "0 到 1 的值的平方误差远小于按原样计入的散度；几倍的权重（beta）让它更昂贵；而能读到之前输出的解码器并不需要它。",
    ),
    fix=Text(
        "Let the weight of the divergence rise from 0 over the first epochs, or charge only what is above some free nats: "
        "`kl.clamp(min=0.1).sum(1).mean()`; give squared errors of small values their scale, `(out - x).square().sum(1) / "
        "(2 * sigma**2)` with a sigma of 0.1, say; and weaken a decoder that reads its own past (drop its inputs).",
        "让散度的权重在前几个 epoch 从 0 逐渐升高，或只计入超过“免费”部分的散度：`kl.clamp(min=0.1).sum(1).mean()`；"
        "对数值较小的平方误差给出其尺度，`(out - x).square().sum(1) / (2 * sigma**2)`，例如 sigma 取 0.1；"
        "若解码器能读到自己之前的输出，则削弱它（随机丢弃其输入）。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
        return self.decoder(code), mean, logvar


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for x in images[torch.randperm(len(images))].split(64):
        out, mean, logvar = model(x)
        error = nn.functional.binary_cross_entropy_with_logits(out, x, reduction="sum") / len(x)
        divergence = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1).mean()
        loss = error + 6.0 * divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, error.item(), divergence.item())
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().data, dtype=torch.float32) / 16


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
        return self.decoder(code), mean, logvar


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for x in images[torch.randperm(len(images))].split(64):
        out, mean, logvar = model(x)
        error = nn.functional.binary_cross_entropy_with_logits(out, x, reduction="sum") / len(x)
        divergence = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1).mean()
        loss = error + divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, error.item(), divergence.item())
""",
    links=("https://arxiv.org/abs/1511.06349", "https://arxiv.org/abs/1606.04934"),
    explains=("TRN*", "NUM003", "MOD010", "OPT007"),
    needs=("graph",),
    preview=True,
)
