"""ENV032: torch is installed here, but no notebook kernel uses this environment."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    kernels = [kernel for kernel in machine.kernels or () if kernel.exists]
    if machine.torch is None or not kernels or any(kernel.here for kernel in kernels):
        return
    lacking = [kernel for kernel in kernels if kernel.torch == ""]
    if not lacking:
        return
    name = machine.python.prefix.rstrip("/").rsplit("/", 1)[-1].lstrip(".") or "torch"
    yield Finding(
        "ENV032",
        {
            "kernel": lacking[0].name,
            "interpreter": lacking[0].interpreter,
            "python": machine.python.executable,
            "name": name,
        },
    )


RULE = Rule(
    code="ENV032",
    name="kernel-of-another-environment",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "The notebook kernel `{kernel}` starts `{interpreter}`, which has no torch; no kernel uses this "
        "environment, which has it.",
        "notebook 内核 `{kernel}` 启动的是 `{interpreter}`，其中没有 torch；而装有 torch 的当前环境没有对应的内核。",
    ),
    why=Text(
        "A notebook sees the packages of its kernel's interpreter only: `import torch` says \"No module "
        "named 'torch'\" there although it works in a terminal.",
        "notebook 只能看到其内核解释器的包：在终端里能导入 torch，在 notebook 中却报 “No module named 'torch'”。",
    ),
    fix=Text(
        "Register this environment as a kernel, and choose it in the notebook:\n"
        "    {python} -m pip install ipykernel\n"
        "    {python} -m ipykernel install --user --name {name}",
        "把当前环境注册为内核，并在 notebook 中选择它：\n"
        "    {python} -m pip install ipykernel\n"
        "    {python} -m ipykernel install --user --name {name}",
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
  "kernels": [
    {"name": "python3", "interpreter": "/usr/bin/python3", "exists": true, "here": false, "torch": ""}
  ]
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
  "kernels": [
    {"name": "python3", "interpreter": "/usr/bin/python3", "exists": true, "torch": ""},
    {"name": "torch", "interpreter": "/home/ana/.venv/bin/python", "exists": true, "here": true}
  ]
}}
""",
    links=("https://ipython.readthedocs.io/en/stable/install/kernel_install.html",),
)
