"""ENV068: CUDA_HOME names a folder that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.cuda_home and machine.cuda_home_exists is False:
        other = next((one.path for one in machine.toolkits or () if one.nvcc), "")
        yield Finding(
            "ENV068",
            {"home": machine.cuda_home, "command": f"export CUDA_HOME={other}" if other else "unset CUDA_HOME"},
        )


RULE = Rule(
    code="ENV068",
    name="cuda-home-missing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "CUDA_HOME is `{home}`, which does not exist.",
        "CUDA_HOME 为 `{home}`，该目录不存在。",
    ),
    why=Text(
        "Everything that compiles for CUDA (extensions, deepspeed's operators) looks there and nowhere else.",
        "所有需要为 CUDA 编译的组件（扩展、deepspeed 的算子）都只在该处查找。",
    ),
    fix=Text(
        "Run:\n    {command}",
        "执行：\n    {command}",
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
  "cuda_home": "/usr/local/cuda-11.3",
  "cuda_home_exists": false,
  "toolkits": [
    {"path": "/usr/local/cuda-12.8", "version": "12.8", "nvcc": true}
  ],
  "nvcc": "/usr/local/cuda-12.8/bin/nvcc",
  "nvcc_version": "12.8"
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
    links=("https://docs.pytorch.org/docs/stable/cpp_extension.html",),
)
