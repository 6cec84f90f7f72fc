"""ENV058: CUDA_VISIBLE_DEVICES names a GPU that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import driven


def check(machine: Machine) -> Iterator[Finding]:
    value = machine.environment.get("CUDA_VISIBLE_DEVICES", "")
    cards = driven(machine)
    words = [word.strip() for word in value.split(",") if word.strip()]
    if not cards or not words or words[0] == "-1" or not all(re.fullmatch(r"-?\d+", word) for word in words):
        return
    seen: set[int] = set()
    for position, word in enumerate(words):
        number = int(word)
        if number in seen or not 0 <= number < len(cards):
            yield Finding(
                "ENV058",
                {"value": value, "word": word, "count": len(cards), "left": position},
            )
            return
        seen.add(number)


RULE = Rule(
    code="ENV058",
    name="visible-devices-unknown",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        'CUDA_VISIBLE_DEVICES is "{value}": with {count} GPU(s) here, the entry {word} is not valid, so '
        "only {left} can be seen.",
        "CUDA_VISIBLE_DEVICES 为 “{value}”：这里有 {count} 块 GPU，其中的 {word} 无效，因此只能看到 {left} 块。",
    ),
    why=Text(
        "CUDA stops reading at the first number that is out of range, and takes a number that is given "
        "twice as an error: the cards behind it are hidden without a word. Numbers start at 0.",
        "CUDA 读到第一个越界的编号就停止，重复的编号则视为错误：其后的显卡会被无声地隐藏。编号从 0 开始。",
    ),
    fix=Text(
        "Name existing cards only, each once:\n    nvidia-smi --list-gpus\n    export CUDA_VISIBLE_DEVICES=0",
        "只列出存在的显卡，且每个只写一次：\n    nvidia-smi --list-gpus\n    export CUDA_VISIBLE_DEVICES=0",
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
  "environment": {"CUDA_VISIBLE_DEVICES": "1"}
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
  "environment": {"CUDA_VISIBLE_DEVICES": "0"}
}}
""",
    links=("https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",),
    explains=("ENV123",),
)
