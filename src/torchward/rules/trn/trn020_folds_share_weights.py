"""TRN020: a model goes from one fold of a cross-validation into the next with the weights that it has."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TIMES = 2
"""Folds into which the weights were carried, unless there are only two folds: once, a program may go on on purpose."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.folds:
        seen = [fold for fold in found.folds if fold.evaluated and fold.trained]
        later = [fold for fold in seen if fold.carried is not None]
        last = max((fold.number for fold in found.folds), default=0)
        if not later or not all(fold.carried for fold in later) or len(later) < min(TIMES, last):
            continue
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "TRN020",
            data={
                "model": model.name if model is not None else "",
                "kind": found.kind,
                "folds": len(later),
                "held": later[0].held_out,
                "rows": later[0].rows,
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="TRN020",
    name="folds-share-weights",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` began {folds} fold(s) of `{kind}` with the weights that it had at the end of the fold before, and was then "
        "evaluated on the {held} rows held out: it had been trained on nearly all of them in earlier folds.",
        "`{model}` 在 `{kind}` 的 {folds} 折中都沿用上一折结束时的权重，随后在留出的 {held} 行上评估："
        "这些行大多在前面的折中已用于训练。",
    ),
    why=Text(
        "Cross-validation estimates how a model does on new rows, by training a new one for each fold. What is held out in one "
        "fold is trained on in the others, so with the weights of an earlier fold nothing is held out any more: only the first "
        "score counts, and the mean over the folds is too good.",
        "交叉验证为每一折训练一个新模型，以估计它在新样本上的表现。一折中留出的行在其他折中都是训练数据；"
        "沿用前一折的权重，就不再有真正留出的数据：只有第一折的得分有效，各折的平均值偏高。",
    ),
    fix=Text(
        "Make the model and its optimizer inside the loop: `for train, test in folds.split(x): model = make_model(); optimizer = "
        "Adam(model.parameters())`. To begin from pre-trained weights, load them again at the start of each fold.",
        "在循环内创建模型和优化器：`for train, test in folds.split(x): model = make_model(); optimizer = "
        "Adam(model.parameters())`。如果要从预训练权重开始，在每折开始时重新载入。",
    ),
    bad="""\
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data[:900], dtype=torch.float32) / 16
y = torch.tensor(digits.target[:900])
scores = []
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for train, test in KFold(5, shuffle=True, random_state=0).split(x):
    for epoch in range(10):
        for rows in torch.tensor(train)[torch.randperm(len(train))].split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.append((model(x[test]).argmax(1) == y[test]).float().mean().item())
    print(len(scores), loss.item(), scores[-1])
print(sum(scores) / len(scores))
""",
    good="""\
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data[:900], dtype=torch.float32) / 16
y = torch.tensor(digits.target[:900])
scores = []
for train, test in KFold(5, shuffle=True, random_state=0).split(x):
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        for rows in torch.tensor(train)[torch.randperm(len(train))].split(32):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.append((model(x[test]).argmax(1) == y[test]).float().mean().item())
    print(len(scores), loss.item(), scores[-1])
print(sum(scores) / len(scores))
""",
    links=(
        "https://scikit-learn.org/stable/modules/cross_validation.html",
        "https://scikit-learn.org/stable/common_pitfalls.html#data-leakage",
    ),
    explains=("DAT041",),
    needs=("modules", "optimizer"),
    preview=True,
)
