"""ENV084: Docker's daemon.json is not valid JSON."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.rule import Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    if machine.docker is not None and machine.docker.broken:
        yield Finding("ENV084", {"error": machine.docker.broken})


RULE = Rule(
    code="ENV084",
    name="daemon-json-broken",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "/etc/docker/daemon.json is not valid JSON: {error}.",
        "/etc/docker/daemon.json 不是合法的 JSON：{error}。",
    ),
    why=Text(
        "Docker does not start with it: after the next restart of the service there are no containers.",
        "Docker 无法用它启动：下次重启服务后所有容器都无法运行。",
    ),
    fix=Text(
        "See the place and mend it (a comma after the last entry is the usual slip):\n"
        "    python3 -m json.tool /etc/docker/daemon.json",
        "找到位置并修正（最常见的是最后一项后多了逗号）：\n    python3 -m json.tool /etc/docker/daemon.json",
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
  "docker": {"installed": true, "toolkit": true, "broken": "Expecting property name enclosed in double quotes: line 8 column 5 (char 142)"}
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
  "docker": {"installed": true, "toolkit": true, "runtimes": ["nvidia"]}
}}
""",
    links=("https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file",),
    explains=("ENV083",),
)
