"""ENV102: KMP_DUPLICATE_LIB_OK hides that two OpenMP libraries are loaded."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    value = machine.environment.get("KMP_DUPLICATE_LIB_OK", "")
    if value.upper() in ("TRUE", "1", "T", "YES"):
        yield Finding("ENV102", {"value": value}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV102",
    name="duplicate-openmp-allowed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "KMP_DUPLICATE_LIB_OK is {value}.",
        "KMP_DUPLICATE_LIB_OK 为 {value}。",
    ),
    why=Text(
        'It silences "OMP: Error #15: Initializing libiomp5 ...", which says that two copies of Intel\'s '
        "OpenMP are loaded (numpy's from conda beside torch's from pip). Intel calls this unsupported: "
        "it may crash or give wrong results.",
        "它会压制 “OMP: Error #15: Initializing libiomp5 ...” 这个错误，该错误表示加载了两份 Intel OpenMP"
        "（例如 conda 的 numpy 与 pip 的 torch）。Intel 说明这种用法不受支持：可能崩溃或得到错误结果。",
    ),
    fix=Text(
        "Install numpy and torch with the same tool, then:\n    unset KMP_DUPLICATE_LIB_OK",
        "用同一种工具安装 numpy 和 torch，然后：\n    unset KMP_DUPLICATE_LIB_OK",
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
  "environment": {"KMP_DUPLICATE_LIB_OK": "TRUE"}
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
  "environment": {"OMP_NUM_THREADS": "8"}
}}
""",
    links=(
        "https://www.intel.com/content/www/us/en/docs/dpcpp-cpp-compiler/developer-guide-reference/2025-0/supported-environment-variables.html",
    ),
)
