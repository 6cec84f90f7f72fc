"""`torchward run`: start the user's command unchanged, watch it through its log, report, and end as it ended.

The command's standard output is its own: everything that torchward says goes to standard error. Whatever fails here
(no room for a log, a bug in a rule), the command runs on to its end and its exit status is passed on.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchward import config, runlog
from torchward.commands import _child
from torchward.commands._session import Launch, Session, host, new_folder, write_file, write_launch
from torchward.usage import FORMAT, IGNORE, LANG, SELECT, Exit, Option, UsageError, nearest, parse

if TYPE_CHECKING:
    from types import FrameType

    from torchward.report import Outcome
    from torchward.rule import Diagnosis, Language

OPTIONS = (
    Option("--run-dir", "DIR", "folder for this run's log and report (default: .torchward/runs/<time>-<name>)"),
    LANG,
    SELECT,
    IGNORE,
    Option("--no-probe", help="no experiments on a copy of the model: watch only"),
    Option("--budget", "SHARE", "share of the run's time that watching may take (default: 2%)"),
    Option("--fail-on", "SEVERITY", "exit with 1 when the run went well but has findings: error or warning",
           choices=("error", "warning")),
    Option("--format", "FORMAT", "of the report at the end, on standard error: text or json", choices=FORMAT.choices),
)  # fmt: skip

_USAGE = "torchward run [options] train.py [args]   (or: @recipe, -m package, torchrun ..., any command)"
_PYTHON = (".py", ".pyw", ".pyc", ".pyz", ".zip")
_POLL = 0.5
_SHARE = 0.015
"""Share of one CPU that reading and judging may take while the command runs."""
_GARBAGE = 50_000
"""Objects between searches for cycles, of which rows and facts have none; at the usual 700 they cost a tenth of all."""
_STRAGGLE = 2.0
"""Seconds to wait for processes that still write when the command has ended."""


def main(argv: Sequence[str]) -> int:
    """Run a command under watch; gives its exit status, or ends this process by the signal that ended it."""
    arguments = parse(
        argv,
        OPTIONS,
        _USAGE,
        "Run a training script, watch it, and name its silent bugs.",
        stop_at_word=True,
        command_switches=("-m", "-c"),
        unknown_hint="options for Python itself go with it: `torchward run python -u train.py`",
    )
    settings = config.load()
    language = config.language(arguments.given("--lang"), settings)
    select, ignore = arguments.many("--select"), arguments.many("--ignore")
    share = arguments.given("--budget")
    options = {
        "budget": settings.budget if share is None else config.budget(share, "`--budget`"),
        "probes": not arguments.switch("--no-probe"),
        "language": language,
        "select": settings.select if select is None else config.codes(select, "`--select`"),
        "ignore": (*settings.ignore, *config.codes(ignore or (), "`--ignore`")),
    }
    words = arguments.rest
    if not words:
        raise UsageError("no script to run", f"usage: {_USAGE}")
    if words[0].startswith("@"):
        from torchward.commands import _recipes

        words = [str(_recipes.path(words[0][1:])), *words[1:]]
    try:
        path, command = _resolve(words)
    except _CannotRunError as error:
        _complain(error.message, error.hint)
        return error.status

    lost = _cannot_start(words, path == sys.executable)
    folder = None if lost else _run_folder(arguments.given("--run-dir"), words)
    returncode = None
    with _StopReporting() as stop:
        try:
            if folder is None:
                returncode = _start(path, command, os.environ, lambda: 3600.0)
                if lost:
                    _say(lost)
                return _child.leave_as(returncode)
            supervisor = _Supervisor(folder, words, options, language)
            returncode = _start(path, command, _environment(folder, options), supervisor.tick)
            outcome = supervisor.finish(returncode, as_json=arguments.given("--format") == "json")
            if returncode == 0 and _fails(outcome, arguments.given("--fail-on")):
                return Exit.FINDINGS
        except _Stopped as stopped:
            if returncode is None:
                return _child.leave_as(-stopped.number)
        except _CannotRunError as error:
            _complain(error.message, error.hint)
            return error.status
        finally:
            stop.off()
    return _child.leave_as(returncode)


# --- the command ---------------------------------------------------------------------------------------------------


class _CannotRunError(Exception):
    """There is no such command. `status` is what a shell would exit with."""

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


def _resolve(words: Sequence[str]) -> tuple[str, list[str]]:
    """(program, argument vector) for what the user typed after the options."""
    word = words[0]
    python = (sys.executable, [sys.executable, *words])
    if word in ("-m", "-c", "-") or word.lower().endswith(_PYTHON):
        return python
    bare = not any(mark in word for mark in (os.sep, os.altsep) if mark)
    if bare:
        found, on_path = _which(word)
        if found:
            # Python finds its own home by the name it was called by, so that must lead to it.
            return found, [word if on_path else found, *words[1:]]
    if os.path.isdir(word):
        return python
    if os.path.isfile(word):
        if not bare and os.access(word, os.X_OK):
            return word, list(words)
        if not os.path.splitext(word)[1]:
            return python
        raise _CannotRunError(f"`{word}` is neither a Python script nor executable", "a script's name ends in .py", 126)
    scripts = [name for name in os.listdir(".") if name.endswith(".py")] if bare else []
    near = nearest(word, [*scripts, "torchrun", "accelerate", "python", "deepspeed"])
    raise _CannotRunError(f"no script or command `{word}`", f"did you mean `{near}`?" if near else "", 127)


def _which(name: str) -> tuple[str, bool]:
    """(path, whether it is the one on PATH). Launchers are taken from beside this Python first: its torchrun."""
    if os.name == "nt":
        import shutil

        return shutil.which(name) or "", True
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    beside = [] if name.startswith("python") else [os.path.dirname(sys.executable)]
    for number, folder in enumerate([*beside, *folders]):
        path = os.path.join(folder or ".", name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path, number >= len(beside)
    return "", False


def _cannot_start(words: Sequence[str], as_python: bool) -> str:
    """Why Python will find nothing to run, or an empty string. Python is left to say it in its own words, too."""
    word = words[0]
    if word in ("-m", "-c", "-"):
        return ""
    if word.lower().endswith(_PYTHON) and not os.path.exists(word):
        folder = os.path.dirname(word) or "."
        scripts = [name for name in os.listdir(folder) if name.endswith(".py")] if os.path.isdir(folder) else []
        near = nearest(os.path.basename(word), scripts)
        mend = f" Did you mean `{os.path.join(os.path.dirname(word), near)}`?" if near else ""
        return f"there is no file `{word}`, so nothing ran.{mend}"
    if as_python and os.path.isdir(word) and not os.path.exists(os.path.join(word, "__main__.py")):
        return f"`{word}` is a folder without `__main__.py`, so nothing ran. Name the script in it."
    return ""


def _syntax_error(words: Sequence[str]) -> dict[str, Any] | None:
    """Where the script cannot be parsed, if that is why it failed before it did anything."""
    if not words[0].endswith((".py", ".pyw")):
        return None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(Path(words[0]).read_bytes(), words[0], "exec", dont_inherit=True)
    except SyntaxError as error:
        return {"kind": "syntax_error", "file": words[0], "line": error.lineno or 0}
    except (OSError, ValueError):
        return None
    return None


def _start(path: str, command: list[str], env: Any, tick: Callable[[], float]) -> int:
    try:
        return _child.run(path, command, env, tick)
    except OSError as error:
        if error.errno == errno.ENOEXEC:  # a script without `#!`: shells run it as one of their own
            return _child.run("/bin/sh", ["/bin/sh", path, *command[1:]], env, tick)
        status = 127 if error.errno == errno.ENOENT else 126
        raise _CannotRunError(f"cannot run `{path}`: {error.strerror}", "", status) from None


def _environment(folder: Path, options: dict[str, Any]) -> dict[str, str]:
    """The command's environment: as it was, and the way in for the recorder."""
    import json

    inject = str(Path(__file__).parent.parent / "runtime" / "inject")
    env = dict(os.environ)
    before = env.get("PYTHONPATH", "")
    if before == inject or before.startswith(inject + os.pathsep):  # torchward within torchward
        before = before[len(inject) + 1 :]
    env["PYTHONPATH"] = inject + os.pathsep + before if before else inject
    env["TORCHWARD_RUN_DIR"] = str(folder)
    env["TORCHWARD_OPTIONS"] = json.dumps(
        {"budget": options["budget"], "probes": options["probes"], "language": options["language"]}
    )
    return env


