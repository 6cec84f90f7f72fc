"""ENV081: /dev/shm is too small for loader workers."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text

TINY = 64 << 20
SMALL = 512 << 20
"""Bytes. Docker and Kubernetes give 64 MB (outside a container it is half of the memory, of a small machine too); two workers that each hold two batches of 64 images of 3 x 224 x 224 floats
need 150 MB."""


def check(machine: Machine) -> Iterator[Finding]:
    shm = machine.system.shm
    kind = machine.setting.container
    if shm is not None and 0 < shm <= (SMALL if kind else TINY):
        command = {
            "kubernetes": "# in the pod:  volumes: [{name: shm, emptyDir: {medium: Memory}}], mounted at /dev/shm",
            "": "sudo mount -o remount,size=8G /dev/shm",
        }.get(kind, f"{'podman' if kind == 'podman' else 'docker'} run --shm-size=8g ...")
        yield Finding("ENV081", {"size": shm / 2**20, "kind": kind or machine.system.title or "-", "command": command})


RULE = Rule(
    code="ENV081",
    name="shared-memory-small",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "/dev/shm has {size:.0f} MiB here ({kind}).",
        "此处（{kind}）的 /dev/shm 只有 {size:.0f} MiB。",
    ),
    why=Text(
        "Workers of a `DataLoader` hand batches over through it, and NCCL its buffers: a few image "
        'batches fill it, and the run ends with "Bus error" or "DataLoader worker is killed by signal: '
        "Bus error\". 64 MB is Docker's default.",
        "`DataLoader` 的工作进程通过它传递批次，NCCL 也用它存放缓冲区：几个图像批次就能写满，运行会以 "
        "“Bus error” 或 “DataLoader worker is killed by signal: Bus error” 结束。64 MB 是 Docker 的默认值"
        "。",
    ),
    fix=Text(
        "Start with more (or, when that cannot be changed, use `num_workers=0`):\n    {command}",
        "启动时给得更大（若无法更改，则使用 `num_workers=0`）：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "shm": 67108864},
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
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "shm": 8589934592},
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
    links=(
        "https://docs.pytorch.org/docs/stable/multiprocessing.html",
        "https://docs.docker.com/reference/cli/docker/container/run/",
    ),
)
