"""ENV013: torch and its companion are builds for different devices."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import package, tag


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    mark = tag(torch.version) if torch else ""
    if torch is None or not mark:
        return
    for name in ("torchvision", "torchaudio"):
        other = package(machine, name)
        own = tag(other.version) if other else ""
        if (
            other
            and not own
            and name == "torchvision"
            and machine.system.name == "Windows"
            and "+" not in other.version
        ):
            own = "cpu"  # what PyPI has for Windows
        if other is None or not own or own == mark:
            continue
        stable = compat.version(compat.table()["companions"][f"stable_{name}"]["version"])
        if "+" not in other.version and compat.version(other.version) >= stable:
            continue
        if compat.version(other.version) >= stable and {own, mark} != {"cpu", own} and own[:-1] == mark[:-1]:
            continue
        yield Finding(
            "ENV013",
            {
                "name": name,
                "version": other.version,
                "torch": torch.version,
                "mark": mark,
                "plain": other.version.partition("+")[0],
            },
            severity=Severity.ERROR
            if "cpu" in (tag(other.version), mark) and compat.version(other.version) < stable
            else None,
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="ENV013",
    name="companion-build-differs",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{name} {version} and torch {torch} are builds for different devices.",
        "{name} {version} 与 torch {torch} 是面向不同设备的版本。",
    ),
    why=Text(
        "The part after `+` names the build. A companion for another CUDA (or for the CPU) cannot load "
        'its operators: "operator torchvision::nms does not exist", or operators that are there for one '
        "device only.",
        "`+` 之后的部分是构建标签。为别的 CUDA（或 CPU）编译的配套包无法加载自己的算子：会报 “operator "
        "torchvision::nms does not exist”，或者算子只在某一种设备上可用。",
    ),
    fix=Text(
        "Install the build with torch's own tag:\n"
        "    python -m pip install --no-deps --force-reinstall {name}=={plain} --index-url "
        "https://download.pytorch.org/whl/{mark}",
        "安装与 torch 标签相同的版本：\n"
        "    python -m pip install --no-deps --force-reinstall {name}=={plain} --index-url "
        "https://download.pytorch.org/whl/{mark}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "torchvision", "version": "0.23.0+cpu", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "torchvision", "version": "0.23.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://pytorch.org/get-started/previous-versions/",),
    explains=("ENV129",),
)
