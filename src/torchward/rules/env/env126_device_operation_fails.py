"""ENV126: an operation fails on a device that torch offers."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import failed


def check(machine: Machine) -> Iterator[Finding]:
    bad = [one for one in failed(machine, "matmul", "convolution", "float16", "bfloat16", "cudnn") if not one.wrong]
    devices: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for one in bad:
        devices.setdefault(one.device or "cpu", []).append(one.what)
        said.setdefault(one.device or "cpu", one.said)
    for device, whats in devices.items():
        halves = set(whats) <= {"bfloat16", "float16"}
        yield Finding(
            "ENV126",
            {"device": device, "what": ", ".join(whats), "said": said[device]},
            severity=Severity.HINT if halves else None,
        )


RULE = Rule(
    code="ENV126",
    name="device-operation-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "On {device}, {what} failed: {said}.",
        "在 {device} 上，{what} 失败：{said}。",
    ),
    why=Text(
        'torch offers the device, so a program fails only when it gets there. "no kernel image" means a '
        "build without code for this GPU, cuDNN's errors another cuDNN than torch's own, \"out of memory\" "
        "that somebody else has taken it.",
        "torch 会列出该设备，因此程序运行到那里才会失败。“no kernel image” 表示构建中没有该 GPU 的代码；"
        "cuDNN 报错表示用到了非 torch 自带的 cuDNN；“out of memory” 表示显存已被他人占用。",
    ),
    fix=Text(
        "Run that operation alone and read the whole error:\n"
        "    CUDA_LAUNCH_BLOCKING=1 python -c \"import torch; x = torch.ones(64, 64, device='{device}'); "
        'print((x @ x).sum())"',
        "单独运行该运算并阅读完整报错：\n"
        "    CUDA_LAUNCH_BLOCKING=1 python -c \"import torch; x = torch.ones(64, 64, device='{device}'); "
        'print((x @ x).sum())"',
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "convolution", "device": "cuda:0", "ok": false, "said": "RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "convolution", "device": "cuda:0"}]}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cuda.html",),
)
