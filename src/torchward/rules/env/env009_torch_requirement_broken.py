"""ENV009: torch's own libraries are not those that it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine, Package
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import applies, meets, package, requirement


def _wanted(machine: Machine, own: Package) -> Iterator[tuple[str, str]]:
    """(name, specifier) of what torch itself says; by the table where its metadata was not seen."""
    for line in own.requires:
        name, specifier, marker = requirement(line)
        ours = name.startswith(("nvidia-", "triton", "pytorch-triton"))
        if ours and specifier.startswith("==") and applies(marker, machine):
            yield name, specifier
    if not own.requires and machine.torch and machine.torch.cuda and machine.system.name == "Linux":
        yield from compat.pins(machine.torch.version, machine.torch.cuda).items()


def check(machine: Machine) -> Iterator[Finding]:
    own = package(machine, "torch")
    if own is None or machine.torch is None or compat.version(own.version) != compat.version(machine.torch.version):
        return
    wrong = []
    for name, specifier in _wanted(machine, own):
        other = package(machine, name)
        if other is not None and meets(other.version, specifier) is False:
            wrong.append((name, other.version, specifier.lstrip("=")))
    if not wrong:
        return
    yield Finding(
        "ENV009",
        {
            "torch": own.version,
            "count": len(wrong),
            "found": ", ".join(f"{name} {has} → {wants}" for name, has, wants in wrong[:4]),
            "commands": " ".join(f'"{name}=={wants}"' for name, _, wants in wrong),
        },
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV009",
    name="torch-requirement-broken",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Of the libraries that torch {torch} was built with, {count} have another version here (→ the "
        "right one): {found}.",
        "torch {torch} 有 {count} 个依赖库的版本与编译时不同（→ 后为应有版本）：{found}。",
    ),
    why=Text(
        "torch pins these exactly: with another cuDNN, cuBLAS or NCCL it may fail to load, fail at the "
        "first convolution, or compute with untested code; with another triton `torch.compile` fails. "
        "Usually another package (tensorflow, vllm, paddle) replaced them.",
        "torch 对这些库要求精确版本：换成别的 cuDNN、cuBLAS 或 NCCL 可能无法加载、在首次卷积时报错，或使"
        "用未经测试的代码；换成别的 triton 会使 `torch.compile` 失败。通常是其他包（tensorflow、vllm、"
        "paddle）替换了它们。",
    ),
    fix=Text(
        "Put the pinned versions back; if another package needs its own, give it an environment of its "
        "own:\n"
        "    python -m pip install {commands}",
        "恢复所要求的版本；若别的包需要自己的版本，请为它单独建环境：\n    python -m pip install {commands}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v", "requires": ["nvidia-cudnn-cu12==9.10.2.21; platform_system == \\"Linux\\" and platform_machine == \\"x86_64\\"", "triton==3.4.0; platform_system == \\"Linux\\""]},
    {"name": "nvidia-cudnn-cu12", "version": "8.9.7.29", "location": "/v"},
    {"name": "triton", "version": "3.4.0", "location": "/v"}
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
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v", "requires": ["nvidia-cudnn-cu12==9.10.2.21; platform_system == \\"Linux\\" and platform_machine == \\"x86_64\\"", "triton==3.4.0; platform_system == \\"Linux\\""]},
    {"name": "nvidia-cudnn-cu12", "version": "9.10.2.21", "location": "/v"},
    {"name": "triton", "version": "3.4.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://pip.pypa.io/en/stable/cli/pip_check/",),
    explains=(
        "ENV126",
        "ENV120",
    ),
)