# --- the run's folder ----------------------------------------------------------------------------------------------


def _run_folder(given: str | None, words: Sequence[str]) -> Path | None:
    """Make the run's folder; None, and one line, where it cannot be made. One that holds a run is left alone."""
    try:
        folder = new_folder(words) if given is None else Path(given).absolute()
        if given is not None and folder.exists():
            if not folder.is_dir():
                raise UsageError(f"`--run-dir {given}` is a file")
            for name in (runlog.LAUNCH, runlog.LOGS, runlog.FINDINGS):
                if (folder / name).exists():
                    raise UsageError(f"`{given}` already holds a run", f"see it with `torchward show {given}`")
        (folder / runlog.LOGS).mkdir(parents=True)
    except OSError as error:
        _say(f"not watching: cannot make the run's folder ({error.strerror}: {error.filename})")
        return None
    return folder


# --- watching ------------------------------------------------------------------------------------------------------


class _Supervisor:
    """Follows one run: reads its logs within a budget of CPU time, tells findings as they come, reports at the end."""

    def __init__(self, folder: Path, words: Sequence[str], options: dict[str, Any], language: Language) -> None:
        self._folder = folder
        self._words = words
        self._language: Language = language
        self._launch: Launch = {
            "command": list(words),
            "cwd": os.getcwd(),
            "host": host(),
            "pid": os.getpid(),
            "started": time.time(),
            "ended": None,
            "returncode": None,
            "options": options,
        }
        self._note()
        gc.set_threshold(_GARBAGE)
        self._session = Session(folder, options["select"], options["ignore"])
        self._began = time.monotonic()
        self._spent_before = time.process_time()
        self._next = self._began + _POLL
        self._spacing = 1.0
        self._judge_after = self._began
        self._judge_cost = 0.0
        self._fresh = False
        self._broken = False
        self._seen: set[tuple[object, ...]] = set()
        self._told: set[tuple[object, ...]] = set()

    def tick(self) -> float:
        """Look if it is time to; gives the seconds until the next look. Nothing that fails here may stop the run."""
        now = time.monotonic()
        if now >= self._next and not self._broken:
            try:
                self._look(now)
            except Exception as error:
                self._broken = True
                _say(f"not watching any more, {type(error).__name__}: {error}")
            self._next = time.monotonic() + _POLL
        return 3600.0 if self._broken else max(0.0, self._next - time.monotonic())

    def _look(self, now: float) -> None:
        allowed = _SHARE * (now - self._began)
        spent = time.process_time() - self._spent_before
        if spent > allowed:
            return
        self._fresh = self._session.poll() > 0 or self._fresh
        if not self._fresh or now < self._judge_after or spent + self._judge_cost > allowed:
            return
        before = time.process_time()
        self._tell(self._session.judge())
        self._judge_cost = time.process_time() - before
        self._fresh = False
        self._judge_after = now + self._spacing
        self._spacing = min(30.0, 2 * self._spacing)

    def _tell(self, diagnosis: Diagnosis) -> None:
        """Print new causes: certain ones at once, likely ones when they were there in two judgements in a row."""
        from torchward.engine import INT001, subject
        from torchward.report import terminal
        from torchward.rule import Confidence

        now = {subject(finding): finding for finding in diagnosis.findings if finding.code != INT001.code}
        for key, finding in now.items():
            sure = finding.confidence >= Confidence.CERTAIN or (
                finding.confidence >= Confidence.LIKELY and key in self._seen
            )
            if sure and key not in self._told:
                self._told.add(key)
                terminal.live(finding, self._session.rules, self._language, sys.stderr)
        self._seen = set(now)

    def finish(self, returncode: int, *, as_json: bool) -> Outcome | None:
        """The command has ended: read the rest, write the reports, tell. None when no report could be made."""
        self._launch["ended"] = time.time()
        self._launch["returncode"] = returncode
        self._session.poll()
        deadline = time.monotonic() + _STRAGGLE
        while self._session.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
            self._session.poll()
        self._session.poll()
        if returncode == 1 and not any((self._folder / runlog.LOGS).iterdir()):
            problem = _syntax_error(self._words)
            if problem:
                self._launch["problem"] = problem
        self._session.launch = self._launch
        self._note()

        outcome: Outcome | None = _attempt("make the report", lambda: self._session.outcome(self._language))
        if outcome is None:
            return None
        _attempt(f"write {runlog.FINDINGS}", lambda: write_file(self._folder / runlog.FINDINGS, _json(outcome)))
        if as_json:
            _attempt("print the report", lambda: (sys.stderr.write(_json(outcome)), sys.stderr.flush()))
        else:
            _attempt("print the report", lambda: _terminal(outcome))
        _attempt(f"write {runlog.REPORT}", lambda: write_file(self._folder / runlog.REPORT, _html(outcome)))
        return outcome

    def _note(self) -> None:
        try:
            write_launch(self._folder, self._launch)
        except OSError as error:
            _say(f"cannot write {runlog.LAUNCH} ({error.strerror})")


