"""ENV033: pip's settings send every install to another folder."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    target = machine.pip.target
    if target in ("target", "prefix") or (
        target == "user" and machine.python.environment in ("venv", "uv", "poetry", "conda")
    ):
        yield Finding("ENV033", {"setting": target, "files": ", ".join(machine.pip.files) or "PIP_*"})


RULE = Rule(
    code="ENV033",
    name="pip-installs-elsewhere",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "pip's settings ({files}) contain `{setting}`: installs go elsewhere than into this environment.",
        "pip 的配置（{files}）中含有 `{setting}`：包会被装到当前环境之外。",
    ),
    why=Text(
        "`pip install` reports success, and `import` does not find the package, or finds an older one. "
        "In a virtual environment `user` makes pip stop with an error.",
        "`pip install` 显示成功，`import` 却找不到该包，或找到旧版本。在虚拟环境中，`user` 会使 pip 直接报错。",
    ),
    fix=Text(
        "Run:\n    python -m pip config unset global.{setting}\n    python -m pip config unset install.{setting}",
        "执行：\n    python -m pip config unset global.{setting}\n    python -m pip config unset install.{setting}",
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
  "pip": {"target": "target", "files": ["/home/ana/.config/pip/pip.conf"]}
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
  "pip": {"index": "https://pypi.tuna.tsinghua.edu.cn/simple"}
}}
""",
    links=("https://pip.pypa.io/en/stable/topics/configuration/",),
)
