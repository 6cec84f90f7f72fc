"""PRF005: checkpoints are written so often that training waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 30
CALLS = 10
OFTEN = 0.5
"""Share of the steps after which something is saved."""
SHARE = 0.3
"""Of the run's time. Below it nobody is in need of fewer checkpoints."""
STEADY = 0.1
"""... when it happens in nearly every step."""
SECONDS = 0.2


def check(run: Run) -> Iterator[Finding]:
    saves = run.saves
    if saves is None or run.steps < STEPS or saves.calls < CALLS or run.seconds <= 0 or saves.seconds < SECONDS:
        return
    share = saves.seconds / run.seconds
    often = saves.steps >= OFTEN * run.steps
    if share < (STEADY if often else SHARE):
        return
    yield Finding(
        "PRF005",
        data={
            "calls": saves.calls,
            "steps": run.steps,
            "every": run.steps / saves.steps,
            "seconds": saves.seconds,
            "milliseconds": 1_000 * saves.seconds / saves.calls,
            "share": min(1.0, share),
        },
        place=at(saves.site),
    )


RULE = Rule(
    code="PRF005",
    name="saving-every-step",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`torch.save` was called {calls} times in {steps} steps, {milliseconds:.1f} ms each: {share:.0%} of the time.",
        "{steps} 步中调用了 {calls} 次 `torch.save`，每次 {milliseconds:.1f} ms：占总时间的 {share:.0%}。",
    ),
    why=Text(
        "While a checkpoint is written nothing is trained. A run that may be cut off loses at most what lies between "
        "two of them, so minutes apart are close enough.",
        "写检查点时训练是停下来的。训练若中断，最多损失两个检查点之间的部分，因此隔几分钟保存一次就够了。",
    ),
    fix=Text(
        "Save once per epoch, every few minutes, or only when the validation loss is a new best: "
        "`if step % 1000 == 0: torch.save(...)`.",
        "每个 epoch、每隔几分钟，或仅在验证损失创新低时保存：`if step % 1000 == 0: torch.save(...)`。",
    ),
    bad="""\
import os
import tempfile

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(960, 32)
y = (x @ torch.randn(32, 4)).argmax(1)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
path = os.path.join(tempfile.mkdtemp(), "last.pt")
for epoch in range(6):
    for rows in torch.randperm(960).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    print(epoch, loss.item())
""",
    good="""\
import os
import tempfile

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(960, 32)
y = (x @ torch.randn(32, 4)).argmax(1)
model = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
path = os.path.join(tempfile.mkdtemp(), "last.pt")
for epoch in range(6):
    for rows in torch.randperm(960).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",),
)
