"""DST003: a `DistributedSampler` that is never told the epoch: the same order in every pass."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

SAME = 2
"""Passes begun with the epoch of the pass before. One may be a pass that was broken off."""


def check(run: Run) -> Iterator[Finding]:
    for loader in run.loaders:
        same = loader.same_epoch
        if not loader.trains or same is None or same < SAME or same < loader.iterations - 1:
            continue
        yield Finding(
            "DST003",
            data={"passes": loader.iterations, "same": same, "examples": loader.examples or 0},
            place=at(loader.site),
        )


RULE = Rule(
    code="DST003",
    name="same-order-every-epoch",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`DistributedSampler` shuffles, but `set_epoch` is never called: all {passes} passes had the same order and the "
        "same share of the data for each rank.",
        "`DistributedSampler` 开启了打乱，但从未调用 `set_epoch`：全部 {passes} 遍数据的顺序相同，每个 rank 分到的也总是同一份。",
    ),
    why=Text(
        "The order is drawn from the seed and the epoch, and the epoch stays 0. Every pass repeats the same batches, "
        "and no rank ever sees the examples of another.",
        "顺序由种子和 epoch 决定，而 epoch 一直是 0。每一遍都重复同样的批次，任何 rank 都见不到其他 rank 的样本。",
    ),
    fix=Text(
        "Call `sampler.set_epoch(epoch)` at the start of each epoch, before the loop over the loader.",
        "在每个 epoch 开始、遍历 loader 之前调用 `sampler.set_epoch(epoch)`。",
    ),
    bad="""\
import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    dataset = TensorDataset(x, y)
    loader = DataLoader(dataset, batch_size=32, sampler=DistributedSampler(dataset))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
    print(dist.get_rank(), loss.item())
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
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    dataset = TensorDataset(x, y)
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size=32, sampler=sampler)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
    print(dist.get_rank(), loss.item())
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler",),
    needs=("loader",),
)
