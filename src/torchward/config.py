"""What the user set: `[tool.torchward]` in the nearest pyproject.toml, the language; codes checked for typing slips.

[tool.torchward]
select = ["OPT", "LOS001"]   # apply only these rules
ignore = ["PRF"]             # leave these out
lang = "zh"                  # en, zh or auto
budget = "2%"                # share of the run's time that watching may take
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchward.usage import UsageError, suggestion

if TYPE_CHECKING:
    from torchward.rule import Language

LANGUAGES = ("en", "zh", "auto")
BUDGET = 0.02


class Config:
    """The settings of one project, the empty one when there is no `[tool.torchward]`."""

    __slots__ = ("budget", "ignore", "lang", "path", "select")

    def __init__(self, path: str = "", table: Mapping[str, Any] | None = None) -> None:
        table = table or {}
        self.path = path
        self.select: tuple[str, ...] = tuple(table.get("select", ()))
        self.ignore: tuple[str, ...] = tuple(table.get("ignore", ()))
        self.lang: str = table.get("lang", "")
        self.budget: float = budget(table["budget"], f"`budget` in {path}") if "budget" in table else BUDGET


KEYS = ("select", "ignore", "lang", "budget")


def load(start: Path | str = ".") -> Config:
    """The settings in the nearest pyproject.toml at or above `start`."""
    try:
        folder = Path(start).absolute()
    except OSError:  # the working folder is gone
        return Config()
    for candidate in (folder, *folder.parents):
        path = candidate / "pyproject.toml"
        try:
            data = path.read_bytes()
        except OSError:
            continue
        # Most projects have no table of ours: do not load a TOML parser to learn that.
        return _parse(path, data) if b"torchward" in data else Config()
    return Config()


def _parse(path: Path, data: bytes) -> Config:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("torchward")
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    if table is None:
        return Config()
    if not isinstance(table, dict):
        raise UsageError(f"`tool.torchward` in {path} must be a table")
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"no key `{key}` in [tool.torchward] of {path}", suggestion(key, KEYS))
        if key in ("select", "ignore"):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise UsageError(f"`{key}` in {path} must be a list of rule codes", f'{key} = ["OPT", "LOS001"]')
            check_codes(value, f"`{key}` in {path}")
        if key == "lang":
            _check_language(str(value), f"`lang` in {path}")
    return Config(str(path), table)


def language(given: str | None, config: Config | None = None) -> Language:
    """The language to write in: the option, TORCHWARD_LANG, the project's setting, the locale; in this order."""
    sources = (
        (given, "`--lang`"),
        (os.environ.get("TORCHWARD_LANG"), "TORCHWARD_LANG"),
        (config.lang if config else "", "`lang`"),
    )
    for value, source in sources:
        if not value:
            continue
        _check_language(value, source)
        if value != "auto":
            return "zh" if value == "zh" else "en"
    return _locale_language()


def _check_language(value: str, source: str) -> None:
    if value not in LANGUAGES:
        raise UsageError(f"{source} cannot be `{value}`", suggestion(value, LANGUAGES))


def _locale_language() -> Language:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    if os.name == "nt":
        import locale

        return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"
    return "en"


def codes(given: Iterable[str], source: str) -> tuple[str, ...]:
    """Codes and prefixes as the engine wants them; raises `UsageError` for one that fits no rule."""
    result = tuple(code.upper() for code in given)
    check_codes(result, source)
    return result


def check_codes(given: Sequence[str], source: str) -> None:
    """Raise `UsageError` for a code or prefix that fits no rule. Reads file names only: no rule is imported."""
    if not given:
        return
    from torchward.engine import known_codes, known_errors

    known = (*known_codes(), *known_errors())
    for code in given:
        if not any(name.startswith(code.upper()) for name in known) or not code:
            # a prefix is the nearest valid name too: `OTP` is meant to be `OPT`
            stages = sorted({name.rstrip("0123456789") for name in known})
            names = stages if code.isalpha() else known
            raise UsageError(f"no rule `{code}` ({source})", suggestion(code, names))


def budget(value: object, source: str) -> float:
    """A share of time: `2%` or `0.02`."""
    try:
        text = str(value).strip()
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(f"{source} cannot be `{value}`", "give a share of the run's time above 0: `2%` or `0.02`")
    return share
