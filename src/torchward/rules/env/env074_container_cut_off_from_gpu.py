"""ENV074: a running container has lost its GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None or driver.problem != "cut-off":
        return
    yield Finding(
        "ENV074",
        {"said": driver.said or "Failed to initialize NVML: Unknown Error"},
        confidence=Confidence.CERTAIN if machine.setting.container else Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV074",
    name="container-cut-off-from-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        '`nvidia-smi` says "{said}": a container that had GPUs is cut off from them.',
        "`nvidia-smi` 报 “{said}”：曾经可用 GPU 的容器已无法访问它们。",
    ),
    why=Text(
        "A `systemctl daemon-reload` on the host (an update is enough) made systemd set up the "
        "container's control group anew, without the devices that NVIDIA's runtime had added. Programs "
        "that run keep their GPU; new ones find none.",
        "宿主机执行了 `systemctl daemon-reload`（一次系统更新就会触发），systemd 重建了容器的控制组，丢掉"
        "了 NVIDIA 运行时添加的设备。已在运行的程序仍能使用 GPU，新启动的则找不到。",
    ),
    fix=Text(
        "Restart the container. To keep it from coming back, name the devices, or use cgroupfs "
        '(`"exec-opts": ["native.cgroupdriver=cgroupfs"]` in daemon.json):\n'
        "    docker run --gpus all --device /dev/nvidiactl --device /dev/nvidia-uvm --device "
        "/dev/nvidia0 ...",
        '重启容器。为避免再次发生，请显式列出设备，或改用 cgroupfs（在 daemon.json 中设置 `"exec-opts": '
        '["native.cgroupdriver=cgroupfs"]`）：\n'
        "    docker run --gpus all --device /dev/nvidiactl --device /dev/nvidia-uvm --device "
        "/dev/nvidia0 ...",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [],
  "driver": {"version": "570.124.06", "module": "570.124.06", "problem": "cut-off", "said": "Failed to initialize NVML: Unknown Error", "nodes": ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]},
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "nodes": ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]},
  "setting": {"container": "docker"}
}}
""",
    links=("https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html",),
    explains=(
        "ENV002",
        "ENV123",
        "ENV051",
    ),
)
