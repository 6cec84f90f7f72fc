"""ENV066: LD_LIBRARY_PATH puts another cuDNN before torch's own."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or not torch.cuda or not compat.is_release(torch.version):
        return
    for library in machine.libraries:
        bundled = package(machine, f"nvidia-{library.name}-cu{torch.cuda.split('.')[0]}")
        if library.name != "cudnn" or bundled is None or "site-packages" in library.folder:
            continue
        own, other = compat.version(bundled.version), compat.version(library.version)
        # Its parts are opened by name, which holds the major version: another major one does not get in the way.
        if len(other) > 1 and own[:1] == other[:1] and own[: len(other)] != other:
            yield Finding(
                "ENV066",
                {
                    "library": f"lib{library.name}",
                    "version": library.version,
                    "folder": library.folder,
                    "own": bundled.version,
                },
                confidence=Confidence.LIKELY,
            )
            return


RULE = Rule(
    code="ENV066",
    name="library-path-hides-own-cuda",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "LD_LIBRARY_PATH leads to {library} {version} in `{folder}`, while torch brings {own}.",
        "LD_LIBRARY_PATH 指向 `{folder}` 中的 {library} {version}，而 torch 自带的是 {own}。",
    ),
    why=Text(
        "cuDNN opens its parts by name, and the loader finds that one first: "
        '"CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH" or "undefined symbol" in a libcudnn. Wheels of '
        "PyTorch need nothing from LD_LIBRARY_PATH.",
        "cuDNN 按名称打开自己的子库，加载器会先找到那一份：可能报 "
        "“CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH” 或 libcudnn 中的 “undefined symbol”。PyTorch 的 "
        "wheel 不需要 LD_LIBRARY_PATH 中的任何内容。",
    ),
    fix=Text(
        "Start without it, and take the line out of `~/.bashrc` if that helps:\n"
        "    env -u LD_LIBRARY_PATH python train.py",
        "先在没有它的情况下启动，若有效再从 `~/.bashrc` 中删去对应行：\n    env -u LD_LIBRARY_PATH python train.py",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "nvidia-cudnn-cu12", "version": "9.10.2.21", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "libraries": [
    {"name": "cudnn", "version": "9.1.0", "folder": "/usr/local/cuda/lib64"}
  ]
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "nvidia-cudnn-cu12", "version": "9.10.2.21", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "libraries": [
    {"name": "cudnn", "version": "8.9.7", "folder": "/usr/local/cuda/lib64"}
  ]
}}
""",
    links=("https://docs.nvidia.com/deeplearning/cudnn/latest/reference/support-matrix.html",),
    explains=(
        "ENV120",
        "ENV126",
    ),
)
