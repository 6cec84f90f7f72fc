"""MOD004: hidden tanh or sigmoid units sit on their flat ends."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at
from torchward.rules._progress import last, longest

MINIMUM_SAMPLES = 5
SATURATED = 0.5
"""Share of values on the flat ends (|tanh| > 0.99, sigmoid outside 0.01 .. 0.99). SageMaker Debugger's
SaturatedActivation and DeepDiagnosis (ICSE 2022, inputs beyond 5 in size) both speak above 50 %."""


def check(run: Run) -> Iterator[Finding]:
    if any(training.adversarial for training in run.trainings):
        return  # The output of a generator lies between its layers and those of its rival.
    course = longest(run)
    stuck = course is not None and (not course.fell or course.at_chance)
    found = []
    for activation in run.activations:
        shares = activation.saturated_share.values
        if activation.kind not in ("tanh", "sigmoid") or activation.before_loss or len(shares) < MINIMUM_SAMPLES:
            continue
        recent = shares[-MINIMUM_SAMPLES:]
        # Units may go to their ends in the course of learning, if the task asks for it. None should begin there.
        if sum(share > SATURATED for share in recent) >= 0.75 * len(recent) and (shares[0] > SATURATED or stuck):
            found.append((activation, median(recent)))
    if not found:
        return
    worst, share = max(found, key=lambda pair: pair[1])
    model = next((model for model in run.models if model.site), None)
    site = model.site if model is not None else None
    yield Finding(
        "MOD004",
        data={
            "layers": tuple(activation.layer or activation.name for activation, _ in found[:8]),
            "count": len(found),
            "layer": worst.layer or worst.name,
            "activation": worst.kind,
            "share": share,
            "first_share": worst.saturated_share.values[0],
        },
        place=at(site, last(worst.saturated_share, MINIMUM_SAMPLES), module=worst.layer),
        confidence=Confidence.LIKELY,
        # Critics reach for returns of a hundred with tanh layers, and learn all the same: A2C as its library sets it.
        severity=Severity.HINT if run.learners else None,
    )


RULE = Rule(
    code="MOD004",
    name="saturated-activation",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{share:.0%} of the `{activation}` values after `{layer}` are saturated (layers affected: {layers}).",
        "`{layer}` 之后的 `{activation}` 输出有 {share:.0%} 处于饱和区（受影响的层：{layers}）。",
    ),
    why=Text(
        "At its flat ends the slope of `{activation}` is below 4 % of its largest value, so hardly any gradient "
        "passes: "
        "the layers before learn very slowly or not at all.",
        "在两端的平坦区，`{activation}` 的斜率不到其最大值的 4%，梯度几乎传不过去：之前的各层学得极慢，甚至学不动。",
    ),
    fix=Text(
        "Bring the inputs of `{activation}` back to about unit scale: standardise the data, use "
        "`nn.init.xavier_uniform_` for `{layer}`, lower the learning rate, or put `nn.LayerNorm` before the "
        "activation.",
        "让 `{activation}` 的输入回到单位尺度附近：对数据做标准化、对 `{layer}` 使用 `nn.init.xavier_uniform_`、"
        "调低学习率，或在激活函数之前加 `nn.LayerNorm`。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(800, 12)
y = torch.sin(x @ torch.randn(12, 1))


def layer(inputs, outputs):
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, std=3.0)
    return linear


net = nn.Sequential(layer(12, 40), nn.Tanh(), layer(40, 40), nn.Tanh(), layer(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for step in range(300):
    chosen = torch.randint(0, 800, (32,))
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x[chosen]), y[chosen])
    loss.backward()
    optimizer.step()
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(800, 12)
y = torch.sin(x @ torch.randn(12, 1))


def layer(inputs, outputs):
    linear = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(linear.weight)
    return linear


net = nn.Sequential(layer(12, 40), nn.Tanh(), layer(40, 40), nn.Tanh(), layer(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=3e-2, momentum=0.9)
for step in range(300):
    chosen = torch.randint(0, 800, (32,))
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x[chosen]), y[chosen])
    loss.backward()
    optimizer.step()
""",
    links=(
        "https://docs.aws.amazon.com/sagemaker/latest/dg/saturated-activation.html",
        "https://proceedings.mlr.press/v9/glorot10a.html",
    ),
    explains=("MOD011", "NUM003", "OPT013", "TRN001", "TRN003", "TRN004"),
    needs=("graph",),
)
