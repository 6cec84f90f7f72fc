"""ENV100: OMP_NUM_THREADS=1 on a machine with many cores."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text

MANY = 8


def check(machine: Machine) -> Iterator[Finding]:
    cores = machine.system.cores_allowed or machine.system.cores or 0
    granted = min(cores, machine.system.quota or cores)
    name = next((n for n in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if machine.environment.get(n) == "1"), "")
    if name and granted >= MANY and not machine.environment.get("LOCAL_RANK") and not nvidia(machine):
        yield Finding("ENV100", {"name": name, "cores": int(granted)}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV100",
    name="one-thread-on-many-cores",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{name} is 1, on a machine without GPU and with {cores} cores.",
        "{name} 为 1，而这台没有 GPU 的机器有 {cores} 个核。",
    ),
    why=Text(
        "Every operation on the CPU runs on one core. That is right for many processes side by side "
        "(torchrun sets it), and slow for one.",
        "每个 CPU 运算都只用一个核。这适合同时运行多个进程（torchrun 会这样设置），但单个进程会很慢。",
    ),
    fix=Text(
        "If one process is to use the machine:\n    unset {name}",
        "如果只有一个进程使用这台机器：\n    unset {name}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 16, "cores_allowed": 16},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cpu", "cuda": "", "location": "/v"},
  "gpus": [],
  "driver": {"problem": "absent"},
  "environment": {"OMP_NUM_THREADS": "1"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 16, "cores_allowed": 16},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cpu", "cuda": "", "location": "/v"},
  "gpus": [],
  "driver": {"problem": "absent"}
}}
""",
    links=("https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html",),
)
