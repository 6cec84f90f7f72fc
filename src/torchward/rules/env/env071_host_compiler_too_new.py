"""ENV071: the C++ compiler is newer than the CUDA toolkit accepts."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    gcc = compat.version(machine.gcc)
    for toolkit in machine.toolkits or ():
        used = toolkit.nvcc and machine.nvcc_version and toolkit.version == machine.nvcc_version
        if used and gcc and toolkit.gcc_limit is not None and gcc[0] > toolkit.gcc_limit:
            limit = toolkit.gcc_limit
            yield Finding("ENV071", {"gcc": machine.gcc, "cuda": toolkit.version, "limit": limit, "path": toolkit.path})
            return


RULE = Rule(
    code="ENV071",
    name="host-compiler-too-new",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "gcc {gcc} is newer than CUDA {cuda} accepts: its headers in `{path}` refuse versions after {limit}.",
        "gcc {gcc} 比 CUDA {cuda} 所允许的更新：`{path}` 中的头文件拒绝 {limit} 之后的版本。",
    ),
    why=Text(
        'Compiling an extension stops with "unsupported GNU version! gcc versions later than {limit} are '
        'not supported!". Running models is not concerned.',
        "编译扩展会报 “unsupported GNU version! gcc versions later than {limit} are not supported!”。运行"
        "模型不受影响。",
    ),
    fix=Text(
        "Run:\n    sudo apt-get install g++-{limit}\n    export CC=gcc-{limit} CXX=g++-{limit} CUDAHOSTCXX=g++-{limit}",
        "执行：\n"
        "    sudo apt-get install g++-{limit}\n"
        "    export CC=gcc-{limit} CXX=g++-{limit} CUDAHOSTCXX=g++-{limit}",
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
  "gcc": "14.2.0",
  "toolkits": [
    {"path": "/usr/local/cuda-12.1", "version": "12.1", "nvcc": true, "gcc_limit": 12}
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
  "gcc": "12.2.0",
  "toolkits": [
    {"path": "/usr/local/cuda-12.1", "version": "12.1", "nvcc": true, "gcc_limit": 12}
  ],
  "nvcc": "/usr/local/cuda-12.1/bin/nvcc",
  "nvcc_version": "12.1"
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#host-compiler-support-policy",),
)
