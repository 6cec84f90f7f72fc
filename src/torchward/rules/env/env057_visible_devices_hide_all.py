"""ENV057: CUDA_VISIBLE_DEVICES hides every GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    value = machine.environment.get("CUDA_VISIBLE_DEVICES")
    cards = driven(machine)
    if value is None or not cards or (machine.torch is not None and machine.torch.known and not machine.torch.cuda):
        return
    first = value.split(",")[0].strip()
    if first and first.lower() not in ("-1", "none", "nodevfiles", "void"):
        return
    yield Finding("ENV057", {"value": value, "gpus": names(cards)})


RULE = Rule(
    code="ENV057",
    name="visible-devices-hide-all",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        'CUDA_VISIBLE_DEVICES is "{value}", which hides all GPUs ({gpus}).',
        "CUDA_VISIBLE_DEVICES 为 “{value}”，隐藏了全部 GPU（{gpus}）。",
    ),
    why=Text(
        "CUDA counts only the devices that the variable names, and stops at the first that it does not "
        "know: an empty value and -1 mean none. `torch.cuda.is_available()` is False.",
        "CUDA 只识别该变量列出的设备，遇到第一个不认识的就停止：空值和 -1 表示没有设备。此时 "
        "`torch.cuda.is_available()` 为 False。",
    ),
    fix=Text(
        "Run:\n    unset CUDA_VISIBLE_DEVICES   # or name cards: export CUDA_VISIBLE_DEVICES=0",
        "执行：\n    unset CUDA_VISIBLE_DEVICES   # 或指定显卡：export CUDA_VISIBLE_DEVICES=0",
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
  "environment": {"CUDA_VISIBLE_DEVICES": ""}
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
  "environment": {"CUDA_VISIBLE_DEVICES": "0"}
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",),
    explains=("ENV123",),
)
