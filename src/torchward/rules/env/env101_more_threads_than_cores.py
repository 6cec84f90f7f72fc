"""ENV101: a variable asks for more threads than there are cores."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text

RATIO = 2


def check(machine: Machine) -> Iterator[Finding]:
    cores = machine.system.cores or 0
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        value = machine.environment.get(name, "").split(",")[0]
        if value.isdigit() and cores and int(value) > RATIO * cores:
            yield Finding("ENV101", {"name": name, "value": int(value), "cores": cores})
            return


RULE = Rule(
    code="ENV101",
    name="more-threads-than-cores",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{name} is {value}, on a machine with {cores} cores.",
        "{name} 为 {value}，而这台机器只有 {cores} 个核。",
    ),
    why=Text(
        "The threads take turns on the cores and wait for each other: slower than one thread per core.",
        "线程会轮流占用核并互相等待：比每核一个线程更慢。",
    ),
    fix=Text(
        "Run:\n    export {name}={cores}",
        "执行：\n    export {name}={cores}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 4},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"OMP_NUM_THREADS": "64"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cores": 4},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"OMP_NUM_THREADS": "4"}
}}
""",
    links=("https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html",),
)
