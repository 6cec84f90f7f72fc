"""ENV123: torch and a GPU are there, and CUDA is not available."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    live, torch = machine.live, machine.torch
    if live is None or live.cuda_available is not False or torch is None or not torch.cuda:
        return
    cards = driven(machine)
    if not cards:
        return
    said = live.cuda_said or "-"
    yield Finding(
        "ENV123",
        {"torch": torch.version, "gpus": names(cards), "said": said},
        confidence=Confidence.LIKELY if machine.source != "here" else Confidence.CERTAIN,
    )


RULE = Rule(
    code="ENV123",
    name="cuda-not-available",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch {torch} cannot use {gpus}: `torch.cuda.is_available()` is False ({said}).",
        "torch {torch} 无法使用 {gpus}：`torch.cuda.is_available()` 为 False（{said}）。",
    ),
    why=Text(
        "The driver shows the card, so what lies between the two fails: a driver that is too old, hidden "
        "devices, a library in the way, a missing device file, or a state of the driver that only a "
        "restart clears.",
        "驱动能看到显卡，因此问题出在两者之间：驱动过旧、设备被隐藏、有库挡路、缺少设备文件，或驱动处于只"
        "有重启才能清除的状态。",
    ),
    fix=Text(
        'See what CUDA itself says; if it is "unknown error" (after a suspend), reload its module:\n'
        '    python -c "import torch; torch.cuda.init()"\n'
        "    sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm",
        "查看 CUDA 自身的报错；若为 “unknown error”（常见于休眠之后），重新加载模块：\n"
        '    python -c "import torch; torch.cuda.init()"\n'
        "    sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm",
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
  "live": {"imported": true, "version": "2.8.0+cu128", "cuda_available": false, "cuda_said": "RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment"}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"]}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cuda.html",),
)
