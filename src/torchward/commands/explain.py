"""`torchward explain [LOG]`: why a program crashed, from any log of it, and what to change."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from torchward import config
from torchward.usage import LANG, Exit, Option, UsageError, parse

OPTIONS = (
    Option("--verbose", help="all possible causes, frames, other exceptions"),
    Option("--format", "FORMAT", "text, json or sarif", ("text", "json", "sarif")),
    LANG,
)


def main(argv: Sequence[str]) -> int:
    """Explain a log; 0 when there is no error in it, 1 when there is one, known or not."""
    found = parse(
        argv,
        OPTIONS,
        "torchward explain [options] [LOG]   (or: ... 2>&1 | torchward explain)",
        "Say why a program crashed, from its log or what it printed, and what to change.",
    )
    if len(found.rest) > 1:
        raise UsageError(f"one log at a time: {' '.join(found.rest)}", "torchward explain LOG")
    language = config.language(found.given("--lang"), config.load())
    name = found.rest[0] if found.rest else "-"

    from torchward.collect import log
    from torchward.commands._texts import width
    from torchward.engine import explain
    from torchward.report import crash as report

    try:
        if name == "-":
            if sys.stdin is None or sys.stdin.isatty():
                raise UsageError("no log given", "torchward explain LOG, or: python train.py 2>&1 | torchward explain")
            crash = log.read(sys.stdin.buffer, "<stdin>")
        else:
            with open(name, "rb") as file:
                crash = log.read(file, name)
    except OSError as error:
        raise UsageError(
            f"cannot read `{name}`: {error.strerror}", "name a log, or pipe what the program printed"
        ) from None
    explained = report.Explained(crash, explain(crash), language)
    form = found.given("--format")
    if form == "json":
        sys.stdout.write(report.dump(explained))
    elif form == "sarif":
        from torchward.report import sarif

        sys.stdout.write(sarif.dump(explained))
    else:
        report.write(explained, sys.stdout, verbose=found.switch("--verbose"), width=width())
    return Exit.FINDINGS if explained.status in ("explained", "unknown", "summary", "cut") else Exit.CLEAN
