"""ENV095: a cache folder that a variable names cannot be written."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.system.unwritable:
        found = [f"{name}={machine.environment.get(name, '?')}" for name in machine.system.unwritable]
        yield Finding("ENV095", {"variables": ", ".join(found), "name": machine.system.unwritable[0]})


RULE = Rule(
    code="ENV095",
    name="cache-folder-not-writable",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This user cannot write where {variables} points.",
        "当前用户无法写入 {variables} 所指的位置。",
    ),
    why=Text(
        'Downloads of models and compiled kernels end with "Permission denied" or "Read-only file system".',
        "下载模型或编译内核时会报 “Permission denied” 或 “Read-only file system”。",
    ),
    fix=Text(
        'Name a folder of your own:\n    export {name}="$HOME/.cache/{name}"',
        '改为自己的目录：\n    export {name}="$HOME/.cache/{name}"',
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "unwritable": ["HF_HOME"]},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"HF_HOME": "/models"}
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
  "environment": {"HF_HOME": "/data/hf"}
}}
""",
    links=("https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables",),
)
