"""DST005: each rank evaluates its own share, and the results are never put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Loader, RankEvaluation, Ranks, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.dst._norms import one_model

AGAIN = 2
"""Evaluations that began with the same batch: the rank has a share of its own, and does not draw from all."""
KNOWN = 0.1
"""Share of rows that the model was trained on, from which on it is no held-out data."""


def check(ranks: Ranks) -> Iterator[Finding]:
    first = ranks.runs[0]
    for here in first.rank_evaluations:
        found = [_of(run, here) for run in ranks.runs]
        all_ranks = [one for one in found if one is not None]
        if len(all_ranks) < len(found) or any(one.alone < one.times or not one.prints for one in all_ranks):
            continue
        loaders = [_loader(run, one) for run, one in zip(ranks.runs, all_ranks, strict=True)]
        if not _own_shares(all_ranks, loaders) or any(map(_on_trained, ranks.runs, all_ranks, loaders)):
            continue
        if not one_model(ranks) or any(run.saves is not None for run in ranks.runs[1:]):
            return  # what the other ranks save may be put together from their files
        model = next((one for one in first.models if one.index == here.model), None)
        yield Finding(
            "DST005",
            data={
                "model": model.name if model is not None else "",
                "ranks": len(ranks.runs),
                "times": here.times,
                "sampler": loaders[0] is not None and loaders[0].distributed,
            },
            place=at(here.site),
            confidence=Confidence.LIKELY,
        )
        return


def _of(run: Run, here: RankEvaluation) -> RankEvaluation | None:
    return next((one for one in run.rank_evaluations if one.site == here.site), None)


def _loader(run: Run, one: RankEvaluation) -> Loader | None:
    return next((loader for loader in run.loaders if loader.index == one.loader), None)


def _own_shares(found: Sequence[RankEvaluation], loaders: Sequence[Loader | None]) -> bool:
    """No two ranks began with the same batch, and not because each shuffles all of the data."""
    if len({one.prints[0] for one in found}) < len(found):
        return False
    if all(loader is not None and loader.distributed for loader in loaders):
        return True
    return all(len(one.prints) >= AGAIN and len(set(one.prints)) == 1 for one in found)


def _on_trained(run: Run, one: RankEvaluation, loader: Loader | None) -> bool:
    """What is evaluated is data that the model was trained on: a look at the training, not a score."""
    if loader is not None:
        return loader.trains
    seen = [overlap for overlap in run.overlaps if overlap.site == one.site]
    rows, known = (sum(sum(getattr(overlap, what)) for overlap in seen) for what in ("rows", "known"))
    return not rows or known > KNOWN * rows


RULE = Rule(
    code="DST005",
    name="scores-of-ranks-not-combined",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Each of the {ranks} ranks evaluates `{model}` on its own share of the held-out data, and nothing was exchanged "
        "between them before training went on or the run ended ({times} evaluation(s); by `DistributedSampler`: "
        "{sampler}).",
        "{ranks} 个 rank 各自在自己那一份留出数据上评估 `{model}`，而在训练继续或运行结束之前，它们之间没有交换任何数据"
        "（共 {times} 次评估；是否使用 `DistributedSampler`：{sampler}）。",
    ),
    why=Text(
        "What one rank prints, logs, stops or saves by is the score of 1/{ranks} of the data. It is noisier than it "
        "looks, changes with the number of ranks, and the ranks may decide differently.",
        "某个 rank 打印、记录、据以早停或保存的分数，只代表 1/{ranks} 的数据：噪声比看上去更大，会随 rank 数变化，"
        "而且各 rank 可能作出不同的决定。",
    ),
    fix=Text(
        "Sum counts over the ranks before dividing: `t = torch.tensor([correct, seen], dtype=torch.float64); "
        "dist.all_reduce(t); score = t[0] / t[1]`. Predictions of any kind: `dist.all_gather_object(parts, mine)`.",
        "先在各 rank 之间对计数求和，再相除：`t = torch.tensor([correct, seen], dtype=torch.float64); "
        "dist.all_reduce(t); score = t[0] / t[1]`。任意形式的预测结果：`dist.all_gather_object(parts, mine)`。",
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


def evaluate(model, loader):
    model.eval()
    correct, seen = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            correct += (model(inputs).argmax(1) == labels).sum().item()
            seen += len(labels)
    model.train()
    return correct / seen


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    x = torch.randn(1200, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    train, test = TensorDataset(x[:960], y[:960]), TensorDataset(x[960:], y[960:])
    sampler = DistributedSampler(train)
    loader = DataLoader(train, batch_size=32, sampler=sampler)
    test_loader = DataLoader(test, batch_size=60, sampler=DistributedSampler(test, shuffle=False))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        accuracy = evaluate(model, test_loader)
        if dist.get_rank() == 0:
            print(epoch, accuracy)
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


def evaluate(model, loader):
    model.eval()
    correct, seen = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            correct += (model(inputs).argmax(1) == labels).sum().item()
            seen += len(labels)
    model.train()
    counts = torch.tensor([correct, seen], dtype=torch.float64)
    dist.all_reduce(counts)
    correct, seen = counts.tolist()
    return correct / seen


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    x = torch.randn(1200, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    train, test = TensorDataset(x[:960], y[:960]), TensorDataset(x[960:], y[960:])
    sampler = DistributedSampler(train)
    loader = DataLoader(train, batch_size=32, sampler=sampler)
    test_loader = DataLoader(test, batch_size=60, sampler=DistributedSampler(test, shuffle=False))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        accuracy = evaluate(model, test_loader)
        if dist.get_rank() == 0:
            print(epoch, accuracy)
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=(
        "https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.all_reduce",
        "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler",
    ),
    needs=("modules",),
    preview=True,
)
