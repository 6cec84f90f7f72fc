"""ENV094: a disk that installs and caches go to is nearly full."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Finding, Rule, Severity, Text

NEED = {"environment": 2 << 30, "home": 1 << 30, "temporary": 1 << 30}
"""Bytes by folder, below which the next update or checkpoint is likely to fail."""


def check(machine: Machine) -> Iterator[Finding]:
    gpu = bool(nvidia(machine))
    for where, free in machine.system.disks.items():
        need = NEED[where] if gpu or where != "environment" else NEED["temporary"]
        if where in NEED and free < need:
            yield Finding("ENV094", {"where": where, "free": free / 2**30, "need": need / 2**30})
            return


RULE = Rule(
    code="ENV094",
    name="disk-nearly-full",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The disk of the {where} folder has {free:.1f} GiB free; {need:.0f} GiB are wanted.",
        "{where} 目录所在磁盘剩余 {free:.1f} GiB；建议至少 {need:.0f} GiB。",
    ),
    why=Text(
        "PyTorch with CUDA takes about 7 GiB when installed and as much again while pip unpacks it; "
        'models are cached in the home folder. A full disk cuts checkpoints short: "No space left on '
        'device", files that cannot be read.',
        "带 CUDA 的 PyTorch 安装后约占 7 GiB，pip 解包时还要同样多的空间；模型缓存在用户目录。磁盘写满会"
        "使检查点写不完整：“No space left on device”，文件无法读取。",
    ),
    fix=Text(
        "See what takes the space, and what can be deleted without harm:\n"
        "    python -m pip cache purge\n"
        "    du -sh ~/.cache/* | sort -h | tail",
        "查看占用空间的内容，并清理可安全删除的部分：\n"
        "    python -m pip cache purge\n"
        "    du -sh ~/.cache/* | sort -h | tail",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "disks": {"environment": 524288000, "home": 524288000}},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
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
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "disks": {"environment": 107374182400, "home": 107374182400}},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
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
    links=("https://pip.pypa.io/en/stable/cli/pip_cache/",),
)
