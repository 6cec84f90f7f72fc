"""ENV125: a device gave a wrong result."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    wrong = [trial for trial in (machine.live.trials if machine.live else ()) if trial.wrong]
    if wrong:
        yield Finding(
            "ENV125",
            {"what": ", ".join(f"{one.what} ({one.device or 'cpu'})" for one in wrong[:4]), "count": len(wrong)},
        )


RULE = Rule(
    code="ENV125",
    name="device-computes-wrongly",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} small computation(s) with a known result came out wrong: {what}.",
        "{count} 个已知结果的小计算得到了错误的值：{what}。",
    ),
    why=Text(
        "No training on such a device can be trusted. Failing memory, an overclocked card, a build for "
        "another architecture, or transfers between cards that an IOMMU spoils are known reasons.",
        "在这样的设备上训练的结果都不可信。已知原因包括显存损坏、显卡超频、面向其他架构的构建，以及被 "
        "IOMMU 破坏的卡间传输。",
    ),
    fix=Text(
        "Try another card and another release of torch; run a memory test of the card before it is used again.",
        "换一块卡、换一个 torch 版本再试；再次使用前先对该卡做显存检测。",
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "matmul", "device": "cuda:0", "ok": false, "wrong": true, "said": "AssertionError: wrong result"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "matmul", "device": "cuda:0"}]}
}}
""",
    links=("https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/dcgm-diagnostics.html",),
)
