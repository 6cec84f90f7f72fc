"""ENV003: the build of PyTorch is for GPUs of another maker."""

from __future__ import annotations

from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.prescribe import in_text, install_or, rocm_cards
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import names


def check(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch
    if torch is None or machine.gpus is None or not torch.known:
        return
    if machine.live is not None and machine.live.cuda_available:
        return  # a card that the build can use is of its maker, whatever its name was read as
    vendors = {gpu.vendor for gpu in machine.gpus}
    if torch.hip and "nvidia" in vendors and "amd" not in vendors:
        build, card = f"ROCm {torch.hip}", "nvidia"
    elif torch.cuda and "nvidia" not in vendors and rocm_cards(machine):
        build, card = f"CUDA {torch.cuda}", "amd"
    else:
        return
    row = compat.releases()[-1]
    newest = next((r.rocm[-1] for r in reversed(compat.releases()) if r.rocm), "")
    index = f"https://download.pytorch.org/whl/rocm{newest}" if card == "amd" else ""
    rocm = (
        "python -m pip uninstall --yes torch torchvision torchaudio",
        f"python -m pip install torch torchvision --index-url {index}",
    )
    command = in_text(rocm) if index else install_or(machine, gpu=True)
    found = names(gpu for gpu in machine.gpus if gpu.vendor == card)
    yield Finding(
        "ENV003", {"torch": torch.version, "build": build, "gpus": found, "newest": row.newest, "command": command}
    )


RULE = Rule(
    code="ENV003",
    name="torch-of-another-vendor",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "PyTorch {torch} was built for {build}, while the GPU here is {gpus}.",
        "PyTorch {torch} 是为 {build} 编译的，而这里的 GPU 是 {gpus}。",
    ),
    why=Text(
        "CUDA builds use NVIDIA's GPUs only, and ROCm builds AMD's only; on the other kind everything runs on the CPU.",
        "CUDA 版只能使用 NVIDIA 的 GPU，ROCm 版只能使用 AMD 的 GPU；装错时一切都在 CPU 上运行。",
    ),
    fix=Text(
        "Replace the build:\n    {command}",
        "换成对应的版本：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+rocm6.4", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+rocm6.4", "hip": "6.4.43482", "location": "/v"},
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
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"}
}}
""",
    links=(
        "https://pytorch.org/get-started/locally/",
        "https://rocm.docs.amd.com/projects/install-on-linux/en/latest/install/3rd-party/pytorch-install.html",
    ),
    explains=("ENV123",),
)
