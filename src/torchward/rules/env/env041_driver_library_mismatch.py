"""ENV041: the driver's kernel module and its library are of different versions."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None:
        return
    differ = bool(driver.module and driver.library and driver.module != driver.library)
    if driver.problem != "mismatch" and not (differ and driver.problem and not machine.setting.wsl):
        return
    commands = "sudo rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia"
    yield Finding("ENV041", {"module": driver.module or "?", "library": driver.library or "?", "commands": commands})


RULE = Rule(
    code="ENV041",
    name="driver-library-mismatch",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The driver's module in the kernel is version {module}, its library {library}: `nvidia-smi` says "
        '"Driver/library version mismatch".',
        "内核中的驱动模块版本为 {module}，用户态库版本为 {library}：`nvidia-smi` 报 “Driver/library "
        "version mismatch”。",
    ),
    why=Text(
        "The driver was updated (often by unattended upgrades) and the old module is still loaded. Until "
        "both agree, no program can use the GPU.",
        "驱动被更新（常由系统自动更新触发），而旧模块仍在内核中。两者一致之前，任何程序都无法使用 GPU。",
    ),
    fix=Text(
        "Restart the machine. Without a restart, once no process and no screen uses the GPU:\n"
        "    {commands}\n"
        "In a container restart the container, after the host is right.",
        "重启机器。如不能重启，在没有进程和显示使用 GPU 时执行：\n    {commands}\n若在容器中，先修好宿主机再重启容器。",
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
  "driver": {"problem": "mismatch", "module": "550.107.02", "library": "550.120", "version": "550.107.02", "said": "Failed to initialize NVML: Driver/library version mismatch", "loaded": true}
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "module": "570.124.06", "library": "570.124.06", "loaded": true}
}}
""",
    links=("https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",),
    explains=(
        "ENV002",
        "ENV123",
    ),
)
