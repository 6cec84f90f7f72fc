"""ENV105: NCCL or gloo is told to use a network interface that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    have = machine.system.interfaces
    for name in ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME"):
        value = machine.environment.get(name, "")
        if not value or have is None or value.startswith("^"):
            continue
        exact = value.startswith("=") or name.startswith("GLOO")
        wanted = [word for word in value.lstrip("=").split(",") if word]
        if not any(one == word or (not exact and one.startswith(word)) for one in have for word in wanted):
            yield Finding("ENV105", {"name": name, "value": value, "have": ", ".join(have) or "-"})
            return


RULE = Rule(
    code="ENV105",
    name="network-interface-missing",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{name} is {value}, and this machine has {have}.",
        "{name} 为 {value}，而这台机器的接口有 {have}。",
    ),
    why=Text(
        '`init_process_group` ends with "Bootstrap : no socket interface found" or "Unable to find address for".',
        "`init_process_group` 会报 “Bootstrap : no socket interface found” 或 “Unable to find address for”。",
    ),
    fix=Text(
        "Name an interface that exists (`ip -brief address`), or let it choose:\n    unset {name}",
        "指定存在的接口（用 `ip -brief address` 查看），或让它自行选择：\n    unset {name}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "interfaces": ["eth0", "lo"]},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"NCCL_SOCKET_IFNAME": "ib0"}
}}
""",
    good="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35", "interfaces": ["eth0", "lo"]},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [
    {"name": "NVIDIA GeForce RTX 4090", "index": 0, "capability": "8.9"}
  ],
  "driver": {"version": "570.124.06", "cuda": "12.8"},
  "environment": {"NCCL_SOCKET_IFNAME": "eth"}
}}
""",
    links=("https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html",),
    explains=("ENV128",),
)
