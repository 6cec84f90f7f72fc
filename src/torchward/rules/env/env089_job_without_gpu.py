"""ENV089: this job of a scheduler was given no GPU."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Machine
from torchward.prescribe import nvidia
from torchward.rule import Confidence, Finding, Rule, Severity, Text


def check(machine: Machine) -> Iterator[Finding]:
    setting, driver, torch = machine.setting, machine.driver, machine.torch
    if not setting.job or machine.gpus is None or driver is None or torch is None or not torch.cuda or torch.hip:
        return
    listed = machine.environment.get("CUDA_VISIBLE_DEVICES")
    none_seen = not any(gpu.vendor == "nvidia" for gpu in machine.gpus)
    installed = bool(driver.loaded or driver.module or driver.libcuda)
    if not (none_seen and (installed or driver.problem == "no-devices")) and not (
        listed in ("", "NoDevFiles") and nvidia(machine)
    ):
        return
    command = {
        "slurm": "srun --gres=gpu:1 ...   # or in the script: #SBATCH --gres=gpu:1",
        "pbs": "qsub -l select=1:ngpus=1 ...",
    }
    yield Finding(
        "ENV089",
        {"job": setting.job, "command": command.get(setting.job, 'bsub -gpu "num=1" ...')},
        confidence=Confidence.LIKELY,
    )


RULE = Rule(
    code="ENV089",
    name="job-without-gpu",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "This {job} job was given no GPU, although the node has NVIDIA's driver.",
        "这个 {job} 作业没有分配到 GPU，尽管节点上有 NVIDIA 驱动。",
    ),
    why=Text(
        "The scheduler hides GPUs that a job did not ask for: `torch.cuda.is_available()` is False in it.",
        "调度系统会隐藏作业未申请的 GPU：作业中 `torch.cuda.is_available()` 为 False。",
    ),
    fix=Text(
        "Ask for one:\n    {command}",
        "申请 GPU：\n    {command}",
    ),
    bad="""\
{"machine": {
  "system": {"name": "Linux", "release": "6.8.0-45-generic", "arch": "x86_64", "distribution": "ubuntu", "version": "22.04", "title": "Ubuntu 22.04.5 LTS", "glibc": "2.35"},
  "python": {"executable": "/home/ana/.venv/bin/python", "version": "3.11.9", "environment": "venv", "prefix": "/home/ana/.venv"},
  "packages": [
    {"name": "torch", "version": "2.8.0+cu128", "location": "/v"}
  ],
  "torch": {"version": "2.8.0+cu128", "cuda": "12.8", "location": "/v"},
  "gpus": [],
  "driver": {"problem": "no-devices", "module": "550.54.15", "loaded": true},
  "setting": {"job": "slurm"}
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
  "setting": {"job": "slurm"},
  "environment": {"CUDA_VISIBLE_DEVICES": "0"}
}}
""",
    links=("https://slurm.schedmd.com/gres.html",),
    explains=(
        "ENV123",
        "ENV057",
    ),
)
