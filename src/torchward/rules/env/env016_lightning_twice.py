"""ENV016: `lightning` and `pytorch-lightning` are installed in different versions."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    new, old = package(machine, "lightning"), package(machine, "pytorch-lightning")
    if new is None or old is None or compat.version(new.version)[:2] == compat.version(old.version)[:2]:
        return
    yield Finding("ENV016", {"new": new.version, "old": old.version})


RULE = Rule(
    code="ENV016",
    name="lightning-twice",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "lightning {new} and pytorch-lightning {old} are both installed.",
        "同时安装了 lightning {new} 和 pytorch-lightning {old}。",
    ),
    why=Text(
        "They hold the same classes under two names, `lightning.pytorch` and `pytorch_lightning`: a "
        'model of one given to a trainer of the other is refused ("`model` must be a `LightningModule`").',
        "二者以 `lightning.pytorch` 和 `pytorch_lightning` 两个名字提供相同的类：把一方的模型交给另一方的"
        " Trainer 会被拒绝（“`model` must be a `LightningModule`”）。",
    ),
    fix=Text(
        "Import from one of them everywhere, and bring both to the same version:\n"
        '    python -m pip install "pytorch-lightning=={new}"',
        '统一只从其中一个导入，并让两者版本一致：\n    python -m pip install "pytorch-lightning=={new}"',
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "lightning", "version": "2.5.2", "location": "/v"},
    {"name": "pytorch-lightning", "version": "1.9.5", "location": "/v"}
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
    {"name": "lightning", "version": "2.5.2", "location": "/v"},
    {"name": "pytorch-lightning", "version": "2.5.2", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=("https://lightning.ai/docs/pytorch/stable/upgrade/migration_guide.html",),
)
