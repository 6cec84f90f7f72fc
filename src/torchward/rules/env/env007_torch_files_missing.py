"""ENV007: the metadata of torch is there, its files are not."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import install_or, nvidia
from torchward.rule import Finding, Rule, Severity, Text


def _again(machine: Machine) -> str:
    command = install_or(machine, gpu=bool(nvidia(machine)))
    return command.replace("pip install ", "pip install --force-reinstall ", 1)


def check(machine: Machine) -> Iterator[Finding]:
    for one in machine.packages or ():
        if one.name == "torch" and one.source == "pip" and one.active and (not one.importable or machine.torch is None):
            if machine.source in ("collect_env", "nvidia-smi"):
                return
            yield Finding("ENV007", {"version": one.version or "?", "folder": one.location, "command": _again(machine)})


RULE = Rule(
    code="ENV007",
    name="torch-files-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "pip lists torch {version} in {folder}, but the library's own files are not there.",
        "pip 显示 {folder} 中装有 torch {version}，但库文件本身并不存在。",
    ),
    why=Text(
        "An install or uninstall was cut short, or a file was deleted by hand. pip believes that torch "
        "is installed and does not repair it by itself.",
        "安装或卸载中途被打断，或文件被手动删除。pip 认为 torch 已安装，不会自行修复。",
    ),
    fix=Text(
        "Install it anew over the remains:\n    {command}",
        "覆盖残留重新安装：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v", "importable": false}
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
    links=("https://pip.pypa.io/en/stable/cli/pip_install/#cmdoption-force-reinstall",),
    explains=("ENV001",),
)
