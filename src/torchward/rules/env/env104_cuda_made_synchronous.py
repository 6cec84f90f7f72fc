"""ENV104: CUDA_LAUNCH_BLOCKING is set for everything."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.environment.get("CUDA_LAUNCH_BLOCKING", "0") not in ("0", "") and nvidia(machine):
        yield Finding("ENV104", {"value": machine.environment["CUDA_LAUNCH_BLOCKING"]})


RULE = Rule(
    code="ENV104",
    name="cuda-made-synchronous",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "CUDA_LAUNCH_BLOCKING is {value}.",
        "CUDA_LAUNCH_BLOCKING 为 {value}。",
    ),
    why=Text(
        "Every operation on the GPU is waited for before the next is prepared. That names the line of a "
        "device-side error, and slows everything else, small models several times.",
        "每个 GPU 运算都要等它完成才准备下一个。这样可以定位设备端错误所在的行，但会拖慢其他一切，小模型可能慢数倍。",
    ),
    fix=Text(
        "Run:\n    unset CUDA_LAUNCH_BLOCKING",
        "执行：\n    unset CUDA_LAUNCH_BLOCKING",
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
  "environment": {"CUDA_LAUNCH_BLOCKING": "1"}
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
  "environment": {"CUDA_LAUNCH_BLOCKING": "0"}
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",),
)
