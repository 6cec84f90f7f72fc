"""DAT052: windows that a model is evaluated on overlap windows that it was trained on, and not by their past alone."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

WINDOWS = 30
SHARE = 0.3
"""Share of the held-out windows. Only training batches of sampled steps are known, so the true share is larger; where the
series is cut in two once, the windows at the cut alone overlap: at most as many as a window is long."""
OWN = 0.7
"""Share of the batches at that line that are training windows as they stand: it looks at these as well."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.overlapping:
        model = next((one for one in run.models if one.index == found.model), None)
        if model is None or not model.in_trainings or found.windows < WINDOWS or found.own > OWN * found.batches:
            continue
        if found.overlapping < SHARE * found.windows:
            continue
        yield Finding(
            "DAT052",
            data={
                "model": model.name,
                "overlapping": found.overlapping,
                "windows": found.windows,
                "share": found.overlapping / found.windows,
            },
            place=at(found.site, first=found.step),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="DAT052",
    name="held-out-windows-overlap",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    explains=("TRN002",),
    message=Text(
        "{overlapping} of the {windows} windows on which `{model}` was last evaluated ({share:.0%}) end in a stretch that stands "
        "elsewhere in windows that it was trained on: they overlap.",
        "最近一次评估 `{model}` 的 {windows} 个窗口中，有 {overlapping} 个（{share:.0%}）的末段也出现在训练窗口的其他位置：两者重叠。",
    ),
    why=Text(
        "Windows were cut out of the series first and divided into training and held-out ones afterwards. Neighbours share most "
        "of their values, and often their target, so the score says how well the model remembers, not how well it does on a "
        "new day, person or machine.",
        "先从序列中切出窗口、之后才划分训练集和留出集。相邻窗口的大部分数值（往往连目标）都相同，"
        "所以得分反映的是模型记住了多少，而不是它在新的一天、新的人或新的机器上表现如何。",
    ),
    fix=Text(
        "Divide first, then cut: hold out the last part of each series (with a gap of one window), or whole series, people or "
        "machines (`GroupShuffleSplit`, `TimeSeriesSplit(gap=...)` of scikit-learn).",
        "先划分，再切窗口：留出每条序列的最后一段（中间空出一个窗口的长度），或整条序列、整个人、整台机器"
        "（scikit-learn 的 `GroupShuffleSplit`、`TimeSeriesSplit(gap=...)`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
series, kinds = [], []
for place in range(40):
    kind = place % 2
    walk = torch.randn(320).cumsum(0) * 0.2
    series.append(walk + (torch.arange(320) * (0.5 + 0.1 * kind)).sin())
    kinds.append(kind)
windows = torch.stack([one[begin : begin + 48] for one in series for begin in range(0, 272, 8)])
labels = torch.tensor([kind for kind in kinds for _ in range(0, 272, 8)])
order = torch.randperm(len(windows))
train, test = order[:1100], order[1100:]
model = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in train[torch.randperm(1100)].split(50):
        loss = nn.functional.cross_entropy(model(windows[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), (model(windows[test]).argmax(1) == labels[test]).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
series, kinds = [], []
for place in range(40):
    kind = place % 2
    walk = torch.randn(320).cumsum(0) * 0.2
    series.append(walk + (torch.arange(320) * (0.5 + 0.1 * kind)).sin())
    kinds.append(kind)
windows = torch.stack([one[begin : begin + 48] for one in series for begin in range(0, 272, 8)])
labels = torch.tensor([kind for kind in kinds for _ in range(0, 272, 8)])
whole = torch.arange(40).repeat_interleave(34)
train, test = (whole < 32).nonzero()[:, 0], (whole >= 32).nonzero()[:, 0]
model = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
for epoch in range(8):
    model.train()
    for rows in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.cross_entropy(model(windows[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(windows[test]).argmax(1) == labels[test]).float().mean().item())
""",
    links=(
        "https://scikit-learn.org/stable/modules/cross_validation.html#cross-validation-of-grouped-data",
        "https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.TimeSeriesSplit.html",
    ),
)
