"""ENV096: the processor (or the emulator) lacks AVX2."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    flags = machine.system.cpu_flags
    if machine.system.arch == "x86_64" and flags is not None and "avx2" not in flags:
        yield Finding(
            "ENV096",
            {"cpu": machine.system.cpu or "CPU", "avx": "avx" in flags},
            confidence=Confidence.LIKELY,
            severity=None if "avx" in flags else Severity.WARNING,
        )


RULE = Rule(
    code="ENV096",
    name="processor-without-avx2",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{cpu} does not offer AVX2 (AVX: {avx}).",
        "{cpu} 不支持 AVX2（AVX：{avx}）。",
    ),
    why=Text(
        "torch takes its slow paths on the CPU, and packages compiled for newer processors end with "
        '"Illegal instruction". Virtual machines with a generic CPU type hide what the real processor '
        "can do.",
        "torch 在 CPU 上会走慢速路径，为较新处理器编译的包会以 “Illegal instruction” 崩溃。使用通用 CPU "
        "类型的虚拟机会隐藏真实处理器的能力。",
    ),
    fix=Text(
        "In a virtual machine choose the host's CPU type (`-cpu host`, in Proxmox the type `host`).",
        "在虚拟机中选择宿主机的 CPU 类型（`-cpu host`，Proxmox 中选择 `host`）。",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cpu": "Common KVM processor", "cpu_flags": []},
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
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "cpu": "AMD EPYC 7763", "cpu_flags": ["avx", "avx2"]},
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
    links=("https://docs.pytorch.org/docs/stable/backends.html#module-torch.backends.cpu",),
)
