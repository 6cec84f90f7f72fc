"""ENV024: the system's Python refuses packages from pip."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.python.managed and machine.torch is None and machine.packages is not None:
        yield Finding(
            "ENV024", {"title": machine.system.title or machine.system.name, "python": machine.python.executable}
        )


RULE = Rule(
    code="ENV024",
    name="system-python-is-managed",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{python}` is managed by {title}: pip refuses to install into it.",
        "`{python}` 由 {title} 管理：pip 拒绝向其中安装包。",
    ),
    why=Text(
        'pip stops with "externally-managed-environment" (PEP 668). `--break-system-packages` overrides '
        "that and can break the tools of the system that are written in Python.",
        "pip 会以 “externally-managed-environment” 报错退出（PEP 668）。`--break-system-packages` 可以强"
        "制安装，但可能破坏系统中用 Python 编写的工具。",
    ),
    fix=Text(
        "Make an environment of your own:\n    python3 -m venv .venv\n    . .venv/bin/activate",
        "新建独立环境：\n    python3 -m venv .venv\n    . .venv/bin/activate",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/usr/bin/python3", "version": "3.12.3", "environment": "system", "prefix": "/usr", "managed": true},
  "packages": [],
  "gpus": [],
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://packaging.python.org/en/latest/specifications/externally-managed-environments/",
        "https://docs.python.org/3/library/venv.html",
    ),
    explains=("ENV001",),
)
