"""ENV086: a Linux driver is installed inside WSL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if machine.setting.wsl != 2 or driver is None:
        return
    own = [
        text.split(" ")[0]
        for text in driver.packages or ()
        if re.match(r"nvidia-driver|nvidia-dkms|libnvidia-compute|cuda-drivers", text)
    ]
    other = [
        path for path in driver.libcuda or () if "/wsl/" not in path and "/compat" not in path and "/stubs" not in path
    ]
    if own or (other and driver.libcuda and driver.libcuda[0] in other):
        yield Finding(
            "ENV086",
            {
                "what": ", ".join(own[:4]) or other[0],
                "packages": " ".join(own) or "'nvidia-driver-*' 'libnvidia-compute-*'",
            },
            confidence=Confidence.CERTAIN if own else Confidence.LIKELY,
        )


RULE = Rule(
    code="ENV086",
    name="linux-driver-in-wsl",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "A Linux driver of NVIDIA is installed inside WSL: {what}.",
        "WSL 中安装了 Linux 版 NVIDIA 驱动：{what}。",
    ),
    why=Text(
        "In WSL the driver is that of Windows; its library is given in `/usr/lib/wsl/lib`. One from a "
        "package hides it, and CUDA finds no device. The package `cuda` brings a driver along, "
        "`cuda-toolkit-12-8` does not.",
        "WSL 使用 Windows 的驱动，其库位于 `/usr/lib/wsl/lib`。软件包中的驱动会遮住它，使 CUDA 找不到设备"
        "。`cuda` 包会附带驱动，`cuda-toolkit-12-8` 则不会。",
    ),
    fix=Text(
        "Remove the driver's packages, then in PowerShell `wsl --shutdown`:\n"
        "    sudo apt-get purge {packages}\n"
        "    sudo ldconfig",
        "卸载驱动包，然后在 PowerShell 中执行 `wsl --shutdown`：\n    sudo apt-get purge {packages}\n    sudo ldconfig",
    ),
    bad="""\
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
  "driver": {"version": "572.16", "cuda": "12.8", "packages": ["nvidia-driver-550 550.120-0ubuntu0.22.04.1"], "nodes": ["/dev/dxg"]},
  "setting": {"wsl": 2}
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
  "driver": {"version": "572.16", "cuda": "12.8", "packages": [], "nodes": ["/dev/dxg"], "libcuda": ["/usr/lib/wsl/lib/libcuda.so.1"]},
  "setting": {"wsl": 2}
}}
""",
    links=("https://docs.nvidia.com/cuda/wsl-user-guide/",),
    explains=(
        "ENV123",
        "ENV041",
        "ENV087",
    ),
)
