"""ENV045: the driver is too old for the CUDA that torch was built for."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import choose, driver_commands, driver_version, in_text, nvidia, replacement, windows_numbers
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    torch, driver, live = machine.torch, machine.driver, machine.live
    version = driver_version(machine)
    if torch is None or driver is None or not torch.cuda or not version:
        return
    windows = windows_numbers(machine)
    told = live is not None and "driver on your system is too old" in live.cuda_said
    if not (nvidia(machine) or told) or compat.driver_serves(version, torch.cuda, windows) is not False:
        return
    if live is not None and live.cuda_available:
        return  # forward compatibility is at work
    choice = choose(machine, gpu=True)
    yield Finding(
        "ENV045",
        {
            "driver": version,
            "has": driver.cuda or compat.driver_cuda(version) or "?",
            "torch": torch.version,
            "cuda": torch.cuda,
            "floor": compat.driver_floor(torch.cuda, windows) or "?",
            "commands": in_text(driver_commands(machine)),
            "command": in_text(replacement(machine, choice)) if choice else "# none: this driver needs an update",
        },
    )


RULE = Rule(
    code="ENV045",
    name="driver-too-old",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The driver {driver} serves CUDA up to {has}; torch {torch} was built for CUDA {cuda}, which "
        "needs driver {floor} or newer.",
        "驱动 {driver} 最高支持 CUDA {has}；torch {torch} 为 CUDA {cuda} 编译，需要 {floor} 或更新的驱动。",
    ),
    why=Text(
        '`torch.cuda.is_available()` is False, with the warning "The NVIDIA driver on your system is too '
        'old". Within one major version of CUDA any driver of that version will do; across major '
        "versions it will not.",
        "`torch.cuda.is_available()` 为 False，并警告 “The NVIDIA driver on your system is too old”。同一"
        " CUDA 大版本内任意驱动都可用，跨大版本则不行。",
    ),
    fix=Text(
        "Without touching the driver, take the newest build for it:\n"
        "    {command}\n"
        "or update it, which replaces the kernel's module (end other work on the GPU first):\n"
        "    {commands}",
        "不动驱动，安装适合它的最新版本：\n"
        "    {command}\n"
        "或者更新驱动，这会替换内核模块（请先结束 GPU 上的其他任务）：\n"
        "    {commands}",
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
  "driver": {"version": "470.82.01", "cuda": "11.4"}
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
  "driver": {"version": "535.104.05", "cuda": "12.2"}
}}
""",
    links=(
        "https://docs.nvidia.com/deploy/cuda-compatibility/",
        "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/",
    ),
    explains=("ENV123",),
)
