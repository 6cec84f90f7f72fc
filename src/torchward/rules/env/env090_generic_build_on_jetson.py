"""ENV090: a Jetson has a build of torch that cannot use its GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import misfits


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or not torch.known:
        return
    if machine.setting.jetson and not torch.cuda:
        yield Finding(
            "ENV090", {"torch": torch.version, "gpu": f"Jetson Linux {machine.setting.jetson}", "lacks": "CUDA"}
        )
        return
    for gpu, own, fit in misfits(machine):
        if fit == "no" and compat.is_embedded(own):
            yield Finding(
                "ENV090", {"torch": torch.version, "gpu": gpu.name, "lacks": f"code for compute capability {own}"}
            )
            return


RULE = Rule(
    code="ENV090",
    name="generic-build-on-jetson",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch {torch} on this Jetson ({gpu}) is a build without {lacks}.",
        "这台 Jetson（{gpu}）上的 torch {torch} 是不带 {lacks} 的版本。",
    ),
    why=Text(
        "The wheels on PyPI are for servers; Jetson's GPU needs builds that NVIDIA makes for its JetPack release.",
        "PyPI 上的 wheel 面向服务器；Jetson 的 GPU 需要 NVIDIA 针对 JetPack 版本提供的构建。",
    ),
    fix=Text(
        "Install NVIDIA's wheel for this JetPack, or use its container:\n"
        "    python -m pip uninstall --yes torch torchvision\n"
        "    # https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/",
        "安装 NVIDIA 为该 JetPack 提供的 wheel，或使用其容器：\n"
        "    python -m pip uninstall --yes torch torchvision\n"
        "    # https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "5.15.148-tegra", "arch": "aarch64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0", "cuda": "", "location": "/v"},
  "gpus": [],
  "driver": {"problem": ""},
  "setting": {"jetson": "R36.4"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "5.15.148-tegra", "arch": "aarch64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0", "cuda": "12.6", "location": "/v"},
  "gpus": [],
  "driver": {"problem": ""},
  "setting": {"jetson": "R36.4"}
}}
""",
    links=("https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/index.html",),
    explains=("ENV002",),
)
