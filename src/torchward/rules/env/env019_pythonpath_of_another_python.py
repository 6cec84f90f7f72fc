"""ENV019: PYTHONPATH names the packages of another Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    own = compat.minor(machine.python.version)
    for entry in machine.python.pythonpath:
        match = re.search(r"python(\d\.\d+)[/\\]+(?:site|dist)-packages", entry)
        if match and own and match[1] != own:
            yield Finding("ENV019", {"entry": entry, "other": match[1], "own": own})
            return


RULE = Rule(
    code="ENV019",
    name="pythonpath-of-another-python",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PYTHONPATH names `{entry}`, packages of Python {other}, while this is Python {own}.",
        "PYTHONPATH 中的 `{entry}` 是 Python {other} 的包目录，而当前是 Python {own}。",
    ),
    why=Text(
        "They come before the environment's own packages. Compiled ones (numpy, torch) cannot be loaded "
        "by another Python: \"No module named 'numpy.core._multiarray_umath'\" and the like.",
        "这些包优先于环境自身的包。其中的编译扩展（numpy、torch）无法被别的 Python 加载，会报 “No module "
        "named 'numpy.core._multiarray_umath'” 之类的错误。",
    ),
    fix=Text(
        "Take the line out of the file that sets it (`~/.bashrc`, a module), and for now:\n    unset PYTHONPATH",
        "从设置它的文件（`~/.bashrc`、module）中删去该行，并先执行：\n    unset PYTHONPATH",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pythonpath": ["/opt/old/lib/python3.8/site-packages"]},
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
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "pythonpath": ["/home/ana/project/src"]},
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
    links=("https://docs.python.org/3/using/cmdline.html#envvar-PYTHONPATH",),
)
