"""Made-up facts for tests of the reporters: what a real run would give, without torch and without training."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torchward.facts import (
    Activation,
    ChanceProbe,
    ForwardCount,
    LeakProbe,
    Loader,
    Loss,
    LossStream,
    MemoriseProbe,
    Model,
    Optimizer,
    Parameter,
    Run,
    Series,
    Site,
    Training,
)
from torchward.report import Outcome
from torchward.rule import Confidence, Diagnosis, Finding, Language, Place, Rule, Severity, Text

SCRIPT = "/home/ana/digits/train.py"


def rule(code: str, name: str, severity: Severity, message: Text, why: Text, fix: Text, **more: Any) -> Rule:
    return Rule(
        code, name, severity, "0.1", (), message, why, fix, "", "",
        ("https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html",), **more,
    )  # fmt: skip


RULES = {
    one.code: one
    for one in (
        rule(
            "OPT001",
            "gradients-never-zeroed",
            Severity.ERROR,
            Text(
                "Gradients are never cleared: {dirty} of {checked} sampled steps began on top of the step before.",
                "梯度从未清零：采样的 {checked} 步中有 {dirty} 步在上一步的梯度之上继续累加。",
            ),
            Text(
                "`backward()` adds to `.grad`; without clearing, each step follows the sum of all gradients so far, "
                "which soon points nowhere useful.",
                "`backward()` 会把结果累加到 `.grad` 上；不清零时，每一步用的是此前所有梯度之和，很快就失去意义。",
            ),
            Text(
                "Clear the gradients of {optimizer} before each backward pass:\n"
                "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
                "在每次反向传播之前清零 {optimizer} 的梯度：\n"
                "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()",
            ),
        ),
        rule(
            "LOS001",
            "softmax-before-cross-entropy",
            Severity.ERROR,
            Text(
                "`cross_entropy` is given probabilities (each row sums to 1 within {error}), not raw scores.",
                "`cross_entropy` 收到的是概率（每行之和为 1，误差 {error}），而不是原始分数。",
            ),
            Text(
                "It applies log-softmax itself; a second softmax flattens the gradient, and the loss cannot fall below "
                "{floor} for {classes} classes.",
                "它自己会做 log-softmax；再做一次 softmax 会压平梯度，{classes} 类时损失不可能低于 {floor}。",
            ),
            Text(
                "Return the raw scores from `forward`, and use `softmax` only for reporting.",
                "让 `forward` 返回原始分数，只在展示结果时使用 `softmax`。",
            ),
        ),
        rule(
            "TRN001",
            "loss-does-not-fall",
            Severity.WARNING,
            Text(
                "The loss went from {first} to {last} over {steps} steps.",
                "在 {steps} 步中，损失从 {first} 变为 {last}。",
            ),
            Text("A loss that does not fall means that nothing is learned.", "损失不下降，说明什么也没有学到。"),
            Text("Mend the cause first.", "先解决原因。"),
        ),
        rule(
            "MOD003",
            "dead-relus",
            Severity.WARNING,
            Text(
                "{share:.0%} of the {units} units of `{layer}` gave 0 for every example of the last 8 samples.",
                "`{layer}` 的 {units} 个单元中，有 {share:.0%} 在最近 8 次采样中对每个样本都输出 0。",
            ),
            Text("A dead unit gets no gradient and never comes back.", "失活的单元得不到梯度，无法恢复。"),
            Text(
                "Lower the learning rate, or use `nn.LeakyReLU(0.01)`.",
                "降低学习率，或使用 `nn.LeakyReLU(0.01)`。",
            ),
        ),
        rule(
            "PRF001",
            "loader-starves-model",
            Severity.HINT,
            Text(
                "{share:.0%} of the time is spent waiting for batches from a loader with {workers} workers.",
                "{share:.0%} 的时间在等待数据加载器（{workers} 个工作进程）给出批次。",
            ),
            Text("The model could train up to {times:.1f} times as fast.", "训练速度最多可提高到 {times:.1f} 倍。"),
            Text("Load in parallel: `DataLoader(..., num_workers=2)`.", "并行加载：`DataLoader(..., num_workers=2)`。"),
        ),
        rule(
            "NUM001",
            "loss-not-finite",
            Severity.ERROR,
            Text("The loss became {value} at step {step}.", "损失在第 {step} 步变为 {value}。"),
            Text("From there on every weight is NaN.", "此后所有权重都是 NaN。"),
            Text("Add an epsilon: `torch.log(x + 1e-8)`.", "加上一个小量：`torch.log(x + 1e-8)`。"),
        ),
    )
}


def findings() -> tuple[Finding, ...]:
    return (
        Finding(
            "OPT001",
            {"dirty": 48, "checked": 48, "optimizer": "Adam"},
            Place(SCRIPT, 41, "train", first_step=1, last_step=1_240),
            symptoms=(
                Finding(
                    "TRN001",
                    {"first": 2.3026, "last": 2.2874, "steps": 1_240},
                    Place(SCRIPT, 40, "train", first_step=400, last_step=1_240),
                    Confidence.LIKELY,
                ),
            ),
        ),
        Finding(
            "LOS001",
            {"error": 1.19e-7, "classes": 10, "floor": 1.461},
            Place(SCRIPT, 39, "train", module="head", first_step=0),
        ),
        Finding(
            "MOD003",
            {"share": 0.61, "units": 128, "layer": "features.3", "shares": (0.2, float("nan"), float("inf"))},
            Place(module="features.3", first_step=620, last_step=1_240),
            Confidence.LIKELY,
        ),
        Finding(
            "PRF001",
            {"share": 0.37, "workers": 0, "times": 1.59},
            Place(SCRIPT, 22, "main", first_step=900),
            Confidence.POSSIBLE,
        ),
    )


def run(
    steps: int = 1_240,
    layers: Sequence[str] = ("stem.conv", "stem.norm", "features.0", "features.3", "features.6", "head"),
    *,
    samples: int = 48,
    nan_from: int | None = None,
    rank: int | None = None,
    seed: int = 1,
    trainings: int = 1,
) -> Run:
    """A run of `steps` steps whose curves look like those of a small convolutional network."""
    chance = random.Random(seed)
    every = range(steps)
    loss = [
        2.31 * math.exp(-step / (steps / 4)) + 0.04 + 0.12 * chance.random() * (1 + math.exp(-step / (steps / 6)))
        for step in every
    ]
    if nan_from is not None:
        loss[nan_from:] = [math.nan] * (steps - nan_from)
    sampled = sorted({*range(min(8, steps)), *(round(i * (steps - 1) / samples) for i in range(samples + 1))})
    site = Site(SCRIPT, 40, "train")

    def wander(level: float, drift: float, noise: float) -> Series:
        values = [level * 10 ** (drift * i / len(sampled) + noise * chance.gauss(0, 1)) for i in range(len(sampled))]
        if nan_from is not None:
            values = [math.nan if step >= nan_from else v for step, v in zip(sampled, values, strict=True)]
        return Series(sampled, values)

    def share(level: float, end: float) -> Series:
        return Series(
            sampled,
            [
                min(1.0, max(0.0, level + (end - level) * i / len(sampled) + chance.gauss(0, 0.01)))
                for i in range(len(sampled))
            ],
        )

    parameters = tuple(
        Parameter(
            index=2 * n + bias, name=f"{name}.{'bias' if bias else 'weight'}", model=0, module=name,
            module_kind="Conv2d", shape=(32, 16), numel=512, dtype="float32", device="cpu", requires_grad=True,
            optimizers=(0,), loaded=False, in_graph=True, hidden_module="", samples=len(sampled),
            samples_with_grad=len(sampled),
            grad_norm=wander(0.004 * 2.2 ** (n % 12) / (8 if bias else 1), -0.6 + 0.06 * (n % 9), 0.06),
            weight_norm=wander(3.0, 0.2, 0.001),
            update_ratio=wander(0.0003 * 1.9 ** (n % 9), -0.9, 0.05),
        )
        for n, name in enumerate(layers)
        for bias in (0, 1)
    )  # fmt: skip
    activations = tuple(
        Activation(
            name=f"{name} -> {kind}", kind=kind, layer=name, layer_kind="Conv2d", order=n, before_loss=False, units=128,
            zero_share=share(0.45, 0.5 + 0.12 * (n % 4)) if kind == "relu" else Series(),
            dead_share=share(0.02, 0.15 * (n % 5)) if kind == "relu" else Series(),
            saturated_share=share(0.05, 0.4) if kind != "relu" else Series(),
            mean=share(0.4, 0.4), std=share(0.8, 0.8),
        )
        for n, name in enumerate(layers)
        for kind in (["tanh"] if n == len(layers) - 1 else ["relu"])
    )  # fmt: skip
    epochs = [steps * e // 5 - 1 for e in range(1, 6)]
    cut = [steps * n // trainings for n in range(trainings + 1)]
    return Run(
        command=("python", "train.py"), pid=4242 + (rank or 0), rank=rank, world_size=None if rank is None else 2,
        torch_version="2.13.0", python_version="3.11.2", device="cpu", ended=True, clean_end=True, steps=steps,
        samples=len(sampled), seconds=39.5,
        step_seconds=Series(sampled, [0.021 + 0.012 * chance.random() ** 4 for _ in sampled]),
        own_seconds=0.41, probe_seconds=0.22, backwards=steps,
        models=(Model(0, "net", "SmallNet", 62_006, 62_006, Site(SCRIPT, 38, "train"), calls=ForwardCount(48)),),
        parameters=parameters,
        optimizers=(
            Optimizer(
                0, "Adam", Site(SCRIPT, 42, "train"), 0, steps - 1, steps,
                lr=Series(sampled, [1e-3 * 0.1 ** (3 * step // steps) for step in sampled]), weight_decay=0.0,
                decoupled=False, momentum=0.9, parameters=tuple(range(len(parameters))), steps_without_backward=0,
                most_backwards_between=1, cycles_checked=48, cycles_dirty=48, cycles_cleared_late=0,
                cycles_without_gradient=0,
            ),
        ),
        loaders=(
            Loader(
                0, Site(SCRIPT, 22, "main"), 64, 248, 15_872, True, 0, 5, steps, 0, 14.6, 39.0, True, "DigitsDataset"
            ),
        ),
        losses=(
            Loss(0, "cross_entropy", site, True, steps, "mean", Series(sampled, [loss[s] for s in sampled])),
            Loss(
                1, "cross_entropy", Site(SCRIPT, 55, "evaluate"), False, 5, "mean",
                Series(epochs, [1.4, 0.92, 0.61, 0.53, 0.57]),
            ),
        ),
        streams=(LossStream(0, site, Series(every, loss), "NllLossBackward0", "cross_entropy"),),
        trainings=tuple(
            Training(n, (0,), cut[n], cut[n + 1] - 1, (0,), False) for n in range(trainings)
        ),
        activations=activations,
        resident_bytes=Series(sampled, [3.1e8 + 2e4 * step for step in sampled]),
    )  # fmt: skip


def probes() -> tuple[Any, ...]:
    return (
        MemoriseProbe("net", None, True, "", 0.12, steps=60, first_loss=2.3, last_loss=0.01),
        ChanceProbe("net", None, True, "", 0.0, first_loss=2.31, chance=2.303, classes=10),
        LeakProbe("net", None, False, "the model cannot be copied", 0.0),
    )


def outcome(language: Language = "en", **changes: Any) -> Outcome:
    """A finished run with four findings; `changes` replace fields of it."""
    made = Outcome(
        command=("python", "train.py", "--epochs", "5"), folder="/home/ana/digits/.torchward/runs/1121-0112-train",
        started="2026-11-21T01:12:22", seconds=42.3, running=False, exit_status=0,
        exit_text="ended normally" if language == "en" else "正常结束",
        runs=changes.pop("runs") if "runs" in changes else (run(),), probes=probes(),
        diagnosis=Diagnosis(findings(), (("LOS014", "the graph was cut by a custom autograd function"),), 1, 41),
        rules=RULES, language=language,
    )  # fmt: skip
    return replace(made, **changes)


def clean(language: Language = "en", **changes: Any) -> Outcome:
    """A finished run without findings and without blind spots."""
    return outcome(language, **{"probes": probes()[:2], "diagnosis": Diagnosis(rules=41), **changes})
