"""ENV092: a control group grants little memory."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

SMALL = 2 << 30
"""Bytes. Importing torch 2.8+cu128 and starting CUDA takes about 1 GiB of host memory."""


def check(machine: Machine) -> Iterator[Finding]:
    limit = machine.system.memory_limit
    if limit is None or limit >= SMALL or (machine.system.memory is not None and limit >= machine.system.memory):
        return
    total = (machine.system.memory or limit) / 2**30
    yield Finding("ENV092", {"limit": limit / 2**30, "total": total}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV092",
    name="memory-limit-small",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This process may use {limit:.1f} GiB of the machine's {total:.0f} GiB of memory.",
        "该进程最多可用 {limit:.1f} GiB 内存（机器共有 {total:.0f} GiB）。",
    ),
    why=Text(
        "Importing torch with CUDA alone takes about 1 GiB, and each loader worker a part of it again. "
        'Beyond the limit the process is killed without a Python error: exit status 137, "Killed".',
        "仅导入带 CUDA 的 torch 就约占 1 GiB，每个加载进程还会再占一部分。超出限制时进程会被直接杀死而没"
        "有 Python 报错：退出码 137，“Killed”。",
    ),
    fix=Text(
        "Ask for more: `docker run --memory 8g ...`, `resources.limits.memory` of the pod, `srun --mem=8G ...`.",
        "申请更多内存：`docker run --memory 8g ...`、pod 的 `resources.limits.memory`、`srun --mem=8G ...`。",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "memory": 67430240256, "memory_limit": 1073741824},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "setting": {"container": "docker"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "memory": 67430240256, "memory_limit": 17179869184},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "setting": {"container": "docker"}
}}
""",
    links=("https://docs.docker.com/engine/containers/resource_constraints/",),
)
