"""ENV022: `pip` on PATH installs into another environment."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    python = machine.python
    if python.pip_is_this is not False or not python.pip_interpreter or not python.first_is_this:
        return  # where `python` is another one too, the environment is just not activated
    yield Finding("ENV022", {"pip": python.pip_interpreter, "python": python.executable})


RULE = Rule(
    code="ENV022",
    name="pip-of-another-python",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`pip` on PATH belongs to `{pip}`, not to the Python that was looked at, `{python}`.",
        "PATH 中的 `pip` 属于 `{pip}`，而不是所检查的 Python `{python}`。",
    ),
    why=Text(
        'What a plain `pip install` brings goes to the other environment, and this one says "No module '
        'named ..." as before.',
        "直接执行 `pip install` 会装到另一个环境里，而当前环境仍然报 “No module named ...”。",
    ),
    fix=Text(
        "Call pip through the interpreter that is to use the package:\n    {python} -m pip install ...",
        "通过要使用该包的解释器来调用 pip：\n    {python} -m pip install ...",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pip_interpreter": "/usr/bin/python3", "pip_is_this": false, "first_is_this": true},
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pip_interpreter": "/home/ana/.venv/bin/python", "pip_is_this": true},
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
    links=("https://docs.python.org/3/installing/index.html",),
)
