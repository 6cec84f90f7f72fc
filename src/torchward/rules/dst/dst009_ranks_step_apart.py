"""DST009: ranks that train one model together, and do not take the same steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchward.facts import Parameter, Ranks, Run, Site
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.dst._norms import MOST, SAME, by_step, one_model, same_gradients, unlike

APART = 2e-3
"""Relative difference of norms and of rates: two units of the last of the four digits that the log keeps, at least."""
STEPS = 3
"""Steps, sampled on both, with other rates: a rank that is interrupted between two of them may be one step behind."""
WEIGHTS = 0.5
"""Share of the weights that differ."""


def check(ranks: Ranks) -> Iterator[Finding]:
    if not one_model(ranks):
        return
    first = ranks.runs[0]
    for other in ranks.runs[1:]:
        rates = _other_rates(first, other)
        here, there = _clips(first), _clips(other)
        pairs = _pairs(first, other)
        apart = [one for one, another in pairs if _came_apart(one, another)]
        drift = len(apart) >= WEIGHTS * len(pairs) > 0
        averaged = sum(same_gradients(one, another) for one, another in pairs) >= MOST * len(pairs)
        # Gradients are measured at the step: where only one rank clips them, they differ there.
        if len(rates) < STEPS and not (drift and (averaged or bool(here) != bool(there))):
            continue
        step, rate, another_rate = rates[0] if len(rates) >= STEPS else _last_rates(first, other)
        yield Finding(
            "DST009",
            data={
                "ranks": len(ranks.runs),
                "rank": other.rank or 0,
                "step": step,
                "here": rate,
                "there": another_rate,
                "schedules_here": _scheduled(first),
                "schedules_there": _scheduled(other),
                "clips_here": here,
                "clips_there": there,
                "count": len(apart),
            },
            place=at(_site(first, other, len(rates) >= STEPS, here != there)),
        )
        return


def _other_rates(first: Run, other: Run) -> list[tuple[int, float, float]]:
    """(step, rate on one rank, on the other) where they differ."""
    found: list[tuple[int, float, float]] = []
    for one, another in zip(first.optimizers, other.optimizers, strict=False):
        here, there = by_step(one.lr), by_step(another.lr)
        steps = sorted(set(here) & set(there))
        differ = [(step, here[step], there[step]) for step in steps if unlike(here[step], there[step], APART)]
        found = max(found, differ, key=len)
    return found


def _last_rates(first: Run, other: Run) -> tuple[int, float, float]:
    rates = [
        (common, by_step(one.lr)[common], by_step(another.lr)[common])
        for one, another in zip(first.optimizers, other.optimizers, strict=False)
        if (common := max(set(one.lr.steps) & set(another.lr.steps), default=None)) is not None
    ]
    return rates[0] if rates else (0, 0.0, 0.0)


def _pairs(first: Run, other: Run) -> Sequence[tuple[Parameter, Parameter]]:
    there = {parameter.name: parameter for parameter in other.parameters}
    return [
        (one, there[one.name])
        for one in first.parameters
        if len(one.shape) >= 2 and one.optimizers and one.name in there and one.shape == there[one.name].shape
    ]


def _came_apart(one: Parameter, other: Parameter) -> bool:
    here, there = by_step(one.weight_norm), by_step(other.weight_norm)
    common = sorted(set(here) & set(there))
    if not common or common[0] > 1 or unlike(here[common[0]], there[common[0]], SAME):
        return False
    return unlike(here[common[-1]], there[common[-1]], APART)


def _clips(run: Run) -> int:
    return sum(clip.calls for clip in run.clips)


def _scheduled(run: Run) -> int:
    return sum(scheduler.steps for scheduler in run.schedulers)


def _site(first: Run, other: Run, rates: bool, clips: bool) -> Site | None:
    """Where one of them schedules, or clips, or steps."""
    for run in (first, other):
        if rates and any(scheduler.steps for scheduler in run.schedulers):
            return next(scheduler.step_site for scheduler in run.schedulers if scheduler.steps)
        if clips and not rates and run.clips:
            return run.clips[0].site
    return next((optimizer.site for optimizer in first.optimizers if optimizer.site is not None), None)


RULE = Rule(
    code="DST009",
    name="ranks-step-apart",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The {ranks} ranks train one model, but do not take the same steps: rank 0 and rank {rank} have the learning "
        "rates {here:.4g} and {there:.4g} at step {step}, stepped schedules {schedules_here} and {schedules_there} "
        "time(s) and clipped gradients {clips_here} and {clips_there} time(s); {count} weight(s) came apart so far.",
        "{ranks} 个 rank 训练同一个模型，走的步却不相同：rank 0 与 rank {rank} 在第 {step} 步的学习率分别为 {here:.4g} 和 "
        "{there:.4g}，调度器分别执行了 {schedules_here} 和 {schedules_there} 次，梯度裁剪分别为 {clips_here} 和 "
        "{clips_there} 次；到目前为止已有 {count} 个权重不同。",
    ),
    why=Text(
        "`DistributedDataParallel` makes gradients equal, never weights: it counts on equal steps. From the first "
        "unequal one on, the averaged gradient is that of no model that exists, and the weights never meet again.",
        "`DistributedDataParallel` 只让梯度相同，不会让权重相同：它依赖各 rank 走相同的步。从第一次不同的步开始，"
        "平均后的梯度就不属于任何一个实际存在的模型，权重也不会再一致。",
    ),
    fix=Text(
        "Do on all ranks whatever changes rates, gradients or weights; `if rank == 0:` is for printing and saving. A "
        "schedule that watches a metric needs the same number everywhere: `dist.all_reduce(loss); "
        "scheduler.step(loss.item() / world_size)`.",
        "凡是改变学习率、梯度或权重的操作都要在所有 rank 上执行；`if rank == 0:` 只用于打印和保存。"
        "根据指标调整的调度器在每个 rank 上都要得到同一个数：`dist.all_reduce(loss); "
        "scheduler.step(loss.item() / world_size)`。",
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
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            print(epoch, loss.item(), scheduler.get_last_lr())
            scheduler.step()
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
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            print(epoch, loss.item(), scheduler.get_last_lr())
        scheduler.step()
    dist.destroy_process_group()


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.call([*launcher, __file__])
""",
    links=("https://docs.pytorch.org/docs/stable/notes/ddp.html#internal-design",),
    explains=("DST002", "OPT009"),
    needs=("parameters",),
    preview=True,
)
