"""ENV044: `nvidia-smi` does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.driver is not None and machine.driver.problem == "hangs":
        yield Finding("ENV044", {"module": machine.driver.module or "?"}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV044",
    name="nvidia-smi-hangs",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`nvidia-smi` did not answer within 8 s (driver {module}).",
        "`nvidia-smi` 在 8 秒内没有响应（驱动 {module}）。",
    ),
    why=Text(
        "A GPU that has failed or fallen off the bus makes the driver wait; programs that touch CUDA "
        "then hang too and cannot be killed. On machines with many cards and without persistence mode a "
        "first answer can also just be slow.",
        "GPU 故障或掉卡会使驱动一直等待，此时使用 CUDA 的程序也会卡死且无法终止。卡较多且未开启 "
        "persistence mode 的机器，首次响应也可能只是较慢。",
    ),
    fix=Text(
        "Look for `Xid` messages, which name the failure; if there are none, keep the driver loaded:\n"
        "    sudo dmesg | grep -i xid | tail\n"
        "    sudo nvidia-smi -pm 1",
        "查看 `Xid` 消息，它会说明故障；若没有，则让驱动常驻：\n"
        "    sudo dmesg | grep -i xid | tail\n"
        "    sudo nvidia-smi -pm 1",
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
  "driver": {"problem": "hangs", "module": "535.104.05", "version": "535.104.05", "loaded": true}
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
    links=(
        "https://docs.nvidia.com/deploy/xid-errors/",
        "https://docs.nvidia.com/deploy/driver-persistence/",
    ),
    explains=("ENV123",),
)
