"""ENV061: the report of another machine shows neither a GPU nor a driver."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    live, torch = machine.live, machine.torch
    if machine.source in ("here", "nvidia-smi") or live is None or torch is None or not torch.cuda:
        return
    if live.cuda_available is False and machine.gpus == () and (machine.driver is None or not machine.driver.version):
        if machine.setting.container or machine.setting.job or machine.setting.hosted or machine.setting.wsl == 1:
            return
        yield Finding("ENV061", {"torch": torch.version, "said": live.cuda_said or "-"}, confidence=Confidence.POSSIBLE)


RULE = Rule(
    code="ENV061",
    name="no-gpu-in-report",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "torch {torch} is a CUDA build, but no GPU and no driver answered when the report was made ({said}).",
        "torch {torch} 是 CUDA 版，但生成报告时没有任何 GPU 或驱动响应（{said}）。",
    ),
    why=Text(
        "`nvidia-smi` was not found or failed there: a machine without a GPU, a missing driver, or a "
        "container (or job) that was given none. Everything ran on the CPU.",
        "当时 `nvidia-smi` 不存在或执行失败：机器没有 GPU、没有安装驱动，或者容器（作业）没有分配到 GPU。"
        "一切都在 CPU 上运行。",
    ),
    fix=Text(
        "Ask for the output of these from the same place as the report:\n    nvidia-smi\n    torchward doctor --issue",
        "请报告者在同一环境中提供以下命令的输出：\n    nvidia-smi\n    torchward doctor --issue",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [],
  "live": {"imported": true, "version": "2.8.0+cu128", "cuda_available": false}
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
  "live": {"imported": true, "version": "2.8.0+cu128", "cuda_available": true}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cuda.html",),
)
