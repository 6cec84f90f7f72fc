"""DAT053: held-out examples lie beside training examples as those of one patient, caller or machine do."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.5
"""Of the held-out examples. Evenly spread ones, and those of units that are held out whole: up to 0.1 (see
`runtime/units.py`)."""
UNITS = 20
"""Fewer clusters may be anything: kinds of examples, sites, seasons."""
PER_CLASS = 4.0
"""Units for each class of a loss: where units are what is to be told apart, each must stand on both sides."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.shared_units:
        model = next((one for one in run.models if one.index == found.model), None)
        if model is None or not model.in_trainings or found.with_mates < SHARE * found.examples:
            continue
        classes = max((one.classes or 0 for one in run.losses), default=0)
        if found.units < max(UNITS, PER_CLASS * classes):
            continue
        yield Finding(
            "DAT053",
            data={
                "model": model.name,
                "close": found.with_mates,
                "examples": found.examples,
                "share": found.with_mates / found.examples,
                "mates": found.mates,
                "trained": found.trained,
                "units": round(found.units),
            },
            place=at(found.site, first=found.step),
            confidence=Confidence.POSSIBLE,
        )
        return


RULE = Rule(
    code="DAT053",
    name="units-on-both-sides",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    explains=("TRN002",),
    message=Text(
        "{close} of {examples} held-out examples of `{model}` ({share:.0%}) have about {mates:.0f} of {trained} training examples far closer to them than all others: "
        "the data are of some {units} units with several examples each, and these stand on both sides of the split.",
        "`{model}` 的 {examples} 个留出样本中有 {close} 个（{share:.0%}），在 {trained} 个训练样本里各有约 {mates:.0f} 个离它们远比其他样本近："
        "数据来自大约 {units} 个单元，每个单元有多个样本，而同一单元的样本同时出现在训练集和留出集中。",
    ),
    why=Text(
        "Where rows of one patient, user, machine or day are divided at random, a model that has merely learned to tell these apart answers the held-out rows rightly, too. "
        "The score is then far better than on a patient, user or machine that it has never met.",
        "如果同一患者、用户、机器或同一天的行被随机划分，模型只要学会辨认它们，就能答对留出的行。得分会远好于面对从未见过的患者、用户或机器时的表现。",
    ),
    fix=Text(
        "Divide by unit: `GroupShuffleSplit` or `GroupKFold` of scikit-learn, with the unit's number as `groups`. If the model is only ever asked about units it knows, the split is right as it is.",
        "按单元划分：使用 scikit-learn 的 `GroupShuffleSplit` 或 `GroupKFold`，以单元编号作为 `groups`。如果模型今后只会遇到已知的单元，则现在的划分没有问题。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
patients, visits, width = 200, 8, 16
habit = torch.randn(patients, width)
ill = (habit @ torch.randn(width) / 4 + torch.randn(patients) > 0).float()
who = torch.arange(patients).repeat_interleave(visits)
x, y = habit[who] + 0.3 * torch.randn(len(who), width), ill[who]
order = torch.randperm(len(who))
train, test = order[:1200], order[1200:]
model = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    for rows in train[torch.randperm(1200)].split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, ((model(x[test]).squeeze(1) > 0) == (y[test] > 0)).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
patients, visits, width = 200, 8, 16
habit = torch.randn(patients, width)
ill = (habit @ torch.randn(width) / 4 + torch.randn(patients) > 0).float()
who = torch.arange(patients).repeat_interleave(visits)
x, y = habit[who] + 0.3 * torch.randn(len(who), width), ill[who]
held_out = torch.isin(who, torch.randperm(patients)[:50])
train, test = (~held_out).nonzero().squeeze(1), held_out.nonzero().squeeze(1)
model = nn.Sequential(nn.Linear(width, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
for epoch in range(6):
    model.train()
    for rows in train[torch.randperm(1200)].split(40):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, ((model(x[test]).squeeze(1) > 0) == (y[test] > 0)).float().mean().item())
""",
    links=(
        "https://scikit-learn.org/stable/modules/cross_validation.html#cross-validation-iterators-for-grouped-data",
    ),
    needs=("modules",),
    preview=True,
)
