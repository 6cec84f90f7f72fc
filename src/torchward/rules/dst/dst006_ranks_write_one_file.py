"""DST006: several ranks save to one and the same file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torchward.facts import Ranks
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(ranks: Ranks) -> Iterator[Finding]:
    if not all((run.world_size or run.group_size or 1) > 1 for run in ranks.runs):
        return
    writers: Counter[str] = Counter()
    for run in ranks.runs:
        writers.update(set(run.saves.files) if run.saves is not None else ())
    shared = sorted(path for path, number in writers.items() if number > 1 and not path.startswith("/dev/"))
    if not shared:
        return
    first = next(run.saves for run in ranks.runs if run.saves is not None and shared[0] in run.saves.files)
    yield Finding(
        "DST006",
        data={
            "path": shared[0],
            "files": len(shared),
            "ranks": writers[shared[0]],
            "times": first.files[shared[0]],
        },
        place=at(first.site),
    )


RULE = Rule(
    code="DST006",
    name="ranks-write-one-file",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{ranks} ranks write the same file, `{path}` (each {times} time(s); {files} such file(s)).",
        "{ranks} 个 rank 写入同一个文件 `{path}`（每个写 {times} 次；这样的文件共 {files} 个）。",
    ),
    why=Text(
        "They write at the same time, and each begins with an empty file: what is left may be a mixture that cannot "
        "be loaded. Besides, all but one write for nothing.",
        "它们同时写入，且都从清空文件开始：留下的可能是无法加载的混合内容。而且除一个之外，其余的写入都是白费。",
    ),
    fix=Text(
        "Save on one rank only: `if dist.get_rank() == 0: torch.save(...)`, and let the others wait with "
        "`dist.barrier()` before anybody loads it. Parts that differ need names that differ: `f`state-{{rank}}.pt`.",
        "只在一个 rank 上保存：`if dist.get_rank() == 0: torch.save(."
        "..)`，并在任何人加载之前让其他 rank 用 `dist.barrier()` 等待。内容不同的部分"
        "要用不同的文件名：`f'state-{{rank}}.pt'`。",
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
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for rows in torch.randperm(len(x)).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save(model.module.state_dict(), "model.pt")
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
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for rows in torch.randperm(len(x)).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if rank == 0:
            torch.save(model.module.state_dict(), "model.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html#save-and-load-checkpoints",),
    preview=True,
)
