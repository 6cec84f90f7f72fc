"""ENV065: a forward-compatibility library is found before the driver's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward import compat
from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven, names


def _packed(path: str) -> str:
    """Driver version that a folder such as `/usr/local/cuda-12.4/compat` stands for is not in its name: unknown."""
    match = re.search(r"(\d{3}\.\d+(?:\.\d+)?)", path)
    return match[1] if match else ""


def check(machine: Machine) -> Iterator[Finding]:
    driver = machine.driver
    paths = driver.libcuda or () if driver else ()
    if driver is None or not paths or "/compat" not in paths[0] or (machine.live and machine.live.cuda_available):
        return
    consumer = [gpu for gpu in driven(machine) if re.search(r"GeForce|TITAN|RTX [2345]0[5-9]0", gpu.name)]
    own, packed = compat.version(driver.version), compat.version(_packed(paths[0]))
    if not consumer and not (own and packed and own[0] > packed[0]):
        return
    yield Finding(
        "ENV065", {"path": paths[0], "driver": driver.version or "?", "gpus": names(consumer or driven(machine))}
    )


RULE = Rule(
    code="ENV065",
    name="compat-library-in-the-way",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{path}` is found before the driver's own library (driver {driver}, {gpus}).",
        "`{path}` 先于驱动自带的库被找到（驱动 {driver}，{gpus}）。",
    ),
    why=Text(
        "The package cuda-compat lets an old driver of a data-center card run newer CUDA. On GeForce "
        'cards it fails: "forward compatibility was attempted on non supported HW" (error 804); below a '
        'driver that is newer than itself: "system has unsupported display driver / cuda driver '
        'combination" (error 803).',
        "cuda-compat 包让数据中心卡的旧驱动运行更新的 CUDA。在 GeForce 卡上会失败：“forward "
        "compatibility was attempted on non supported HW”（错误 804）；当驱动比它更新时则报 “system has "
        "unsupported display driver / cuda driver combination”（错误 803）。",
    ),
    fix=Text(
        "Take it out of the loader's way:\n"
        "    export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n' | grep -v compat | paste "
        "-sd:)\n"
        "    sudo rm -f /etc/ld.so.conf.d/*compat* && sudo ldconfig",
        "把它移出加载路径：\n"
        "    export LD_LIBRARY_PATH=$(echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n' | grep -v compat | paste "
        "-sd:)\n"
        "    sudo rm -f /etc/ld.so.conf.d/*compat* && sudo ldconfig",
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "libcuda": ["/usr/local/cuda/compat/libcuda.so.1", "/usr/lib/x86_64-linux-gnu/libcuda.so.1"]}
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
  "driver": {"version": "570.124.06", "cuda": "12.8", "libcuda": ["/usr/lib/x86_64-linux-gnu/libcuda.so.1"]}
}}
""",
    links=("https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html",),
    explains=("ENV123",),
)
