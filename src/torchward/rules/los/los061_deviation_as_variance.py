"""LOS061: what a model says of its uncertainty is trained as a variance and used as a deviation."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 10
"""Sampled calls of the loss."""


def check(run: Run) -> Iterator[Finding]:
    for loss in run.losses:
        for spread in loss.spread_uses:
            if not loss.training or spread.calls < CALLS or not spread.deviations or spread.variances:
                continue
            yield Finding(
                "LOS061",
                data={
                    "calls": spread.calls,
                    "times": spread.deviations,
                    "line": spread.site.line if spread.site is not None else 0,
                },
                place=at(loss.site, loss.values),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="LOS061",
    name="deviation-as-variance",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`gaussian_nll_loss` takes an output of the model for a variance ({calls} sampled calls), and line {line} makes it, but "
        "for a factor, the deviation of a normal distribution (times: {times}).",
        "`gaussian_nll_loss` 把模型的一个输出当作方差（{calls} 次采样调用），而第 {line} 行（至多乘以一个系数）"
        "把它当作正态分布的标准差（{times} 次）。",
    ),
    why=Text(
        "The third argument of `gaussian_nll_loss` is the variance. The output learns the square of the error, so as a deviation "
        "it is too small where errors are below 1 and too large above: intervals hold far fewer or more values than they say.",
        "`gaussian_nll_loss` 的第三个参数是方差。该输出学到的是误差的平方，因此当作标准差使用时，误差小于 1 处它偏小，大于 1 处偏大："
        "区间的实际覆盖率与所声称的相差很远。",
    ),
    fix=Text(
        "Pass the square: `gaussian_nll_loss(mean, y, sigma.square())`; or take the root where it is used: "
        "`Normal(mean, variance.sqrt())`.",
        "传入平方：`gaussian_nll_loss(mean, y, sigma.square())`；或在使用处开方：`Normal(mean, variance.sqrt())`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = 2 * torch.rand(2000, 2) - 1
y = torch.sin(3 * x[:, 0]) + (0.1 + 0.3 * torch.sigmoid(4 * x[:, 1])) * torch.randn(2000)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x):
        mean, raw = self.body(x).unbind(-1)
        return mean, F.softplus(raw) + 1e-3


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1600).split(50):
        mean, sigma = model(x[rows])
        loss = F.gaussian_nll_loss(mean, y[rows], sigma)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    mean, sigma = model(x[1600:])
    print(loss.item(), -torch.distributions.Normal(mean, sigma).log_prob(y[1600:]).mean().item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = 2 * torch.rand(2000, 2) - 1
y = torch.sin(3 * x[:, 0]) + (0.1 + 0.3 * torch.sigmoid(4 * x[:, 1])) * torch.randn(2000)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x):
        mean, raw = self.body(x).unbind(-1)
        return mean, F.softplus(raw) + 1e-3


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for rows in torch.randperm(1600).split(50):
        mean, variance = model(x[rows])
        loss = F.gaussian_nll_loss(mean, y[rows], variance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    mean, variance = model(x[1600:])
    print(loss.item(), -torch.distributions.Normal(mean, variance.sqrt()).log_prob(y[1600:]).mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html",),
    explains=("TRN*",),
    needs=("loss", "modules"),
    preview=True,
)
