"""ENV127: a loader with two workers fails."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import failed


def check(machine: Machine) -> Iterator[Finding]:
    for one in failed(machine, "loader"):
        yield Finding("ENV127", {"said": one.said})


RULE = Rule(
    code="ENV127",
    name="loader-workers-fail",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A `DataLoader` with two workers failed on eight numbers: {said}.",
        "带两个工作进程的 `DataLoader` 在八个数字上就失败了：{said}。",
    ),
    why=Text(
        "Training with `num_workers` above 0 cannot work here. Too little shared memory, a sandbox that "
        "forbids semaphores or fork, and too little memory are the reasons known.",
        "这里无法使用 `num_workers` 大于 0 的训练。已知原因：共享内存不足、沙箱禁止信号量或 fork、内存不足。",
    ),
    fix=Text(
        "Use `num_workers=0` here, or give more shared memory:\n    df -h /dev/shm",
        "在这里使用 `num_workers=0`，或增大共享内存：\n    df -h /dev/shm",
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "loader", "ok": false, "said": "PermissionError: [Errno 13] Permission denied"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "loader"}]}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading",),
)
