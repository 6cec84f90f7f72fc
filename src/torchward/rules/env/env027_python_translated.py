"""ENV027: an x86 Python runs translated on an Apple chip."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.python.translated:
        yield Finding("ENV027", {"python": machine.python.executable, "cpu": machine.system.cpu or "Apple"})


RULE = Rule(
    code="ENV027",
    name="python-translated",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{python}` is an x86_64 program that macOS translates for {cpu}.",
        "`{python}` 是 x86_64 程序，正由 macOS 在 {cpu} 上转译运行。",
    ),
    why=Text(
        "It is slower, cannot use the GPU (`mps`), and gets no PyTorch newer than 2.2.2, the last one for Intel Macs.",
        "它运行更慢，无法使用 GPU（`mps`），而且最多只能装到 PyTorch 2.2.2，即最后一个支持 Intel Mac 的版本。",
    ),
    fix=Text(
        "Make an environment with a Python for arm64:\n    uv venv --python 3.12",
        "用 arm64 版 Python 新建环境：\n    uv venv --python 3.12",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "x86_64", "version": "14.5", "title": "macOS 14.5", "cpu": "Apple M2"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv", "translated": true},
  "packages": [
    {"name": "torch", "version": "2.2.2", "location": "/v"}
  ],
  "torch": {"version": "2.2.2", "cuda": "", "location": "/v"},
  "gpus": []
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "arm64", "version": "14.5", "title": "macOS 14.5", "cpu": "Apple M2"},
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
    links=("https://developer.apple.com/metal/pytorch/",),
    explains=("ENV030",),
)
