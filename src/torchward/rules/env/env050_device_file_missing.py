"""ENV050: a device file that CUDA opens is not there."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if (
        driver is None
        or driver.nodes is None
        or machine.setting.wsl
        or machine.setting.jetson
        or machine.system.name != "Linux"
    ):
        return
    if not driver.version or driver.problem or not any(node.startswith("/dev/nvidia") for node in driver.nodes):
        return
    # Outside a container the first use of CUDA makes them.
    if not machine.setting.container and (machine.live is None or machine.live.cuda_available is not False):
        return
    missing = [node for node in ("/dev/nvidiactl", "/dev/nvidia-uvm") if node not in driver.nodes]
    if missing:
        yield Finding("ENV050", {"missing": ", ".join(missing), "driver": driver.version})


RULE = Rule(
    code="ENV050",
    name="device-file-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The driver {driver} answers, but {missing} does not exist.",
        "驱动 {driver} 有响应，但 {missing} 不存在。",
    ),
    why=Text(
        'CUDA opens these files; without them it says "CUDA unknown error" (999) although `nvidia-smi` '
        "looks healthy. They are made at the first use by root, and lost after a suspend or when the "
        "module `nvidia_uvm` is not loaded.",
        "CUDA 需要打开这些文件；缺少时会报 “CUDA unknown error”（999），尽管 `nvidia-smi` 看起来正常。它"
        "们在 root 首次使用时创建，休眠之后或 `nvidia_uvm` 模块未加载时会丢失。",
    ),
    fix=Text(
        "On the host:\n"
        "    sudo modprobe nvidia_uvm && sudo nvidia-modprobe -u -c=0\n"
        "In a container, start it with `--gpus all` in place of single `--device` options.",
        "在宿主机上执行：\n"
        "    sudo modprobe nvidia_uvm && sudo nvidia-modprobe -u -c=0\n"
        "若在容器中，请用 `--gpus all` 启动，而不是逐个 `--device`。",
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "nodes": ["/dev/nvidia0", "/dev/nvidiactl"]},
  "setting": {"container": "docker"}
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "nodes": ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]}
}}
""",
    links=("https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",),
    explains=("ENV123",),
)
