"""LLM005: low-rank adapters are trained together with the weights that they were meant to leave alone."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules.llm._adapters import ADAPTER

MINIMUM_SAMPLES = 5


def check(run: Run) -> Iterator[Finding]:
    for model in run.models:
        trained = [
            one
            for one in run.parameters
            if one.model == model.index and one.requires_grad and one.optimizers and one.samples >= MINIMUM_SAMPLES
        ]
        adapters = [one for one in trained if ADAPTER.search(one.name)]
        others = [one for one in trained if not ADAPTER.search(one.name)]
        carriers = tuple({f"{ADAPTER.split(one.name)[0]}." for one in adapters} - {"."})
        base = [one for one in others if len(one.shape) >= 2 and one.name.startswith(carriers)]
        # A head, embeddings or norms may be trained along with adapters; the layers that carry them are not.
        if not base:
            continue
        yield Finding(
            "LLM005",
            data={
                "model": model.name,
                "count": len(base),
                "layers": tuple(one.name for one in base[:8]),
                "adapters": len(adapters),
                "weights": sum(one.numel for one in base),
                "adapter_weights": sum(one.numel for one in adapters),
            },
            place=at(model.site, parameter=base[0].name),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM005",
    name="adapter-base-not-frozen",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` trains {adapters} low-rank adapter tensors ({adapter_weights} weights) and also {count} "
        "weight matrices of the layers that carry them ({weights} weights): {layers}.",
        "`{model}` 在训练 {adapters} 个低秩适配器张量（{adapter_weights} 个权重）的同时，也在训练承载它们的 {"
        "count} 个权重矩阵（{weights} 个权重）：{layers}。",
    ),
    why=Text(
        "Adapters are there so that the base can stay as it is: trained along with it they save no memory "
        "(gradients and optimizer states are those of full training), and the adapter file alone no longer "
        "restores the model.",
        "使用适配器正是为了让基础权重保持不变：一起训练时，梯度和优化器状态与全量训练一样多，显存没有节省；而"
        "且仅凭适配器文件也无法还原模型。",
    ),
    fix=Text(
        "Freeze the base before the optimizer is made: `for name, p in model.named_parameters(): "
        "p.requires_grad_('lora' in name)`, and unfreeze a new head by name.",
        "在创建优化器之前冻结基础权重：`for name, p in model.named_parameters(): p.requires_grad_('lora' in n"
        "ame)`，新的输出层再按名字解冻。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


class LoRALinear(nn.Module):
    def __init__(self, base, rank=4, alpha=8):
        super().__init__()
        self.base = base
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.lora_A.t() @ self.lora_B.t())


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
    def __init__(self, base, rank=4, alpha=8):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.lora_A.t() @ self.lora_B.t())


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
    explains=(),
    needs=("parameters",),
)
