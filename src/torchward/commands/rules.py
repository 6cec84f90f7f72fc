"""`torchward rules`: the list of rules, one line each, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from torchward import config
from torchward.commands._texts import SEVERITY, as_json, shown, width
from torchward.usage import FORMAT, IGNORE, LANG, SELECT, Exit, UsageError, parse


def main(argv: Sequence[str]) -> int:
    """Print the selected rules."""
    arguments = parse(argv, (SELECT, IGNORE, LANG, FORMAT), "torchward rules [options]", "List the rules.")
    if arguments.rest:
        raise UsageError(f"unexpected `{arguments.rest[0]}`", f"one rule: `torchward rule {arguments.rest[0]}`")
    settings = config.load()
    language = config.language(arguments.given("--lang"), settings)
    select = config.codes(arguments.many("--select") or (), "`--select`")
    ignore = config.codes(arguments.many("--ignore") or (), "`--ignore`")

    from torchward.engine import load_rules, selected

    rules = list(selected(load_rules(), select, ignore).values())
    if arguments.given("--format") == "json":
        print(json.dumps([as_json(rule, language) for rule in rules], indent=2, ensure_ascii=False))
        return Exit.CLEAN

    from torchward.report.terminal import Page  # the one place that folds lines of Chinese

    page = Page(width())
    code_width = max((len(rule.code) for rule in rules), default=0)
    severity_width = max((page.cells(SEVERITY[rule.severity].render(language, {})) for rule in rules), default=0)
    for rule in rules:
        severity = SEVERITY[rule.severity].render(language, {})
        padding = " " * (severity_width - page.cells(severity))
        preview = (" (preview)" if language == "en" else "（预览）") if rule.preview else ""
        page.line(f"{rule.code.ljust(code_width)}  {severity}{padding}  ", rule.name + preview, style="bold")
        page.fold(" ".join(shown(rule.message, language).split()), "    ", "    ", most=2)
    page.flush(sys.stdout)
    return Exit.CLEAN
