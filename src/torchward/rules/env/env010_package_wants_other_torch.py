"""ENV010: an installed package asks for another version of torch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import applies, meets, requirement


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or machine.packages is None:
        return
    for one in machine.packages:
        if one.source != "pip" or not one.active or one.name in ("torch", "torchvision", "torchaudio"):
            continue
        for line in one.requires:
            name, specifier, marker = requirement(line)
            if name != "torch" or not specifier:
                continue
            # `transformers` states the torch that it accepts as an extra, and switches torch off below it.
            extra = marker.replace("'", '"') == 'extra == "torch"' and one.name == "transformers"
            if not extra and not applies(marker, machine):
                continue
            if meets(torch.version, specifier) is False:
                yield Finding(
                    "ENV010",
                    {"package": one.name, "version": one.version, "wants": specifier, "torch": torch.version},
                    confidence=Confidence.CERTAIN if "==" in specifier else Confidence.LIKELY,
                )
                break


RULE = Rule(
    code="ENV010",
    name="package-wants-other-torch",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{package} {version} asks for torch{wants}, but torch {torch} is installed.",
        "{package} {version} 要求 torch{wants}，而安装的是 torch {torch}。",
    ),
    why=Text(
        "A package with compiled code fails to load with another torch (undefined symbols, missing "
        "operators) or silently falls back to slow paths; others use functions that are not there.",
        "带有编译代码的包遇到别的 torch 会加载失败（undefined symbol、找不到算子），或悄悄退回到慢速实现"
        "；其他包则会用到不存在的函数。",
    ),
    fix=Text(
        "Install the release of {package} that goes with torch {torch}, or the torch that it asks for. "
        "pip finds a pair by itself when it is given both:\n"
        '    python -m pip install --upgrade {package} "torch{wants}"',
        "安装与 torch {torch} 对应的 {package} 版本，或安装它要求的 torch。把两者一起交给 pip，它会自行匹"
        "配：\n"
        '    python -m pip install --upgrade {package} "torch{wants}"',
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "xformers", "version": "0.0.30", "location": "/v", "requires": ["torch==2.7.0", "numpy"]}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "xformers", "version": "0.0.32.post1", "location": "/v", "requires": ["torch==2.8.0", "numpy"]}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://pip.pypa.io/en/stable/cli/pip_check/",),
)
