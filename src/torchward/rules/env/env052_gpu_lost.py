"""ENV052: the driver has lost a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    lost = [gpu for gpu in machine.gpus or () if gpu.lost]
    if lost or (machine.driver is not None and machine.driver.problem == "lost"):
        yield Finding(
            "ENV052", {"gpus": names(lost) or "GPU", "said": (machine.driver.said if machine.driver else "") or "-"}
        )


RULE = Rule(
    code="ENV052",
    name="gpu-lost",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The driver cannot reach {gpus} any more ({said}).",
        "驱动已无法访问 {gpus}（{said}）。",
    ),
    why=Text(
        "A card that fell off the bus (heat, power, a cable, a fault) stays away until the machine is "
        "switched off; while it is gone, CUDA may fail for the others too.",
        "掉卡（过热、供电、线缆或硬件故障）的 GPU 在断电重启之前不会恢复；在此期间其他 GPU 上的 CUDA 也可能失败。",
    ),
    fix=Text(
        "Look for the reason, then power the machine off and on:\n"
        "    sudo dmesg | grep -iE 'xid|fallen off' | tail\n"
        "Meanwhile hide the card from programs: `CUDA_VISIBLE_DEVICES` with the numbers of the others.",
        "查明原因，然后关机再开机：\n"
        "    sudo dmesg | grep -iE 'xid|fallen off' | tail\n"
        "在此之前，用 `CUDA_VISIBLE_DEVICES` 只列出其余 GPU，把它隐藏起来。",
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"},
    {"name": "NVIDIA GeForce RTX 4090", "index": 1, "lost": true}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"},
    {"name": "NVIDIA GeForce RTX 4090", "index": 1, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/deploy/xid-errors/",),
)
