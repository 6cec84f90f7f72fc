"""Builds the `Live` fact: torch is imported and tried out in a process of its own, which may crash or hang."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from torchward.collect._look import stop
from torchward.facts import Live, Trial

LIMIT = 90.0
"""Seconds: importing torch from a cold network disk takes a minute."""
_PROGRAM = Path(__file__).with_name("_trial.py")


def check(
    executable: str = sys.executable, limit: float = LIMIT, program: Path = _PROGRAM
) -> tuple[Live, tuple[str, ...]]:
    """What happened, and the architectures that the build lists (empty when it did not say)."""
    environment = {
        **os.environ,
        "PYTHONFAULTHANDLER": "1",
        "TORCH_SHOW_CPP_STACKTRACES": "0",
        "CUDA_LAUNCH_BLOCKING": "1",  # an error belongs to the trial that caused it
    }
    environment.pop("PYTHONOPTIMIZE", None)  # the trials check their results by assertions
    with tempfile.TemporaryFile() as talk, tempfile.TemporaryFile() as rows:
        timed_out = False
        try:
            child = subprocess.Popen(
                [executable, str(program)],
                stdin=subprocess.DEVNULL, stdout=rows, stderr=talk, env=environment, start_new_session=os.name != "nt",
            )  # fmt: skip
        except OSError as error:
            return Live(imported=False, said=str(error)), ()
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            stop(child)
        rows.seek(0)
        talk.seek(0, os.SEEK_END)
        talk.seek(max(0, talk.tell() - 20_000))
        return _live(
            rows.read().decode("utf-8", "replace"), talk.read().decode("utf-8", "replace"), child.returncode, timed_out
        )


def _live(rows: str, talk: str, code: int | None, timed_out: bool) -> tuple[Live, tuple[str, ...]]:
    known: dict[str, Any] = {}
    devices: list[str] = []
    trials: list[Trial] = []
    archs: tuple[str, ...] = ()
    cuda_said = ""
    for line in rows.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if not isinstance(row, dict):
            continue
        if "trial" in row:
            trials.append(
                Trial(row["trial"], row.get("device", ""), row["ok"], row.get("said", ""), row.get("wrong", False))
            )
        elif "device" in row:
            devices.append(row["device"])
        elif "cuda" in row:
            archs, cuda_said = tuple(row.get("archs") or ()), row.get("said", "")
            known["cuda"] = row["cuda"]
        else:
            known |= row
    name = ""
    if code is not None and code < 0 and not timed_out:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
    ended = bool(known.get("done")) or (known.get("imported") is False)
    said = str(known.get("said", ""))
    if not ended and not said:
        said = _last_words(talk)
    live = Live(
        imported=bool(known.get("imported")),
        seconds=known.get("seconds"),
        said=said,
        signal=name if not ended else "",
        timed_out=timed_out,
        version=str(known.get("version", "")),
        cuda_available=known.get("cuda"),
        cuda_said=cuda_said,
        devices=tuple(devices),
        cudnn=str(known.get("cudnn", "")),
        trials=tuple(trials),
    )
    return live, archs


def _last_words(talk: str) -> str:
    """The line of a dead process's stderr that says most."""
    lines = [line.strip() for line in talk.splitlines() if line.strip()]
    for pattern in (r"^Fatal Python error", r"^\w*(?:Error|Exception)\b", r"error|illegal|terminate"):
        for line in reversed(lines):
            if re.search(pattern, line, re.IGNORECASE if pattern.islower() else 0):
                return line[:300]
    return lines[-1][:300] if lines else ""
