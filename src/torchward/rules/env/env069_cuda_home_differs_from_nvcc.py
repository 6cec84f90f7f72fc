"""ENV069: CUDA_HOME and the `nvcc` on PATH are of different toolkits."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if not machine.cuda_home or not machine.cuda_home_exists or not machine.nvcc_version:
        return
    home = machine.cuda_home.rstrip("/")
    named = next((one for one in machine.toolkits or () if one.path.rstrip("/") == home), None)
    if named is None or not named.version or named.version == machine.nvcc_version:
        return
    yield Finding(
        "ENV069",
        {"home": machine.cuda_home, "version": named.version, "nvcc": machine.nvcc, "other": machine.nvcc_version},
    )


RULE = Rule(
    code="ENV069",
    name="cuda-home-differs-from-nvcc",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "CUDA_HOME is `{home}` (CUDA {version}), but `nvcc` on PATH is `{nvcc}` (CUDA {other}).",
        "CUDA_HOME 为 `{home}`（CUDA {version}），而 PATH 中的 `nvcc` 是 `{nvcc}`（CUDA {other}）。",
    ),
    why=Text(
        "Some build tools ask one, some the other: headers of one version meet the compiler of another.",
        "有的构建工具使用前者，有的使用后者：会出现一个版本的头文件配另一个版本的编译器。",
    ),
    fix=Text(
        'Run:\n    eval "$(torchward doctor --use-cuda {version})"',
        '执行：\n    eval "$(torchward doctor --use-cuda {version})"',
    ),
    bad="""\
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "cuda_home": "/usr/local/cuda-12.8",
  "cuda_home_exists": true,
  "toolkits": [
    {"path": "/usr/local/cuda-12.8", "version": "12.8", "nvcc": true},
    {"path": "/usr/local/cuda-12.1", "version": "12.1", "nvcc": true}
  ],
  "nvcc": "/usr/local/cuda-12.1/bin/nvcc",
  "nvcc_version": "12.1"
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "cuda_home": "/usr/local/cuda-12.8",
  "cuda_home_exists": true,
  "toolkits": [
    {"path": "/usr/local/cuda-12.8", "version": "12.8", "nvcc": true}
  ],
  "nvcc": "/usr/local/cuda-12.8/bin/nvcc",
  "nvcc_version": "12.8"
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup",),
)
