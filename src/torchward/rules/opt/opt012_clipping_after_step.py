"""OPT012: gradients that are clipped when it is too late."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

CALLS = 4
"""Sampled calls that must have come too late."""
SHARE = 0.9
MEASURING = 1e6
"""A threshold beyond this only measures the norm (`clip_grad_norm_(parameters, inf)`), at whatever place."""


def check(run: Run) -> Iterator[Finding]:
    for clip in run.clips:
        seen = clip.after_step + clip.before_step
        if clip.after_step < CALLS or clip.after_step < SHARE * seen or not 0 < clip.threshold < MEASURING:
            continue
        yield Finding(
            "OPT012",
            {"function": clip.kind, "threshold": clip.threshold, "late": clip.after_step, "seen": seen},
            at(clip.site),
        )


RULE = Rule(
    code="OPT012",
    name="clipping-after-step",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{function}` (threshold {threshold}) is called with no backward pass between the optimizer's step and it: "
        "{late} of "
        "{seen} calls looked at came too late.",
        "`{function}`（阈值 {threshold}）与优化器更新之间没有反向传播：检查过的 {seen} 次调用中有 {late} 次来得太晚。",
    ),
    why=Text(
        "It cuts gradients that were already used and are about to be cleared. The next step is not clipped at all, "
        "so a "
        "bad batch can still throw the weights far away.",
        "它裁剪的是已经用过、马上要被清零的梯度。真正的更新完全没有裁剪，一个异常批次仍然可能把权重推得很远。",
    ),
    fix=Text(
        "Clip between backward and step:\n    loss.backward()\n    torch.nn.utils.{function}(model.parameters(), "
        "{threshold})"
        "\n    optimizer.step()",
        "在反向传播与更新之间裁剪：\n    loss.backward()\n    torch.nn.utils.{function}(model.parameters(), "
        "{threshold})"
        "\n    optimizer.step()",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(states[:, -1])


x = torch.randn(512, 10, 4)
y = x[:, :, 0].mean(1, keepdim=True) * 3
model = Counter()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for step in range(200):
    rows = torch.randint(0, 512, (32,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if step % 40 == 0:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.out(states[:, -1])


x = torch.randn(512, 10, 4)
y = x[:, :, 0].mean(1, keepdim=True) * 3
model = Counter()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for step in range(200):
    rows = torch.randint(0, 512, (32,))
    loss = nn.functional.mse_loss(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 40 == 0:
        print(step, loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
        "https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-clipping",
    ),
    explains=("NUM002", "OPT007"),
    needs=("optimizer",),
)
