"""Which parameters are low-rank adapters."""

from __future__ import annotations

import re

from torchward.facts import Parameter

ADAPTER = re.compile(r"(?:^|[._])lora(?:[._]|$)|lora_?(?:a|b|up|down)\b", re.IGNORECASE)
"""A part of a path that names a low-rank adapter: `q_proj.lora_A.default.weight`, `lora_down.weight`."""


def is_adapter(parameter: Parameter) -> bool:
    """By its name, or as the own parameter of a class that is called one, `LoRALinear`."""
    return bool(ADAPTER.search(parameter.name)) or "lora" in parameter.module_kind.lower()