def _json(outcome: Outcome) -> str:
    from torchward.report import json

    return json.dump(outcome)


def _html(outcome: Outcome) -> str:
    from torchward.report import html

    return html.render(outcome)


def _terminal(outcome: Outcome) -> None:
    from torchward.report import terminal

    terminal.write(outcome, sys.stderr)


def _fails(outcome: Outcome | None, limit: str | None) -> bool:
    if outcome is None or limit is None:
        return False
    from torchward.engine import severity
    from torchward.rule import Severity

    findings = outcome.diagnosis.findings
    every = [one for finding in findings for one in (finding, *finding.symptoms)]
    return any(severity(one, outcome.rules) >= Severity[limit.upper()] for one in every)


def _attempt(what: str, action: Callable[[], Any]) -> Any:
    """One part of the reporting: where it fails, one line says so and the rest goes on."""
    try:
        return action()
    except Exception as error:
        where = ""
        if not isinstance(error, OSError):
            import traceback

            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f" ({Path(frame.filename).name}:{frame.lineno})"
        _say(f"cannot {what}, {type(error).__name__}: {error}{where}")
        return None


# --- talk ----------------------------------------------------------------------------------------------------------


class _Stopped(BaseException):
    """A signal arrived while there was no child to pass it on to."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _StopReporting:
    """Before the child starts and after it ended, Ctrl-C and SIGTERM end torchward at once."""

    def __enter__(self) -> _StopReporting:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._raise)
        return self

    def __exit__(self, *_: object) -> None:
        self.off()

    def off(self) -> None:
        """From here on a signal has its plain effect."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == self._raise:
                signal.signal(number, signal.SIG_DFL)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        raise _Stopped(number)


def _say(text: str) -> None:
    _print(f"torchward: {text}")


def _complain(message: str, hint: str) -> None:
    _print(f"error: {message}" + (f"\n\nhint: {hint}" if hint else ""))


def _print(text: str) -> None:
    try:
        if sys.stderr is not None:  # closed before the start
            print(text, file=sys.stderr, flush=True)
    except OSError:
        return  # nobody reads standard error any more
