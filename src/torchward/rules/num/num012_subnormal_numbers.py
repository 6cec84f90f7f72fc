"""NUM012: an optimizer keeps numbers next to zero, which the processor computes by a slow way."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SLOWER = 1.3
"""Times that the operations on such a state take longer. On an AMD EPYC (family 25, torch 2.13) a step of Adam took 1.3
times as long with 1 % of such numbers, 2.9 with 10 %, 6.5 with 50 %; a repeated measurement differs by up to 0.2."""
COST = 0.1
"""Share of a step's time that they add: less is within what steps differ anyway."""
MUCH = 0.25
"""... that is worth more than a hint."""
STEPS = 5
"""Values of a step's duration, the last ones, of which the median is taken."""


def check(run: Run) -> Iterator[Finding]:
    known = {parameter.index: parameter for parameter in run.parameters}
    later = run.step_seconds
    for found in run.subnormals:
        optimizer = next((one for one in run.optimizers if one.index == found.optimizer), None)
        step = median(later.values[-STEPS:]) if later else 0.0
        if optimizer is None or found.slower < SLOWER or step <= 0 or found.seconds < COST * step:
            continue
        parameter = known.get(found.parameter)
        cost = min(found.seconds / step, 1.0)
        yield Finding(
            "NUM012",
            data={
                "optimizer": optimizer.kind,
                "state": found.key,
                "parameter": parameter.name if parameter is not None else "",
                "share": found.share_there,
                "slower": found.slower,
                "milliseconds": 1_000 * found.seconds,
                "cost": cost,
            },
            place=at(
                optimizer.made or optimizer.site,
                module=parameter.module if parameter is not None else "",
                parameter=parameter.name if parameter is not None else "",
                first=found.step,
            ),
            confidence=Confidence.LIKELY,
            severity=None if cost >= MUCH else Severity.HINT,
        )


RULE = Rule(
    code="NUM012",
    name="subnormal-numbers",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of `{state}` that `{optimizer}` keeps for `{parameter}` are subnormal numbers (next to zero, but not "
        "0): operations on it take {slower:.1f} times as long (measured), about {milliseconds:.1f} ms of each step "
        "(estimated), {cost:.0%} of its time.",
        "`{optimizer}` 为 `{parameter}` 保存的 `{state}` 中有 {share:.0%} 是次正规数（极接近零但不为 0）："
        "对它的运算耗时是正常数值的 {slower:.1f} 倍（实测），每一步约多花 {milliseconds:.1f} 毫秒（估计），占一步时间的 {cost:.0%}。",
    ),
    why=Text(
        "Below 1.2e-38 float32 has no full numbers any more, and processors compute such ones by a slow way; which "
        "operations that hits differs, a root is among the slowest. Averages of gradients come there when gradients are "
        "smaller than 1e-18, or 0 for long: a moving average shrinks with each step, and never becomes 0. Such weights "
        "do not learn: they belong to units that are dead, to rows that are never looked up, or to a loss that is far "
        "too small.",
        "小于 1.2e-38 时 float32 已不再有完整精度的数，处理器只能用很慢的方式计算；受影响的运算因处理器而异，开平方是最慢的之一。"
        "当梯度小于 1e-18，或长期为 0 时，梯度的滑动平均就会落到这里：它每一步都在缩小，却永远不会变成 0。"
        "这样的权重并没有在学习：它们属于已失活的单元、从未被查询的行，或者损失的数值过小。",
    ),
    fix=Text(
        "See why these weights get no gradient: bring the loss to a size near 1, leave out or freeze what is not trained, "
        "use `nn.Embedding(..., sparse=True)` with `torch.optim.SparseAdam` for tables of which few rows are used. Where it "
        "is meant, `{optimizer}(..., fused=True)` computes them much quicker (Adam, AdamW, Adagrad), and "
        "`torch.set_flush_denormal(True)` at the start makes such numbers 0, which is quicker, too (a step of Adam took 2.5 "
        "times as long as with normal ones, instead of 8).",
        "查明这些权重为什么得不到梯度：把损失调到 1 附近的量级；不训练的部分不要交给优化器，或将其冻结；"
        "只用到少数行的大表，用 `nn.Embedding(..., sparse=True)` 配合 `torch.optim.SparseAdam`。如果本就如此设计，"
        "`{optimizer}(..., fused=True)` 计算这类数快得多（Adam、AdamW、Adagrad），"
        "在程序开头调用 `torch.set_flush_denormal(True)` 则会把它们变成 0，同样更快（Adam 一步的耗时是正常数值的 2.5 倍，而不是 8 倍）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
words, kinds = 10_000, 6
kind = torch.randint(0, kinds, (words,))
model = nn.Sequential(nn.EmbeddingBag(words, 32), nn.Linear(32, kinds))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.8, 0.8))
for step in range(700):
    # after a first part with all words, texts of a field that uses few of them
    texts = torch.randint(0, words if step < 60 else 900, (64, 15))
    answers = nn.functional.one_hot(kind[texts], kinds).sum(1).argmax(1)
    loss = nn.functional.cross_entropy(model(texts), answers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
words, kinds = 10_000, 6
kind = torch.randint(0, kinds, (words,))
model = nn.Sequential(nn.EmbeddingBag(words, 32, sparse=True), nn.Linear(32, kinds))
table = torch.optim.SparseAdam(model[0].parameters(), lr=3e-3, betas=(0.8, 0.8))
optimizer = torch.optim.Adam(model[1].parameters(), lr=3e-3, betas=(0.8, 0.8))
for step in range(700):
    # after a first part with all words, texts of a field that uses few of them
    texts = torch.randint(0, words if step < 60 else 900, (64, 15))
    answers = nn.functional.one_hot(kind[texts], kinds).sum(1).argmax(1)
    loss = nn.functional.cross_entropy(model(texts), answers)
    for one in (table, optimizer):
        one.zero_grad()
    loss.backward()
    for one in (table, optimizer):
        one.step()
print(loss.item())
""",
    links=(
        "https://docs.pytorch.org/docs/stable/generated/torch.set_flush_denormal.html",
        "https://docs.pytorch.org/docs/stable/generated/torch.optim.SparseAdam.html",
        "https://en.wikipedia.org/wiki/Subnormal_number",
    ),
    explains=(),
    needs=("optimizer",),
)
