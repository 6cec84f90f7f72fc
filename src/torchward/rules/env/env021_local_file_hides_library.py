"""ENV021: a file of the working folder is imported in place of a library."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

GRAVE = ("torch", "torchvision", "torchaudio", "numpy", "triton")


def check(machine: Machine) -> Iterator[Finding]:
    found = sorted(machine.python.shadows, key=lambda name: name.split(".")[0].rstrip("/") not in GRAVE)
    if found:
        grave = [name for name in found if name.split(".")[0].rstrip("/") in GRAVE]
        yield Finding(
            "ENV021",
            {"names": ", ".join(found), "first": found[0]},
            severity=None if grave else Severity.HINT,
            confidence=Confidence.CERTAIN if grave else Confidence.POSSIBLE,
        )


RULE = Rule(
    code="ENV021",
    name="local-file-hides-library",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The working folder holds {names}, named like what torch imports: Python takes that in place of the library.",
        "工作目录中有 {names}，与 torch 要导入的库同名：Python 会用它代替真正的库。",
    ),
    why=Text(
        "Scripts (and `python -c`) look into their own folder first. torch then fails with errors that "
        'seem to be its own: "module \'torch\' has no attribute ...", "partially initialized module", a '
        "circular import.",
        "脚本（以及 `python -c`）会首先在自己所在的目录中查找。此时 torch 报出的错误看似来自自身："
        "“module 'torch' has no attribute ...”、“partially initialized module”、循环导入。",
    ),
    fix=Text(
        "Rename it, and delete the `__pycache__` beside it:\n    mv {first} my_{first}",
        "把它改名，并删除同目录下的 `__pycache__`：\n    mv {first} my_{first}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "shadows": ["torch.py"]},
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "shadows": []},
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
    links=("https://docs.python.org/3/tutorial/modules.html#the-module-search-path",),
    explains=("ENV120",),
)
