"""ENV124: the GPUs' fabric manager is not running."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    live = machine.live
    if live is not None and re.search(r"system not yet initialized|Error 802", live.cuda_said):
        yield Finding("ENV124", {"gpus": names(driven(machine)) or "GPU", "said": live.cuda_said})


RULE = Rule(
    code="ENV124",
    name="fabric-not-started",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "CUDA cannot start on {gpus}: {said}.",
        "CUDA 无法在 {gpus} 上启动：{said}。",
    ),
    why=Text(
        "Boards whose GPUs are joined by NVSwitch (HGX, DGX) need NVIDIA's fabric manager, of exactly "
        "the driver's version; after an update of the driver it is often the old one and does not start.",
        "通过 NVSwitch 互联的机型（HGX、DGX）需要 NVIDIA Fabric Manager，且版本必须与驱动完全一致；更新驱"
        "动后它往往仍是旧版本而无法启动。",
    ),
    fix=Text(
        "Run:\n    sudo systemctl status nvidia-fabricmanager\n    sudo systemctl enable --now nvidia-fabricmanager",
        "执行：\n    sudo systemctl status nvidia-fabricmanager\n    sudo systemctl enable --now nvidia-fabricmanager",
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
    {"name": "NVIDIA H100 80GB HBM3", "index": 0, "capability": "9.0"},
    {"name": "NVIDIA H100 80GB HBM3", "index": 1, "capability": "9.0"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "live": {"imported": true, "version": "2.8.0+cu128", "cuda_available": false, "cuda_said": "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized"}
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"]}
}}
""",
    links=("https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/",),
    explains=("ENV123",),
)
