"""TRN012: a score compares every prediction with every target, because their shapes differ by an axis."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for score in run.scores:
        yield Finding(
            "TRN012",
            data={"operation": score.operation, "n": score.examples, "times": score.times},
            place=at(score.site),
            confidence=Confidence.LIKELY,
        )
        return


RULE = Rule(
    code="TRN012",
    name="score-over-all-pairs",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{operation}` compares tensors of shape ({n}, 1) and ({n},): that gives {n} x {n} results, every prediction against "
        "every target (seen {times} time(s)).",
        "`{operation}` 比较的张量形状为 ({n}, 1) 和 ({n},)：得到 {n} x {n} 个结果，即每个预测与每个目标都比较了一遍"
        "（看到 {times} 次）。",
    ),
    why=Text(
        "A mean over these says how often a prediction is like the target of any example: an accuracy near that of "
        "guessing, or an error near the spread of the targets, however good the model is. What is chosen by that score "
        "(the best epoch, the learning rate) is chosen by chance.",
        "对这些结果求平均，得到的是预测与任意样本的目标相符的频率：无论模型多好，准确率都接近瞎猜，误差接近目标本身的离散程度。"
        "依据该指标作出的选择（最佳轮次、学习率）等于随机选择。",
    ),
    fix=Text(
        "Give both the same shape: `prediction.squeeze(1)`, or `target.unsqueeze(1)`; "
        "`assert prediction.shape == target.shape` before the comparison keeps it so.",
        "让两者形状一致：`prediction.squeeze(1)` 或 `target.unsqueeze(1)`；在比较之前写上 "
        "`assert prediction.shape == target.shape` 可以防止再次出错。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 8)
y = (x[:, 0] + x[:, 1] > 0).float()
train_x, train_y, test_x, test_y = x[:1000], y[:1000], x[1000:], y[1000:]
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(train_x[rows]).squeeze(1), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(test_x) > 0).float() == test_y
    print(epoch, right.float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 8)
y = (x[:, 0] + x[:, 1] > 0).float()
train_x, train_y, test_x, test_y = x[:1000], y[:1000], x[1000:], y[1000:]
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(train_x[rows]).squeeze(1), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(test_x) > 0).float() == test_y.unsqueeze(1)
        alike = test_y.unsqueeze(1) == test_y
    print(epoch, right.float().mean().item(), alike.float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/broadcasting.html",),
    explains=("TRN006",),
    needs=("modules",),
    written=True,
)
