"""ENV055: a GPU's compute mode keeps programs out."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    for gpu in driven(machine):
        busy = gpu.compute_mode == "Exclusive_Process" and any(one.memory is not None for one in gpu.processes)
        if gpu.compute_mode == "Prohibited" or busy:
            yield Finding("ENV055", {"index": gpu.index, "gpu": gpu.name, "mode": gpu.compute_mode})


RULE = Rule(
    code="ENV055",
    name="compute-mode-limits",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "GPU {index} ({gpu}) is in compute mode {mode}.",
        "GPU {index}（{gpu}）处于计算模式 {mode}。",
    ),
    why=Text(
        '`Prohibited` admits no program, `Exclusive_Process` one at a time: the others get "all '
        'CUDA-capable devices are busy or unavailable". Several processes on one card (loaders that '
        "touch CUDA, ranks that share it) fail then.",
        "`Prohibited` 不允许任何程序使用，`Exclusive_Process` 同时只允许一个：其他程序会得到 “all "
        "CUDA-capable devices are busy or unavailable”。同一卡上的多个进程（使用 CUDA 的加载进程、共享卡"
        "的 rank）会失败。",
    ),
    fix=Text(
        "Run:\n    sudo nvidia-smi -i {index} -c DEFAULT",
        "执行：\n    sudo nvidia-smi -i {index} -c DEFAULT",
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9", "compute_mode": "Prohibited"}
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
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9", "compute_mode": "Default"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://docs.nvidia.com/cuda/archive/12.6.0/cuda-c-programming-guide/index.html#compute-modes",),
    explains=("ENV123",),
)
