"""ENV062: this user cannot reach the AMD GPU's device files."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    torch, driver = machine.torch, machine.driver
    if torch is None or not torch.hip or driver is None or driver.nodes is None:
        return
    if machine.setting.wsl or not any(gpu.vendor == "amd" for gpu in machine.gpus or ()):
        return
    denied = [node for node in driver.denied if node == "/dev/kfd" or node.startswith("/dev/dri/")]
    if "/dev/kfd" not in driver.nodes:
        yield Finding("ENV062", {"node": "/dev/kfd", "state": "ENOENT"})
    elif denied:
        yield Finding("ENV062", {"node": ", ".join(denied), "state": "EACCES"})


RULE = Rule(
    code="ENV062",
    name="amd-gpu-closed",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "ROCm cannot reach the GPU: {node} cannot be opened ({state}).",
        "ROCm 无法访问 GPU：无法打开 {node}（{state}）。",
    ),
    why=Text(
        "ROCm works through `/dev/kfd` and `/dev/dri/renderD*`. They come with the kernel's driver "
        "amdgpu, belong to the groups `render` and `video`, and must be handed to containers.",
        "ROCm 通过 `/dev/kfd` 和 `/dev/dri/renderD*` 工作。它们由内核驱动 amdgpu 提供，属于 `render` 和 "
        "`video` 组，在容器中需要显式传入。",
    ),
    fix=Text(
        "Run:\n"
        "    sudo usermod -aG render,video $USER   # then log in anew\n"
        "    docker run --device /dev/kfd --device /dev/dri --group-add video ...",
        "执行：\n"
        "    sudo usermod -aG render,video $USER   # 然后重新登录\n"
        "    docker run --device /dev/kfd --device /dev/dri --group-add video ...",
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
    {"name": "Navi 31 [Radeon RX 7900 XTX]", "vendor": "amd"}
  ],
  "driver": {"nodes": ["/dev/dri/renderD128"]}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+rocm6.4", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+rocm6.4", "hip": "6.4.43482", "location": "/v"},
  "gpus": [
    {"name": "Navi 31 [Radeon RX 7900 XTX]", "vendor": "amd"}
  ],
  "driver": {"nodes": ["/dev/dri/renderD128", "/dev/kfd"]}
}}
""",
    links=("https://rocm.docs.amd.com/projects/install-on-linux/en/latest/install/prerequisites.html",),
)
