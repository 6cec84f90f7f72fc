"""ENV028: the C library is older than PyTorch's wheels accept."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    glibc = machine.system.glibc
    newest = compat.releases()[-1]
    if (
        not glibc
        or machine.torch is not None
        or machine.packages is None
        or compat.glibc_serves(newest, glibc) is not False
    ):
        return
    last = next((row for row in reversed(compat.releases()) if compat.glibc_serves(row, glibc)), None)
    yield Finding(
        "ENV028",
        {
            "glibc": glibc,
            "title": machine.system.title or machine.system.name,
            "needs": newest.glibc,
            "newest": newest.newest,
            "last": last.newest if last else "-",
        },
    )


RULE = Rule(
    code="ENV028",
    name="glibc-too-old",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{title} has glibc {glibc}; wheels of PyTorch {newest} need {needs}, the last one for this system is {last}.",
        "{title} 的 glibc 为 {glibc}；PyTorch {newest} 的 wheel 需要 {needs}，该系统能用的最后一个版本是 {last}。",
    ),
    why=Text(
        "pip leaves out wheels for a newer C library without a word and takes the newest old release, or "
        "answers that no version fits.",
        "pip 会不加提示地略过要求更高 C 库版本的 wheel，改选较旧的版本，或者报告没有合适的版本。",
    ),
    fix=Text(
        "Work in a container with a newer system, or install the last release that fits:\n"
        '    python -m pip install "torch=={last}"',
        '在系统较新的容器中工作，或安装适用的最后一个版本：\n    python -m pip install "torch=={last}"',
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "centos", "version": "7", "title": "CentOS Linux 7 (Core)", "glibc": "2.17"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.10.4", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [],
  "gpus": []
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
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://github.com/pypa/manylinux",
        "https://github.com/pytorch/pytorch/blob/main/RELEASE.md",
    ),
    explains=("ENV001",),
)
