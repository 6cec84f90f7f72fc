"""DST008: `DistributedDataParallel` searches for unused parameters, and there are none."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 10


def check(run: Run) -> Iterator[Finding]:
    if not run.replicas_search or run.replicas != 1 or (run.group_size or 1) < 2:
        return
    trained = [one for one in run.parameters if one.requires_grad and one.model is not None]
    # The ranks may use different parts; a gradient that was averaged with another rank's is not None either.
    if not trained or any(one.samples < SAMPLES or one.samples_with_grad < one.samples for one in trained):
        return
    yield Finding(
        "DST008",
        data={"parameters": len(trained), "samples": min(one.samples for one in trained)},
        place=at(run.replica_site),
        confidence=Confidence.POSSIBLE,
    )


RULE = Rule(
    code="DST008",
    name="search-for-unused",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`DistributedDataParallel` was made with `find_unused_parameters=True`, but all {parameters} parameters had "
        "a gradient in all {samples} steps looked at.",
        "创建 `DistributedDataParallel` 时设置了 `find_unused_param"
        "eters=True`，但在查看过的 {samples} 步中，全部 {parameters} 个参数都"
        "有梯度。",
    ),
    why=Text(
        "It walks the whole graph after each forward pass, on the host, before the backward pass may begin. That is "
        "needed only if some parameters take no part in some steps.",
        "它会在每次前向之后、反向之前，在主机上遍历整个计算图。只有当部分参数在某些步中不参与计算时才需要。",
    ),
    fix=Text(
        "Leave the argument out: `DistributedDataParallel(model)`. If unused parts are always the same, freeze them "
        "(`requires_grad_(False)`) instead.",
        "去掉这个参数：`DistributedDataParallel(model)`。如果未使用的部分始终相同"
        "，改为冻结它们（`requires_grad_(False)`）。",
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
    network = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    model = DistributedDataParallel(network, find_unused_parameters=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for rows in torch.randperm(len(x)).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(rank, loss.item())
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
    network = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for rows in torch.randperm(len(x)).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(rank, loss.item())
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html",),
    needs=("parameters",),
    preview=True,
)
