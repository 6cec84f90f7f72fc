"""DST002: ranks that began with the same weights, and train apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torchward.facts import Parameter, Ranks, Run, Site
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.dst._norms import by_step, unlike

STEPS = 3
SAME = 5e-4
"""Relative difference of norms below which they are the same number: the log keeps four digits."""
APART = 2e-3
MOST = 0.5
"""Share of the parameters."""
NAMED = 8


def check(ranks: Ranks) -> Iterator[Finding]:
    if not all((run.group_size or 1) > 1 for run in ranks.runs):
        return  # independent runs that a launcher started
    first, second = ranks.runs[0], ranks.runs[1]
    there = {parameter.name: parameter for parameter in second.parameters}
    pairs = [
        (one, there[one.name])
        for one in first.parameters
        if one.name in there and one.shape == there[one.name].shape and one.weight_norm and one.grad_norm
    ]
    if not pairs:
        return
    begun = [_same_start(one, other) for one, other in pairs]
    apart = [_apart(one, other) for one, other in pairs]
    graded = [_other_gradients(one, other) for one, other in pairs]
    if not first.replicas and (_rates(first) != _rates(second) or _meet_again(pairs)):
        return  # trials of a search; or ranks that average their weights now and then
    if not all(begun) or sum(graded) < MOST * len(pairs) or sum(apart) < MOST * len(pairs):
        return
    names = tuple(one.name for (one, _), away in zip(pairs, apart, strict=True) if away)
    site = _called_site(first) or first.replica_site or next((one.site for one in first.optimizers if one.site), None)
    yield Finding(
        "DST002",
        data={
            "ranks": len(ranks.runs),
            "count": len(names),
            "parameters": names[:NAMED],
            "replicas": first.replicas,
            "called": any(model.wrapper == "DistributedDataParallel" for model in first.models),
        },
        place=at(site, pairs[0][0].weight_norm),
        confidence=Confidence.CERTAIN if first.replicas else Confidence.LIKELY,
        severity=None if first.replicas else Severity.WARNING,
    )


def _called_site(run: Run) -> Site | None:
    """Where the bare model was called, if there is a wrapper that should have been called in its place."""
    if not run.replicas:
        return None
    return next((model.site for model in run.models if not model.wrapper and model.in_trainings), None)


def _values(parameter: Parameter, what: str) -> Mapping[int, float]:
    return by_step(parameter.weight_norm if what == "weights" else parameter.grad_norm)


def _same_start(one: Parameter, other: Parameter) -> bool:
    here, there = _values(one, "weights"), _values(other, "weights")
    common = sorted(set(here) & set(there))
    return bool(common) and common[0] <= 1 and not unlike(here[common[0]], there[common[0]], SAME)


def _apart(one: Parameter, other: Parameter) -> bool:
    here, there = _values(one, "weights"), _values(other, "weights")
    common = sorted(set(here) & set(there))
    return len(common) >= STEPS and unlike(here[common[-1]], there[common[-1]], APART)


def _rates(run: Run) -> list[float]:
    return [max(one.lr.values, default=0.0) for one in run.optimizers]


def _meet_again(pairs: Sequence[tuple[Parameter, Parameter]]) -> bool:
    """All weights are the same at a later step, after most of them were not."""
    weights = [(_values(one, "weights"), _values(other, "weights")) for one, other in pairs]
    apart = False
    for step in sorted(set.intersection(*(set(here) & set(there) for here, there in weights))):
        differ = sum(unlike(here[step], there[step], SAME) for here, there in weights)
        if apart and not differ:
            return True
        apart = apart or differ > MOST * len(pairs)
    return False


def _other_gradients(one: Parameter, other: Parameter) -> bool:
    here, there = _values(one, "gradients"), _values(other, "gradients")
    common = sorted(set(here) & set(there))
    return len(common) >= STEPS and sum(unlike(here[n], there[n], APART) for n in common) > MOST * len(common)


RULE = Rule(
    code="DST002",
    name="gradients-not-averaged",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The {ranks} ranks began with the same weights and train apart: gradients differ, and so do {count} parameters "
        "by now ({parameters}; `DistributedDataParallel` made: {replicas}, called: {called}).",
        "{ranks} 个 rank 的初始权重相同，却各自训练：梯度不同，如今已有 {count} 个参数不同"
        "（{parameters}；创建的 `DistributedDataParallel`：{replicas} 个，是否被调用：{called}）。",
    ),
    why=Text(
        "Each process trains a model of its own on its share of the data; the one that is saved has seen a fraction "
        "of it. Gradients are averaged only when the forward pass goes through the `DistributedDataParallel` object.",
        "每个进程都在自己那份数据上训练自己的模型，最后保存的那个只见过其中一小部分。"
        "只有前向传播经过 `DistributedDataParallel` 对象时，梯度才会被平均。",
    ),
    fix=Text(
        "Wrap the model once, `model = DistributedDataParallel(model)`, and call `model(x)`, never `model.module(x)` or "
        "the bare model; by hand, call `dist.all_reduce(p.grad)` and divide by the number of ranks before the step.",
        "把模型包装一次：`model = DistributedDataParallel(model)`，并调用 `model(x)`，不要调用 `model.module(x)` 或原始模型；"
        "若手动同步，在 `step()` 之前调用 `dist.all_reduce(p.grad)` 并除以 rank 数。",
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
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size=32, sampler=sampler)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    replica = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(replica.parameters(), lr=3e-3)
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
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    replica = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(replica.parameters(), lr=3e-3)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(replica(inputs), labels)
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
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html",),
    explains=("TRN002",),
    needs=("modules", "parameters"),
)
