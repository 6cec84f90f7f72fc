"""ENV008: folders of an interrupted install lie in site-packages."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    left = [
        name
        for name in machine.python.leftovers
        if "orch" in name.lower() or "vidia" in name.lower() or "umpy" in name.lower()
    ]
    if left:
        yield Finding("ENV008", {"names": ", ".join(left[:5]), "count": len(left), "prefix": machine.python.prefix})


RULE = Rule(
    code="ENV008",
    name="interrupted-install",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} leftover folder(s) of an interrupted install lie beside the packages: {names}.",
        "包目录中有 {count} 个安装中断留下的目录：{names}。",
    ),
    why=Text(
        "pip renames a package to `~...` before it replaces it, and removes it at the end. They take "
        "space and make pip warn of invalid distributions; the install that was interrupted may be "
        "incomplete.",
        "pip 在替换一个包之前会先把它改名为 `~...`，结束时再删除。残留目录占用空间，并使 pip 警告 "
        "invalid distribution；被打断的那次安装可能不完整。",
    ),
    fix=Text(
        "Delete these folders in the site-packages of {prefix}, then install the package of that name "
        "anew with `--force-reinstall`.",
        "删除 {prefix} 的 site-packages 中的这些目录，再用 `--force-reinstall` 重新安装对应的包。",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "leftovers": ["~orch", "~orch-2.6.0.dist-info"]},
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "leftovers": []},
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
    links=("https://pip.pypa.io/en/stable/cli/pip_install/",),
)
