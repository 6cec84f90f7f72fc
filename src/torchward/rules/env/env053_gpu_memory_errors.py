"""ENV053: a GPU's memory had errors that could not be corrected."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    for gpu in machine.gpus or ():
        if gpu.ecc_errors:
            yield Finding(
                "ENV053",
                {"gpu": gpu.name, "index": gpu.index if gpu.index is not None else "?", "count": gpu.ecc_errors},
            )


RULE = Rule(
    code="ENV053",
    name="gpu-memory-errors",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "GPU {index} ({gpu}) has had {count} memory error(s) that could not be corrected since the driver was loaded.",
        "自驱动加载以来，GPU {index}（{gpu}）出现过 {count} 次无法纠正的显存错误。",
    ),
    why=Text(
        'A program that met one was ended with "uncorrectable ECC error encountered". Pages that failed '
        "are put aside only when the GPU is reset; a count that grows again means a failing card.",
        "遇到该错误的程序会因 “uncorrectable ECC error encountered” 终止。坏页要等 GPU 重置后才会被隔离；"
        "若计数继续增长，说明显卡正在损坏。",
    ),
    fix=Text(
        "With no program on it, reset the card and see whether it stays at 0 (this ends everything that "
        "runs on it):\n"
        "    sudo nvidia-smi --gpu-reset -i {index}\n"
        "    nvidia-smi -q -d ECC,ROW_REMAPPER -i {index}",
        "在没有程序使用它时重置该卡，并观察计数是否保持为 0（会终止其上的所有任务）：\n"
        "    sudo nvidia-smi --gpu-reset -i {index}\n"
        "    nvidia-smi -q -d ECC,ROW_REMAPPER -i {index}",
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
    {"name": "NVIDIA A100-SXM4-80GB", "index": 0, "capability": "8.0", "ecc_errors": 3}
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
    {"name": "NVIDIA A100-SXM4-80GB", "index": 0, "capability": "8.0", "ecc_errors": 0}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/",),
)
