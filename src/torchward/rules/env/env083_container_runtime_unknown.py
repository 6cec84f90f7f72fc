"""ENV083: NVIDIA's container toolkit is installed, and Docker does not know it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    docker = machine.docker
    if (
        docker is None
        or not docker.installed
        or not docker.toolkit
        or docker.broken
        or docker.cdi
        or machine.setting.container
    ):
        return
    if docker.runtimes is None or "nvidia" in docker.runtimes or not driven(machine):
        return
    yield Finding("ENV083", {"runtimes": ", ".join(docker.runtimes) or "-"}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV083",
    name="container-runtime-unknown",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "NVIDIA's container toolkit is installed, but Docker's `daemon.json` does not name its runtime "
        "(runtimes: {runtimes}).",
        "已安装 NVIDIA Container Toolkit，但 Docker 的 `daemon.json` 中没有它的运行时（运行时：{runtimes}）。",
    ),
    why=Text(
        "`--gpus all` works without it in recent versions; `--runtime=nvidia`, compose files that ask "
        "for that runtime, and Kubernetes do not.",
        "较新版本中 `--gpus all` 不依赖它；但 `--runtime=nvidia`、指定该运行时的 compose 文件以及 "
        "Kubernetes 都会失败。",
    ),
    fix=Text(
        "The last line restarts all containers:\n"
        "    sudo nvidia-ctk runtime configure --runtime=docker\n"
        "    sudo systemctl restart docker",
        "最后一行会重启所有容器：\n"
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
  "docker": {"installed": true, "toolkit": true, "runtimes": [], "cdi": false}
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
