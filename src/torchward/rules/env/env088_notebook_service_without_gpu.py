"""ENV088: this notebook service was started without a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if (
        machine.setting.hosted not in ("colab", "kaggle")
        or machine.gpus is None
        or machine.gpus
        or "XLA_FLAGS" in machine.environment
    ):
        return
    if machine.torch is None or not machine.torch.cuda or any(name.startswith("TPU") for name in machine.environment):
        return
    where = {"colab": "Runtime > Change runtime type > GPU", "kaggle": "Settings > Accelerator > GPU"}[
        machine.setting.hosted
    ]
    yield Finding("ENV088", {"service": machine.setting.hosted, "where": where})


RULE = Rule(
    code="ENV088",
    name="notebook-service-without-gpu",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This {service} session has no GPU.",
        "当前 {service} 会话没有 GPU。",
    ),
    why=Text(
        "`torch.cuda.is_available()` is False until the session is started anew with one; everything runs on the CPU.",
        "在重新启动带 GPU 的会话之前，`torch.cuda.is_available()` 一直为 False，一切都在 CPU 上运行。",
    ),
    fix=Text(
        "Choose a GPU (the session starts anew and loses its variables): {where}",
        "选择 GPU（会话会重启，变量将丢失）：{where}",
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
  "driver": {"problem": "absent", "nodes": []},
  "setting": {"hosted": "colab", "container": "docker"}
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
    {"name": "Tesla T4", "index": 0, "capability": "7.5"}
  ],
  "driver": {"version": "550.54.15", "cuda": "12.4", "nodes": ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]},
  "setting": {"hosted": "colab", "container": "docker"}
}}
""",
    links=(
        "https://research.google.com/colaboratory/faq.html",
        "https://www.kaggle.com/docs/efficient-gpu-usage",
    ),
    explains=("ENV123",),
)
