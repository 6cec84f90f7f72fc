"""ENV085: this is WSL 1, which has no GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.setting.wsl == 1:
        yield Finding("ENV085", {"kernel": machine.system.release})


RULE = Rule(
    code="ENV085",
    name="wsl-1",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This is WSL 1 (kernel {kernel}).",
        "当前是 WSL 1（内核 {kernel}）。",
    ),
    why=Text(
        "WSL 1 translates system calls and gives no access to the GPU; WSL 2 does.",
        "WSL 1 只是翻译系统调用，无法访问 GPU；WSL 2 可以。",
    ),
    fix=Text(
        "In PowerShell on Windows (`wsl --list` tells the name; the conversion copies the whole disk):\n"
        "    wsl --set-version Ubuntu 2",
        "在 Windows 的 PowerShell 中执行（名称见 `wsl --list`；转换会复制整个磁盘）：\n    wsl --set-version Ubuntu 2",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "4.4.0-19041-Microsoft", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cpu", "cuda": "", "location": "/v"},
  "gpus": [],
  "driver": {"problem": "absent", "nodes": []},
  "setting": {"wsl": 1}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "5.15.167.4-microsoft-standard-WSL2", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "572.16", "cuda": "12.8", "nodes": ["/dev/dxg"], "libcuda": ["/usr/lib/wsl/lib/libcuda.so.1"]},
  "setting": {"wsl": 2}
}}
""",
    links=(
        "https://docs.nvidia.com/cuda/wsl-user-guide/",
        "https://learn.microsoft.com/windows/wsl/install",
    ),
    explains=("ENV123",),
)
