"""ENV093: few files may be open at a time."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text

LOW = 1024
"""The default of Linux, which is enough for loaders with few workers; macOS gives 256."""


def check(machine: Machine) -> Iterator[Finding]:
    limit = machine.system.open_files
    if limit is not None and 0 < limit < LOW:
        yield Finding("ENV093", {"limit": limit})


RULE = Rule(
    code="ENV093",
    name="open-files-limit-low",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A process may have {limit} files open at a time.",
        "一个进程最多同时打开 {limit} 个文件。",
    ),
    why=Text(
        "Each tensor that a loader worker hands over is an open file on Linux and macOS; data sets of "
        'many files add theirs: "OSError: [Errno 24] Too many open files", "received 0 items of ancdata".',
        "在 Linux 和 macOS 上，加载进程传递的每个张量都对应一个打开的文件，文件众多的数据集也会占用：可能"
        "报 “OSError: [Errno 24] Too many open files”、“received 0 items of ancdata”。",
    ),
    fix=Text(
        "Run:\n    ulimit -n 65536",
        "执行：\n    ulimit -n 65536",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "arm64", "version": "14.5", "title": "macOS 14.5", "open_files": 256},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0", "cuda": "", "location": "/v"},
  "gpus": [
    {"name": "Apple M2", "vendor": "apple"}
  ]
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "arm64", "version": "14.5", "title": "macOS 14.5", "open_files": 10240},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0", "cuda": "", "location": "/v"},
  "gpus": [
    {"name": "Apple M2", "vendor": "apple"}
  ]
}}
""",
    links=("https://docs.pytorch.org/docs/stable/multiprocessing.html#file-descriptor-file-descriptor",),
)
