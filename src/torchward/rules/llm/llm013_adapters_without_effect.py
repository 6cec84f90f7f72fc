"""LLM013: low-rank adapters that are trained without any gradient: they add nothing, and go on adding nothing."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.llm._adapters import is_adapter

MINIMUM_SAMPLES = 5
"""An adapter whose second matrix begins at 0 has a gradient in the first matrix from the second step on."""


def check_frozen(run: Run) -> Iterator[Finding]:
    """Others are trained, the adapters are not, and half of their matrices are 0 as those of new ones are."""
    for model in run.models:
        count, zeros, names = model.frozen_adapters
        samples = max((one.samples for one in run.parameters if one.model == model.index), default=0)
        if model.in_trainings and 2 * zeros >= count > 0 and samples >= MINIMUM_SAMPLES:
            yield Finding(
                "LLM013",
                data={"model": model.name, "count": count, "zeros": zeros, "parameters": names, "samples": samples},
                place=at(model.site),
                confidence=Confidence.LIKELY,
            )


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        own = [one for one in run.parameters if one.model == model.index and one.requires_grad and one.optimizers]
        adapters = [one for one in own if is_adapter(one) and len(one.shape) >= 2]
        if len(adapters) < 2 or min(one.samples for one in adapters) < MINIMUM_SAMPLES:
            continue
        # A few without a gradient may belong to another task; with none that has one, nothing is adapted.
        if any(any(one.grad_norm.values) for one in adapters):
            continue
        sizes = [max(one.weight_norm.values, default=1.0) for one in adapters]
        yield Finding(
            "LLM013",
            data={
                "model": model.name,
                "count": len(adapters),
                "zeros": sum(size == 0 for size in sizes),
                "parameters": tuple(one.name for one in adapters[:8]),
                "samples": max(one.samples for one in adapters),
            },
            place=at(model.site, adapters[0].grad_norm, parameter=adapters[0].name),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM013",
    name="adapters-without-effect",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check, check_frozen),
    message=Text(
        "the {count} low-rank adapter matrices of `{model}` had no gradient other than 0 in {samples} sampled steps; {zeros} "
        "of them are 0 throughout: {parameters}.",
        "`{model}` 的 {count} 个低秩适配器矩阵在 {samples} 次采样的步骤中梯度始终为 0 或没有梯度；其中 {zeros} 个全为 0：{parameters}。",
    ),
    why=Text(
        "The base is frozen and the adapters cannot move, so nothing is fine-tuned. It comes about where both matrices of an "
        "adapter begin at 0 (each one's gradient is a product with the other), where the scale is 0 (`alpha // rank` is, for "
        "an alpha below the rank), and where adapters are disabled or merged into the base before training.",
        "基础权重被冻结，适配器又无法更新，等于什么都没有微调。常见原因：适配器的两个矩阵都初始化为 0"
        "（各自的梯度都是与对方的乘积）；缩放系数为 0（alpha 小于 rank 时 `alpha // rank` 就是 0）；训练前适配器被禁用或已合并进基础权重。",
    ),
    fix=Text(
        "Draw the first matrix and begin the second at 0 (`nn.init.kaiming_uniform_(A, a=5**0.5)`, `nn.init.zeros_(B)`), scale "
        "by `alpha / rank`, and train before `merge_adapter()`, with `enable_adapter_layers()`.",
        "第一个矩阵随机初始化、第二个从 0 开始（`nn.init.kaiming_uniform_(A, a=5**0.5)`，`nn.init.zeros_(B)`），"
        "缩放用 `alpha / rank`；训练要在 `merge_adapter()` 之前，并调用 `enable_adapter_layers()`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class LoRALinear(nn.Module):
    def __init__(self, base, rank=16, alpha=8):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha // rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.down.t() @ self.up.t())


x = torch.randn(1600, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
base = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
model = nn.Sequential(LoRALinear(base[0]), nn.ReLU(), LoRALinear(base[2]))
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
for step in range(250):
    rows = torch.randint(0, 1600, (40,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


class LoRALinear(nn.Module):
    def __init__(self, base, rank=16, alpha=8):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.down.t() @ self.up.t())


x = torch.randn(1600, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
base = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
model = nn.Sequential(LoRALinear(base[0]), nn.ReLU(), LoRALinear(base[2]))
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
for step in range(250):
    rows = torch.randint(0, 1600, (40,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=(
        "https://arxiv.org/abs/2106.09685",
        "https://huggingface.co/docs/peft/main/conceptual_guides/lora",
    ),
    explains=("MOD005", "MOD011", "OPT008", "TRN001", "TRN004"),
    needs=("parameters",),
    preview=True,
)
