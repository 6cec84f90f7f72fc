"""ENV120: `import torch` raises an error."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    live = machine.live
    if live is not None and not live.imported and not live.signal and not live.timed_out and live.said:
        yield Finding("ENV120", {"said": live.said, "torch": machine.torch.version if machine.torch else "?"})


RULE = Rule(
    code="ENV120",
    name="import-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`import torch` ({torch}) fails: {said}.",
        "`import torch`（{torch}）失败：{said}。",
    ),
    why=Text(
        "Nothing that uses PyTorch can run in this environment. A missing or unfitting shared library "
        '("cannot open shared object file", "undefined symbol", "DLL load failed") is the usual reason, '
        "after an install that was cut short or a package that replaced one of torch's libraries.",
        "该环境中任何使用 PyTorch 的程序都无法运行。常见原因是共享库缺失或不匹配（“cannot open shared "
        "object file”、“undefined symbol”、“DLL load failed”），多发生在安装中断或其他包替换了 torch 的库"
        "之后。",
    ),
    fix=Text(
        'See what the whole error says, and install torch anew in a fresh environment:\n    python -c "import torch"',
        '查看完整报错，并在新环境中重新安装 torch：\n    python -c "import torch"',
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
  "live": {"imported": false, "said": "ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory"}
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
    links=("https://pytorch.org/get-started/locally/",),
    explains=("ENV123",),
)
