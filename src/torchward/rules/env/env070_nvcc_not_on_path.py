"""ENV070: a toolkit is on disk, and `nvcc` is not on PATH."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    found = [one for one in machine.toolkits or () if one.nvcc and one.version]
    if found and not machine.nvcc and not machine.cuda_home:
        newest = max(found, key=lambda one: compat.version(one.version))
        yield Finding(
            "ENV070", {"path": newest.path, "version": newest.version, "all": ", ".join(one.version for one in found)}
        )


RULE = Rule(
    code="ENV070",
    name="nvcc-not-on-path",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A CUDA toolkit is in `{path}` (all: {all}), but `nvcc` is not on PATH.",
        "`{path}` 中有 CUDA toolkit（全部：{all}），但 `nvcc` 不在 PATH 中。",
    ),
    why=Text(
        "`nvcc: command not found` does not mean that CUDA is missing, and running models does not need "
        "it; compiling extensions does.",
        "`nvcc: command not found` 并不表示没有 CUDA，运行模型也不需要它；编译扩展才需要。",
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
  "toolkits": [
    {"path": "/usr/local/cuda-12.8", "version": "12.8", "nvcc": true}
  ]
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
  "toolkits": [
    {"path": "/usr/local/cuda-12.8", "version": "12.8", "nvcc": true}
  ],
  "nvcc": "/usr/local/cuda-12.8/bin/nvcc",
  "nvcc_version": "12.8"
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup",),
)
