"""DAT002: the first layer is given values far from unit scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from torchward.facts import Input, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
LARGE = 20.0
"""Root mean square above which inputs are called large. Initialisations assume 1 (LeCun et al., Efficient BackProp, 1998,
section 4.3; He et al. 2015). TheDeepChecker and UMLAUT report anything outside -1..1; scikit-learn's digits (0..16, root
mean square 7.7) train well all the same, pixels of 0..255 (100 and more) and raw tables do not."""
SMALL = 0.005
"""... and below which small: pixels divided by 255 twice have 0.002; weak but usable signals (word embeddings, tf-idf,
audio) have 0.01 and more."""
NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "SyncBatchNorm")


def _normalised_second(run: Run, given: Input) -> bool:
    """A normalisation comes right behind the first layer, so the scale of the input cancels."""
    kinds: dict[str, str] = {}
    for one in run.parameters:
        if one.model == given.model:
            kinds.setdefault(one.module, one.module_kind)
    return len(kinds) > 1 and list(kinds.values())[1].startswith(NORMS)


def _rms(given: Input) -> float:
    """Root mean square of the input itself; 0 if it is unknown."""
    return math.hypot(median(given.mean.values), median(given.std.values)) if given.mean and given.std else 0.0


def check(run: Run) -> Iterator[Finding]:
    for given in run.inputs:
        if len(given.layer_rms) < MINIMUM_SAMPLES or given.normalised_first or _normalised_second(run, given):
            continue
        if any(given.nonfinite.values):
            continue
        rms = median(given.layer_rms.values)
        low, high = min(given.minimum.values, default=0.0), max(given.maximum.values, default=0.0)
        # Of mostly empty rows, as of counts of words, the few values may be large; a model may divide its input first.
        largest = max(abs(low), abs(high)) * min(1.0, rms / size) if (size := _rms(given)) else 0.0
        if not (rms > LARGE or (0 < rms < SMALL and largest < 4 * SMALL)):
            continue
        if SMALL <= median(given.layer_rms.values[-MINIMUM_SAMPLES:]) <= LARGE:
            continue  # a scale that is learned while training goes on, by running statistics
        model = next((one for one in run.models if one.index == given.model), None)
        if model is None or not any(one.model == given.model and one.optimizers for one in run.parameters):
            continue
        yield Finding(
            "DAT002",
            data={
                "model": model.name,
                "rms": rms,
                "low": low,
                "high": high,
                "mean": median(given.mean.values) if given.mean else None,
                "deviation": median(given.std.values) if given.std else None,
            },
            place=at(given.site, given.layer_rms),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="DAT002",
    name="input-scale",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the first layer of `{model}` is given values with a root mean square of {rms} (inputs from {low} to {high}); "
        "weights are initialised for about 1.",
        "`{model}` 的第一层得到的数值均方根为 {rms}（输入范围 {low} 到 {high}），而权重初始化假定约为 1。",
    ),
    why=Text(
        "Activations and gradients of the first layer grow and shrink with its input. Far above 1, the first steps "
        "saturate or blow up and only tiny learning rates are stable; far below, the layer sees little but its bias and "
        "learns very slowly.",
        "第一层的激活和梯度与输入成正比。远大于 1 时，最初几步就会饱和或发散，只有极小的学习率才稳定；"
        "远小于 1 时，这一层几乎只看到偏置，学得极慢。",
    ),
    fix=Text(
        "Scale the inputs once, with numbers from the training set: `x = (x - mean) / std` per feature or channel (for "
        "pixels `x / 255`, once), or put an `nn.BatchNorm1d(features)` in front.",
        "用训练集的统计量对输入做一次缩放：按特征或通道 `x = (x - mean) / std`（像素用 `x / 255`，且只除一次），"
        "或在最前面加一层 `nn.BatchNorm1d(features)`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

prototypes = torch.randint(0, 256, (4, 1, 12, 12)).float()
labels = torch.randint(0, 4, (512,))
images = (prototypes[labels] + 40 * torch.randn(512, 1, 12, 12)).clamp(0, 255)

model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 4)
)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
for epoch in range(10):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

prototypes = torch.randint(0, 256, (4, 1, 12, 12)).float()
labels = torch.randint(0, 4, (512,))
images = (prototypes[labels] + 40 * torch.randn(512, 1, 12, 12)).clamp(0, 255)
images = (images - images.mean()) / images.std()

model = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 4)
)
optimizer = torch.optim.SGD(model.parameters(), lr=5e-2)
for epoch in range(10):
    for x, y in DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    links=(
        "https://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf",
        "https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html",
    ),
    explains=(
        "TRN*",
        "LOS007",
        "MOD003",
        "MOD004",
        "MOD010",
        "MOD011",
        "NUM001",
        "NUM002",
        "NUM003",
        "NUM004",
        "NUM007",
        "OPT007",
        "OPT008",
        "OPT013",
    ),
    needs=("modules",),
)
