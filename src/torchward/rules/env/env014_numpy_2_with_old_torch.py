"""ENV014: NumPy 2 is installed beside a torch that was built for NumPy 1."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    torch, numpy = machine.torch, package(machine, "numpy")
    if torch is None or numpy is None or compat.version(numpy.version)[:1] < (2,) or not compat.version(torch.version):
        return
    windows = machine.system.name == "Windows"
    if not compat.is_release(torch.version) or compat.numpy2_serves(torch.version, windows):
        return
    if any(one.source == "conda" and one.name == "pytorch" for one in machine.packages or ()):
        return  # conda compiles against the NumPy that it delivers
    yield Finding("ENV014", {"numpy": numpy.version, "torch": torch.version})


RULE = Rule(
    code="ENV014",
    name="numpy-2-with-old-torch",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "NumPy {numpy} is installed, but torch {torch} was compiled for NumPy 1.",
        "安装的是 NumPy {numpy}，而 torch {torch} 是针对 NumPy 1 编译的。",
    ),
    why=Text(
        'The two cannot exchange memory: importing torch warns of a module "compiled using NumPy 1.x", '
        'and `tensor.numpy()`, `torch.from_numpy` and loaders that use them raise "Numpy is not '
        'available".',
        "两者无法共享内存：导入 torch 时会警告 “compiled using NumPy 1.x”，`tensor.numpy()`、"
        "`torch.from_numpy` 以及用到它们的数据加载器会报 “Numpy is not available”。",
    ),
    fix=Text(
        'Run:\n    python -m pip install "numpy<2"',
        '执行：\n    python -m pip install "numpy<2"',
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.2.2+cu121", "location": "/v"},
    {"name": "numpy", "version": "2.1.3", "location": "/v"}
  ],
  "torch": {"version": "2.2.2+cu121", "cuda": "12.1", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.2.2+cu121", "location": "/v"},
    {"name": "numpy", "version": "1.26.4", "location": "/v"}
  ],
  "torch": {"version": "2.2.2+cu121", "cuda": "12.1", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://numpy.org/doc/stable/numpy_2_0_migration_guide.html",
        "https://github.com/pytorch/pytorch/issues/107302",
    ),
    explains=("ENV130",),
)
