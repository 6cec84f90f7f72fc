"""`torchward rule CODE`: everything that is known of one rule."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from torchward import config
from torchward.commands._texts import SEVERITY, as_json, shown
from torchward.rule import Language, Rule, Text
from torchward.usage import FORMAT, LANG, Exit, UsageError, parse, suggestion

_LABELS = {
    "message": Text("It says", "报告内容"),
    "why": Text("Why it matters", "为什么重要"),
    "fix": Text("What to change", "怎样修改"),
    "bad": Text("A program that has the problem", "有此问题的程序"),
    "good": Text("Its sound twin", "修正后的程序"),
    "bad machine": Text("A machine that has the problem", "有此问题的机器"),
    "good machine": Text("Its sound twin", "正常的机器"),
    "explains": Text("It explains", "它可以解释"),
    "needs": Text("It needs to see", "它需要看到"),
    "links": Text("Read more", "延伸阅读"),
}


def main(argv: Sequence[str]) -> int:
    """Print one rule, named by its code (`OPT003`) or its name."""
    arguments = parse(
        argv, (LANG, FORMAT), "torchward rule CODE [options]", "Explain one rule, named by its code or its name."
    )
    language = config.language(arguments.given("--lang"), config.load())
    if len(arguments.rest) != 1:
        raise UsageError("name one rule", "`torchward rule OPT001`; `torchward rules` lists them")

    from torchward.engine import load_error, load_rules

    word = arguments.rest[0]
    rules = load_rules()
    rule = rules.get(word.upper()) or next((rule for rule in rules.values() if rule.name == word.lower()), None)
    rule = rule or load_error(word.upper())
    if rule is None:
        names = [*rules, *(rule.name for rule in rules.values())]
        hint = suggestion(word, names)
        raise UsageError(f"no rule `{word}`", hint if hint.startswith("did") else "`torchward rules` lists them")
    if arguments.given("--format") == "json":
        print(json.dumps({**as_json(rule, language), "bad": rule.bad, "good": rule.good}, indent=2, ensure_ascii=False))
    else:
        _print(rule, language)
    return Exit.CLEAN


def _print(rule: Rule, language: Language) -> None:
    from torchward.commands._texts import width
    from torchward.engine import judges
    from torchward.facts import Machine
    from torchward.report.terminal import Page

    page = Page(width())
    preview = (" · preview" if language == "en" else " · 预览") if rule.preview else ""
    page.line(f"{rule.code} {rule.name} · ", SEVERITY[rule.severity].render(language, {}) + preview, style="bold")
    sections = (
        ("message", shown(rule.message, language)),
        ("why", shown(rule.why, language)),
        ("fix", shown(rule.fix, language)),
        ("explains", ", ".join(rule.explains)),
        ("needs", ", ".join(rule.needs)),
        ("links", "\n".join(rule.links)),
        ("bad", rule.bad),
        ("good", rule.good),
    )
    for key, text in sections:
        if not text.strip():
            continue
        page.line()
        label = f"{key} machine" if key in ("bad", "good") and judges(rule, Machine) else key
        page.line("", _LABELS[label].render(language, {}), style="bold")
        if key in ("bad", "good"):
            for line in text.strip("\n").split("\n"):
                page.line("    ", line)
        else:
            page.fold(text, "  ", "  ")
    page.flush(sys.stdout)
