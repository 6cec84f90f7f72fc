"""ENV103: PYTORCH_CUDA_ALLOC_CONF holds a setting that torch does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from torchward.facts import Machine
from torchward.rule import Confidence, Finding, Rule, Severity, Text

KEYS = (
    "backend",
    "max_split_size_mb",
    "max_non_split_rounding_mb",
    "roundup_power2_divisions",
    "roundup_bypass_threshold_mb",
    "garbage_collection_threshold",
    "expandable_segments",
    "release_lock_on_cudamalloc",
    "release_lock_on_hipmalloc",
    "pinned_use_cuda_host_register",
    "pinned_use_hip_host_register",
    "pinned_num_register_threads",
    "pinned_use_background_threads",
    "pinned_reserve_segment_size_mb",
    "pinned_max_round_threshold_mb",
    "pinned_max_cached_size_mb",
    "graph_capture_record_stream_reuse",
    "per_process_memory_fraction",
)
"""c10/core/AllocatorConfig.cpp and c10/cuda/CUDAAllocatorConfig.cpp; not all that ever will be."""


def check(machine: Machine) -> Iterator[Finding]:
    for name in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF"):
        value = machine.environment.get(name, "")
        for part in re.split(r",(?![^\[]*\])", value):
            key, colon, _ = part.strip().partition(":")
            near = get_close_matches(re.split(r"[=\s]", key.strip())[0], KEYS, n=1, cutoff=0.8)
            if not part.strip() or (colon and (key.strip() in KEYS or not near)):
                continue  # later releases have settings that are not known here
            right = f"{near[0]}:..." if near else "key:value"
            sure = Confidence.CERTAIN if not colon else Confidence.LIKELY
            yield Finding(
                "ENV103", {"name": name, "value": value, "part": part.strip(), "right": right}, confidence=sure
            )
            return


RULE = Rule(
    code="ENV103",
    name="allocator-setting-unknown",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        '{name} is "{value}": `{part}` is not a setting; `{right}` is the form.',
        "{name} 为 “{value}”：`{part}` 不是有效的设置，正确形式为 `{right}`。",
    ),
    why=Text(
        'torch reads it when CUDA starts, and raises "Unrecognized CachingAllocator option" or an '
        "internal assert there. Settings are `key:value`, with commas between them.",
        "torch 在启动 CUDA 时读取它，此时会报 “Unrecognized CachingAllocator option” 或内部断言错误。设置"
        "的格式为 `key:value`，以逗号分隔。",
    ),
    fix=Text(
        "For example:\n    export {name}=expandable_segments:True,max_split_size_mb:512",
        "例如：\n    export {name}=expandable_segments:True,max_split_size_mb:512",
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
  "environment": {"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb=128"}
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
  "environment": {"PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128,expandable_segments:True,a_setting_of_tomorrow:1"}
}}
""",
    links=("https://docs.pytorch.org/docs/stable/notes/cuda.html#optimizing-memory-usage-with-pytorch-alloc-conf",),
    explains=(
        "ENV123",
        "ENV126",
    ),
)
