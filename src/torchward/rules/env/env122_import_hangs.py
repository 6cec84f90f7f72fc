"""ENV122: torch does not finish within the time limit."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

LIMIT = 90
"""Seconds: `collect.live.LIMIT`."""


def check(machine: Machine) -> Iterator[Finding]:
    live = machine.live
    if live is None or not live.timed_out:
        return
    last = live.trials[-1] if live.trials else None
    after = f"{last.what} {last.device}".strip() if last else ("import torch" if live.imported else "-")
    yield Finding("ENV122", {"after": after, "seconds": LIMIT}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV122",
    name="import-hangs",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch was still busy when {seconds} s had passed; the last thing that ended was {after}.",
        "{seconds} 秒过后 torch 仍未结束；最后完成的步骤是：{after}。",
    ),
    why=Text(
        "A hang at the import is most often a network disk; one at CUDA's start a driver that waits for "
        "a failed card, or the first compilation of portable code for a GPU that the build does not know.",
        "导入时卡住多半是网络磁盘所致；在启动 CUDA 时卡住，多半是驱动在等待故障卡，或者正在为构建不认识的"
        " GPU 首次编译可移植代码。",
    ),
    fix=Text(
        "See where it waits:\n"
        '    python -X faulthandler -c "import faulthandler, torch; '
        "faulthandler.dump_traceback_later(60); torch.zeros(1, device='cuda')\"",
        "查看卡在哪里：\n"
        '    python -X faulthandler -c "import faulthandler, torch; '
        "faulthandler.dump_traceback_later(60); torch.zeros(1, device='cuda')\"",
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
  "live": {"imported": true, "seconds": 3.0, "version": "2.8.0+cu128", "timed_out": true, "trials": [{"what": "matmul", "device": "cpu"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"]}
}}
""",
    links=("https://docs.python.org/3/library/faulthandler.html",),
)
