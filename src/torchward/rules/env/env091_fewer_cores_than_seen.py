"""ENV091: a control group grants fewer cores than torch will start threads for."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text

RATIO = 2
"""Threads per granted core from which it is worth a word: twice as many can be hyper-threads."""


def check(machine: Machine) -> Iterator[Finding]:
    system = machine.system
    seen = system.cores_allowed or system.cores
    if system.quota is None or seen is None or system.quota * RATIO > seen or seen < 4:
        return
    if (
        machine.environment.get("OMP_NUM_THREADS", "").isdigit()
        and int(machine.environment["OMP_NUM_THREADS"]) <= system.quota * RATIO
    ):
        return
    yield Finding("ENV091", {"quota": system.quota, "cores": seen, "threads": max(1, int(system.quota))})


RULE = Rule(
    code="ENV091",
    name="fewer-cores-than-seen",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This process may use {quota} core(s), but sees {cores}.",
        "该进程最多可用 {quota} 个核，却能看到 {cores} 个。",
    ),
    why=Text(
        "torch starts one thread for each core that it sees. With a quota (a container, a pod) they are "
        "stopped again and again until the next period: CPU work gets slower, often several times.",
        "torch 会为看到的每个核启动一个线程。在有配额的环境（容器、pod）中，这些线程会反复被暂停到下一个"
        "周期：CPU 计算变慢，常常慢数倍。",
    ),
    fix=Text(
        "Run:\n    export OMP_NUM_THREADS={threads}",
        "执行：\n    export OMP_NUM_THREADS={threads}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 64, "cores_allowed": 64, "quota": 4.0},
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
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 64, "cores_allowed": 64, "quota": 4.0},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "setting": {"container": "docker"},
  "environment": {"OMP_NUM_THREADS": "4"}
}}
""",
    links=("https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html",),
)
