"""ENV054: the memory of every GPU is mostly taken."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven

TAKEN = 0.9
"""Share of a card's memory: less than a tenth is left, too little for any training that needs a GPU."""


def check(machine: Machine) -> Iterator[Finding]:
    cards = [gpu for gpu in driven(machine) if gpu.memory and gpu.used is not None]
    visible = cards
    if not visible or machine.source not in ("here", "json"):
        return  # in a bug report it is the reporter's own program that takes it
    free = max(visible, key=lambda gpu: (gpu.memory or 0) - (gpu.used or 0))
    share = (free.used or 0) / (free.memory or 1)
    if share < TAKEN:
        return
    holders = sorted((one for gpu in visible for one in gpu.processes), key=lambda one: -(one.memory or 0))
    yield Finding(
        "ENV054",
        {
            "count": len(visible),
            "share": share,
            "free": ((free.memory or 0) - (free.used or 0)) / 2**30,
            "index": free.index,
            "holders": ", ".join(f"{one.name or '?'} (pid {one.pid})" for one in holders[:3]) or "?",
        },
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV054",
    name="gpu-memory-taken",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The freest of {count} GPU(s), number {index}, has {share:.0%} of its memory in use ({free:.1f} "
        "GiB free), by {holders}.",
        "{count} 块 GPU 中最空闲的是 {index} 号，显存已占用 {share:.0%}（剩余 {free:.1f} GiB），占用者：{holders}。",
    ),
    why=Text(
        "A training that starts now runs out of memory. A process that was stopped badly keeps its "
        "memory until it is ended.",
        "此时启动训练会显存不足。未正常退出的进程会一直占用显存，直到被终止。",
    ),
    fix=Text(
        "See whose they are; end only your own:\n    nvidia-smi",
        "查看是谁的进程，只结束自己的：\n    nvidia-smi",
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9", "memory": 25757220864, "used": 24750587904, "processes": [{"pid": 4242, "name": "python", "memory": 24700256256}]}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9", "memory": 25757220864, "used": 524288000},
    {"name": "NVIDIA GeForce RTX 4090", "index": 1, "capability": "8.9", "memory": 25757220864, "used": 24750587904}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cuda.html#memory-management",),
    explains=("ENV126",),
)
