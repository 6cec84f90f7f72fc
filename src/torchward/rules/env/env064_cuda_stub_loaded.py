"""ENV064: LD_LIBRARY_PATH leads to the stub of the driver's library."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    stubs = [one for one in machine.libraries if one.stub and one.name == "cuda"]
    if stubs:
        yield Finding("ENV064", {"folder": stubs[0].folder})


RULE = Rule(
    code="ENV064",
    name="cuda-stub-loaded",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "LD_LIBRARY_PATH contains `{folder}`, which holds a stub of `libcuda`.",
        "LD_LIBRARY_PATH 中的 `{folder}` 含有 `libcuda` 的桩库。",
    ),
    why=Text(
        "A stub is for linking only. Found before the driver's own library, it makes CUDA say \"CUDA "
        'driver is a stub library" (error 34) or find no device.',
        "桩库只用于链接。如果它先于驱动自带的库被找到，CUDA 会报 “CUDA driver is a stub library”（错误 34"
        "）或找不到设备。",
    ),
    fix=Text(
        "Take the folder out; for building give it to the linker (`-L`) instead:\n"
        "    export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n' | grep -v stubs | paste -sd:)",
        "去掉该目录；编译时改为通过链接器参数（`-L`）指定：\n"
        "    export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n' | grep -v stubs | paste -sd:)",
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
  "libraries": [
    {"name": "cuda", "version": "", "folder": "/usr/local/cuda/lib64/stubs", "stub": true}
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
  "libraries": [
    {"name": "cudart", "version": "12", "folder": "/usr/local/cuda/lib64"}
  ]
}}
""",
    links=(
        "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",
        "https://docs.nvidia.com/cuda/cuda-installation-guide-linux/",
    ),
    explains=("ENV123",),
)
