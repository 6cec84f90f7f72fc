"""ENV030: an Intel Mac gets no newer PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    system = machine.system
    if system.name != "Darwin" or system.arch != "x86_64" or machine.packages is None or machine.torch is not None:
        return
    last = compat.table()["macos"]["last_x86"]
    served = compat.release(last)
    own = compat.minor(machine.python.version)
    yield Finding("ENV030", {"last": last, "python": own, "pythons": ", ".join(served.pythons) if served else ""})


RULE = Rule(
    code="ENV030",
    name="intel-mac",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PyTorch {last} is the last release for Macs with an Intel processor, with wheels for Python "
        "{pythons} (this is {python}).",
        "PyTorch {last} 是最后一个支持 Intel Mac 的版本，提供 Python {pythons} 的 wheel（当前为 {python}）。",
    ),
    why=Text(
        "pip offers nothing newer there. {last} was compiled for NumPy 1, so NumPy 2 does not go with it.",
        "pip 在这类机器上找不到更新的版本。{last} 是针对 NumPy 1 编译的，不能与 NumPy 2 搭配。",
    ),
    fix=Text(
        'Run:\n    python -m pip install "torch=={last}" "numpy<2"\n'
        "conda-forge still builds newer ones:\n    conda create -n torch -c conda-forge pytorch torchvision",
        '执行：\n    python -m pip install "torch=={last}" "numpy<2"\n'
        "conda-forge 仍提供更新的版本：\n    conda create -n torch -c conda-forge pytorch torchvision",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "x86_64", "version": "13.6", "title": "macOS 13.6"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.12.4", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [],
  "gpus": []
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Darwin", "arch": "arm64", "version": "14.5", "title": "macOS 14.5"},
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
    links=("https://github.com/pytorch/pytorch/blob/main/RELEASE.md",),
    explains=("ENV001",),
)
