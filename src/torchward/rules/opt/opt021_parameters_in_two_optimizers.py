"""OPT021: two optimizers that step the same parameters."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Optimizer, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

CYCLES = 3
"""Sampled steps in which both used the same gradients."""
SHARE = 0.5
"""... as a share of all."""
NAMED = 8


def check(run: Run) -> Iterator[Finding]:
    stepping = [one for one in run.optimizers if one.steps]
    names = {parameter.index: parameter.name for parameter in run.parameters}
    for position, first in enumerate(stepping):
        for second in stepping[position + 1 :]:
            shared = [index for index in second.parameters if index in set(first.parameters)]
            if not shared or second.first_step > first.last_step or first.first_step > second.last_step:
                continue
            twice, seen = _same_gradients(run, first, second)
            rival = _rival(run, first, second)
            if twice >= CYCLES and twice >= SHARE * seen:
                how, confidence = "the same gradients", Confidence.CERTAIN
            elif rival and min(first.steps, second.steps) >= CYCLES:
                how, confidence = "each other's loss", Confidence.LIKELY
            elif (_opposed(run, first, second) or _judged_by_other(run, first, second)) and min(
                first.steps, second.steps
            ) >= CYCLES:
                how, confidence = "losses that play against each other", Confidence.LIKELY
            else:
                continue
            yield Finding(
                "OPT021",
                {
                    "first": first.kind,
                    "second": second.kind,
                    "count": len(shared),
                    "parameters": tuple(names.get(index, "?") for index in shared[:NAMED]),
                    "how": how,
                    "twice": twice,
                    "samples": seen,
                },
                at(second.made or second.site, first=max(first.first_step, second.first_step)),
                confidence,
            )


def _same_gradients(run: Run, first: Optimizer, second: Optimizer) -> tuple[int, int]:
    """(steps in which one used what the other had just used, with no backward pass or clearing between; all)."""
    pair = {first.index, second.index}
    twice = 0
    begin, end = max(first.first_step, second.first_step), min(first.last_step, second.last_step)
    together = [cycle for cycle in run.cycles if begin <= cycle.step <= end]
    for cycle in together:
        # A cycle begins right after a step of the leader, whose step is also its last event.
        leader = cycle.events[-1][1] if cycle.events and cycle.step else -1
        used, double = {leader} & pair, False
        for name, index in cycle.events:
            if name in ("backward", "zero"):
                used = set()
            elif name == "step" and index in pair:
                double = double or bool(used - {index})
                used.add(index)
        twice += double
    return twice, len(together)


def _rival(run: Run, first: Optimizer, second: Optimizer) -> bool:
    """One holds the whole of the other's model besides a model of its own, and each has a loss of its own."""
    models = {parameter.index: parameter.model for parameter in run.parameters}
    for large, small in ((first, second), (second, first)):
        inner = {models.get(index) for index in small.parameters}
        outer = {models.get(index) for index in large.parameters}
        training = next((one for one in run.trainings if {large.index, small.index} <= set(one.optimizers)), None)
        if training is None or len(training.losses) < 2 or None in outer:
            continue
        if len(inner) == 1 and inner < outer and set(small.parameters) < set(large.parameters):
            return True
    return False


def _opposed(run: Run, first: Optimizer, second: Optimizer) -> bool:
    """One loss subtracts what the other is, on the same way: through parameters of both, and through an opponent that
    one of the two optimizers alone holds."""
    shared = set(first.parameters) & set(second.parameters)
    for raising in run.streams:
        way = set(raising.raised)
        lowered = any(one is not raising and set(one.leaves) == way and not one.raised for one in run.streams)
        if not way or not lowered or not shared <= way:
            continue
        opponent = way - shared
        for one, other in ((first, second), (second, first)):
            if opponent and opponent <= set(one.parameters) and not opponent & set(other.parameters):
                return True
    return False


def _judged_by_other(run: Run, first: Optimizer, second: Optimizer) -> bool:
    """One's loss passes through layers that only the other holds, and that the other trains by a loss of its own together
    with what they share: a game, in which that loss undoes on the shared part what the first one asks of it."""
    if run.choices or run.episodes is not None:
        return False  # an actor is judged by its critic, and both may read one encoder
    shared = set(first.parameters) & set(second.parameters)
    for player, judge in ((first, second), (second, first)):
        own, judging = set(player.parameters) - shared, set(judge.parameters) - shared
        passes = any(all(set(one.leaves) & part for part in (own, shared, judging)) for one in run.streams)
        trained = any(
            set(one.leaves) <= set(judge.parameters) and all(set(one.leaves) & part for part in (shared, judging))
            for one in run.streams
        )
        if passes and trained:
            return True
    return False


RULE = Rule(
    code="OPT021",
    name="parameters-in-two-optimizers",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} parameters ({parameters}) are held by both `{first}` and `{second}`, and both step them, on {how}.",
        "{count} 个参数（{parameters}）同时被 `{first}` 和 `{second}` 持有，两者都在更新它们（{how}）。",
    ),
    why=Text(
        "Each optimizer moves them with a rate and a memory of its own. On the same gradients every update is made "
        "twice; in an adversarial game the step for one side also makes the other side weaker, and undoes what it "
        "has learned.",
        "两个优化器各有自己的学习率和状态。若用同一份梯度，每次更新都会做两遍；"
        "在对抗训练中，一方的更新还会削弱另一方，抵消它学到的东西。",
    ),
    fix=Text(
        "Give each parameter to one optimizer: use parameter groups, `{first}([{{'params': a}}, {{'params': b, "
        "'lr': ...}}])`, or leave the shared ones out of `{second}`.",
        "让每个参数只属于一个优化器：使用参数组 `{first}([{{'params': a}}, {{'params': b, 'lr': ...}}])`，"
        "或者把共有的参数从 `{second}` 中去掉。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 3)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.body(x))


net = Net()
body_optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
head_optimizer = torch.optim.Adam(net.head.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(800).split(40):
        body_optimizer.zero_grad()
        head_optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        body_optimizer.step()
        head_optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x @ torch.randn(10, 3)).argmax(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.body(x))


net = Net()
body_optimizer = torch.optim.SGD(net.body.parameters(), lr=0.02, momentum=0.9)
head_optimizer = torch.optim.Adam(net.head.parameters(), lr=2e-3)
for epoch in range(10):
    for rows in torch.randperm(800).split(40):
        body_optimizer.zero_grad()
        head_optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        body_optimizer.step()
        head_optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options",),
    explains=("OPT005", "OPT007", "TRN001"),
    needs=("parameters", "optimizer"),
)
