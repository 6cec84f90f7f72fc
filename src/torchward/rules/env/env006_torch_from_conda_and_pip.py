"""ENV006: conda and pip have both installed PyTorch into one environment."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    conda = next((one for one in machine.packages or () if one.source == "conda" and one.name == "pytorch"), None)
    pip = package(machine, "torch")
    if (
        conda is None
        or pip is None
        or not conda.version
        or compat.version(conda.version) == compat.version(pip.version)
    ):
        return
    yield Finding("ENV006", {"conda": conda.version, "build": conda.build, "pip": pip.version})


RULE = Rule(
    code="ENV006",
    name="torch-from-conda-and-pip",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "conda has pytorch {conda} ({build}) in this environment, pip has torch {pip}.",
        "同一环境中，conda 装有 pytorch {conda}（{build}），pip 装有 torch {pip}。",
    ),
    why=Text(
        "Both write into the same folder: what is imported is a mixture of two builds, and the next "
        "conda command may undo pip's.",
        "两者写入同一个目录：实际导入的是两个版本的混合体，下一次 conda 操作还可能覆盖 pip 的安装。",
    ),
    fix=Text(
        "Keep one of them. To keep pip's:\n"
        "    conda remove --force pytorch torchvision torchaudio\n"
        "    python -m pip install --force-reinstall --no-deps torch=={pip}",
        "只保留其中一个。若保留 pip 的版本：\n"
        "    conda remove --force pytorch torchvision torchaudio\n"
        "    python -m pip install --force-reinstall --no-deps torch=={pip}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "conda", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "pytorch", "version": "2.5.1", "location": "/v", "source": "conda", "build": "py3.11_cuda12.1_cudnn9.1.0_0"}
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
    {"name": "torch", "version": "2.5.1", "location": "/v"},
    {"name": "pytorch", "version": "2.5.1", "location": "/v", "source": "conda", "build": "py3.11_cuda12.1_cudnn9.1.0_0"}
  ],
  "torch": {"version": "2.5.1", "cuda": "12.1", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-pkgs.html",),
    explains=("ENV017",),
)
