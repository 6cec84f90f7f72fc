"""MOD008: batch norm computes its statistics from a handful of examples."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

MINIMUM_SAMPLES = 5
TINY = 4
"""Wu & He, "Group Normalization" (ECCV 2018), figure 1 and table 2: ResNet-50 on ImageNet has an error of 23.6 % with
batch norm over 32 images per device, 24.8 % over 8, 27.3 % over 4 and 34.7 % over 2; group norm stays at 24.1 %."""
FEW = 2
"""Up to which it is more than a hint: with 4 many networks that see many places of each example still train well."""
ALONE = 64
"""Values per channel from which one example normalised by itself is a method of its own (instance norm), as long as the
model is never asked in eval mode."""
LAST_BATCH = 2
LAST_VALUES = 16
"""A last batch of one or two examples is worth a hint where channels have no more values than this."""


def check(run: Run) -> Iterator[Finding]:
    if run.samples < MINIMUM_SAMPLES:
        return
    ranks = run.world_size or 1
    judged = {one.index for one in run.models if one.calls.eval_no_grad or one.calls.eval_graph_unused}
    tiny, partial = [], []
    for module in run.modules:
        if module.typical_batch is None or module.smallest_batch is None:
            continue
        size = module.typical_batch * (ranks if module.kind == "SyncBatchNorm" else 1)
        if size == 1 and (module.values_per_channel or 0) >= ALONE and module.model not in judged:
            continue
        if size <= TINY:
            tiny.append(module)
        elif module.smallest_batch <= LAST_BATCH and (module.values_per_channel or LAST_VALUES + 1) <= LAST_VALUES:
            partial.append(module)
    loader = next((one for one in run.loaders if one.trains), None)
    for found, severity in ((tiny, None), (partial, Severity.HINT)):
        if not found:
            continue
        model = next((one for one in run.models if one.index == found[0].model), None)
        site = (loader.site if loader is not None else None) or (model.site if model is not None else None)
        yield Finding(
            "MOD008",
            data={
                "layers": tuple(module.name for module in found[:8]),
                "count": len(found),
                "batch": found[0].typical_batch if severity is None else found[0].smallest_batch,
                "typical": found[0].typical_batch,
                "values": found[0].values_per_channel,
            },
            place=at(site, module=found[0].name),
            severity=severity if severity or (found[0].typical_batch or 0) <= FEW else Severity.HINT,
        )


RULE = Rule(
    code="MOD008",
    name="batch-norm-on-tiny-batches",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Batch norm is trained on batches of {batch} examples ({values} values per channel in the smallest) in "
        "{count} layer(s): {layers}.",
        "batch norm 在只有 {batch} 个样本的批次上训练（最小批次中每个通道 {values} 个值），涉及 {count} 层：{layers}。",
    ),
    why=Text(
        "Mean and variance of so few examples are mostly noise, and they differ from the running statistics used in "
        "eval mode: ResNet-50 on ImageNet has 27.3 % error with 4 images per batch and 34.7 % with 2, against 23.6 % "
        "with 32 (Wu & He 2018).",
        "这么少样本的均值和方差大半是噪声，也与 eval 模式使用的滑动统计量不一致："
        "ImageNet 上的 ResNet-50，每批 4 张图时错误率为 27.3%，2 张时为 34.7%，32 张时为 23.6%（Wu & He 2018）。",
    ),
    fix=Text(
        "Use batches of 16 or more, or replace the batch norm by `nn.GroupNorm(num_groups, channels)` or "
        "`nn.LayerNorm`; for a last partial batch, `DataLoader(..., drop_last=True)`. Gradient accumulation does not "
        "help batch norm.",
        "把批次大小增加到 16 以上，或用 `nn.GroupNorm(num_groups, channels)`、`nn.LayerNorm` 代替 batch norm；"
        "若只是最后一个批次太小，使用 `DataLoader(..., drop_last=True)`。梯度累积对 batch norm 没有帮助。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(360, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True)
net = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(2):
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(360, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True)
net = nn.Sequential(nn.Linear(10, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(2):
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / len(loader))
""",
    links=(
        "https://arxiv.org/abs/1803.08494",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html",
    ),
    needs=("modules",),
)
