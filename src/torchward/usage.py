"""What commands share on their way in: exit codes, options, and errors of usage. Imports nothing heavy.

A small parser instead of argparse: it starts in no time; it ends at the first word that is no option where a command
asks for that (`torchward run` hands the rest to the script untouched); it answers a slip with the nearest name.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence


class Exit(enum.IntEnum):
    """Exit codes of every command but `run`, which exits as the script did."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INTERNAL = 3


class UsageError(Exception):
    """The user asked for something that does not exist. Shown as `error: ...`, a blank line, `hint: ...`."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Help(Exception):  # noqa: N818  (asking for help is no error)
    """`--help` was among the options; holds the text to print."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The one of `names` that is most like `name`, or an empty string when none is."""
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in names}
    for match in get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5):
        return by_lower[match]
    return ""


def suggestion(name: str, names: Sequence[str]) -> str:
    """A hint that gives the nearest valid name, or all of them when none is near."""
    near = nearest(name, names)
    if near:
        return f"did you mean `{near}`?"
    return f"valid are: {', '.join(names)}" if names else ""


class Option:
    """One option of a command. Without a `value` word it is a switch; `many` takes commas and may be repeated."""

    __slots__ = ("choices", "help", "many", "name", "value")

    def __init__(
        self,
        name: str,
        value: str = "",
        help: str = "",  # noqa: A002
        choices: Sequence[str] = (),
        many: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.help = help
        self.choices = choices
        self.many = many


class Arguments:
    """Parsed options by name (`--run-dir` is `given("--run-dir")`) and the words that are left."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self.rest: list[str] = []

    def add(self, name: str, value: str) -> None:
        self._values.setdefault(name, []).append(value)

    def given(self, name: str) -> str | None:
        """Last value given to an option, or None."""
        values = self._values.get(name)
        return values[-1] if values else None

    def switch(self, name: str) -> bool:
        return name in self._values

    def many(self, name: str) -> list[str] | None:
        """All values given, split at commas, or None."""
        if name not in self._values:
            return None
        return [word.strip() for value in self._values[name] for word in value.split(",") if word.strip()]


LANG = Option("--lang", "LANG", "language: en, zh, or auto (from TORCHWARD_LANG, then the locale)")
SELECT = Option("--select", "CODES", "apply only these rules: codes or prefixes, `OPT,LOS001`", many=True)
IGNORE = Option("--ignore", "CODES", "leave these rules out", many=True)
FORMAT = Option("--format", "FORMAT", "text or json", choices=("text", "json"))


def parse(
    argv: Sequence[str],
    options: Sequence[Option],
    usage: str,
    description: str,
    *,
    stop_at_word: bool = False,
    command_switches: Sequence[str] = (),
    unknown_hint: str = "",
) -> Arguments:
    """Read `argv`. Raises `Help` or `UsageError`.

    With `stop_at_word` the first word that is no option ends the options; so do the `command_switches`, which stay
    at the head of what is left (`-m`).
    """
    known = {option.name: option for option in options}
    found = Arguments()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in ("-h", "--help"):
            raise Help(_help(usage, description, options))
        if word == "--":
            found.rest += words
            break
        if word in command_switches or not word.startswith("-") or word == "-":
            found.rest.append(word)
            if stop_at_word:
                found.rest += words
                break
            continue
        name, equals, value = word.partition("=")
        option = known.get(name)
        if option is None:
            near = nearest(name, [*known, "--help"])
            raise UsageError(f"no option `{name}`", f"did you mean `{near}`?" if near else unknown_hint)
        if not option.value:
            if equals:
                raise UsageError(f"`{name}` takes no value")
        elif not equals:
            if not words:
                raise UsageError(f"`{name}` needs a value: {option.value}", option.help)
            value = words.pop(0)
        if option.choices and value not in option.choices:
            raise UsageError(f"`{name}` cannot be `{value}`", suggestion(value, option.choices))
        found.add(name, value)
    return found


def _help(usage: str, description: str, options: Sequence[Option]) -> str:
    lines = [f"usage: {usage}", "", description, "", "options:"]
    width = max([len(f"{option.name} {option.value}") for option in options] + [len("-h, --help")])
    lines += [f"  {f'{option.name} {option.value}'.ljust(width)}  {option.help}" for option in options]
    lines.append(f"  {'-h, --help'.ljust(width)}  show this text")
    return "\n".join(lines)
