"""ENV025: no release of PyTorch has wheels for this Python."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    python = machine.python
    if machine.torch is not None or machine.packages is None or len(compat.version(python.version)) < 2:
        return
    own = compat.minor(python.version) + ("t" if python.free_threaded else "")
    other = python.implementation not in ("", "CPython")
    if not other and compat.newest_for_python(python.version, python.free_threaded) is not None:
        return
    newest = compat.releases()[-1]
    stable = [one for one in newest.pythons if not one.endswith("t")]
    yield Finding(
        "ENV025",
        {
            "python": f"{python.implementation} {own}" if other else f"Python {own}",
            "newest": newest.newest,
            "first": stable[0],
            "last": stable[-1],
            "collected": compat.collected(),
        },
    )


RULE = Rule(
    code="ENV025",
    name="python-without-wheels",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "There are no wheels of PyTorch for {python}: {newest} has them for Python {first} to {last} "
        "(table of {collected}).",
        "PyTorch 没有为 {python} 提供 wheel：{newest} 支持 Python {first} 到 {last}（对照表日期 {collected}）。",
    ),
    why=Text(
        'pip answers "Could not find a version that satisfies the requirement torch", and `from versions: none`.',
        "pip 会报 “Could not find a version that satisfies the requirement torch”，并显示 `from versions: none`。",
    ),
    fix=Text(
        "Make an environment with a Python that has wheels:\n    uv venv --python 3.12\n    . .venv/bin/activate",
        "用有 wheel 的 Python 版本新建环境：\n    uv venv --python 3.12\n    . .venv/bin/activate",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.6.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [],
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
        "https://pytorch.org/get-started/locally/",
        "https://github.com/pytorch/pytorch/blob/main/RELEASE.md",
    ),
    explains=("ENV001",),
)
