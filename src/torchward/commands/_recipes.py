"""The recipes that ship with torchward: where they are, and what the head of each says. Imports none of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from torchward.usage import UsageError, suggestion

FOLDER = Path(__file__).parent.parent / "recipes"


class Header:
    """The docstring at the head of a recipe: one line that says what it does, then `key: value` lines."""

    def __init__(self, name: str, docstring: str) -> None:
        first, _, rest = docstring.partition("\n")
        self.name = name
        self.values = {"what": first.strip().rstrip(".")}
        key = ""
        for line in rest.splitlines():
            match = re.match(r"([a-z]+(?:-zh)?):\s+(.+)", line)
            if match:
                key = match[1]
                self.values[key] = match[2].strip()
            elif line.startswith(" ") and key:  # a value goes on, indented
                joint = "" if key.endswith("-zh") else " "
                self.values[key] += joint + line.strip()
            else:
                key = ""

    def text(self, key: str, language: str) -> str:
        """A value in a language, in English where it has no other."""
        return self.values.get(f"{key}-{language}") or self.values.get(key, "")

    def words(self, key: str) -> list[str]:
        """The packages of `needs` or `optional`."""
        return self.values.get(key, "").split()

    @property
    def expect(self) -> dict[str, tuple[float, float]]:
        """Metric -> lowest and highest value that a sound run ends with, with the default options."""
        found = re.findall(r"([a-z_0-9]+) (-?[\d.]+) to (-?[\d.]+)", self.values.get("expect", ""))
        return {metric: (float(low), float(high)) for metric, low, high in found}


def names() -> list[str]:
    """All recipes, as one writes them: `init-study` is in `init_study.py`."""
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py"))


def path(name: str) -> Path:
    """The program of a recipe. Raises `UsageError` where there is none of that name."""
    known = names()
    if name.replace("_", "-") not in known:
        raise UsageError(f"no recipe `{name}`", f"{suggestion(name, known)}  (`torchward recipes` lists them)")
    return FOLDER / f"{name.replace('-', '_')}.py"


def header(name: str) -> Header:
    """What the head of a recipe says of it."""
    return Header(name, ast.get_docstring(ast.parse(path(name).read_text(encoding="utf-8"))) or "")
