"""DST001: every rank trains on the same batches."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Batches, Ranks, Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at

STEPS = 4
"""Steps that all ranks have sampled."""


def check(ranks: Ranks) -> Iterator[Finding]:
    if not all(run.replicas and (run.group_size or 1) > 1 for run in ranks.runs):
        return  # without replicas the ranks may hold parts of one model, and need the same data
    first = ranks.runs[0]
    for batches in first.batches:
        others = [_of(run, batches) for run in ranks.runs[1:]]
        seen = [dict(zip(one.steps, one.fingerprints, strict=True)) for one in (batches, *others) if one is not None]
        if len(seen) != len(ranks.runs):
            continue
        common = sorted(set(seen[0]).intersection(*seen[1:]))
        same = [step for step in common if len({one[step] for one in seen}) == 1]
        # One batch for the whole run is another problem; it may also be a test.
        if len(common) < STEPS or len(same) < len(common) or len({seen[0][step] for step in common}) < 2:
            continue
        model = next((one for one in first.models if one.index == batches.model), None)
        loader = next((one for one in first.loaders if one.trains), None)
        yield Finding(
            "DST001",
            data={
                "model": model.name if model is not None else "",
                "ranks": len(ranks.runs),
                "steps": len(common),
                "shuffled": loader.shuffled if loader is not None else None,
            },
            place=at((loader.site if loader is not None else None) or batches.site),
        )


def _of(run: Run, batches: Batches) -> Batches | None:
    return next((one for one in run.batches if one.model == batches.model), None)


RULE = Rule(
    code="DST001",
    name="same-data-on-every-rank",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "All {ranks} ranks give `{model}` the same batches (all {steps} steps that were compared).",
        "全部 {ranks} 个 rank 给 `{model}` 的批次都相同（比较过的 {steps} 步全部如此）。",
    ),
    why=Text(
        "The average of equal gradients is the gradient of one of them: {ranks} processes do the work of one, at its "
        "batch size, and an epoch is as long as before.",
        "相同梯度的平均仍是同一个梯度：{ranks} 个进程只做了一个进程的工作，批次大小没有变大，一个 epoch 也没有变短。",
    ),
    fix=Text(
        "Give each rank its share: `DataLoader(dataset, sampler=DistributedSampler(dataset))`, and call "
        "`sampler.set_epoch(epoch)` at the start of each epoch.",
        "让每个 rank 只取自己的一份：`DataLoader(dataset, sampler=DistributedSampler(dataset))`，"
        "并在每个 epoch 开始时调用 `sampler.set_epoch(epoch)`。",
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


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    x = torch.randn(960, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
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
    explains=("DST003",),
    needs=("modules",),
)
