"""MOD057: dropout sets nearly all values to 0."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MOST, SURE = 0.79, 0.85
"""Of the values, and the share above which nobody means it; 0.8 is found where examples are few. Srivastava et al. 2014 (https://jmlr.org/papers/v15/srivastava14a.html) find 0.4 to 0.8 of hidden units
kept to be best, that is 0.2 to 0.6 dropped; TensorFlow 1 asked for the share that is kept, PyTorch asks for the other."""


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if stream.dropped is not None and stream.dropped[0] >= MOST:
            share, layer = stream.dropped
            yield Finding(
                "MOD057",
                data={"share": share, "layer": layer or "dropout", "kept": 1 - share},
                place=at(stream.site, module=layer),
                confidence=Confidence.LIKELY,
                severity=None if share >= SURE else Severity.HINT,
            )
            return


RULE = Rule(
    code="MOD057",
    name="nearly-all-dropped",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "In training, dropout sets {share:.0%} of the values behind `{layer}` to 0, and multiplies the {kept:.0%} that are left.",
        "训练时，dropout 把 `{layer}` 之后 {share:.0%} 的值置为 0，只放大保留剩下的 {kept:.0%}。",
    ),
    why=Text(
        "`p` is the share that is dropped, not the one that is kept. With so little left, each step sees another small part of the "
        "layer, and little is learned: the training loss stays high, and held-out scores are better than those of training.",
        "`p` 是被丢弃的比例，而不是保留的比例。剩下的太少，每一步只看到该层的一小部分，模型学不到多少东西："
        "训练损失居高不下，留出集的得分反而比训练集好。",
    ),
    fix=Text(
        "`nn.Dropout(1 - keep)`; 0.1 to 0.5 is usual.",
        "改为 `nn.Dropout(1 - keep)`；常用值为 0.1 到 0.5。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = ((x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long())
keep = 0.9
model = nn.Sequential(
    nn.Linear(10, 64), nn.ReLU(), nn.Dropout(keep), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(keep), nn.Linear(64, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
y = ((x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long())
keep = 0.9
model = nn.Sequential(
    nn.Linear(10, 64), nn.ReLU(), nn.Dropout(1 - keep), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(1 - keep),
    nn.Linear(64, 3),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html",),
    explains=("TRN001", "TRN007", "MOD025"),
    needs=("loss",),
    preview=True,
)
