"""`torchward show [RUN]`: the findings of a run again, also while it is running.

The logs are read and judged afresh, so a run made with an older torchward is seen with today's rules.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from torchward import runlog
from torchward.config import codes, language, load
from torchward.usage import IGNORE, LANG, SELECT, Exit, Option, UsageError, parse, suggestion

RUNS = Path(".torchward") / "runs"

OPTIONS = (
    Option("--all", help="every finding in full, with its evidence"),
    Option(
        "--format", "FORMAT", "text, json, or html (writes report.html and prints its path)", ("text", "json", "html")
    ),
    LANG,
    SELECT,
    IGNORE,
)


def main(argv: list[str]) -> int:
    """Show one run; 0 when nothing was found, 1 when something was."""
    found = parse(
        argv,
        OPTIONS,
        "torchward show [options] [RUN]",
        f"Show the findings of a run: a run's folder, its name under {RUNS}, or by default the newest one.",
    )
    if len(found.rest) > 1:
        raise UsageError(f"one run at a time: {' '.join(found.rest)}", "torchward show RUN")
    config = load()
    lang = language(found.given("--lang"), config)
    select, ignore = found.many("--select"), found.many("--ignore")
    folder = find(found.rest[0] if found.rest else None)

    from torchward.commands._session import Session, write_file

    session = Session(
        folder,
        codes(select, "--select") if select is not None else None,
        (*config.ignore, *codes(ignore, "--ignore")) if ignore is not None else None,
    )
    session.poll()
    outcome = session.outcome(lang)
    match found.given("--format"):
        case "json":
            from torchward.report.json import dump

            sys.stdout.write(dump(outcome))
        case "html":
            from torchward.report.html import render

            path = folder / runlog.REPORT
            try:
                write_file(path, render(outcome))
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}") from None
            print(path)
        case _:
            from torchward.report.terminal import write

            write(outcome, sys.stdout, everything=found.switch("--all"))
    return Exit.FINDINGS if outcome.diagnosis.findings else Exit.CLEAN


def find(run: str | None) -> Path:
    """The folder of a run, given its path or its name; the newest one for None. Raises `UsageError`."""
    names = _names()
    if run is None:
        if not names:
            raise UsageError(f"there is no run under {RUNS}", "torchward run train.py")
        return RUNS / names[-1]
    for folder in (Path(run), RUNS / run):
        if is_run(folder):
            return folder
    if Path(run).is_dir():
        raise UsageError(f"{run} is not the folder of a run: it holds no {runlog.LOGS}/", suggestion(run, names))
    raise UsageError(f"no run `{run}`", suggestion(os.path.basename(os.path.normpath(run)), names[-5:] or names))


def is_run(folder: Path) -> bool:
    return (folder / runlog.LAUNCH).is_file() or (folder / runlog.LOGS).is_dir()


def _names() -> list[str]:
    """Names of the runs here, oldest first."""
    try:
        folders = [folder for folder in RUNS.iterdir() if is_run(folder)]
        return [folder.name for folder in sorted(folders, key=lambda folder: (_born(folder), folder.name))]
    except OSError:
        return []


def _born(folder: Path) -> float:
    for name in (runlog.LAUNCH, runlog.LOGS):
        try:
            return (folder / name).stat().st_mtime
        except OSError:
            continue
    return 0.0
