"""ENV026: this Python is a 32-bit one."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.python.bits == 32:
        yield Finding("ENV026", {"python": machine.python.executable or "python", "version": machine.python.version})


RULE = Rule(
    code="ENV026",
    name="python-32-bit",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{python}` (Python {version}) is a 32-bit program.",
        "`{python}`（Python {version}）是 32 位程序。",
    ),
    why=Text(
        'PyTorch has 64-bit wheels only: pip answers "Could not find a version that satisfies the requirement torch".',
        "PyTorch 只有 64 位 wheel：pip 会报 “Could not find a version that satisfies the requirement torch”。",
    ),
    fix=Text(
        'Install a 64-bit Python (on Windows the "Windows installer (64-bit)") and make a new environment with it.',
        "安装 64 位 Python（Windows 上选 “Windows installer (64-bit)”），并用它新建环境。",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Windows", "arch": "x86_64", "title": "Windows 10"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "bits": 32},
  "packages": [],
  "gpus": [],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "bits": 64},
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
        "https://www.python.org/downloads/",
        "https://pytorch.org/get-started/locally/",
    ),
    explains=("ENV001",),
)
