"""ENV131: importing torch takes long."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

SLOW = 20.0
"""Seconds: four times what a slow laptop needs with a cold cache."""


def check(machine: Machine) -> Iterator[Finding]:
    live = machine.live
    if live is not None and live.imported and live.seconds is not None and live.seconds > SLOW:
        yield Finding("ENV131", {"seconds": live.seconds}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV131",
    name="import-slow",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`import torch` took {seconds:.0f} s.",
        "`import torch` 用了 {seconds:.0f} 秒。",
    ),
    why=Text(
        "Two to five seconds are usual. Every process pays it: each rank, and each loader worker that is "
        "spawned. The files of the environment lie on a slow (network) disk, or were not read before.",
        "通常为两到五秒。每个进程都要付出这段时间：每个 rank，以及每个以 spawn 方式启动的加载进程。原因是"
        "环境文件位于较慢的（网络）磁盘，或尚未被缓存。",
    ),
    fix=Text(
        "Start it once more; if it stays slow, put the environment on a local disk.",
        "再运行一次；若仍然很慢，把环境放到本地磁盘上。",
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
  "live": {"imported": true, "seconds": 48.0, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"]}
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
    links=("https://docs.python.org/3/using/cmdline.html#cmdoption-X",),
)
