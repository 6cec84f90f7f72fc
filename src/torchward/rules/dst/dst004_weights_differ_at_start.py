"""DST004: ranks average their gradients, but began with different weights."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Parameter, Ranks
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.dst._norms import MOST, by_step, same_gradients, unlike

DIFFER = 1e-5
"""Relative difference of norms at the start, which the log keeps in full: a hundred roundings of single precision, and a
tenth of what two draws of ten million weights differ by (0.45 / sqrt(n) for a uniform distribution)."""


def check(ranks: Ranks) -> Iterator[Finding]:
    if not all((run.group_size or 1) > 1 and not run.replicas for run in ranks.runs):
        return
    first, second = ranks.runs[0], ranks.runs[1]
    there = {parameter.name: parameter for parameter in second.parameters}
    pairs = [
        (one, there[one.name])
        for one in first.parameters
        if len(one.shape) >= 2 and one.optimizers and one.name in there and one.shape == there[one.name].shape
    ]
    differ = [one for one, other in pairs if _began_apart(one, other)]
    averaged = [one for one, other in pairs if same_gradients(one, other)]
    drawn = [one for one, _ in pairs if any(one.weight_norm.values[:1])]  # zeros are the same on all ranks
    if not differ or len(differ) < MOST * len(drawn) or len(averaged) < MOST * len(pairs):
        return
    optimizer = next((one for one in first.optimizers if one.site is not None), None)
    yield Finding(
        "DST004",
        data={
            "ranks": len(ranks.runs),
            "count": len(differ),
            "parameters": tuple(one.name for one in differ[:8]),
            "here": differ[0].weight_norm.values[0],
            "there": there[differ[0].name].weight_norm.values[0],
        },
        place=at(optimizer.site if optimizer is not None else None, differ[0].weight_norm, parameter=differ[0].name),
    )


def _began_apart(one: Parameter, other: Parameter) -> bool:
    here, there = by_step(one.weight_norm), by_step(other.weight_norm)
    common = sorted(set(here) & set(there))
    return bool(common) and common[0] <= 1 and unlike(here[common[0]], there[common[0]], DIFFER)


RULE = Rule(
    code="DST004",
    name="weights-differ-at-start",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "All {ranks} ranks step on the same averaged gradients, but {count} weight(s) differ from the first step on "
        "({parameters}; norm {here:.7g} on the first rank, {there:.7g} on the second).",
        "全部 {ranks} 个 rank 都按相同的平均梯度更新，但有 {count} 个权重从第一步起就不同"
        "（{parameters}；第一个 rank 上范数为 {here:.7g}，第二个为 {there:.7g}）。",
    ),
    why=Text(
        "The gradient of one model is applied to another one. Averaging keeps ranks in step only if they begin with "
        "the same weights; so none of them follows its own loss, and the one that is saved is not the one that was "
        "trained.",
        "一个模型的梯度被用到了另一个模型上。只有初始权重相同，平均梯度才能让各 rank 保持一致；现在没有一个"
        " rank 在沿自己的损失下降，保存下来的也不是被训练的那一个。",
    ),
    fix=Text(
        "Send the weights of one rank to all before the first step: `for tensor in model.state_dict().values(): "
        "dist.broadcast(tensor, src=0)`, or wrap the model in `DistributedDataParallel`, which does both.",
        "在第一步之前把一个 rank 的权重发给所有 rank：`for tensor in model.sta"
        "te_dict().values(): dist.broadcast(tensor, src=0)`，或"
        "者用 `DistributedDataParallel` 包装模型，它会同时完成这两件事。",
    ),
    bad="""\
import os
import subprocess
import sys

import torch
import torch.distributed as dist
from torch import nn


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(rank)
    shared = torch.Generator().manual_seed(0)
    x = torch.randn(960, 12, generator=shared)
    y = (x @ torch.randn(12, 4, generator=shared)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        for rows in torch.randperm(len(x), generator=shared).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= world
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


def main():
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(rank)
    shared = torch.Generator().manual_seed(0)
    x = torch.randn(960, 12, generator=shared)
    y = (x @ torch.randn(12, 4, generator=shared)).argmax(1)
    x, y = x[rank::world], y[rank::world]
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    for tensor in model.state_dict().values():
        dist.broadcast(tensor, src=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(10):
        for rows in torch.randperm(len(x), generator=shared).split(24):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= world
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
    links=("https://docs.pytorch.org/docs/stable/notes/ddp.html",),
    explains=("TRN*", "OPT007", "LOS007"),
    needs=("parameters",),
    preview=True,
)
