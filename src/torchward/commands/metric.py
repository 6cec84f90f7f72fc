"""`torchward metric [NAME]`: what a number that a reinforcement-learning library logs means, and when it is bad."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torchward import config
from torchward.commands._texts import width
from torchward.rule import Language, Text
from torchward.usage import FORMAT, LANG, Exit, UsageError, parse, suggestion

TABLE = Path(__file__).parents[1] / "metrics.toml"
_LABELS = {
    "what": Text("What it is", "含义"),
    "healthy": Text("Healthy", "正常"),
    "bad": Text("When it is bad", "异常"),
    "rules": Text("Rules that look at it", "查看它的规则"),
}


def main(argv: Sequence[str]) -> int:
    """Explain one metric, by its whole name or its last part; all of them without a name."""
    arguments = parse(
        argv,
        (LANG, FORMAT),
        "torchward metric [NAME] [options]",
        "Explain what stable-baselines3 and CleanRL log: `train/approx_kl`, or just `approx_kl`.",
    )
    language = config.language(arguments.given("--lang"), config.load())
    if len(arguments.rest) > 1:
        raise UsageError("name one metric", "`torchward metric` lists them")
    table = load()
    chosen = table
    if arguments.rest:
        word = arguments.rest[0].lower()
        chosen = [entry for entry in table if any(word in (name.lower(), _short(name)) for name in entry["names"])]
        if not chosen:
            hint = suggestion(
                word, [form for entry in table for name in entry["names"] for form in (name, _short(name))]
            )
            raise UsageError(f"no metric `{word}`", hint if hint.startswith("did") else "`torchward metric` lists them")
    if arguments.given("--format") == "json":
        told = [
            {key: value[language] if isinstance(value, dict) else value for key, value in entry.items()}
            for entry in chosen
        ]
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(chosen, language)
    return Exit.CLEAN


def load() -> list[dict[str, Any]]:
    """The table: `names`, `rules`, and `what`, `healthy` and `bad` in two languages each."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    found: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["metric"]
    return found


def _short(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _print(entries: list[dict[str, Any]], language: Language) -> None:
    from torchward.report.terminal import Page

    page, colon = Page(width()), ": " if language == "en" else "："
    for number, entry in enumerate(entries):
        if number:
            page.line()
        page.line("", " · ".join(entry["names"]), style="bold")
        for key in ("what", "healthy", "bad"):
            page.fold(_LABELS[key].render(language, {}) + colon + entry[key][language], "  ", "    ")
        if entry["rules"]:
            page.fold(_LABELS["rules"].render(language, {}) + colon + ", ".join(entry["rules"]), "  ", "    ")
    page.flush(sys.stdout)
