"""`torchward recipes`: the training programs that come with torchward, as a list or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from torchward import config
from torchward.commands import _recipes
from torchward.commands._texts import width
from torchward.usage import FORMAT, LANG, Exit, UsageError, parse

_WORDS = {
    "en": {"data": "data", "time": "time", "result": "result", "needs": "needs", "to": "to", "on": "on 2 CPU cores"},
    "zh": {"data": "数据", "time": "时间", "result": "结果", "needs": "需要", "to": "至", "on": "（2 个 CPU 核心）"},
}
_USE = {
    "en": "`torchward run @{name}` trains one and watches it; `torchward new {name} my-project` makes it yours.",
    "zh": "`torchward run @{name}` 训练并监视；`torchward new {name} my-project` 复制为自己的项目。",
}


def main(argv: Sequence[str]) -> int:
    """Print what each recipe trains, on what, how long, and to which result."""
    arguments = parse(argv, (LANG, FORMAT), "torchward recipes [options]", "List the training programs to start from.")
    if arguments.rest:
        raise UsageError(
            f"unexpected `{arguments.rest[0]}`", f"its options: `torchward run @{arguments.rest[0]} --help`"
        )
    language = config.language(arguments.given("--lang"), config.load())
    headers = [_recipes.header(name) for name in _recipes.names()]
    if arguments.given("--format") == "json":
        print(json.dumps([_as_json(header, language) for header in headers], indent=2, ensure_ascii=False))
        return Exit.CLEAN

    from torchward.report.terminal import Page  # the one place that folds lines of Chinese

    page = Page(width())
    words = _WORDS[language]
    for header in headers:
        page.line("@" + header.name, style="bold")
        page.fold(header.text("what", language), "  ", "  ")
        bands = [f"{metric} {low:g} {words['to']} {high:g}" for metric, (low, high) in header.expect.items()]
        rows = {
            "data": header.text("data", language),
            "time": f"{header.text('time', language)} {words['on']}",
            "result": ", ".join(bands),
            "needs": " ".join(header.words("needs")),
        }
        for key, text in rows.items():
            label = words[key] + " " * (8 - page.cells(words[key]))
            page.fold(text, f"    {label}", " " * 12)
    page.line()
    page.fold(_USE[language].format(name=headers[0].name), "", "")
    page.flush(sys.stdout)
    return Exit.CLEAN


def _as_json(header: _recipes.Header, language: str) -> dict[str, Any]:
    return {
        "name": header.name,
        "what": header.text("what", language),
        "data": header.text("data", language),
        "time": header.text("time", language),
        "expect": {metric: list(band) for metric, band in header.expect.items()},
        "needs": header.words("needs"),
        "optional": header.words("optional"),
    }
