"""ENV109: variables of a distributed job are set in a shell that is none."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    env = machine.environment
    if (
        "RANK" not in env
        or "WORLD_SIZE" not in env
        or "TORCHELASTIC_RUN_ID" in env
        or machine.setting.job
        or machine.setting.container
    ):
        return
    if machine.setting.hosted or not env["WORLD_SIZE"].isdigit() or int(env["WORLD_SIZE"]) < 2:
        return
    yield Finding("ENV109", {"rank": env["RANK"], "world": env["WORLD_SIZE"]}, confidence=Confidence.LIKELY)


RULE = Rule(
    code="ENV109",
    name="rank-variables-left",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "RANK is {rank} and WORLD_SIZE is {world} in this shell, which no launcher started.",
        "当前 shell 中 RANK 为 {rank}、WORLD_SIZE 为 {world}，但它并不是由启动器启动的。",
    ),
    why=Text(
        "Trainers take a process with these for one of {world} and wait in `init_process_group` for the "
        "others, until a timeout of ten to thirty minutes.",
        "训练框架会据此认为该进程是 {world} 个中的一个，在 `init_process_group` 中等待其余进程，直到十到"
        "三十分钟后超时。",
    ),
    fix=Text(
        "Run:\n    unset RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT",
        "执行：\n    unset RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT",
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
  "environment": {"RANK": "0", "WORLD_SIZE": "8", "MASTER_ADDR": "10.0.0.1"}
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
  "environment": {}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/distributed.html#environment-variable-initialization",),
)
