"""MOD036: `requires_grad` was set on a module, where torch does not look, and its parameters train on."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        for part in model.switched_off:
            own = [
                one
                for one in run.parameters
                if one.model == model.index and one.samples_with_grad and one.optimizers and _within(one.module, part)
            ]
            if own:
                yield Finding(
                    "MOD036",
                    data={
                        "part": f"{model.name}.{part}" if part else model.name,
                        "numbers": sum(one.numel for one in own),
                        "parameters": tuple(one.name for one in own[:8]),
                    },
                    place=at(model.site, module=part),
                )
                break


def _within(module: str, part: str) -> bool:
    return not part or module == part or module.startswith(f"{part}.")


RULE = Rule(
    code="MOD036",
    name="module-not-frozen",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{part}.requires_grad = False` froze nothing: modules have no such switch, and {numbers} numbers of it get gradients "
        "and are stepped by an optimizer ({parameters}).",
        "`{part}.requires_grad = False` 什么也没有冻结：模块没有这样的开关，其中 {numbers} 个参数仍有梯度并由优化器更新（{parameters}）。",
    ),
    why=Text(
        "Python lets any attribute be set on a module, so no error shows it. What was to stay as it was learned is trained on, "
        "and forgets it.",
        "Python 允许在模块上设置任意属性，所以不会报错。本应保持不变的部分仍在继续训练，并忘掉原先学到的东西。",
    ),
    fix=Text(
        "Use the method, `part.requires_grad_(False)`, or `for p in part.parameters(): p.requires_grad = False`, before the "
        "optimizer is made; and `part.eval()` where it has dropout or batch norm.",
        "请使用方法 `part.requires_grad_(False)`，或在创建优化器之前执行 `for p in part.parameters(): p.requires_grad = False`；"
        "若含有 dropout 或批归一化，再调用 `part.eval()`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
first, second = (x[:, :5].sum(1) > 0).long(), (x[:, 2] * x[:, 3] > 0).long()
body = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
heads = nn.ModuleList([nn.Linear(48, 2), nn.Linear(48, 2)])


def train(head, target, parts):
    optimizer = torch.optim.Adam([one for part in parts for one in part.parameters()], lr=2e-3)
    for epoch in range(6):
        for rows in torch.randperm(1200).split(40):
            loss = nn.functional.cross_entropy(head(body(x[rows])), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


train(heads[0], first, [body, heads[0]])
body.requires_grad = False
train(heads[1], second, [body, heads[1]])
print((heads[0](body(x)).argmax(1) == first).float().mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 10)
first, second = (x[:, :5].sum(1) > 0).long(), (x[:, 2] * x[:, 3] > 0).long()
body = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
heads = nn.ModuleList([nn.Linear(48, 2), nn.Linear(48, 2)])


def train(head, target, parts):
    optimizer = torch.optim.Adam([one for part in parts for one in part.parameters()], lr=2e-3)
    for epoch in range(6):
        for rows in torch.randperm(1200).split(40):
            loss = nn.functional.cross_entropy(head(body(x[rows])), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


train(heads[0], first, [body, heads[0]])
body.requires_grad_(False)
train(heads[1], second, [heads[1]])
print((heads[0](body(x)).argmax(1) == first).float().mean().item())
""",
    links=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.requires_grad_",),
    explains=("TRN013", "LLM005"),
    needs=("modules",),
    preview=True,
)
