"""ENV082: Docker is here with a GPU, without NVIDIA's container toolkit."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def check(machine: Machine) -> Iterator[Finding]:
    docker = machine.docker
    if docker is None or not docker.installed or docker.toolkit is not False or docker.cdi or machine.setting.container:
        return
    cards = driven(machine)
    if not cards or docker.runtimes is None or "nvidia" in docker.runtimes or machine.system.name != "Linux":
        return
    yield Finding("ENV082", {"gpus": names(cards)}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV082",
    name="container-toolkit-missing",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Docker is installed beside {gpus}, but NVIDIA's container toolkit is not.",
        "已安装 Docker，也有 {gpus}，但没有安装 NVIDIA Container Toolkit。",
    ),
    why=Text(
        '`docker run --gpus all` then stops with "could not select device driver "" with capabilities: [[gpu]]".',
        '此时 `docker run --gpus all` 会报 “could not select device driver "" with capabilities: [[gpu]]”。',
    ),
    fix=Text(
        "Add NVIDIA's repository as its guide says, then (the last line restarts all containers):\n"
        "    sudo apt-get install nvidia-container-toolkit\n"
        "    sudo nvidia-ctk runtime configure --runtime=docker\n"
        "    sudo systemctl restart docker",
        "按 NVIDIA 文档添加软件源，然后执行（最后一行会重启所有容器）：\n"
        "    sudo apt-get install nvidia-container-toolkit\n"
        "    sudo nvidia-ctk runtime configure --runtime=docker\n"
        "    sudo systemctl restart docker",
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "docker": {"installed": true, "toolkit": false, "runtimes": [], "cdi": false}
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
  "docker": {"installed": true, "toolkit": true, "runtimes": ["nvidia"]}
}}
""",
    links=("https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html",),
)
