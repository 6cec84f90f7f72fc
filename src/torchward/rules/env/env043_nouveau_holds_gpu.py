"""ENV043: the free driver nouveau holds the GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None or not driver.nouveau or driver.loaded or not driver.packages or not nvidia(machine):
        return
    yield Finding("ENV043", {"gpus": names(nvidia(machine)), "packages": ", ".join(driver.packages)})


RULE = Rule(
    code="ENV043",
    name="nouveau-holds-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The kernel's own driver nouveau holds {gpus}, although NVIDIA's is installed ({packages}).",
        "内核自带的 nouveau 驱动占用了 {gpus}，尽管已安装 NVIDIA 驱动（{packages}）。",
    ),
    why=Text(
        "One card has one driver: while nouveau is loaded, NVIDIA's module cannot take it, and CUDA needs NVIDIA's.",
        "一块显卡同时只能由一个驱动管理：nouveau 加载期间 NVIDIA 模块无法接管，而 CUDA 需要 NVIDIA 的驱动。",
    ),
    fix=Text(
        "Keep nouveau from loading, then restart:\n"
        "    printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee "
        "/etc/modprobe.d/blacklist-nouveau.conf\n"
        "    sudo update-initramfs -u   # Fedora, RHEL: sudo dracut --force\n"
        "    sudo reboot",
        "禁止加载 nouveau，然后重启：\n"
        "    printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee "
        "/etc/modprobe.d/blacklist-nouveau.conf\n"
        "    sudo update-initramfs -u   # Fedora、RHEL 上用 sudo dracut --force\n"
        "    sudo reboot",
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
    {"name": "TU104 [GeForce RTX 2080]"}
  ],
  "driver": {"problem": "unreachable", "loaded": false, "nouveau": true, "packages": ["nvidia-driver-550 550.120-0ubuntu0.22.04.1"]}
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "nouveau": false, "loaded": true}
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#disabling-nouveau",),
    explains=(
        "ENV002",
        "ENV123",
        "ENV042",
        "ENV040",
    ),
)
