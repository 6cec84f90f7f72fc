"""ENV048: no build of torch serves this GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import capability, nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.setting.jetson or machine.system.arch not in ("", "x86_64"):
        return
    for gpu in nvidia(machine):
        own = capability(gpu)
        if not own or compat.version(own) > compat.version("9.0"):
            continue
        lowest = min(
            compat.version(arch.removesuffix("+PTX"))
            for row in compat.releases()
            for build in row.builds
            for arch in build.archs
        )
        if compat.version(own) < lowest:
            yield Finding(
                "ENV048",
                {
                    "gpu": gpu.name,
                    "capability": own,
                    "lowest": ".".join(map(str, lowest)),
                    "oldest": compat.releases()[0].minor,
                },
                confidence=Confidence.CERTAIN if gpu.capability else Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="ENV048",
    name="gpu-below-every-build",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpu} has compute capability {capability}; no build of PyTorch since {oldest} has code for less "
        "than {lowest}.",
        "{gpu} 的计算能力为 {capability}；自 {oldest} 以来的 PyTorch 版本都不支持低于 {lowest} 的 GPU。",
    ),
    why=Text(
        'PyTorch cannot use this card: operations raise "no kernel image is available" or it is passed '
        "over with a warning.",
        "PyTorch 无法使用这块显卡：运算会报 “no kernel image is available”，或者给出警告后跳过它。",
    ),
    fix=Text(
        "Use the CPU, which is as fast as such a card for many models, or another GPU.",
        "使用 CPU（对许多模型而言速度与这类显卡相当），或换一块 GPU。",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "1.13.1+cu116", "location": "/v"}
  ],
  "torch": {"version": "1.13.1+cu116", "cuda": "11.6", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce GTX 780", "index": 0, "capability": "3.5"}
  ],
  "driver": {"version": "470.223.02", "cuda": "11.4"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "1.13.1+cu116", "location": "/v"}
  ],
  "torch": {"version": "1.13.1+cu116", "cuda": "11.6", "location": "/v"},
  "gpus": [
    {"name": "Tesla K80", "index": 0, "capability": "3.7"}
  ],
  "driver": {"version": "470.223.02", "cuda": "11.4"}
}}
""",
    links=(
        "https://developer.nvidia.com/cuda-legacy-gpus",
        "https://pytorch.org/get-started/previous-versions/",
    ),
    explains=(
        "ENV047",
        "ENV123",
        "ENV126",
    ),
)
