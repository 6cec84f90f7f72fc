"""ENV056: MIG is on, and no instance was made."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    for gpu in driven(machine):
        if gpu.mig and gpu.mig_devices == 0:
            yield Finding("ENV056", {"index": gpu.index, "gpu": gpu.name})


RULE = Rule(
    code="ENV056",
    name="mig-without-instances",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "GPU {index} ({gpu}) is in MIG mode, but has no MIG instance.",
        "GPU {index}（{gpu}）处于 MIG 模式，但没有创建 MIG 实例。",
    ),
    why=Text(
        "In this mode programs see instances only: without one CUDA finds no device there.",
        "在该模式下程序只能看到实例：没有实例时 CUDA 在其上找不到设备。",
    ),
    fix=Text(
        "Make instances, or switch the mode off (the card must be idle; profile 0 is the whole card on "
        "A100 and H100):\n"
        "    sudo nvidia-smi mig -i {index} -cgi 0 -C\n"
        "    sudo nvidia-smi -i {index} -mig 0",
        "创建实例，或关闭该模式（需在卡空闲时进行；在 A100 和 H100 上 profile 0 为整卡）：\n"
        "    sudo nvidia-smi mig -i {index} -cgi 0 -C\n"
        "    sudo nvidia-smi -i {index} -mig 0",
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
    {"name": "NVIDIA A100-SXM4-80GB", "index": 0, "capability": "8.0", "mig": true, "mig_devices": 0}
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
    {"name": "NVIDIA A100-SXM4-80GB", "index": 0, "capability": "8.0", "mig": true, "mig_devices": 7}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/datacenter/tesla/mig-user-guide/",),
    explains=("ENV123",),
)
