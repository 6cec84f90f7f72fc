"""ENV042: the driver is installed, and its kernel module is not loaded."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None or driver.nouveau or machine.setting.wsl or machine.setting.container:
        return
    if driver.problem != "unreachable" and not (
        driver.loaded is False and driver.packages and nvidia(machine) and driver.problem
    ):
        return
    if driver.loaded:
        return
    apt = machine.system.distribution in ("ubuntu", "debian", "pop", "linuxmint")
    headers = "sudo apt-get install linux-headers-$(uname -r) && " if apt else ""
    yield Finding(
        "ENV042",
        {
            "packages": ", ".join(driver.packages or ()) or "?",
            "kernel": machine.system.release or "?",
            "command": f"{headers}sudo dkms autoinstall && sudo modprobe nvidia",
        },
    )


RULE = Rule(
    code="ENV042",
    name="driver-not-loaded",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "NVIDIA's driver is installed ({packages}), but its module is not loaded in kernel {kernel}.",
        "已安装 NVIDIA 驱动（{packages}），但其模块没有加载到内核 {kernel} 中。",
    ),
    why=Text(
        '`nvidia-smi` "couldn\'t communicate with the NVIDIA driver". The usual reasons: the kernel was '
        "updated and the module was not built for it (DKMS lacks the kernel's headers), or Secure Boot "
        "refuses an unsigned module.",
        "`nvidia-smi` 报 “couldn't communicate with the NVIDIA driver”。常见原因：内核更新后没有为它编译"
        "模块（DKMS 缺少内核头文件），或 Secure Boot 拒绝未签名的模块。",
    ),
    fix=Text(
        "See why it is not loaded, then build it for this kernel:\n"
        "    sudo modprobe nvidia; sudo dmesg | grep -i nvidia | tail; mokutil --sb-state\n"
        "    {command}",
        "先查看未加载的原因，再为当前内核编译：\n"
        "    sudo modprobe nvidia; sudo dmesg | grep -i nvidia | tail; mokutil --sb-state\n"
        "    {command}",
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
    {"name": "AD102 [GeForce RTX 4090]"}
  ],
  "driver": {"problem": "unreachable", "said": "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "loaded": false, "packages": ["nvidia-driver-550 550.120-0ubuntu0.22.04.1"]}
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
    links=(
        "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        "https://wiki.ubuntu.com/UEFI/SecureBoot",
    ),
    explains=(
        "ENV002",
        "ENV123",
    ),
)
