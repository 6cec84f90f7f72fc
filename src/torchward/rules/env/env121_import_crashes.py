"""ENV121: `import torch` crashes the interpreter."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    live = machine.live
    if live is not None and not live.imported and live.signal:
        yield Finding(
            "ENV121",
            {"signal": live.signal, "said": live.said or "-", "torch": machine.torch.version if machine.torch else "?"},
        )


RULE = Rule(
    code="ENV121",
    name="import-crashes",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`import torch` ({torch}) ends the interpreter with {signal}. Last words: {said}",
        "`import torch`（{torch}）使解释器因 {signal} 终止。最后输出：{said}",
    ),
    why=Text(
        "SIGILL means an instruction that this processor lacks; SIGSEGV and SIGABRT libraries that do "
        "not go together (two OpenMP or protobuf copies, a libstdc++ that is too old, LD_PRELOAD); "
        "SIGKILL too little memory.",
        "SIGILL 表示处理器不支持某条指令；SIGSEGV 和 SIGABRT 表示库之间不兼容（两份 OpenMP 或 protobuf、"
        "过旧的 libstdc++、LD_PRELOAD）；SIGKILL 表示内存不足。",
    ),
    fix=Text(
        "See which library it happens in, then try a fresh environment with torch alone:\n"
        '    python -X faulthandler -c "import torch"',
        '查看崩溃发生在哪个库，然后在只装 torch 的新环境中重试：\n    python -X faulthandler -c "import torch"',
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
  "live": {"imported": false, "signal": "SIGSEGV", "said": "Fatal Python error: Segmentation fault"}
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
    explains=("ENV123",),
)
