"""Reporters turn an `Outcome` into bytes, one file per format. They judge nothing and import only facts and rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torchward.facts import Experiment, Run
from torchward.rule import Diagnosis, Language, Rule


@dataclass(frozen=True)
class Outcome:
    """Everything a reporter shows of one run, finished or not."""

    command: tuple[str, ...]
    folder: str
    """The run's folder."""
    started: str
    """Local time, ISO 8601."""
    seconds: float
    """Wall time of the command so far."""
    running: bool
    exit_status: int | None
    """As the shell would show it: 128 + N for death by signal N. None while it runs."""
    exit_text: str
    """`ended normally`-like words in the report's language."""
    runs: tuple[Run, ...]
    """One per process that trained (or at least imported torch)."""
    probes: tuple[Experiment, ...]
    diagnosis: Diagnosis
    rules: Mapping[str, Rule]
    """By code; also holds the engine's own `INT` rules."""
    language: Language
    notes: tuple[str, ...] = ()
    """Sentences about the run as a whole: never imported torch, never trained, recording was switched off, ..."""
