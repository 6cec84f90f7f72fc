"""ENV051: this user may not open the GPU's device files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    nodes = (driver.nodes or ()) if driver else ()
    denied = [
        node for node in (driver.denied if driver else ()) if node.startswith("/dev/nvidia") or node == "/dev/dxg"
    ]
    cards = [node for node in nodes if re.fullmatch(r"/dev/nvidia\d+", node)]
    # A share of the cards may be for others; the rest can be used then.
    if denied and (set(cards) <= set(denied) or set(denied) - set(cards)):
        yield Finding("ENV051", {"nodes": ", ".join(denied), "first": denied[0]})


RULE = Rule(
    code="ENV051",
    name="device-file-denied",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This user may not open {nodes}.",
        "当前用户无权打开 {nodes}。",
    ),
    why=Text(
        'CUDA then finds no device, or says "CUDA unknown error". Some systems let only members of a '
        "group (`video`, `render`, a project's) use the GPU.",
        "此时 CUDA 找不到设备，或报 “CUDA unknown error”。有些系统只允许特定用户组（`video`、`render`、项"
        "目组）使用 GPU。",
    ),
    fix=Text(
        "See which group may, join it, and log in anew:\n    ls -l {first}\n    sudo usermod -aG video,render $USER",
        "查看允许的用户组，加入后重新登录：\n    ls -l {first}\n    sudo usermod -aG video,render $USER",
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "nodes": ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"], "denied": ["/dev/nvidia0"]}
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
