"""TRN014: the same program with the same seed begins elsewhere than in the run before."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run, Start
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAME = 1e-3
"""Difference of two first losses, as a share, that rounding and kernels with another order of sums can leave: 1e-6 in
float32, 1e-3 in bfloat16."""
OTHERS = ("set(...)", "os.listdir", "np.random.default_rng()", "hash", "time.time")
"""What cannot be seen from here, and what is different or may be different each time a program is started."""


def check(run: Run) -> Iterator[Finding]:
    now, before = run.start, run.earlier
    if now is None or before is None or (now.seed, now.program) != (before.seed, before.program):
        return
    largest = max(abs(now.loss), abs(before.loss))
    if not abs(now.loss - before.loss) > SAME * largest:
        return
    pairs = {
        "weights": (now.weights, before.weights),
        "inputs": (now.inputs, before.inputs),
        "targets": (now.targets, before.targets),
    }
    differs = tuple(name for name, (one, other) in pairs.items() if one != other)
    # With all three the same, the loss itself was set otherwise. What goes on from a checkpoint has other weights.
    if not differs or ("weights" in differs and (now.loaded or before.loaded)):
        return
    unseeded = tuple(name for name, own in _generators(now, before) if own)
    yield Finding(
        "TRN014",
        {
            "seed": str(now.seed),
            "loss": now.loss,
            "before": before.loss,
            "suspects": tuple(f"`{name}`" for name in unseeded or OTHERS),
            "differs": differs,
            "earlier": before.folder,
        },
        at(run.streams[0].site if run.streams else None, first=0),
        Confidence.LIKELY if unseeded else Confidence.POSSIBLE,
        None if unseeded else Severity.HINT,
    )


def _generators(now: Start, before: Start) -> Iterator[tuple[str, bool]]:
    """(name, both runs have drawn from it, and it was not in the same state)."""
    for name, one, other in (("np.random", now.numpy, before.numpy), ("random", now.python, before.python)):
        yield name, bool(one and other and one[1] and other[1] and one[0] != other[0])


RULE = Rule(
    code="TRN014",
    name="seed-does-not-repeat",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The run before ({earlier}) had the same command, source files and torch seed ({seed}), and yet its first loss "
        "was {before}; now it is {loss}. What may differ from run to run: {suspects}.",
        "上一次运行（{earlier}）的命令、源文件和 torch 种子（{seed}）都相同，但它的第一个损失是 {before}，这次是 {loss}。"
        "每次运行可能不同的是：{suspects}。",
    ),
    why=Text(
        "`torch.manual_seed` seeds torch alone. What comes from elsewhere is another one at each start, so two settings "
        "cannot be compared by one run each, and a result cannot be had again; where it numbers the classes, a saved "
        "model names the wrong ones.",
        "`torch.manual_seed` 只设置 torch 的种子。其他来源的随机性每次启动都不同，因此不能各跑一次就比较两种设置，结果也无法重现；"
        "如果类别编号由它决定，加载保存的模型后类别会对不上。",
    ),
    fix=Text(
        "Seed the others too, `random.seed({seed})` and `np.random.seed({seed})` (at most 2**32 - 1), give "
        "`np.random.default_rng` a number, and put `sorted(...)` around sets and lists of files.",
        "其他随机源也要设种子：`random.seed({seed})` 和 `np.random.seed({seed})`（不超过 2**32 - 1），给 "
        "`np.random.default_rng` 传入一个数，集合和文件列表要用 `sorted(...)` 排序。",
    ),
    bad="""\
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
features = np.random.randn(900, 12).astype("float32")
labels = (features[:, 0] > features[:, 1]).astype("int64")
x, y = torch.from_numpy(features), torch.from_numpy(labels)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for rows in torch.randperm(len(x)).split(30):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import numpy as np
import torch
from torch import nn

np.random.seed(0)
torch.manual_seed(0)
features = np.random.randn(900, 12).astype("float32")
labels = (features[:, 0] > features[:, 1]).astype("int64")
x, y = torch.from_numpy(features), torch.from_numpy(labels)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for rows in torch.randperm(len(x)).split(30):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/randomness.html",),
    explains=("TRN017",),
)
