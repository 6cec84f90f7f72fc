"""ENV107: HF_HUB_ENABLE_HF_TRANSFER is set, and the package is not there."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import package


def check(machine: Machine) -> Iterator[Finding]:
    value = machine.environment.get("HF_HUB_ENABLE_HF_TRANSFER", "")
    hub = package(machine, "huggingface-hub")
    if value.upper() not in ("1", "ON", "YES", "TRUE") or hub is None or package(machine, "hf-transfer") is not None:
        return
    if compat.version(hub.version) >= (1,):
        return  # it is ignored there
    yield Finding("ENV107", {"value": value, "hub": hub.version})


RULE = Rule(
    code="ENV107",
    name="fast-download-missing",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "HF_HUB_ENABLE_HF_TRANSFER is {value}, but the package hf_transfer is not installed (huggingface_hub {hub}).",
        "HF_HUB_ENABLE_HF_TRANSFER 为 {value}，但没有安装 hf_transfer 包（huggingface_hub {hub}）。",
    ),
    why=Text(
        "Every download from the Hub raises \"Fast download using 'hf_transfer' is enabled ... but "
        "'hf_transfer' package is not available\".",
        "从 Hub 下载任何内容都会报 “Fast download using 'hf_transfer' is enabled ... but 'hf_transfer' "
        "package is not available”。",
    ),
    fix=Text(
        "Run:\n    unset HF_HUB_ENABLE_HF_TRANSFER   # or: python -m pip install hf_transfer",
        "执行：\n    unset HF_HUB_ENABLE_HF_TRANSFER   # 或者：python -m pip install hf_transfer",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "huggingface-hub", "version": "0.33.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"HF_HUB_ENABLE_HF_TRANSFER": "1"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "huggingface-hub", "version": "0.33.0", "location": "/v"},
    {"name": "hf-transfer", "version": "0.1.9", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"HF_HUB_ENABLE_HF_TRANSFER": "1"}
}}
""",
    links=("https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables",),
)
