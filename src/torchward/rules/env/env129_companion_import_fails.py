"""ENV129: torchvision or torchaudio cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import failed, package


def check(machine: Machine) -> Iterator[Finding]:
    for one in failed(machine, "torchvision", "torchaudio"):
        other = package(machine, one.what)
        yield Finding(
            "ENV129",
            {
                "name": one.what,
                "version": other.version if other else "?",
                "torch": machine.torch.version if machine.torch else "?",
                "said": one.said,
            },
        )


RULE = Rule(
    code="ENV129",
    name="companion-import-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`import {name}` ({version}, with torch {torch}) fails: {said}.",
        "`import {name}`（{version}，torch {torch}）失败：{said}。",
    ),
    why=Text(
        "Libraries that import it (transformers, lightning, timm, diffusers) fail with it, sometimes "
        'with a message that does not name it: "Could not import module ...".',
        "导入它的库（transformers、lightning、timm、diffusers）也会失败，有时报错中并不提及它：“Could "
        "not import module ...”。",
    ),
    fix=Text(
        "Install it anew for this torch; if nothing here needs it, remove it:\n"
        "    python -m pip uninstall --yes {name}",
        "为当前 torch 重新安装；若用不到则直接卸载：\n    python -m pip uninstall --yes {name}",
    ),
    bad="""\
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
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "torchvision", "ok": false, "said": "RuntimeError: operator torchvision::nms does not exist"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "torchvision"}]}
}}
""",
    links=("https://github.com/pytorch/vision#installation",),
)
