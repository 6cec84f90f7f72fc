"""LOS065: a seed is set within the training step, so that each batch is given the same random numbers."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for one in run.start.reseeded if run.start is not None else ():
        data = {"seed": one.seed, "draw": one.draw, "function": one.site.function}
        yield Finding("LOS065", data, at(one.site), Confidence.LIKELY)


RULE = Rule(
    code="LOS065",
    name="seed-set-in-each-step",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{seed}` is called in every training step, so that `{draw}` draws the same numbers for each batch.",
        "每个训练步都会调用 `{seed}`，因此 `{draw}` 为每个批次抽到的都是相同的随机数。",
    ),
    why=Text(
        "Random negatives, noise or masks stand for all that could have been drawn. With the same start each time the first "
        "example of every batch gets the same ones, the second the same, and so on: a model trained with the same few "
        "negatives or the same noise learns these by heart, and nothing about all others.",
        "随机的负样本、噪声或掩码代表所有可能抽到的值。若每次都从同一状态开始，每个批次的第一个样本总得到同样的数，第二个也一样，"
        "依此类推：只用少数几个固定的负样本或同一份噪声训练的模型会把它们背下来，而对其余的一无所知。",
    ),
    fix=Text(
        "Make the generator once, before the loop, and keep it: `self.rng = torch.Generator().manual_seed(seed)` in "
        "`__init__`, then `generator=self.rng`. It is as reproducible, and each step has numbers of its own.",
        "在循环之前创建一次生成器并保留它：在 `__init__` 中写 `self.rng = torch.Generator().manual_seed(seed)`，之后用 "
        "`generator=self.rng`。结果同样可复现，而每一步都有各自的随机数。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
taste, kind = torch.randn(300, 4), torch.randn(400, 4)
read = (taste @ kind.T + 2 * torch.randn(300, 400) > 4).nonzero()
users, books = nn.Embedding(300, 16), nn.Embedding(400, 16)
optimizer = torch.optim.Adam([*users.parameters(), *books.parameters()], lr=1e-2)


def others(rows):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(400, (len(rows),), generator=generator)


for epoch in range(8):
    for part in torch.randperm(len(read)).split(256):
        reader, book = read[part].unbind(1)
        other = others(part)
        better = (users(reader) * (books(book) - books(other))).sum(1)
        loss = -nn.functional.logsigmoid(better).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
taste, kind = torch.randn(300, 4), torch.randn(400, 4)
read = (taste @ kind.T + 2 * torch.randn(300, 400) > 4).nonzero()
users, books = nn.Embedding(300, 16), nn.Embedding(400, 16)
optimizer = torch.optim.Adam([*users.parameters(), *books.parameters()], lr=1e-2)
generator = torch.Generator().manual_seed(7)


def others(rows):
    return torch.randint(400, (len(rows),), generator=generator)


for epoch in range(8):
    for part in torch.randperm(len(read)).split(256):
        reader, book = read[part].unbind(1)
        other = others(part)
        better = (users(reader) * (books(book) - books(other))).sum(1)
        loss = -nn.functional.logsigmoid(better).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
""",
    links=("https://docs.pytorch.org/docs/stable/notes/randomness.html",),
)
