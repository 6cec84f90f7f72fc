"""ENV015: two installed packages write the same module."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

RIVALS = {
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "PIL": ("pillow", "pillow-simd"),
}
"""The notes on PyPI of opencv-python, onnxruntime, faiss and pillow-simd say to install one of each only."""


def _best(found: list[str]) -> str:
    """The one that can do what the others do."""
    for word in ("contrib-python-headless", "gpu", "contrib", "headless", "simd"):
        for name in found:
            if word in name:
                return name
    return found[0]


def check(machine: Machine) -> Iterator[Finding]:
    present = {one.name for one in machine.packages or () if one.source == "pip"}
    for module, rivals in RIVALS.items():
        found = sorted(present & set(rivals))
        if len(found) > 1:
            yield Finding(
                "ENV015",
                {"module": module, "packages": ", ".join(found), "remove": " ".join(found), "keep": _best(found)},
                confidence=Confidence.LIKELY,
                severity=Severity.WARNING if any(name.endswith("-gpu") for name in found) else None,
            )


RULE = Rule(
    code="ENV015",
    name="two-packages-one-module",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{packages} are installed together, and all of them write the module `{module}`.",
        "{packages} 同时安装，它们都会写入模块 `{module}`。",
    ),
    why=Text(
        "The one that was installed last overwrote parts of the others: versions and features are a "
        "mixture (a CPU runtime in place of the GPU one, a half of cv2), and removing one breaks the "
        "rest.",
        "最后安装的那个覆盖了其他包的部分文件：版本和功能混杂（例如 CPU 运行时取代了 GPU 版，或 cv2 只剩"
        "一半），卸载其中一个又会破坏其余的。",
    ),
    fix=Text(
        "Remove all of them, then install one:\n"
        "    python -m pip uninstall --yes {remove}\n"
        "    python -m pip install {keep}",
        "全部卸载后只安装一个：\n    python -m pip uninstall --yes {remove}\n    python -m pip install {keep}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"},
    {"name": "onnxruntime", "version": "1.22.0", "location": "/v"},
    {"name": "onnxruntime-gpu", "version": "1.22.0", "location": "/v"}
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
    {"name": "onnxruntime-gpu", "version": "1.22.0", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://onnxruntime.ai/docs/install/",
        "https://pypi.org/project/opencv-python/",
    ),
)
