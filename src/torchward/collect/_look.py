"""The only way in which the machine's collector looks: files below a root, variables, and commands with a time limit.

Nothing here raises: what cannot be read is `None`. No command goes through a shell. Tests give another root, other
variables and other commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LIMIT = 3.0
"""Seconds that a command may take."""
MOST = 8_000_000
"""Bytes of a file that are read: dpkg's status file has about 3 MB."""


@dataclass(frozen=True)
class Answer:
    """What a command said. `missing`: there is no such program; `hung`: it did not end in time."""

    code: int = 0
    out: str = ""
    missing: bool = False
    hung: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.missing and not self.hung


def _folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it is gone
        return Path(os.devnull)


@dataclass
class Look:
    """A machine to look at: this one by default."""

    root: Path = Path("/")
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    path: Sequence[str] = field(default_factory=lambda: tuple(sys.path))
    """Where an import looks, in order."""
    folder: Path = field(default_factory=_folder)
    home: Path = field(default_factory=lambda: Path(os.path.expanduser("~")))
    executable: str = sys.executable
    prefix: str = sys.prefix
    base_prefix: str = sys.base_prefix

    def at(self, path: str | os.PathLike[str]) -> Path:
        """An absolute path of the machine, below the root."""
        text = os.fspath(path)
        return Path(text) if self.root == Path("/") else self.root / text.lstrip("/")

    def read(self, path: str | os.PathLike[str]) -> str | None:
        """A file as text, whatever its encoding."""
        try:
            with open(self.at(path), "rb") as file:
                return file.read(MOST).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None

    def names(self, path: str | os.PathLike[str]) -> list[str] | None:
        """Names in a folder, sorted."""
        try:
            return sorted(os.listdir(self.at(path)))
        except (OSError, ValueError):
            return None

    def exists(self, path: str | os.PathLike[str]) -> bool:
        try:
            return self.at(path).exists()
        except (OSError, ValueError):  # a folder that may not be entered
            return False

    def number(self, path: str) -> int | None:
        """A file that holds one number; `max` and the like are no number."""
        text = (self.read(path) or "").strip()
        return int(text) if text.lstrip("-").isdigit() else None

    def which(self, *programs: str) -> str:
        """Path of the first of these programs on PATH, as the machine sees it."""
        windows = os.name == "nt"
        for program in programs:
            for folder in self.env.get("PATH", "").split(os.pathsep):
                for ending in (".exe", ".bat", "") if windows else ("",):
                    candidate = os.path.join(folder, program + ending)
                    try:
                        if folder and os.access(self.at(candidate), os.X_OK) and self.at(candidate).is_file():
                            return candidate
                    except (OSError, ValueError):
                        continue
        return ""

    def run(self, *command: str, limit: float = LIMIT) -> Answer:
        """Run a program of this machine and give what it said on both streams."""
        path = command[0] if os.sep in command[0] else self.which(command[0])
        if not path:
            return Answer(missing=True)
        env = {**self.env, "LC_ALL": "C", "LANG": "C"}
        try:
            # Output goes to a pipe that a child of the child may hold open: never wait for more than the program.
            with subprocess.Popen(
                [str(self.at(path)), *command[1:]],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                start_new_session=os.name != "nt",
            ) as child:  # fmt: skip
                try:
                    out, _ = child.communicate(timeout=limit)
                except subprocess.TimeoutExpired:
                    stop(child)
                    return Answer(hung=True)
        except (OSError, ValueError):
            return Answer(missing=True)
        return Answer(child.returncode, out.decode("utf-8", "replace"))


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started, and do not wait for one that sleeps in the kernel (a hanging driver)."""
    try:
        if os.name == "nt":
            child.kill()
        else:
            import signal

            os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        child.communicate(timeout=0.5)
    except subprocess.TimeoutExpired:
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()
        child.returncode = -9  # `with Popen` would wait for it for ever
