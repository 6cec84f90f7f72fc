"""ENV040: there is an NVIDIA GPU, and no driver for it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import capabilities, choose, driver_commands, nvidia
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    cards = nvidia(machine)
    if driver is None or not cards or driver.problem != "absent" or driver.version or driver.loaded:
        return
    if machine.setting.container or machine.setting.wsl or driver.packages:
        return
    if capabilities(machine) and choose(machine, gpu=True, any_driver=True, any_python=True) is None:
        return  # no build serves the card: a driver would not help
    unused = machine.torch is not None and machine.torch.known and not machine.torch.cuda
    yield Finding(
        "ENV040",
        {
            "gpus": names(cards),
            "held": "nouveau" if driver.nouveau else "-",
            "commands": "\n    ".join(driver_commands(machine)),
        },
        severity=Severity.WARNING if unused else None,
    )


RULE = Rule(
    code="ENV040",
    name="driver-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpus} is in this machine, but NVIDIA's driver is not installed (loaded in its place: {held}).",
        "机器中有 {gpus}，但没有安装 NVIDIA 驱动（当前加载：{held}）。",
    ),
    why=Text(
        "CUDA works through that driver alone; PyTorch brings everything else with it. No toolkit is needed.",
        "CUDA 只能通过该驱动工作；其余组件由 PyTorch 自带，不需要安装 CUDA toolkit。",
    ),
    fix=Text(
        "Install the driver. It replaces the one in the kernel, so end other work first:\n    {commands}",
        "安装驱动。它会替换内核中的驱动，请先结束其他任务：\n    {commands}",
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
  "driver": {"problem": "absent", "loaded": false, "nouveau": false, "packages": []}
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
        "https://docs.nvidia.com/cuda/cuda-installation-guide-linux/",
    ),
    explains=(
        "ENV002",
        "ENV123",
        "ENV048",
    ),
)
