"""DAT044: held-out rows were standardised with their own mean and deviation, not with those of the training rows."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Overlap, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

REMEMBERED = 0.3
"""Share of the training rows that must be known, for others to be told from them (as for DAT041)."""
ROWS = 16
EXACT = 0.8
"""Share of the evaluations whose table is exactly standardised: one that is, is no coincidence."""


def _looked_at(found: Overlap) -> list[tuple[int, int, bool, bool]]:
    """(rows, of these known, standardised by itself, a training batch was) where training rows would be known."""
    columns = zip(
        found.rows,
        found.known,
        found.trained,
        found.remembered,
        found.standardised,
        found.standardised_training,
        strict=True,
    )
    return [
        (rows, known, exact, before)
        for rows, known, trained, remembered, exact, before in columns
        if rows >= ROWS and trained and remembered >= REMEMBERED * trained
    ]


def check(run: Run) -> Iterator[Finding]:
    for found in run.overlaps:
        looked = _looked_at(found)
        exact = [one for one in looked if one[2]]
        if not exact or len(exact) < EXACT * len(looked) or any(known for _, known, _, _ in exact):
            continue
        batches = next((one for one in run.batches if one.model == found.model), None)
        whole = batches is not None and len(set(batches.fingerprints)) == 1
        if any(before for *_, before in exact) and not whole:
            continue  # each batch is standardised as it comes, which is the program's way to do it
        model = next((one for one in run.models if one.index == found.model), None)
        yield Finding(
            "DAT044",
            data={
                "model": model.name if model is not None else "",
                "rows": exact[-1][0],
                "evaluations": len(exact),
            },
            place=at(found.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT044",
    name="held-out-standardised-by-itself",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is evaluated on rows that it was not trained on, and in {evaluations} evaluations their columns have mean 0 "
        "and deviation 1 to the last digit: they were standardised with their own statistics.",
        "`{model}` 在未参与训练的样本上评估，而在 {evaluations} 次评估中，这些样本各列的均值恰为 0、标准差恰为 1："
        "它们是用自己的统计量标准化的。",
    ),
    why=Text(
        "What lies higher or spreads wider in the held-out rows than in the training rows is taken away before the model sees "
        "it, so the same raw value means one thing in training and another here. Single examples, as they come in use, cannot "
        "be prepared like this at all.",
        "留出样本与训练样本在位置和离散程度上的差别，在模型看到之前就被抹掉了：同一个原始值在训练时和评估时含义不同。"
        "实际使用时样本是逐个到来的，根本无法这样处理。",
    ),
    fix=Text(
        "Fit on the training rows and only transform the others: `scaler = StandardScaler().fit(x_train)`, then "
        "`scaler.transform(x_test)`; without scikit-learn `(x_test - x_train.mean(0)) / x_train.std(0)`.",
        "只在训练样本上拟合，其余样本只做变换：`scaler = StandardScaler().fit(x_train)`，然后 `scaler.transform(x_test)`；"
        "不用 scikit-learn 时写 `(x_test - x_train.mean(0)) / x_train.std(0)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = 3.0 + 2.0 * torch.randn(900, 6)
y = x[:, 0] - 0.5 * x[:, 1] + 0.1 * torch.randn(900)
old = x[:, 0] > 4.5
x_train, y_train, x_test, y_test = x[~old], y[~old], x[old], y[old]
x_train = (x_train - x_train.mean(0)) / x_train.std(0)
x_test = (x_test - x_test.mean(0)) / x_test.std(0)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(len(x_train)).split(40):
        loss = nn.functional.mse_loss(model(x_train[rows]).squeeze(1), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = (model(x_test).squeeze(1) - y_test).abs().mean().item()
    print(epoch, loss.item(), error)
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = 3.0 + 2.0 * torch.randn(900, 6)
y = x[:, 0] - 0.5 * x[:, 1] + 0.1 * torch.randn(900)
old = x[:, 0] > 4.5
x_train, y_train, x_test, y_test = x[~old], y[~old], x[old], y[old]
mean, deviation = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / deviation, (x_test - mean) / deviation
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(len(x_train)).split(40):
        loss = nn.functional.mse_loss(model(x_train[rows]).squeeze(1), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = (model(x_test).squeeze(1) - y_test).abs().mean().item()
    print(epoch, loss.item(), error)
""",
    links=("https://scikit-learn.org/stable/common_pitfalls.html",),
    needs=("modules",),
)
