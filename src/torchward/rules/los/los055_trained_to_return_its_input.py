"""LOS055: a model is trained to give back its own input, though that is not what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

TRAINED, EVALUATED = 10, 2
"""Calls that were looked at, all of which agree."""


def check(run: Run) -> Iterator[Finding]:
    evaluations = [loss for loss in run.losses if not loss.training and any(loss.given)]
    others = sum(loss.given[1] for loss in evaluations if loss.given[1] >= EVALUATED)
    same_by_hand, others_by_hand = run.compared_by_hand
    others += others_by_hand
    trained = [loss for loss in run.losses if loss.training and any(loss.given)]
    if len(trained) != 1 or same_by_hand or any(loss.given[0] for loss in evaluations):
        return  # reconstruction is what is asked of it in evaluation, too
    (loss,) = trained
    same, other, added, damaged, beside = loss.given
    # Another term of the loss, written by hand, may need the other one of a pair.
    alone = all(stream.kind == loss.kind for stream in run.streams)
    # `x + f(x)` has nothing to learn of x: no autoencoder is made so. Nor is one taught what was just damaged, or from
    # pairs of which it needs but one.
    if same >= TRAINED and not other and (others or same in (added, damaged) or (alone and same == beside)):
        yield Finding(
            "LOS055",
            data={
                "loss": loss.kind,
                "calls": same,
                "added": added,
                "damaged": damaged,
                "beside": beside,
                "times": others,
            },
            place=at(loss.site, loss.values),
            confidence=Confidence.LIKELY,
            # What else the program subtracts may be asked of an autoencoder, too.
            severity=Severity.HINT if 0 < others == others_by_hand and same not in (added, damaged) else None,
        )


RULE = Rule(
    code="LOS055",
    name="trained-to-return-its-input",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "in training `{loss}` compares the output with the very input of the model (all {calls} calls looked at); {added} of "
        "these outputs are that input with something added, {damaged} of these inputs were changed in place since the loader "
        "handed them over, {beside} came beside another tensor of their shape that was not used, and {times} calls in evaluation "
        "have another target.",
        "训练时 `{loss}` 把输出与模型自己的输入作比较（查看的 {calls} 次调用全部如此）；其中 {added} 次的输出就是该输入再加上某个量，"
        "{damaged} 次的输入在加载器交出之后被原地改动过，{beside} 次的批次中另有一个同形状的张量未被使用，"
        "而评估时有 {times} 次调用的目标是另一个张量。",
    ),
    why=Text(
        "The task of the training is solved by handing the input on: noise, gaps and blur that were to be taken away are "
        "learned to be kept. Mostly the clean data were overwritten by their damaged copy, or the loss was given the wrong one of two.",
        "训练任务只要把输入原样传出去就能完成：本应去除的噪声、缺失和模糊反而被学会保留。通常是干净数据被其损坏的副本覆盖了，或损失拿错了两者中的一个。",
    ),
    fix=Text(
        "Keep both under names of their own: `noisy = corrupt(clean)`, `loss = {loss}(model(noisy), clean)`.",
        "给两者各自的名字：`noisy = corrupt(clean)`，`loss = {loss}(model(noisy), clean)`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
places = torch.arange(32.0)
clean = torch.sin(0.3 * places + 6.28 * torch.rand(1200, 1)) + torch.rand(1200, 1)
training, held_out = clean[:1000], clean[1000:]
damaged = held_out + 0.5 * torch.randn_like(held_out)
model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(1000).split(50):
        x = training[rows]
        x = x + 0.5 * torch.randn_like(x)
        loss = nn.functional.mse_loss(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(damaged), held_out).item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
places = torch.arange(32.0)
clean = torch.sin(0.3 * places + 6.28 * torch.rand(1200, 1)) + torch.rand(1200, 1)
training, held_out = clean[:1000], clean[1000:]
damaged = held_out + 0.5 * torch.randn_like(held_out)
model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(1000).split(50):
        x = training[rows]
        noisy = x + 0.5 * torch.randn_like(x)
        loss = nn.functional.mse_loss(model(noisy), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(model(damaged), held_out).item())
""",
    links=("https://www.jmlr.org/papers/v11/vincent10a.html",),
    explains=("TRN*",),
    needs=("loss", "modules"),
    preview=True,
)
