"""ENV049: the build has only portable code (PTX) for this GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import install_or
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import misfits, names


def check(machine: Machine) -> Iterator[Finding]:
    torch, driver = machine.torch, machine.driver
    found = [(gpu, own) for gpu, own, fit in misfits(machine) if fit == "ptx"]
    if torch is None or not found:
        return
    newest = driver.cuda or compat.driver_cuda(driver.version) if driver else None
    stuck = bool(newest) and compat.version(newest or "") < compat.version(torch.cuda)
    yield Finding(
        "ENV049",
        {
            "gpus": names(gpu for gpu, _ in found),
            "capability": found[0][1],
            "torch": torch.version,
            "command": install_or(machine, gpu=True),
        },
        severity=Severity.WARNING if stuck else None,
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV049",
    name="gpu-runs-portable-code",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch {torch} has no machine code for {gpus} (compute capability {capability}), only portable code.",
        "torch {torch} 没有 {gpus}（计算能力 {capability}）的机器码，只有可移植代码。",
    ),
    why=Text(
        "The driver compiles that code at the first use of each operation: the start takes minutes, and "
        "libraries without such code (cuDNN's newest kernels, flash-attn) may fail. A driver older than "
        "the build's CUDA cannot compile it at all.",
        "驱动会在每个算子首次使用时现场编译：启动需要数分钟，不含可移植代码的库（cuDNN 的新内核、"
        "flash-attn）可能失败。若驱动比该版本的 CUDA 更旧，则根本无法编译。",
    ),
    fix=Text(
        "Install a build with code for it, if there is one:\n    {command}",
        "如有含对应机器码的版本，请安装：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.5.1+cu124", "location": "/v"}
  ],
  "torch": {"version": "2.5.1+cu124", "cuda": "12.4", "location": "/v", "archs": ["sm_80", "sm_90", "compute_90"]},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 5090", "index": 0, "capability": "12.0"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
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
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/cuda/blackwell-compatibility-guide/",),
)
