"""ENV031: a notebook kernel starts an interpreter that is gone."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    gone = [kernel for kernel in machine.kernels or () if kernel.exists is False]
    if gone:
        yield Finding(
            "ENV031",
            {
                "count": len(gone),
                "name": gone[0].name,
                "interpreter": gone[0].interpreter,
                "names": ", ".join(k.name for k in gone),
            },
        )


RULE = Rule(
    code="ENV031",
    name="kernel-without-interpreter",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{count} notebook kernel(s) start an interpreter that does not exist: {names} (`{interpreter}`).",
        "有 {count} 个 notebook 内核指向不存在的解释器：{names}（`{interpreter}`）。",
    ),
    why=Text(
        "Choosing it in Jupyter ends with a kernel that never starts. Its environment was deleted or moved.",
        "在 Jupyter 中选择它时内核无法启动。对应的环境已被删除或移动。",
    ),
    fix=Text(
        "Run:\n    jupyter kernelspec remove {name}",
        "执行：\n    jupyter kernelspec remove {name}",
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
    {"name": "old-env", "interpreter": "/home/ana/old/bin/python", "exists": false}
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
    {"name": "python3", "interpreter": "/home/ana/.venv/bin/python", "exists": true, "here": true}
  ]
}}
""",
    links=("https://ipython.readthedocs.io/en/stable/install/kernel_install.html",),
)
