"""ENV023: another environment is active than the one that was looked at."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    python = machine.python
    active = python.virtual_env or python.conda_prefix
    if not active or (
        python.conda_prefix and not python.virtual_env and python.environment in ("venv", "uv", "poetry", "pipx")
    ):
        return
    yield Finding(
        "ENV023",
        {"active": active, "prefix": python.prefix, "kind": "VIRTUAL_ENV" if python.virtual_env else "CONDA_PREFIX"},
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV023",
    name="active-environment-not-used",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The active environment ({kind}) is `{active}`, but this Python belongs to `{prefix}`.",
        "当前激活的环境（{kind}）是 `{active}`，但这个 Python 属于 `{prefix}`。",
    ),
    why=Text(
        "What is installed in the active environment is not seen here, and everything below speaks of "
        "`{prefix}`. It happens when a tool (this one, jupyter, an alias) was installed elsewhere, or "
        "PATH was changed after the activation.",
        "激活环境中安装的包在这里看不到，以下内容都针对 `{prefix}`。通常是因为某个工具（本工具、jupyter、"
        "别名）装在别处，或激活之后又改动了 PATH。",
    ),
    fix=Text(
        "Run the check with the environment's own Python:\n"
        "    python -m pip install torchward && python -m torchward doctor",
        "用该环境自己的 Python 运行检查：\n    python -m pip install torchward && python -m torchward doctor",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "pipx", "prefix": "/home/ana/.local/pipx/venvs/torchward", "virtual_env": "/home/ana/project/.venv"},
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "virtual_env": ""},
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
    links=("https://docs.python.org/3/library/venv.html",),
    explains=("ENV001",),
)
