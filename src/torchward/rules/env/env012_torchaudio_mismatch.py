"""ENV012: torchaudio was built for another version of torch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package, tag


def check(machine: Machine) -> Iterator[Finding]:
    torch, other = machine.torch, package(machine, "torchaudio")
    if torch is None or other is None or compat.companion_fits("torchaudio", other.version, torch.version) is not False:
        return
    if not compat.is_release(torch.version) or not compat.is_release(other.version):
        return
    pair = compat.companions(torch.version)
    wanted = pair[1] if pair else ""
    mark = tag(torch.version)
    project = f"torchaudio=={wanted}" + (f"+{mark}" if mark else "") if wanted else "torchaudio"
    index = f" --index-url https://download.pytorch.org/whl/{mark}" if mark else ""
    yield Finding(
        "ENV012",
        {
            "version": other.version,
            "torch": torch.version,
            "wanted": wanted or "?",
            "command": f"python -m pip install --no-deps {project}{index}",
        },
    )


RULE = Rule(
    code="ENV012",
    name="torchaudio-mismatch",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torchaudio {version} was built for another torch than {torch}, to which torchaudio {wanted} belongs.",
        "torchaudio {version} 不是为 torch {torch} 编译的，与之配套的是 torchaudio {wanted}。",
    ),
    why=Text(
        "Its compiled operators are bound to one build of torch: `import torchaudio` fails with an "
        'undefined symbol or "Could not load this library: libtorchaudio.so".',
        "它的编译算子只能与某一个 torch 版本配合：`import torchaudio` 会报 undefined symbol 或 “Could "
        "not load this library: libtorchaudio.so”。",
    ),
    fix=Text(
        "Install the one that belongs to this torch; `--no-deps` keeps pip from replacing torch:\n    {command}",
        "安装与当前 torch 配套的版本；`--no-deps` 可防止 pip 替换 torch：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "torchaudio", "version": "2.5.1+cu124", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
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
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "torchaudio", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://docs.pytorch.org/audio/stable/installation.html",
        "https://pytorch.org/get-started/previous-versions/",
    ),
    explains=(
        "ENV129",
        "ENV013",
    ),
)
