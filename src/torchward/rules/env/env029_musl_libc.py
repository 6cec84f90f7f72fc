"""ENV029: the system uses musl, for which PyTorch has no wheels."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.system.musl and machine.torch is None and machine.packages is not None:
        yield Finding("ENV029", {"title": machine.system.title or machine.system.name})


RULE = Rule(
    code="ENV029",
    name="musl-libc",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{title} uses the C library musl; PyTorch's wheels are for glibc only.",
        "{title} 使用 musl C 库；PyTorch 的 wheel 只支持 glibc。",
    ),
    why=Text(
        "pip finds no wheel, and building PyTorch from source on musl is not supported.",
        "pip 找不到可用的 wheel，而在 musl 上从源码编译 PyTorch 也不受支持。",
    ),
    fix=Text(
        "Take an image with glibc in place of Alpine's:\n    FROM python:3.12-slim",
        "换用基于 glibc 的镜像，不要用 Alpine：\n    FROM python:3.12-slim",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "arch": "x86_64", "distribution": "alpine", "title": "Alpine Linux v3.20", "musl": "1"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [],
  "gpus": [],
  "setting": {"container": "docker"}
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
    links=("https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/",),
    explains=("ENV001",),
)
