"""DAT057: each example of a forecast was scaled together with the future that is to be forecast."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 5
"""Calls of the loss in all of which it is so, at least."""


def check(run: Run) -> Iterator[Finding]:
    for one in run.scaled_together:
        if one.calls < CALLS:
            continue
        loss = next((loss for loss in run.losses if loss.index == one.loss), None)
        yield Finding(
            "DAT057",
            data={
                "past": one.past,
                "future": one.values - one.past,
                "scale": "mean 0 and deviation 1" if one.how == "standard" else "least and largest value",
                "calls": one.calls,
            },
            place=at(loss.site if loss is not None else None),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="DAT057",
    name="scaled-with-the-future",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In each example the {past} values that the model is given and the {future} that it is to forecast have one and the same "
        "scale only if they are taken together ({scale}); by themselves the {past} values do not.",
        "在每个样本中，只有把模型得到的 {past} 个值和要预测的 {future} 个值放在一起，才恰好是同一尺度（{scale}）；"
        "单看输入的 {past} 个值则不是。",
    ),
    why=Text(
        "The statistics that scale the input were computed over the whole window, its future included. The level of the input then "
        "says where the future lies, and where predictions are scaled back, the same statistics help once more. When the model is "
        "used, nobody can compute them: the score is too good to be true.",
        "用来缩放输入的统计量是在整个窗口（包括未来）上计算的。于是输入的水平就透露了未来的位置；把预测还原时，同样的统计量又帮了一次忙。"
        "实际使用时没有人能算出这些统计量：这样的分数好得不真实。",
    ),
    fix=Text(
        "Compute mean and deviation from the past of the window alone, and scale both parts with them: `mu = window[:, :context]."
        "mean(1, keepdim=True)`.",
        "只用窗口中的历史部分计算均值和标准差，并用它们缩放两部分：`mu = window[:, :context].mean(1, keepdim=True)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
series = torch.randn(40, 400).cumsum(1) + 3 * torch.sin(torch.arange(400) / 4)
windows = series.unfold(1, 36, 4).reshape(-1, 36)
windows = windows[torch.randperm(len(windows))]
scaled = (windows - windows.mean(1, keepdim=True)) / windows.std(1, keepdim=True)
past, future = scaled[:, :24], scaled[:, 24:]
model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    rows = torch.randint(0, 3000, (64,))
    loss = nn.functional.mse_loss(model(past[rows]), future[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), nn.functional.mse_loss(model(past[3000:]), future[3000:]).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
series = torch.randn(40, 400).cumsum(1) + 3 * torch.sin(torch.arange(400) / 4)
windows = series.unfold(1, 36, 4).reshape(-1, 36)
windows = windows[torch.randperm(len(windows))]
known = windows[:, :24]
scaled = (windows - known.mean(1, keepdim=True)) / known.std(1, keepdim=True)
past, future = scaled[:, :24], scaled[:, 24:]
model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    rows = torch.randint(0, 3000, (64,))
    loss = nn.functional.mse_loss(model(past[rows]), future[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), nn.functional.mse_loss(model(past[3000:]), future[3000:]).item())
""",
    links=("https://otexts.com/fpp3/accuracy.html",),
    needs=("loss",),
    preview=True,
)
