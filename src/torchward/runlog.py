"""The run log: the one module that knows its format.

A run's folder holds one log per process, `logs/<pid>.jsonl`: JSON Lines, append-only. Each line is an object with `k`,
the kind of row; the first is a `head` row with the format's version. Strings that repeat (names, places) are defined
once, in rows of their own, and referred to by number. A log may be cut off at any byte: every whole line before the
cut is good. `collect/run/` is the only reader of what the rows mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = 1

LOGS = "logs"
FINDINGS = "findings.json"
REPORT = "report.html"
LAUNCH = "launch.json"

Row = dict[str, Any]


class Writer:
    """Appends rows to one log, buffered. Not thread-safe: the recorder owns it.

    Every method may raise `OSError` (disk full, folder gone); what was written before stays readable.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
        self._buffer: list[str] = []
        self.bytes_written = 0

    def add(self, kind: str, /, **fields: Any) -> None:
        """Buffer one row. Values must be JSON-serialisable; NaN and infinities are allowed."""
        self._buffer.append(json.dumps({"k": kind, **fields}, separators=(",", ":"), ensure_ascii=True))

    def flush(self) -> None:
        """Hand the buffered rows to the operating system (they survive the process, not the machine)."""
        if not self._buffer:
            return
        data = ("\n".join(self._buffer) + "\n").encode()
        self._buffer.clear()
        while data:
            written = os.write(self._file, data)
            self.bytes_written += written
            data = data[written:]

    def close(self) -> None:
        """Flush and close; closing twice does no harm."""
        if self._file < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._file)
            self._file = -1


class Tail:
    """Reads a log that is still being written: each `poll` gives the whole rows added since the last."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._offset = 0
        self._rest = b""

    def poll(self) -> list[Row]:
        """New rows, oldest first. A line that is no JSON object is skipped; a missing file gives none."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [row for row in map(_parse, lines) if row is not None]


def read(path: Path | str) -> Iterator[Row]:
    """All whole rows of a log, oldest first."""
    yield from Tail(path).poll()


def logs(folder: Path | str) -> list[Path]:
    """The logs in a run's folder, in the order in which their processes began."""
    return sorted((Path(folder) / LOGS).glob("*.jsonl"), key=lambda path: (_born(path), path.name))


def _born(path: Path) -> float:
    for row in read_head(path):
        return float(row.get("time", 0.0))
    return float("inf")


def read_head(path: Path) -> Iterator[Row]:
    """The `head` row of a log, if it is whole and of a version that this release reads."""
    try:
        with path.open("rb") as file:
            row = _parse(file.readline(65_536))
    except OSError:
        return
    if row is not None and row.get("k") == "head" and row.get("version") == VERSION:
        yield row


def find(path: Path, kind: str, limit: int = 1 << 20) -> Row | None:
    """The first row of a kind that begins within so many bytes; no other row is parsed on the way."""
    mark, read_so_far = f'{{"k":"{kind}"'.encode(), 0
    try:
        with path.open("rb") as file:
            for line in file:
                if line.startswith(mark):
                    return _parse(line)
                read_so_far += len(line)
                if read_so_far > limit:
                    break
    except OSError:
        pass
    return None


def _parse(line: bytes) -> Row | None:
    if not line.strip():
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("k"), str) else None
