"""ENV004: the package `pytorch` from PyPI is installed: a placeholder."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import install_or, nvidia
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    wrong = package(machine, "pytorch")
    if wrong is None or machine.torch is not None:
        return
    yield Finding("ENV004", {"version": wrong.version, "command": install_or(machine, gpu=bool(nvidia(machine)))})


RULE = Rule(
    code="ENV004",
    name="pytorch-is-not-its-name",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The package `pytorch` {version} is installed from PyPI; PyTorch's package is called `torch`.",
        "安装的是 PyPI 上的 `pytorch` {version}；PyTorch 的包名是 `torch`。",
    ),
    why=Text(
        "`pytorch` on PyPI is a placeholder: it holds no library, and there is nothing to import.",
        "PyPI 上的 `pytorch` 只是占位包，不含任何库，无法导入。",
    ),
    fix=Text(
        "Run:\n    python -m pip uninstall --yes pytorch\n    {command}",
        "执行：\n    python -m pip uninstall --yes pytorch\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "pytorch", "version": "1.0.2", "location": "/v"}
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
        "https://pypi.org/project/pytorch/",
        "https://pytorch.org/get-started/locally/",
    ),
    explains=("ENV001",),
)
