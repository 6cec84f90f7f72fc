"""ENV017: conda and pip have installed different versions of one package."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    pairs = []
    for name in ("numpy", "torchvision", "torchaudio", "mkl"):
        conda, pip = package(machine, name, "conda"), package(machine, name)
        if (
            conda
            and pip
            and conda.version
            and pip.version
            and compat.version(conda.version) != compat.version(pip.version)
        ):
            pairs.append((name, conda.version, pip.version))
    if pairs:
        yield Finding(
            "ENV017",
            {
                "count": len(pairs),
                "pairs": ", ".join(f"{name} (conda {conda}, pip {pip})" for name, conda, pip in pairs),
                "names": " ".join(name for name, _, _ in pairs),
            },
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="ENV017",
    name="package-from-conda-and-pip",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} package(s) were installed by conda and by pip in different versions: {pairs}.",
        "有 {count} 个包同时由 conda 和 pip 安装，且版本不同：{pairs}。",
    ),
    why=Text(
        "Both write into the same folder. pip's files are the newer ones, while conda goes on believing "
        "in its own: its next command may mix them or bring them back.",
        "两者写入同一个目录。现在的文件来自 pip，而 conda 仍以为是自己的版本：下一次 conda 操作可能把它们"
        "混在一起或改回去。",
    ),
    fix=Text(
        "Let one tool own them; to keep pip's:\n"
        "    conda remove --force {names}\n"
        "    python -m pip install --force-reinstall --no-deps {names}",
        "让同一个工具管理它们；若保留 pip 的版本：\n"
        "    conda remove --force {names}\n"
        "    python -m pip install --force-reinstall --no-deps {names}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "conda", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "numpy", "version": "2.1.0", "location": "/v"},
    {"name": "numpy", "version": "1.26.4", "location": "/v", "source": "conda", "build": "py311_0"}
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
    {"name": "numpy", "version": "1.26.4", "location": "/v", "source": "conda", "build": "py311_0"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-pkgs.html",),
)
