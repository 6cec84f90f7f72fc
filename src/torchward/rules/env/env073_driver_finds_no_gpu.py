"""ENV073: the driver is loaded and finds no GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None or driver.problem != "no-devices" or machine.setting.job:
        return
    yield Finding(
        "ENV073",
        {"driver": driver.version or driver.module or "?", "gpus": names(nvidia(machine)) or "-"},
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV073",
    name="driver-finds-no-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        '`nvidia-smi` says "No devices were found" (driver {driver}; on the bus: {gpus}).',
        "`nvidia-smi` 报 “No devices were found”（驱动 {driver}；总线上：{gpus}）。",
    ),
    why=Text(
        "The driver is loaded but starts no card: the card is too old for this branch, or older than "
        "Turing under the open kernel modules; it has failed or lacks power; or a virtual machine or "
        "container was given none.",
        "驱动已加载，但没有启动任何显卡：可能是显卡太旧、不被该分支支持，或在 open 内核模块下使用早于 "
        "Turing 的显卡；也可能是显卡故障或供电不足；或者虚拟机、容器没有分到 GPU。",
    ),
    fix=Text(
        "The kernel's log names the reason:\n"
        "    sudo dmesg | grep -iE 'nvrm|nvidia' | tail\n"
        "    lspci -nn | grep -i nvidia",
        "内核日志会说明原因：\n    sudo dmesg | grep -iE 'nvrm|nvidia' | tail\n    lspci -nn | grep -i nvidia",
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
    {"name": "GeForce RTX 3060"}
  ],
  "driver": {"version": "570.124.06", "module": "570.124.06", "problem": "no-devices", "said": "No devices were found", "loaded": true}
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
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",),
    explains=(
        "ENV002",
        "ENV123",
    ),
)
