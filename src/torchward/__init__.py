"""torchward watches a PyTorch training run and names its silent bugs."""

from __future__ import annotations

__version__ = "0.1.0"
