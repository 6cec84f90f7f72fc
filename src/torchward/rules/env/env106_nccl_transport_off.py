"""ENV106: a fast transport of NCCL is switched off."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    off = [
        name
        for name in ("NCCL_P2P_DISABLE", "NCCL_IB_DISABLE", "NCCL_SHM_DISABLE")
        if machine.environment.get(name, "0") not in ("0", "")
    ]
    several = len(driven(machine)) > 1
    if off and (several or "NCCL_IB_DISABLE" in off) and driven(machine):
        yield Finding("ENV106", {"names": ", ".join(off)}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV106",
    name="nccl-transport-off",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{names} is set: NCCL goes without that transport.",
        "设置了 {names}：NCCL 不会使用对应的传输方式。",
    ),
    why=Text(
        "These are remedies for hangs on some boards; where none is needed they make training on several "
        "cards slower, since data takes the way through the processor or a slower network.",
        "这些变量用于规避某些主板上的卡死；在不需要时会拖慢多卡训练，因为数据要绕经处理器或更慢的网络。",
    ),
    fix=Text(
        "Try without it, and keep it only if training hangs then:\n"
        "    unset NCCL_P2P_DISABLE NCCL_IB_DISABLE NCCL_SHM_DISABLE",
        "先去掉再试，只有出现卡死时才保留：\n    unset NCCL_P2P_DISABLE NCCL_IB_DISABLE NCCL_SHM_DISABLE",
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 1, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"NCCL_P2P_DISABLE": "1"}
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"NCCL_P2P_DISABLE": "0"}
}}
""",
    links=("https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html",),
)
