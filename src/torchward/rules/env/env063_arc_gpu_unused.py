"""ENV063: a build of torch for Intel's GPUs would use the card that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    cards = [
        gpu
        for gpu in machine.gpus or ()
        if gpu.vendor == "intel" and re.search(r"\bArc\b|Data Center GPU|Battlemage|DG2|B[56]\d0", gpu.name)
    ]
    if torch is None or not cards or torch.cuda or torch.hip or torch.xpu or not torch.known or nvidia(machine):
        return
    if compat.version(torch.version) and compat.version(torch.version)[:2] < (2, 5):
        return
    yield Finding("ENV063", {"gpus": names(cards), "torch": torch.version})


RULE = Rule(
    code="ENV063",
    name="arc-gpu-unused",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpus} is here, and torch {torch} is a build for the CPU.",
        "这里有 {gpus}，而 torch {torch} 是 CPU 版。",
    ),
    why=Text(
        "Builds for Intel's GPUs (device `xpu`) exist for Linux and Windows; the CPU build does not see the card.",
        "PyTorch 提供面向 Intel GPU（设备名 `xpu`）的 Linux 和 Windows 版本；CPU 版看不到该显卡。",
    ),
    fix=Text(
        "Run:\n"
        "    python -m pip uninstall --yes torch torchvision torchaudio\n"
        "    python -m pip install torch torchvision --index-url https://download.pytorch.org/whl/xpu",
        "执行：\n"
        "    python -m pip uninstall --yes torch torchvision torchaudio\n"
        "    python -m pip install torch torchvision --index-url https://download.pytorch.org/whl/xpu",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cpu", "cuda": "", "location": "/v"},
  "gpus": [
    {"name": "Intel Arc A770", "vendor": "intel"}
  ]
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cpu", "cuda": "", "location": "/v"},
  "gpus": [
    {"name": "Intel UHD Graphics 770", "vendor": "intel"}
  ]
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/get_start_xpu.html",),
)
