"""ENV011: torchvision was built for another version of torch."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package, tag


def check(machine: Machine) -> Iterator[Finding]:
    torch, other = machine.torch, package(machine, "torchvision")
    if (
        torch is None
        or other is None
        or compat.companion_fits("torchvision", other.version, torch.version) is not False
    ):
        return
    if not compat.is_release(torch.version) or not compat.is_release(other.version):
        return
    pair = compat.companions(torch.version)
    wanted = pair[0] if pair else ""
    mark = tag(torch.version)
    project = f"torchvision=={wanted}" + (f"+{mark}" if mark else "") if wanted else "torchvision"
    index = f" --index-url https://download.pytorch.org/whl/{mark}" if mark else ""
    yield Finding(
        "ENV011",
        {
            "version": other.version,
            "torch": torch.version,
            "wanted": wanted or "?",
            "command": f"python -m pip install --no-deps {project}{index}",
        },
    )


RULE = Rule(
    code="ENV011",
    name="torchvision-mismatch",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torchvision {version} was built for another torch than {torch}, to which torchvision {wanted} belongs.",
        "torchvision {version} 不是为 torch {torch} 编译的，与之配套的是 torchvision {wanted}。",
    ),
    why=Text(
        "Its compiled operators are bound to one build of torch: `import torchvision` fails with "
        '"operator torchvision::nms does not exist" or an undefined symbol, and so does what imports it '
        "(transformers, lightning, timm).",
        "它的编译算子只能与某一个 torch 版本配合：`import torchvision` 会报 “operator torchvision::nms "
        "does not exist” 或 undefined symbol，导入它的库（transformers、lightning、timm）也随之失败。",
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
    {"name": "torchvision", "version": "0.20.1+cu124", "location": "/v"}
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
    {"name": "torchvision", "version": "0.23.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://github.com/pytorch/vision#installation",
        "https://pytorch.org/get-started/previous-versions/",
    ),
    explains=(
        "ENV129",
        "ENV013",
    ),
)
