"""ENV018: a package in the user's site-packages hides that of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def _is_user_site(folder: str) -> bool:
    return bool(re.search(r"/\.local/|\\Roaming\\Python", folder))


def check(machine: Machine) -> Iterator[Finding]:
    hidden = []
    for one in machine.packages or ():
        if one.source == "pip" and one.active and _is_user_site(one.location):
            others = [
                two.version
                for two in machine.packages or ()
                if two.name == one.name and not two.active and two.source == "pip" and two.version != one.version
            ]
            if others:
                hidden.append(f"{one.name} {one.version} ({', '.join(others)})")
    if hidden:
        yield Finding("ENV018", {"count": len(hidden), "names": ", ".join(hidden[:5])})


RULE = Rule(
    code="ENV018",
    name="user-site-hides-environment",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} package(s) in the user's own site-packages hide those of this environment: {names}.",
        "用户目录的 site-packages 中有 {count} 个包遮住了当前环境里的同名包：{names}。",
    ),
    why=Text(
        "Packages under `~/.local` (from `pip install --user`) are seen by every interpreter of that "
        "version that is no virtual environment, conda's included, and come before the environment's own.",
        "`~/.local` 下的包（来自 `pip install --user`）会被同版本的所有非虚拟环境解释器看到，包括 conda，"
        "而且优先于环境自身的包。",
    ),
    fix=Text(
        "Try without them: `PYTHONNOUSERSITE=1 python ...`. If that is right, remove them, or set it for "
        "good in this environment:\n"
        "    conda env config vars set PYTHONNOUSERSITE=1",
        "先试试不用它们：`PYTHONNOUSERSITE=1 python ...`。若正常，就卸载它们，或在该环境中永久设置：\n"
        "    conda env config vars set PYTHONNOUSERSITE=1",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "conda", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "numpy", "version": "2.3.0", "location": "/home/ana/.local/lib/python3.11/site-packages"},
    {"name": "numpy", "version": "1.26.4", "location": "/v", "active": false}
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "conda", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "numpy", "version": "1.26.4", "location": "/v"},
    {"name": "numpy", "version": "1.26.4", "location": "/home/ana/.local/lib/python3.11/site-packages", "active": false}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.python.org/3/using/cmdline.html#envvar-PYTHONNOUSERSITE",),
)
