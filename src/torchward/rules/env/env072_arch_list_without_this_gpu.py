"""ENV072: TORCH_CUDA_ARCH_LIST leaves out the GPU that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import capability
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    value = machine.environment.get("TORCH_CUDA_ARCH_LIST", "")
    wanted = tuple(word for word in re.split(r"[;, ]+", value) if re.fullmatch(r"\d+\.\d(\+PTX)?", word))
    if not wanted or len(wanted) != len([word for word in re.split(r"[;, ]+", value) if word]):
        return
    for gpu in driven(machine):
        own = capability(gpu)
        if own and compat.fit(wanted, own) == "no":
            yield Finding("ENV072", {"value": value, "gpu": gpu.name, "capability": own})
            return


RULE = Rule(
    code="ENV072",
    name="arch-list-without-this-gpu",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        'TORCH_CUDA_ARCH_LIST is "{value}", which leaves out {gpu} (compute capability {capability}).',
        "TORCH_CUDA_ARCH_LIST 为 “{value}”，不包含 {gpu}（计算能力 {capability}）。",
    ),
    why=Text(
        "Extensions that are compiled with it have no code for this card and fail when they are called: "
        '"no kernel image is available for execution on the device".',
        "用它编译出的扩展不含这块卡的代码，调用时会报 “no kernel image is available for execution on the device”。",
    ),
    fix=Text(
        'Compile for this card:\n    export TORCH_CUDA_ARCH_LIST="{capability}"',
        '为这块卡编译：\n    export TORCH_CUDA_ARCH_LIST="{capability}"',
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"TORCH_CUDA_ARCH_LIST": "7.0;7.5"}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"TORCH_CUDA_ARCH_LIST": "8.0;8.6+PTX"}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/cpp_extension.html",),
)
