"""`Crash` from what a process told of its own end, and from how its supervisor saw it end."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchward.collect.log import ordered, quoted
from torchward.collect.tracebacks import Traceback, library
from torchward.facts import Crash, FileHead, Frame, Layer, LogLine, Operand

Row = Mapping[str, Any]

ASKED = (signal.SIGINT, signal.SIGTERM)
"""Signals by which people and schedulers end a program on purpose: nothing to explain."""


def from_row(row: Row) -> Crash:
    """The crash that one process's `crash` row tells of."""
    rank = row.get("rank")
    process = "" if rank is None else f"rank{rank}"
    file = row.get("file")
    return Crash(
        live=True,
        raised=tuple(ordered(_tracebacks(row, process))),
        exit_code=row.get("exit_code"),
        rank=rank,
        versions={str(name): str(version) for name, version in row.get("versions", {}).items()},
        platform=str(row.get("platform", "")),
        operands=tuple(_operand(one) for one in row.get("operands", ())),
        layers=tuple(_layer(one) for one in row.get("layers", ())),
        file_head=FileHead(str(file["path"]), int(file["size"]), str(file["kind"])) if file else None,
        memory={str(name): int(size) for name, size in row.get("memory", {}).items()},
        capability=str(row.get("capability", "")),
    )


def from_processes(rows: Sequence[Row], returncode: int | None) -> Crash | None:
    """One crash from the rows of all processes of a run, and the exit code of the command; None where it ended well.

    The process whose exception is no consequence of another's is where the trouble began; of several, the first.
    """
    crashes = [from_row(row) for row in sorted(rows, key=lambda row: float(row.get("time", 0.0)))]
    crashes = [crash for crash in crashes if crash.raised]
    if not crashes:
        return from_exit(returncode)
    if len(crashes) == 1:
        return replace(crashes[0], exit_code=returncode)
    tracebacks = []
    for number, row in enumerate(sorted(rows, key=lambda row: float(row.get("time", 0.0)))):
        rank = row.get("rank")
        found = _tracebacks(row, "" if rank is None else f"rank{rank}")
        for one in found:
            one.line = number + 1
        tracebacks += found
    raised = ordered(tracebacks)
    first = raised[0]
    for crash in crashes:
        if any(one.type == first.type and one.message == first.message for one in crash.raised):
            return replace(crash, raised=tuple(replace(one, line=0) for one in raised), exit_code=returncode)
    return replace(crashes[0], exit_code=returncode)


def from_exit(returncode: int | None) -> Crash | None:
    """The crash of a command that was ended by a signal, without a word; None where there is nothing to explain."""
    if returncode is None or returncode >= 0 or -returncode in ASKED:
        return None
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    ended = LogLine(0, f"the process was ended by {name} (exit code {returncode})")
    return Crash(live=True, output=(ended,), exit_code=returncode)


def _tracebacks(row: Row, process: str) -> list[Traceback]:
    """The chain of exceptions, each followed by those that its message quotes."""
    found: list[Traceback] = []
    for one in row["chain"]:
        found.append(_traceback(one, process))
        inner = quoted(found[-1].text) if "Traceback (most recent call last)" in found[-1].text else []
        for number, other in enumerate(inner):
            other.process, other.line = process, 0
            other.link = other.link if number else "inner"
        found += inner
    return found


def _traceback(row: Row, process: str) -> Traceback:
    frames = []
    for one in row["frames"]:
        mark = one.get("mark")
        file = str(one["file"])
        frames.append(
            Frame(file, int(one["line"]), str(one["fn"]), str(one.get("code", "")), library(file),
                  (int(mark[0]), int(mark[1])) if mark else None)
        )  # fmt: skip
    return Traceback(
        process, frames=frames, type=str(row["type"]), message=str(row["message"]).split("\n"), link=str(row["link"])
    )


def _operand(row: Row) -> Operand:
    low, high = row.get("low"), row.get("high")
    return Operand(
        name=str(row["name"]),
        shape=tuple(int(size) for size in row["shape"]),
        dtype=str(row["dtype"]),
        device=str(row["device"]),
        requires_grad=bool(row.get("grad")),
        low=None if low is None else int(low),
        high=None if high is None else int(high),
    )


def _layer(row: Row) -> Layer:
    attributes = {
        str(key): tuple(value) if isinstance(value, list) else value for key, value in row["attributes"].items()
    }
    return Layer(str(row["name"]), str(row["kind"]), attributes)
