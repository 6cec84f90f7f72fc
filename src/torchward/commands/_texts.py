"""Rules as text and as JSON, for `torchward rules` and `torchward rule`."""

from __future__ import annotations

from typing import Any

from torchward.rule import Language, Rule, Severity, Text

SEVERITY = {
    Severity.ERROR: Text("error", "错误"),
    Severity.WARNING: Text("warning", "警告"),
    Severity.HINT: Text("hint", "提示"),
}


class _Blank:
    """Stands for a value that only a finding has: `{steps:.0f}` is shown as ‹steps›."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __format__(self, spec: str) -> str:
        return f"‹{self._name}›"

    def __str__(self) -> str:
        return f"‹{self._name}›"

    __repr__ = __str__

    def __getattr__(self, name: str) -> _Blank:
        return self

    def __getitem__(self, key: object) -> _Blank:
        return self


class _Blanks(dict[str, Any]):
    def __missing__(self, name: str) -> _Blank:
        return _Blank(name)


def shown(text: Text, language: Language) -> str:
    """A text with its placeholders as ‹name›."""
    return text.render(language, _Blanks())


def as_json(rule: Rule, language: Language) -> dict[str, Any]:
    """A rule for programs, texts in one language, without its example programs."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.name.lower(),
        "since": rule.since,
        "preview": rule.preview,
        "message": shown(rule.message, language),
        "why": shown(rule.why, language),
        "fix": shown(rule.fix, language),
        "explains": list(rule.explains),
        "needs": list(rule.needs),
        "links": list(rule.links),
    }


def width() -> int:
    """Columns to fold standard output to."""
    import shutil
    import sys

    return max(40, shutil.get_terminal_size((100, 24)).columns) if sys.stdout.isatty() else 100
