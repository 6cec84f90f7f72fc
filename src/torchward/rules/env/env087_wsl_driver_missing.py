"""ENV087: WSL 2 has no NVIDIA driver from Windows."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver, torch = machine.driver, machine.torch
    if (
        machine.setting.wsl != 2
        or machine.setting.container
        or driver is None
        or driver.nodes is None
        or driver.libcuda is None
    ):
        return
    if driver.version or torch is None or not torch.cuda:
        return
    if any(gpu.vendor != "nvidia" for gpu in machine.gpus or ()):
        return
    if "/dev/dxg" in driver.nodes and driver.libcuda and driver.problem != "absent":
        return
    lacking = "/dev/dxg" if "/dev/dxg" not in driver.nodes else "/usr/lib/wsl/lib/libcuda.so.1"
    yield Finding("ENV087", {"lacking": lacking, "torch": torch.version}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV087",
    name="wsl-driver-missing",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch {torch} is a CUDA build, but WSL 2 has been given no NVIDIA GPU: {lacking} is missing.",
        "torch {torch} 是 CUDA 版，但 WSL 2 中没有 NVIDIA GPU：缺少 {lacking}。",
    ),
    why=Text(
        "Windows hands its driver to WSL; without a recent one there (or in a virtual machine without "
        "the GPU) CUDA finds nothing.",
        "WSL 使用 Windows 提供的驱动；如果 Windows 上没有较新的驱动（或虚拟机没有直通 GPU），CUDA 就找不到设备。",
    ),
    fix=Text(
        "Install NVIDIA's driver on Windows, nothing in WSL, then in PowerShell:\n    wsl --update\n    wsl --shutdown",
        "在 Windows 上安装 NVIDIA 驱动（WSL 内不要安装），然后在 PowerShell 中执行：\n"
        "    wsl --update\n"
        "    wsl --shutdown",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "5.15.167.4-microsoft-standard-WSL2", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [],
  "driver": {"problem": "absent", "nodes": [], "libcuda": []},
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
  "driver": {"version": "572.16", "cuda": "12.8", "nodes": ["/dev/dxg"], "libcuda": ["/usr/lib/wsl/lib/libcuda.so.1"]},
  "setting": {"wsl": 2}
}}
""",
    links=("https://docs.nvidia.com/cuda/wsl-user-guide/",),
    explains=("ENV123",),
)
