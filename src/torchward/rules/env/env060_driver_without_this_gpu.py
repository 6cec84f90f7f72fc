"""ENV060: the driver's branch no longer supports this GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import capability, nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def _command(machine: Machine, last: str) -> str:
    if machine.system.distribution in ("ubuntu", "debian"):
        return f"sudo apt-get install nvidia-driver-{last}"
    return "# https://www.nvidia.com/drivers (a legacy release of this branch)"


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    if driver is None:
        return
    version = driver.version or driver.module
    packaged = [int(match[1]) for match in (re.search(r"\b(\d{3})\.", text) for text in driver.packages or ()) if match]
    branch = compat.version(version)[0] if compat.version(version) else max(packaged, default=0)
    for gpu in nvidia(machine):
        last = compat.last_branch(capability(gpu))
        if last and branch > int(last) and gpu.index is None:
            yield Finding(
                "ENV060",
                {
                    "gpu": gpu.name,
                    "capability": capability(gpu),
                    "branch": branch,
                    "last": last,
                    "command": _command(machine, last),
                },
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="ENV060",
    name="driver-without-this-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{gpu} (compute capability {capability}) is not supported by driver branch {branch}: {last} was "
        "the last for it.",
        "{gpu}（计算能力 {capability}）不被 {branch} 分支的驱动支持：{last} 是支持它的最后一个分支。",
    ),
    why=Text(
        '`nvidia-smi` says "No devices were found", and the kernel\'s log that the GPU "is not supported '
        'by" this release.',
        "`nvidia-smi` 报 “No devices were found”，内核日志提示该 GPU “is not supported by” 此版本。",
    ),
    fix=Text(
        "Go back to the branch that supports it (this replaces the driver that is there), then restart:\n    {command}",
        "换回支持它的分支（会替换现有驱动），然后重启：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu126", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu126", "cuda": "12.6", "location": "/v"},
  "gpus": [
    {"name": "GP102 [GeForce GTX 1080 Ti]"}
  ],
  "driver": {"version": "590.48.01", "module": "590.48.01", "problem": "no-devices", "said": "No devices were found", "loaded": true}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu126", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu126", "cuda": "12.6", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce GTX 1080 Ti", "index": 0, "capability": "6.1"}
  ],
  "driver": {"version": "580.95.05", "cuda": "13.0"}
}}
""",
    links=("https://www.nvidia.com/en-us/drivers/unix/legacy-gpu/",),
    explains=(
        "ENV002",
        "ENV073",
        "ENV123",
    ),
)
