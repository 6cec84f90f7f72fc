"""ENV005: two folders on the path hold a torch each."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    copies = [one for one in machine.packages or () if one.name == "torch" and one.source == "pip" and one.location]
    places = {one.location for one in copies}
    if len(places) < 2 or len({one.version for one in copies}) < 2:
        return
    first, *others = sorted(copies, key=lambda one: not one.active)
    yield Finding(
        "ENV005",
        {
            "first": first.version,
            "folder": first.location,
            "others": ", ".join(f"{one.version} ({one.location})" for one in others),
        },
    )


RULE = Rule(
    code="ENV005",
    name="torch-installed-twice",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Two copies of torch are on the path: {first} in {folder} is imported, which hides {others}.",
        "路径上有多份 torch：实际导入的是 {folder} 中的 {first}，它遮住了 {others}。",
    ),
    why=Text(
        "pip and the import look at different copies then: an upgrade seems to do nothing, and "
        "companions such as torchvision meet a torch that they were not built for.",
        "这时 pip 和 import 看到的不是同一份：升级看似无效，torchvision 等配套包会遇到与其不匹配的 torch。",
    ),
    fix=Text(
        "Remove all copies (repeat until pip says that there is none), then install one:\n"
        "    python -m pip uninstall --yes torch",
        "卸载全部副本（重复执行直到 pip 提示没有为止），再安装一份：\n    python -m pip uninstall --yes torch",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.5.1+cu121", "location": "/home/ana/.local/lib/python3.11/site-packages"},
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v", "active": false}
  ],
  "torch": {"version": "2.5.1+cu121", "cuda": "12.1", "location": "/v"},
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
    links=("https://docs.python.org/3/library/site.html",),
    explains=(
        "ENV011",
        "ENV012",
        "ENV018",
    ),
)
