"""ENV047: the build of torch has dropped the code for an older GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import best, in_text, replacement
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import archs, misfits, names, newest_code


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    found = [
        (gpu, own)
        for gpu, own, fit in misfits(machine)
        if fit == "no" and compat.version(own) < newest_code(machine) and not compat.is_embedded(own)
    ]
    if torch is None or not found:
        return
    choice = best(machine)
    yield Finding(
        "ENV047",
        {
            "gpus": names(gpu for gpu, _ in found),
            "capability": found[0][1],
            "torch": torch.version,
            "archs": ", ".join(archs(machine)),
            "command": in_text(replacement(machine, choice))
            if choice
            else "# none in the table: build PyTorch from source",
        },
    )


RULE = Rule(
    code="ENV047",
    name="gpu-too-old-for-build",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpus} (compute capability {capability}) is older than what torch {torch} has code for: {archs}.",
        "{gpus}（计算能力 {capability}）太旧，torch {torch} 只含 {archs} 的代码。",
    ),
    why=Text(
        '`torch.cuda.is_available()` is True all the same; operations raise "no kernel image is '
        'available for execution on the device". Builds for CUDA 12.8 and newer leave out Maxwell and '
        "Pascal, those for CUDA 13 Volta too; the cu126 builds kept them longest.",
        "`torch.cuda.is_available()` 仍为 True，但运算会报 “no kernel image is available for execution "
        "on the device”。CUDA 12.8 及更新的版本去掉了 Maxwell 和 Pascal，CUDA 13 的版本还去掉了 Volta；"
        "cu126 版本保留得最久。",
    ),
    fix=Text(
        "Install the newest build that still has code for it:\n    {command}",
        "安装仍含有对应代码的最新版本：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce GTX 1080 Ti", "index": 0, "capability": "6.1"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu126", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu126", "cuda": "12.6", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce GTX 1080 Ti", "index": 0, "capability": "6.1"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://pytorch.org/get-started/locally/",
        "https://github.com/pytorch/pytorch/issues/157517",
    ),
    explains=(
        "ENV126",
        "ENV123",
    ),
)
