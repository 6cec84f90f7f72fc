"""ENV080: a container made for CUDA was started without a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    setting, driver, torch = machine.setting, machine.driver, machine.torch
    if (
        setting.container not in ("docker", "podman", "kubernetes", "singularity")
        or driver is None
        or driver.nodes is None
    ):
        return
    if (
        any(node.startswith("/dev/nvidia") or node in ("/dev/dxg", "/dev/kfd") for node in driver.nodes)
        or driver.version
    ):
        return
    if setting.hosted or setting.wsl:
        return
    meant = machine.environment.get("NVIDIA_VISIBLE_DEVICES", "")
    if not meant or not (torch is None or torch.cuda):
        return
    hidden = meant in ("void", "none")
    on = nvidia(machine)
    command = {
        "kubernetes": "# in the pod's container:  resources: {limits: {nvidia.com/gpu: 1}}",
        "singularity": "singularity exec --nv image.sif ...",
        "podman": "podman run --device nvidia.com/gpu=all ...",
    }.get(setting.container, "docker run --gpus all ...")
    yield Finding(
        "ENV080",
        {"kind": setting.container, "meant": meant, "seen": names(on) or "-", "command": command},
        confidence=Confidence.CERTAIN if on and not hidden else Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV080",
    name="container-without-gpu",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This {kind} container was made for GPUs (NVIDIA_VISIBLE_DEVICES={meant}), but none was handed "
        "to it: there is no /dev/nvidia* (on the bus: {seen}).",
        "这个 {kind} 容器是为 GPU 准备的（NVIDIA_VISIBLE_DEVICES={meant}），但没有传入 GPU：没有 "
        "/dev/nvidia*（总线上可见：{seen}）。",
    ),
    why=Text(
        "Images bring CUDA's libraries, the host brings the driver: without it "
        "`torch.cuda.is_available()` is False and `nvidia-smi` is not found.",
        "镜像自带 CUDA 库，驱动则来自宿主机：没有传入时 `torch.cuda.is_available()` 为 False，也找不到 `nvidia-smi`。",
    ),
    fix=Text(
        "Start the container with the GPU (the host needs NVIDIA's container toolkit):\n    {command}",
        "启动容器时传入 GPU（宿主机需安装 NVIDIA Container Toolkit）：\n    {command}",
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
  "driver": {"problem": "absent", "nodes": [], "loaded": false},
  "setting": {"container": "docker"},
  "environment": {"NVIDIA_VISIBLE_DEVICES": "all"}
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
  "setting": {"container": "docker"},
  "environment": {"NVIDIA_VISIBLE_DEVICES": "all"}
}}
""",
    links=(
        "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html",
        "https://docs.docker.com/engine/containers/gpu/",
    ),
    explains=(
        "ENV123",
        "ENV002",
    ),
)
