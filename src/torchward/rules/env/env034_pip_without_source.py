"""ENV034: pip may not use an index and has no folder of wheels."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.pip.no_index and not machine.pip.find_links:
        yield Finding("ENV034", {"files": ", ".join(machine.pip.files) or "PIP_NO_INDEX"})


RULE = Rule(
    code="ENV034",
    name="pip-without-source",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "pip's settings ({files}) forbid every index and name no folder of wheels.",
        "pip 的配置（{files}）禁用了所有索引，又没有指定 wheel 目录。",
    ),
    why=Text(
        'Every install ends with "No matching distribution found".',
        "任何安装都会以 “No matching distribution found” 结束。",
    ),
    fix=Text(
        "Allow the index again, or name the folder that holds the wheels:\n"
        "    python -m pip install --no-index --find-links /path/to/wheels torch",
        "重新启用索引，或指定存放 wheel 的目录：\n"
        "    python -m pip install --no-index --find-links /path/to/wheels torch",
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
  "pip": {"no_index": true, "files": ["/etc/pip.conf"]}
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
  "pip": {"no_index": true, "find_links": ["/opt/wheels"]}
}}
""",
    links=("https://pip.pypa.io/en/stable/topics/configuration/",),
)
