"""DST007: batch norm on the small batch of each rank alone."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Ranks
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

BATCH = 16
"""Examples on one rank. Wu & He (ECCV 2018, figure 1) see the error of batch norm rise below 16 a GPU."""


def check(ranks: Ranks) -> Iterator[Finding]:
    if not all(run.replicas and (run.group_size or 1) > 1 for run in ranks.runs):
        return
    first = ranks.runs[0]
    small = [
        module
        for module in first.modules
        if module.kind.startswith("BatchNorm") and module.typical_batch is not None and module.typical_batch < BATCH
    ]
    if not small:
        return
    model = next((model for model in first.models if model.wrapper), None)
    yield Finding(
        "DST007",
        data={
            "count": len(small),
            "layers": tuple(module.name for module in small[:8]),
            "batch": small[0].typical_batch or 0,
            "ranks": len(ranks.runs),
            "together": (small[0].typical_batch or 0) * len(ranks.runs),
        },
        place=at(model.site if model is not None else None, module=small[0].name),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="DST007",
    name="batch-norm-per-rank",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} batch norm layer(s) ({layers}) take their statistics from the {batch} examples of one rank, not "
        "from the {together} of all {ranks}.",
        "{count} 个批归一化层（{layers}）只用单个 rank 的 {batch} 个样本计算统计量"
        "，而不是全部 {ranks} 个 rank 的 {together} 个样本。",
    ),
    why=Text(
        "`DistributedDataParallel` averages gradients, not batch statistics. Mean and variance of few examples are "
        "noisy, and each rank normalises differently; only the running statistics of rank 0 are kept.",
        "`DistributedDataParallel` 平均的是梯度，不是批次统计量。少量样本的均值和方差噪"
        "声很大，各 rank 的归一化也不一致；最后只保留 rank 0 的滑动统计量。",
    ),
    fix=Text(
        "On GPUs: `model = nn.SyncBatchNorm.convert_sync_batchnorm(model)` before `DistributedDataParallel`. "
        "Anywhere: use `nn.GroupNorm` or `nn.LayerNorm`, or larger batches on each rank.",
        "在 GPU 上：在 `DistributedDataParallel` 之前执行 `model = nn"
        ".SyncBatchNorm.convert_sync_batchnorm(model)`。任何设备上："
        "改用 `nn.GroupNorm` 或 `nn.LayerNorm`，或加大每个 rank 的批次。",
    ),
    bad="""\
import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    network = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        for rows in torch.randperm(len(x)).split(8):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    print(rank, right)
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    good="""\
import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    network = nn.Sequential(nn.Linear(12, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 4))
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        for rows in torch.randperm(len(x)).split(8):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    print(rank, right)
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html",),
    explained_by=("MOD008",),
    needs=("modules",),
    preview=True,
)
