"""ENV020: PYTHONHOME is set."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    home = machine.python.pythonhome
    if home and home.rstrip("/") != machine.python.prefix.rstrip("/"):
        yield Finding("ENV020", {"home": home, "prefix": machine.python.prefix or "?"})


RULE = Rule(
    code="ENV020",
    name="pythonhome-set",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PYTHONHOME is `{home}`, while this interpreter belongs to `{prefix}`.",
        "PYTHONHOME 为 `{home}`，而该解释器属于 `{prefix}`。",
    ),
    why=Text(
        "Every Python that is started takes its standard library from there: virtual environments stop "
        "working, and versions that differ fail at the start with \"No module named 'encodings'\".",
        "之后启动的所有 Python 都会从该处加载标准库：虚拟环境失效，版本不同时启动即报 “No module named 'encodings'”。",
    ),
    fix=Text(
        "Run:\n    unset PYTHONHOME",
        "执行：\n    unset PYTHONHOME",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pythonhome": "/usr/local/python3.8"},
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
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pythonhome": ""},
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
    links=("https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHOME",),
)
