"""ENV059: CUDA may number unlike GPUs otherwise than `nvidia-smi`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    cards = driven(machine)
    words = machine.environment.get("CUDA_VISIBLE_DEVICES", "")
    if len({gpu.name for gpu in cards}) < 2 or not re.search(r"\d", words) or "-" in words:
        return
    if machine.environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return
    yield Finding("ENV059", {"gpus": names(cards), "value": words}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV059",
    name="gpu-numbers-differ",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        'The GPUs differ ({gpus}) and CUDA_VISIBLE_DEVICES is "{value}", without CUDA_DEVICE_ORDER.',
        "GPU 型号不同（{gpus}），设置了 CUDA_VISIBLE_DEVICES=“{value}”，但没有设置 CUDA_DEVICE_ORDER。",
    ),
    why=Text(
        "CUDA counts the fastest card first, `nvidia-smi` goes by the bus: the same number can mean different cards.",
        "CUDA 默认把最快的卡排在第一位，而 `nvidia-smi` 按总线顺序编号：同一编号可能指不同的卡。",
    ),
    fix=Text(
        "Run:\n    export CUDA_DEVICE_ORDER=PCI_BUS_ID",
        "执行：\n    export CUDA_DEVICE_ORDER=PCI_BUS_ID",
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"},
    {"name": "NVIDIA GeForce GTX 1660 Ti", "index": 1, "capability": "7.5"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"CUDA_VISIBLE_DEVICES": "1"}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"},
    {"name": "NVIDIA GeForce GTX 1660 Ti", "index": 1, "capability": "7.5"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",),
)
