"""ENV002: the installed build of PyTorch cannot use the NVIDIA GPU that is there."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import best, capability, install_or
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or not torch.known or torch.cuda or torch.hip or torch.xpu or machine.setting.jetson:
        return
    cards = driven(machine)
    if not cards or (machine.driver is None and machine.source != "here"):
        return
    choice = best(machine)
    if choice is None and all(capability(gpu) for gpu in cards):
        return  # no CUDA build serves these cards: the CPU build is the right one
    command = install_or(machine, gpu=True)
    yield Finding("ENV002", {"torch": torch.version, "gpus": names(cards), "command": command})


RULE = Rule(
    code="ENV002",
    name="torch-without-cuda",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PyTorch {torch} is a build without CUDA, while this machine has {gpus}.",
        "PyTorch {torch} 是不带 CUDA 的版本，而这台机器有 {gpus}。",
    ),
    why=Text(
        'Such a build never uses the GPU: `torch.cuda.is_available()` is False and `.to("cuda")` raises. '
        "It comes from the index of CPU builds, from PyPI on Windows, or from a package that replaced "
        "the CUDA build.",
        '这样的版本永远不会使用 GPU：`torch.cuda.is_available()` 为 False，`.to("cuda")` 会报错。它来自 '
        "CPU 索引、Windows 上的 PyPI，或者是被别的包替换掉的。",
    ),
    fix=Text(
        "Replace it by a build for CUDA:\n    {command}",
        "换成 CUDA 版：\n    {command}",
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
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://pytorch.org/get-started/locally/",
        "https://pytorch.org/get-started/previous-versions/",
    ),
    explains=(
        "ENV013",
        "ENV123",
    ),
)
