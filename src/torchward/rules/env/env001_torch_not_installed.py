"""ENV001: there is no PyTorch in the environment that was looked at."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import install_or, nvidia
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.torch is not None or machine.packages is None:
        return
    if any(one.name == "torch" and one.source == "pip" for one in machine.packages):
        return  # its metadata is there, its files are not: another problem
    if not machine.python.executable and machine.source != "here" and not machine.python.version:
        return
    gpu = bool(nvidia(machine))
    yield Finding(
        "ENV001",
        {
            "python": machine.python.executable or "python",
            "version": machine.python.version,
            "command": install_or(machine, gpu=gpu),
        },
    )


RULE = Rule(
    code="ENV001",
    name="torch-not-installed",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PyTorch is not installed in the environment of `{python}` (Python {version}).",
        "`{python}`（Python {version}）所在的环境中没有安装 PyTorch。",
    ),
    why=Text(
        "`import torch` fails there with \"No module named 'torch'\", whatever other environments hold: "
        "each has its own packages.",
        "在该环境中 `import torch` 会报 “No module named 'torch'”，与其他环境里装了什么无关：每个环境的包彼此独立。",
    ),
    fix=Text(
        "Install it into this environment, or start the environment that has it:\n    {command}",
        "把它安装到该环境，或者改用已装有 PyTorch 的环境：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "numpy", "version": "2.1.0", "location": "/v"}
  ],
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://pytorch.org/get-started/locally/",
        "https://docs.python.org/3/library/venv.html",
    ),
)
