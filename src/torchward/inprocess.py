"""Watching from inside: `with torchward.watch(): ...`, `torchward.watch()` once at the top, `%load_ext torchward`.

For where `torchward run` cannot reach: notebooks, embedded interpreters, `python -I`. The same recorder and the same
rules; the difference is who judges. There is no supervisor, so findings are told when the watched stretch ends (in a
notebook, after each cell that trained), and a process that is killed is reported by `torchward show`.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from torchward import config, runlog
from torchward.commands._session import Session, host, new_folder, write_file, write_launch
from torchward.rule import Confidence, Language


class Watching:
    """What `watch` returns: ends with its `with` block, with `stop()`, or with the process."""

    def __init__(self, run_dir: str | os.PathLike[str] | None, language: Language, budget: float, probes: bool) -> None:
        self.folder: Path | None = None
        """The run's folder; None when nothing is recorded (already watched by `torchward run`, or no disk)."""
        self._language: Language = language
        self._told: set[object] = set()
        self._steps = 0
        # First torch by itself: under `torchward run` its import is what turns the recorder on.
        import torch  # noqa: F401

        from torchward.runtime import watch as runtime

        if runtime.active() is not None:
            return
        command = list(getattr(sys, "orig_argv", sys.argv))
        try:
            folder = Path(run_dir).absolute() if run_dir is not None else new_folder(sys.argv[:1] or ["python"])
            if (folder / runlog.LAUNCH).exists() or (folder / runlog.LOGS).exists():
                raise FileExistsError(f"{folder} already holds a run: choose another `run_dir`")
            folder.mkdir(parents=True, exist_ok=True)
            options = {"budget": budget, "probes": probes, "select": [], "ignore": list(config.load().ignore)}
            self._launch: dict[str, Any] = {
                "command": command,
                "cwd": os.getcwd(),
                "host": host(),
                "pid": os.getpid(),
                "started": time.time(),
                "ended": None,
                "returncode": None,
                "options": options,
            }
            write_launch(folder, self._launch)
        except FileExistsError:
            raise
        except OSError as error:
            print(f"torchward: not watching: {error}", file=sys.stderr)
            return
        if runtime.start(folder, budget=budget, probes=probes, language=language) is not None:
            self.folder = folder
            atexit.register(self.stop)

    def __enter__(self) -> Watching:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the recording, print the report on stderr, and write it into the run's folder. Later calls do nothing."""
        if self.folder is None:
            return
        folder, self.folder = self.folder, None
        atexit.unregister(self.stop)
        from torchward.report import html, json, terminal
        from torchward.runtime import watch as runtime

        runtime.stop(clean=True)
        self._launch["ended"] = time.time()
        self._launch["returncode"] = 0
        try:
            write_launch(folder, self._launch)
            session = Session(folder)
            session.poll()
            outcome = session.outcome(self._language)
            terminal.write(outcome, sys.stderr)
            write_file(folder / runlog.FINDINGS, json.dump(outcome))
            write_file(folder / runlog.REPORT, html.render(outcome))
        except OSError as error:
            print(f"torchward: the report could not be written: {error}", file=sys.stderr)

    def tell(self) -> None:
        """Print findings that are new since the last call, if training went on since; the recording goes on."""
        if self.folder is None:
            return
        from torchward.engine import subject
        from torchward.report import terminal
        from torchward.runtime import watch as runtime

        active = runtime.active()
        if active is None or active.recorder.step == self._steps:
            return
        self._steps = active.recorder.step
        active.recorder.write_now()
        session = Session(self.folder)
        session.poll()
        for finding in session.judge().findings:
            if finding.confidence >= Confidence.LIKELY and subject(finding) not in self._told:
                self._told.add(subject(finding))
                terminal.live(finding, session.rules, self._language, sys.stderr)


_notebook: Watching | None = None


def watch(
    run_dir: str | os.PathLike[str] | None = None,
    *,
    lang: str = "auto",
    budget: float | str = 0.02,
    probes: bool = True,
) -> Watching:
    """Watch the training in this process from here on.

    Args:
        run_dir: Folder for the log and the report; by default a new one under ``.torchward/runs``.
        lang: ``en``, ``zh`` or ``auto`` (``TORCHWARD_LANG``, else the locale).
        budget: Share of the run's time that watching may take, ``0.02`` or ``"2%"``.
        probes: Whether to experiment on a copy of the model.

    Raises:
        FileExistsError: `run_dir` already holds a run.
        ValueError: a value of `lang` or `budget` that is not understood.

    Under ``torchward run`` it does nothing: the process is already being watched.
    """
    from torchward.usage import UsageError

    try:
        language = config.language(lang, config.load())
        share = config.budget(str(budget), "`budget`")
    except UsageError as error:
        raise ValueError(str(error)) from None
    return Watching(run_dir, language, share, probes)


def explain(error: BaseException | None = None, *, lang: str = "auto", verbose: bool = False) -> None:
    """Print why an exception was raised, with the tensors and layers of the failing expression, and what to change.

    Args:
        error: The exception; by default the one being handled, else the last one that nothing caught (in a notebook:
            of the last cell that failed).
        lang: ``en``, ``zh`` or ``auto`` (``TORCHWARD_LANG``, else the locale).
        verbose: Also the other possible causes, the frames and the exceptions that followed.

    Raises:
        ValueError: a value of `lang` that is not understood.

    Nothing of the program is run for it, and no values are shown, only shapes and ranges.
    """
    from torchward.collect.crash import from_row
    from torchward.engine import explain as known
    from torchward.facts import Crash
    from torchward.report import crash as report
    from torchward.runtime import crash as runtime
    from torchward.usage import UsageError

    try:
        language = config.language(lang, config.load())
    except UsageError as problem:
        raise ValueError(str(problem)) from None
    error = error or sys.exc_info()[1] or runtime.last_uncaught()
    crash = Crash(source="", live=True) if error is None else from_row(runtime.describe(error))
    report.write(report.Explained(crash, known(crash), language), sys.stdout, verbose=verbose)


def load_extension(shell: Any) -> None:
    """`%load_ext torchward`: watch the notebook's kernel, and tell after each cell that trained."""
    global _notebook
    if _notebook is None:
        _notebook = watch()
        shell.events.register("post_run_cell", _after_cell)


def unload_extension(shell: Any) -> None:
    """`%unload_ext torchward`: the final report."""
    global _notebook
    if _notebook is not None:
        shell.events.unregister("post_run_cell", _after_cell)
        watching, _notebook = _notebook, None
        watching.stop()


def _after_cell(_result: Any) -> None:
    if _notebook is not None:
        _notebook.tell()
