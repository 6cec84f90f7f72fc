"""DAT049: preprocessing that learns from rows was fitted on those that the model is evaluated on, too."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Fit, PreparedRows, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

OTHERS, OTHER_ROWS = 0.05, 20
"""Rows that a transformer was not fitted on and transforms, as a share of those that it was, or in all, above which they are
held-out data of their own; fewer are a few examples that the program ends with."""
LOOKS = 60
"""Evaluation batches of a model of which rows are looked up at most: the real test may have come after them."""
ROWS = 20
"""Rows looked up in a batch, below which its share says little (as for DAT041)."""
REMEMBERED = 0.3
"""Share of the training rows that must be known, for others to be told from them ..."""
LEAST = 0.1
"""... which is so where fewer than this share of what training rows would reach was trained on."""
NEARLY_ALL, HARDLY_ANY = 0.9, 0.5
"""Share of rows from which on what a model is given is the output of the transformer, row by row, and below which it is not:
rows are looked up by their values, which are there or not."""


def _held_out(asked: PreparedRows) -> tuple[int, int]:
    """Rows that the model was evaluated on and not trained on, (of those of the fit, of others), in whole batches."""
    inside = outside = 0
    for place, rows in enumerate(asked.rows):
        trained, remembered = asked.trained[place], asked.remembered[place]
        if rows < ROWS or not trained or remembered < REMEMBERED * trained:
            continue
        if asked.known[place] >= LEAST * rows * remembered / trained or asked.fitted_training[place] < NEARLY_ALL:
            continue
        share = asked.fitted[place] / rows
        inside += rows if share >= NEARLY_ALL else 0
        outside += rows if share < HARDLY_ANY else 0
    return inside, outside


def _leaks(run: Run, fit: Fit) -> bool:
    if fit.other_rows > min(OTHER_ROWS, OTHERS * fit.rows):
        return False
    counts = [_held_out(asked) for asked in fit.asked]
    if any(outside for _, outside in counts):
        return False  # these rows are for validation: others, that the fit did not see, are the test
    if any(inside for inside, _ in counts):
        return not fit.by_hand or all(len(asked.rows) < LOOKS for asked in fit.asked)
    if fit.split_site is None or fit.by_hand:
        return False
    calls = [model.calls for model in run.models]
    return any(one.training_no_backward + one.eval_no_grad + one.eval_graph_unused for one in calls)


def check(run: Run) -> Iterator[Finding]:
    if not run.ended:
        return  # the rows that are the real test may come last
    found = [fit for fit in run.fits if _leaks(run, fit)]
    supervised = [fit for fit in found if fit.supervised]
    others = [fit for fit in found if not fit.supervised]
    for fits in (supervised, others):
        if not fits:
            continue
        first = fits[0]
        site = first.split_site
        yield Finding(
            "DAT049",
            data={
                "kind": ", ".join(dict.fromkeys(fit.kind for fit in fits)),
                "rows": first.rows,
                "features": first.features,
                "targets": first.supervised,
                "held": first.held_out or 0,
                "split": f"{site.function}:{site.line}" if site is not None else "",
            },
            place=at(first.site),
            confidence=Confidence.LIKELY,
            severity=None if fits is supervised else Severity.HINT,
        )


RULE = Rule(
    code="DAT049",
    name="fitted-on-held-out-rows",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{kind} was fitted on {rows} rows of {features} features before some of these rows were held out: the rows that the "
        "model is evaluated on helped to shape its inputs.",
        "{kind} 在 {rows} 行（{features} 个特征）上拟合，之后才从中划出留出数据：用来评估模型的样本参与决定了模型的输入。",
    ),
    why=Text(
        "What chooses features by the targets of all rows also chooses those that agree with the held-out targets by chance: with "
        "many features, scores on pure noise rise far above chance. A scaler or an imputer tells less, but it, too, has seen what "
        "will not be there in use.",
        "按全部样本的目标挑选特征时，也会选中那些碰巧与留出目标一致的特征：特征很多时，即使数据是纯噪声，得分也会远高于随机水平。"
        "缩放或填补泄露得少一些，但同样用到了实际使用时见不到的样本。",
    ),
    fix=Text(
        "Split first, fit on the training rows, and only transform the others: `picker = SelectKBest(f_classif, k=30)"
        ".fit(x_train, y_train)`, then `picker.transform(x_test)`; in cross-validation once for each fold, or in a `Pipeline`.",
        "先划分，只在训练样本上拟合，其余样本只做变换：`picker = SelectKBest(f_classif, k=30).fit(x_train, y_train)`，"
        "然后 `picker.transform(x_test)`；交叉验证时每折各拟合一次，或放进 `Pipeline`。",
    ),
    bad="""\
import numpy as np
import torch
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
random = np.random.default_rng(0)
genes = random.normal(size=(500, 1500)).astype(np.float32)
kinds = (genes[:, :6].sum(1) + 2 * random.normal(size=500) > 0).astype(np.int64)
genes = SelectKBest(f_classif, k=20).fit_transform(genes, kinds)
parts = train_test_split(genes, kinds, test_size=150, random_state=0)
x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in parts)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(x_train)).split(25):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(epoch, loss.item(), right)
""",
    good="""\
import numpy as np
import torch
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
random = np.random.default_rng(0)
genes = random.normal(size=(500, 1500)).astype(np.float32)
kinds = (genes[:, :6].sum(1) + 2 * random.normal(size=500) > 0).astype(np.int64)
x_train, x_test, y_train, y_test = train_test_split(genes, kinds, test_size=150, random_state=0)
picker = SelectKBest(f_classif, k=20).fit(x_train, y_train)
parts = picker.transform(x_train), picker.transform(x_test), y_train, y_test
x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in parts)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(x_train)).split(25):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(epoch, loss.item(), right)
""",
    links=(
        "https://scikit-learn.org/stable/common_pitfalls.html#data-leakage",
        "https://doi.org/10.1073/pnas.102102699",
    ),
    preview=True,
)
