"""ENV128: two processes of this machine cannot form a group."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text
from torchward.rules.env._see import failed


def check(machine: Machine) -> Iterator[Finding]:
    for one in failed(machine, "gloo"):
        yield Finding("ENV128", {"said": one.said})


RULE = Rule(
    code="ENV128",
    name="process-group-fails",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "Two processes on this machine could not form a gloo group: {said}.",
        "这台机器上的两个进程无法组成 gloo 进程组：{said}。",
    ),
    why=Text(
        "`torchrun` and every distributed training need that. gloo looks up the machine's own name; "
        "where that leads to no address of its own (an entry missing in /etc/hosts, a VPN) it fails or "
        "hangs.",
        "`torchrun` 以及所有分布式训练都需要它。gloo 会解析本机主机名；若解析不到本机地址（/etc/hosts 缺"
        "少条目、使用 VPN），就会失败或卡住。",
    ),
    fix=Text(
        "See whether the name leads home, or name an interface:\n"
        '    getent hosts "$(hostname)"\n'
        "    export GLOO_SOCKET_IFNAME=lo",
        '检查主机名能否解析到本机，或指定网络接口：\n    getent hosts "$(hostname)"\n    export GLOO_SOCKET_IFNAME=lo',
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "gloo", "ok": false, "said": "RuntimeError: Unable to resolve hostname to a (local) address"}]}
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
  "live": {"imported": true, "seconds": 2.1, "version": "2.8.0+cu128", "cuda_available": true, "devices": ["cuda:0 NVIDIA GeForce RTX 4090"], "trials": [{"what": "gloo"}]}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/distributed.html#common-environment-variables",),
)
