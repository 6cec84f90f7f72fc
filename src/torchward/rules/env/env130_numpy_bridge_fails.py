"""ENV130: tensors cannot be turned into NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import failed, package


def check(machine: Machine) -> Iterator[Finding]:
    for one in failed(machine, "numpy"):
        numpy = package(machine, "numpy")
        yield Finding(
            "ENV130",
            {
                "numpy": numpy.version if numpy else "?",
                "torch": machine.torch.version if machine.torch else "?",
                "said": one.said,
            },
        )


RULE = Rule(
    code="ENV130",
    name="numpy-bridge-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`tensor.numpy()` fails with NumPy {numpy} and torch {torch}: {said}.",
        "`tensor.numpy()` 在 NumPy {numpy} 与 torch {torch} 下失败：{said}。",
    ),
    why=Text(
        "Data sets, metrics and plots go through NumPy. torch was built for another major version of "
        "NumPy, or NumPy itself is broken.",
        "数据集、指标和绘图都要经过 NumPy。可能是 torch 针对另一个 NumPy 大版本编译，或 NumPy 本身已损坏。",
    ),
    fix=Text(
        'Run:\n    python -m pip install --force-reinstall "numpy<2"   # for torch before 2.3; else: numpy',
        '执行：\n    python -m pip install --force-reinstall "numpy<2"   # 适用于 2.3 之前的 torch；否则安装 numpy',
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "numpy", "ok": false, "said": "RuntimeError: Numpy is not available"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "numpy"}]}
}}
""",
    links=("https://numpy.org/doc/stable/numpy_2_0_migration_guide.html",),
)
