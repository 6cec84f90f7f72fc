"""DST010: the ranks of one job wait for one of them, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Ranks, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.dst._norms import MOST, one_model

SHARE = 0.15
"""Of a step. Gradients are exchanged in the backward pass, so ranks wait there for the last one to begin it. Measured, on
two cores that other programs used too: at most 0.02 between equal ranks (21 jobs), 0.20 to 0.34 where one has more to do
(six). By the clock instead of the processor's time one of the equal jobs had 0.18 by chance."""
STEP_SECONDS = 0.005
"""Shorter steps are ruled by the exchange itself."""
TOTAL_SECONDS = 0.4
"""Time lost below which nobody would care."""
STRETCHES = 4
"""Stretches of the log, each with a median over the steps looked at: a rank that evaluates or saves now and then is not
slow."""
TOGETHER = 0.25
"""Relative difference of the ranks' step times, at most: they do wait for each other."""


def check(ranks: Ranks) -> Iterator[Finding]:
    runs = ranks.runs
    if not one_model(ranks) or any(run.device != "cpu" or len(run.lead_seconds.values) < STRETCHES for run in runs):
        return  # other devices are given their work ahead of time: the host's clock tells nothing of theirs
    steps = [median(run.step_seconds.values) for run in runs]
    if min(steps) < STEP_SECONDS or max(steps) - min(steps) > TOGETHER * max(steps):
        return
    slow = max(runs, key=_lead)
    rest = [run for run in runs if run is not slow]
    gaps = [
        here - median(there)
        for here, *there in zip(slow.lead_seconds.values, *(run.lead_seconds.values for run in rest), strict=False)
    ]
    waits = _waiting(slow) - median(map(_waiting, rest))
    gap, step = median(gaps) + waits, median(steps)
    if (
        sum(one + waits > 0 for one in gaps) < MOST * len(gaps)
        or gap < SHARE * step
        or gap * slow.steps < TOTAL_SECONDS
    ):
        return
    yield Finding(
        "DST010",
        data={
            "ranks": len(runs),
            "rank": slow.rank or 0,
            "slow": 1_000 * _lead(slow),
            "others": 1_000 * median(map(_lead, rest)),
            "step": 1_000 * step,
            "share": gap / step,
            "fetching": 1_000 * (_fetching(slow) - median(map(_fetching, rest))),
        },
        place=at(next((loader.site for loader in slow.loaders if loader.trains), slow.replica_site)),
        confidence=Confidence.LIKELY,
    )


def _lead(run: Run) -> float:
    """Seconds from a step to the next backward pass, without those that other programs on the machine take."""
    return median(run.lead_seconds.values) + _waiting(run)


def _waiting(run: Run) -> float:
    """Seconds a step that training waits for workers, who are other processes."""
    return sum(loader.wait_seconds for loader in run.loaders if loader.trains and loader.workers) / max(1, run.steps)


def _fetching(run: Run) -> float:
    """Seconds a step that training waits for its loaders."""
    return sum(loader.wait_seconds for loader in run.loaders if loader.trains) / max(1, run.steps)


RULE = Rule(
    code="DST010",
    name="waiting-for-one-rank",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{ranks} ranks wait for rank {rank} in every step: it takes {slow:.1f} ms from a step to its next backward pass "
        "({fetching:.1f} ms of them in its loader, beyond what the others take there), the others {others:.1f} ms. That "
        "is {share:.0%} of a step of {step:.1f} ms.",
        "{ranks} 个 rank 每一步都在等待 rank {rank}：它从一步结束到下一次反向传播需要 {slow:.1f} 毫秒"
        "（其中比其他 rank 多花在数据加载上的为 {fetching:.1f} 毫秒），其他 rank 只需 {others:.1f} 毫秒。"
        "差距占每步 {step:.1f} 毫秒的 {share:.0%}。",
    ),
    why=Text(
        "The ranks exchange gradients in each backward pass, so all of them go at the pace of the slowest. What one rank "
        "does more is paid for by every device of the job.",
        "各 rank 在每次反向传播中交换梯度，因此都只能以最慢的一个的速度前进。一个 rank 多做的事，整个任务的所有设备都要为之付出。",
    ),
    fix=Text(
        "See what that rank does before its backward pass that others do not: longer examples (deal sorted data out in "
        "turn, `data[rank::world_size]`, or shuffle before sharding), a share of its own on a slower disk, or logging "
        "or plotting in every step.",
        "检查该 rank 在反向传播之前比其他 rank 多做了什么：样本更长（把已排序的数据轮流分配："
        "`data[rank::world_size]`，或先打乱再切分），数据放在更慢的磁盘上，"
        "或每步都记录或画图。",
    ),
    bad="""\
import os
import random
import subprocess
import sys
from collections import Counter

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WORDS = [f"word{i}" for i in range(200)]


def written(draw, label, length):
    own = WORDS[40 * label : 40 * label + 40]
    return " ".join(draw.choices(own, k=length // 4) + draw.choices(WORDS, k=length - length // 4))


def counts(text):
    found = Counter(text.split())
    total = sum(found.values())
    return torch.tensor([found[word] / total for word in WORDS])


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rank, world = dist.get_rank(), dist.get_world_size()
    draw = random.Random(0)
    labels = [draw.randrange(4) for _ in range(512)]
    texts = [written(draw, label, 60 + 12 * place) for place, label in enumerate(labels)]
    mine = list(range(rank * 256, rank * 256 + 256))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(200, 64), nn.ReLU(), nn.Linear(64, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(15):
        draw.shuffle(mine)
        for start in range(0, 256, 32):
            batch = mine[start : start + 32]
            inputs = torch.stack([200 * counts(texts[place]) for place in batch])
            targets = torch.tensor([labels[place] for place in batch])
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        if rank == 0:
            print(epoch, loss.item())
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
import random
import subprocess
import sys
from collections import Counter

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WORDS = [f"word{i}" for i in range(200)]


def written(draw, label, length):
    own = WORDS[40 * label : 40 * label + 40]
    return " ".join(draw.choices(own, k=length // 4) + draw.choices(WORDS, k=length - length // 4))


def counts(text):
    found = Counter(text.split())
    total = sum(found.values())
    return torch.tensor([found[word] / total for word in WORDS])


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rank, world = dist.get_rank(), dist.get_world_size()
    draw = random.Random(0)
    labels = [draw.randrange(4) for _ in range(512)]
    texts = [written(draw, label, 60 + 12 * place) for place, label in enumerate(labels)]
    mine = list(range(rank, 512, world))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(200, 64), nn.ReLU(), nn.Linear(64, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(15):
        draw.shuffle(mine)
        for start in range(0, 256, 32):
            batch = mine[start : start + 32]
            inputs = torch.stack([200 * counts(texts[place]) for place in batch])
            targets = torch.tensor([labels[place] for place in batch])
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        if rank == 0:
            print(epoch, loss.item())
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/docs/stable/notes/ddp.html#internal-design",),
    explains=("PRF001",),
    preview=True,
)
