"""ENV067: the CUDA compiler is of another major version than torch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or not torch.cuda or not machine.nvcc_version or machine.source not in ("here", "json"):
        return
    if compat.version(torch.cuda)[0] == compat.version(machine.nvcc_version)[0]:
        return
    fitting = [
        one
        for one in machine.toolkits or ()
        if one.nvcc and compat.version(one.version)[:1] == compat.version(torch.cuda)[:1]
    ]
    command = (
        f'eval "$(torchward doctor --use-cuda {fitting[0].version})"'
        if fitting
        else (f"sudo apt-get install cuda-toolkit-{torch.cuda.replace('.', '-')}   # the toolkit alone, no driver")
    )
    yield Finding(
        "ENV067",
        {
            "nvcc": machine.nvcc_version,
            "path": machine.nvcc,
            "torch": torch.version,
            "cuda": torch.cuda,
            "command": command,
        },
    )


RULE = Rule(
    code="ENV067",
    name="toolkit-of-another-cuda",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{path}` compiles for CUDA {nvcc}, torch {torch} was built for CUDA {cuda}.",
        "`{path}` 面向 CUDA {nvcc} 编译，而 torch {torch} 为 CUDA {cuda} 编译。",
    ),
    why=Text(
        "Running models needs no toolkit, so this matters only when an extension is compiled "
        '(flash-attn, apex, a custom kernel): that stops with "The detected CUDA version mismatches the '
        'version that was used to compile PyTorch".',
        "运行模型不需要 toolkit，因此只有编译扩展（flash-attn、apex、自定义 kernel）时才有影响：会报 "
        "“The detected CUDA version mismatches the version that was used to compile PyTorch”。",
    ),
    fix=Text(
        "Before compiling an extension:\n    {command}",
        "编译扩展之前执行：\n    {command}",
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
  "nvcc": "/usr/local/cuda-11.8/bin/nvcc",
  "nvcc_version": "11.8",
  "toolkits": [
    {"path": "/usr/local/cuda-11.8", "version": "11.8", "nvcc": true}
  ]
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
  "nvcc": "/usr/local/cuda-12.4/bin/nvcc",
  "nvcc_version": "12.4",
  "toolkits": [
    {"path": "/usr/local/cuda-12.4", "version": "12.4", "nvcc": true}
  ]
}}
""",
    links=("https://docs.pytorch.org/docs/stable/cpp_extension.html",),
)
