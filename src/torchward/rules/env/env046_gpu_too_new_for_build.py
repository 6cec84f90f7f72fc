"""ENV046: the build of torch has no code for a GPU that is newer than it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import install_or
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import archs, misfits, names, newest_code


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    found = [
        (gpu, own) for gpu, own, fit in misfits(machine) if fit == "no" and compat.version(own) > newest_code(machine)
    ]
    if torch is None or not found:
        return
    yield Finding(
        "ENV046",
        {
            "gpus": names(gpu for gpu, _ in found),
            "capability": found[0][1],
            "torch": torch.version,
            "archs": ", ".join(archs(machine)),
            "command": install_or(machine, gpu=True),
        },
    )


RULE = Rule(
    code="ENV046",
    name="gpu-too-new-for-build",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpus} (compute capability {capability}) is newer than torch {torch}, which has code for {archs}.",
        "{gpus}（计算能力 {capability}）比 torch {torch} 更新，该版本只含 {archs} 的代码。",
    ),
    why=Text(
        '`torch.cuda.is_available()` is True all the same; the first operation raises "no kernel image '
        'is available for execution on the device".',
        "`torch.cuda.is_available()` 仍为 True，但第一次运算就会报 “no kernel image is available for "
        "execution on the device”。",
    ),
    fix=Text(
        "Install a build that has code for it:\n    {command}",
        "安装含有对应代码的版本：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.5.1+cu124", "location": "/v"}
  ],
  "torch": {"version": "2.5.1+cu124", "cuda": "12.4", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 5090", "index": 0, "capability": "12.0"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 5090", "index": 0, "capability": "12.0"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://pytorch.org/get-started/locally/",
        "https://developer.nvidia.com/cuda-gpus",
    ),
    explains=(
        "ENV126",
        "ENV123",
    ),
)
