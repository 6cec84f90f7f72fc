"""One run's folder: read its logs as they grow, judge what they say, and make the `Outcome` that reporters show.

Used while a run goes on (`torchward run`), afterwards (`torchward show`) and by in-process watching. Nothing heavy is
imported before the first row arrives: until then a supervisor costs next to nothing.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchward import runlog

if TYPE_CHECKING:
    from torchward.collect.run import RunBuilder
    from torchward.facts import Crash, Start
    from torchward.report import Outcome
    from torchward.rule import Diagnosis, Language, Rule

BASE, RUNS = ".torchward", "runs"
LAST = 20
"""Folders of former runs of one name that are looked at for one of the same command, newest first."""

Launch = dict[str, Any]
"""What `launch.json` holds: command, cwd, host, pid (of the supervisor), started and ended (seconds since 1970),
returncode (as `Popen.returncode`), options (select, ignore, budget, probes), problem (why nothing could run)."""


def read_launch(folder: Path | str) -> Launch:
    """The run's `launch.json`; empty when there is none that can be read."""
    try:
        launch = json.loads((Path(folder) / runlog.LAUNCH).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return launch if isinstance(launch, dict) else {}


def write_file(path: Path, text: str) -> None:
    """Replace a file in one go: a reader sees the old text or the new, never half. May raise `OSError`."""
    half = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def write_launch(folder: Path | str, launch: Launch) -> None:
    write_file(Path(folder) / runlog.LAUNCH, json.dumps(launch, indent=2) + "\n")


def new_folder(words: Sequence[str]) -> Path:
    """Make a folder of its own for a run of these words, under `.torchward/runs`. May raise `OSError`."""
    base = Path(BASE).absolute()
    runs = base / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    ignore = base / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{_name(words)}"
    for number in range(1, 10_000):
        folder = runs / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(errno.EEXIST, "too many runs in this second", str(runs))


def _name(words: Sequence[str]) -> str:
    """A short name for the run: of the first script or module among the words, else of the command."""
    word = words[0]
    for before, candidate in zip(["", *words], words, strict=False):
        if candidate.endswith(".py") or before == "-m":
            word = candidate
            break
    name = "stdin" if word == "-" else "command" if word == "-c" else os.path.basename(os.path.normpath(word))
    return re.sub(r"[^\w.-]+", "_", name.removesuffix(".py"))[:40].strip("._-") or "run"


class _Log:
    __slots__ = ("builder", "failure", "path", "pid", "tail")

    def __init__(self, path: Path, builder: RunBuilder) -> None:
        self.path = path
        self.pid = int(path.stem) if path.stem.isdigit() else 0
        self.tail = runlog.Tail(path)
        self.builder = builder
        self.failure = ""


class Session:
    """A run's folder, read up to now. `select` and `ignore` default to those the run was started with."""

    def __init__(
        self, folder: Path | str, select: Sequence[str] | None = None, ignore: Sequence[str] | None = None
    ) -> None:
        self.folder = Path(folder)
        self.launch = read_launch(folder)
        options = self.launch.get("options") or {}
        self.select = tuple(options.get("select", ()) if select is None else select)
        self.ignore = tuple(options.get("ignore", ()) if ignore is None else ignore)
        self._names: set[str] = set()
        self._logs: list[_Log] = []
        self._rules: dict[str, Rule] = {}
        self._earlier: list[Start | None] | None = None

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All rules, selected or not; loaded on first use."""
        if not self._rules:
            from torchward.engine import load_rules

            self._rules = load_rules(ignore=("ENV",))  # those judge a machine, not a run
        return self._rules

    def poll(self) -> int:
        """Read what the logs have gained; gives the number of new sampled steps."""
        self._find_logs()
        samples = 0
        for log in self._logs:
            new = [] if log.failure else log.tail.poll()
            if new:
                samples += self._guarded(log, log.builder.feed, new) or 0
        return samples

    def end(self) -> None:
        """The run is over: no log will grow any more."""
        for log in self._logs:
            self._guarded(log, log.builder.end, None)

    def alive(self) -> bool:
        """Whether a process that writes one of the logs still lives (on this machine)."""
        return any(_alive(log.pid) for log in self._logs)

    def running(self) -> bool:
        """Whether the command still runs, as far as can be told from here."""
        if not self.launch:
            return self.alive()
        if self.launch.get("ended") is not None:
            return False
        if self.launch.get("host") == host():
            return _alive(int(self.launch.get("pid") or 0))
        return any(time.time() - log.path.stat().st_mtime < 60 for log in self._logs)

    def facts(self) -> list[object]:
        """All facts; each process's `Run` comes first, its experiments follow.

        A loader worker has no facts of its own: what it says belongs to the process that it works for.
        """
        facts: list[object] = []
        said = [row for log in self._logs for row in log.builder.workers]
        for log in self._logs:
            if not log.builder.is_worker:
                own = [row for row in said if row.get("pid") == log.pid]
                facts += self._guarded(log, log.builder.facts, own) or ()
        if not self.running():
            facts = self._with_earlier(facts)
        if len(self._logs) > 1:
            from torchward.collect.run import ranks

            facts += ranks(facts)
        crash = None if self.running() else self._crash()
        return facts if crash is None else [*facts, crash]

    def _with_earlier(self, facts: list[object]) -> list[object]:
        """The one process that trained is told where the run before of the same command began."""
        from dataclasses import replace

        from torchward.facts import Run

        trained = [fact for fact in facts if isinstance(fact, Run) and fact.start is not None]
        if len(trained) != 1 or trained[0].rank is not None:
            return facts
        if self._earlier is None:
            self._earlier = [_earlier(self.folder.absolute(), self.launch)]
        if self._earlier[0] is None:
            return facts
        told = replace(trained[0], earlier=self._earlier[0])
        return [told if fact is trained[0] else fact for fact in facts]

    def _crash(self) -> Crash | None:
        failed = [log.builder for log in self._logs if log.builder.crash is not None]
        returncode = self.launch.get("returncode")
        if not returncode and all(builder.is_worker for builder in failed):
            failed = []  # whom it worked for has survived it
        rows = [builder.crash for builder in failed if builder.crash is not None]
        if not rows and (returncode is None or returncode >= 0):
            return None
        from torchward.collect.crash import from_processes

        try:
            return from_processes(rows, returncode)
        except (KeyError, TypeError, ValueError):  # a row that was cut off or is not ours
            return None

    def judge(self, facts: Sequence[object] | None = None) -> Diagnosis:
        from torchward.engine import judge

        return judge(self.facts() if facts is None else facts, self.rules, self.select, self.ignore)

    def outcome(self, language: Language) -> Outcome:
        """Everything that a report shows, as of now."""
        from torchward.facts import Experiment, Run
        from torchward.report import Outcome

        running = self.running()
        if not running:
            self.end()
        facts = self.facts()
        runs = tuple(fact for fact in facts if isinstance(fact, Run))
        returncode = self.launch.get("returncode")
        started = self.launch.get("started")
        ended = self.launch.get("ended")
        diagnosis = self.judge(facts)
        seconds = max((run.seconds for run in runs), default=0.0)
        if started is not None and (running or ended is not None):
            seconds = (ended or time.time()) - started
        return Outcome(
            command=tuple(self.launch.get("command") or (runs[0].command if runs else ())),
            folder=str(self.folder.absolute()),
            started=time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(started)) if started is not None else "",
            seconds=seconds,
            running=running,
            exit_status=None if returncode is None else (returncode if returncode >= 0 else 128 - returncode),
            exit_text="" if running else _exit_text(returncode, language),
            runs=runs,
            probes=tuple(fact for fact in facts if isinstance(fact, Experiment)),
            diagnosis=diagnosis,
            rules={**self.rules, **{one.rule.code: one.rule for one in diagnosis.explanations}},
            language=language,
            notes=tuple(self._notes(runs, running, language)),
        )

    def _find_logs(self) -> None:
        folder = self.folder / runlog.LOGS
        try:
            names = {name for name in os.listdir(folder) if name.endswith(".jsonl")}
        except OSError:
            return
        if names <= self._names:
            return
        from torchward.collect.run import RunBuilder

        for path in runlog.logs(self.folder):
            # A log without a whole head was only just begun, or is of another version of torchward.
            if path.name not in self._names and any(runlog.read_head(path)):
                self._names.add(path.name)
                self._logs.append(_Log(path, RunBuilder()))

    def _guarded(self, log: _Log, action: Callable[..., Any], *arguments: Any) -> Any:
        """A log that cannot be understood (a bug of ours) is left out; the others go on."""
        if log.failure:
            return None
        try:
            return action(*arguments)
        except Exception as error:
            log.failure = f"{type(error).__name__}: {error}"
            return None

    def _notes(self, runs: Sequence[Any], running: bool, language: Language) -> list[str]:
        notes: list[str] = []

        def say(key: str, **data: Any) -> None:
            notes.append(_text(key, language, data))

        returncode = self.launch.get("returncode")
        problem = self.launch.get("problem")
        if problem:
            say(problem["kind"], **problem)
        elif not self._logs:
            say("not_yet" if running else "no_torch")
        elif not running and not any(run.steps or run.backwards for run in runs):
            say("no_training")
        if returncode is not None and returncode < 0 and any(run.steps for run in runs):
            say("killed", signal=_signal_name(-returncode))
            if returncode == -9:
                say("killed_9")
        if self.launch and not running and returncode is None:
            say("no_end")
        for log in self._logs:
            if log.failure:
                say("unreadable", log=log.path.name, error=log.failure)
        if any(run.errors for run in runs):
            say("recorder")
        return notes


def _earlier(folder: Path, launch: Launch) -> Start | None:
    """Where the last run of this command before this one began; among the folders that `new_folder` makes alone."""
    command, cwd = launch.get("command"), launch.get("cwd")
    if not command or folder.parent.name != RUNS or folder.parent.parent.name != BASE:
        return None
    kind = folder.name.split("-", 2)[-1].rsplit("-", 1)[0]
    try:
        beside = [name for name in os.listdir(folder.parent) if kind in name and name != folder.name]
    except OSError:
        return None
    found = []
    for name in sorted(beside, reverse=True)[:LAST]:
        other = read_launch(folder.parent / name)
        before = (other.get("started") or 0.0) < (launch.get("started") or 0.0)
        if before and other.get("ended") and other.get("command") == command and other.get("cwd") == cwd:
            found.append((float(other["started"]), name))
    if not found:
        return None
    from torchward.collect.run import start

    name = max(found)[1]
    for path in runlog.logs(folder.parent / name):
        row = runlog.find(path, "start")
        for head in runlog.read_head(path) if row is not None else ():
            try:
                return start(head, row or {}, str(folder.parent / name))
            except (KeyError, TypeError, ValueError, IndexError):  # of another version of torchward
                return None
    return None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    if os.name == "nt":
        return False  # there `os.kill` is no question but an order
    try:
        os.kill(pid, 0)
    except OSError:  # gone; or another user's, so not the one that we knew
        return False
    return True


def host() -> str:
    """The name of this machine."""
    if os.name == "nt":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _exit_text(returncode: int | None, language: Language) -> str:
    if returncode is None:
        return _text("end_unknown", language, {})
    if returncode == 0:
        return _text("end_normal", language, {})
    if returncode > 0:
        return _text("end_code", language, {"code": returncode})
    return _text("end_signal", language, {"signal": _signal_name(-returncode)})


def _text(key: str, language: Language, data: Mapping[str, Any]) -> str:
    from torchward.rule import Text

    english, chinese = _TEXTS[key]
    return Text(english, chinese).render(language, data)


_TEXTS = {
    "end_normal": ("ended normally", "正常结束"),
    "end_code": ("ended with exit code {code}", "结束，退出码 {code}"),
    "end_signal": ("killed by {signal}", "被 {signal} 终止"),
    "end_unknown": ("end unknown", "结束方式未知"),
    "not_yet": ("torch has not been imported yet.", "尚未导入 torch。"),
    "no_torch": (
        "No Python process that torchward can reach imported torch, so there was nothing to look at. "
        "(`python -I`, `-E` and `-S` keep it out, and so do containers.)",
        "torchward 能观察到的 Python 进程都没有导入 torch，因此没有可检查的内容。"
        "（`python -I`、`-E`、`-S` 以及容器会使它无法观察。）",
    ),
    "no_training": (
        "torch was imported, but there was no training: no backward pass and no optimizer step was seen.",
        "导入了 torch，但没有训练：没有看到反向传播，也没有看到优化器更新。",
    ),
    "syntax_error": (
        "{file} has a syntax error at line {line}, so nothing of it ran.",
        "{file} 第 {line} 行有语法错误，脚本没有运行。",
    ),
    "killed": (
        "The process was killed by {signal}; what it did until shortly before that was looked at.",
        "进程被 {signal} 终止；已检查到终止前不久为止的内容。",
    ),
    "killed_9": (
        "Where nobody sent SIGKILL by hand, it is most often the system that ran out of memory.",
        "如果不是有人手动发送 SIGKILL，最常见的原因是系统内存不足。",
    ),
    "no_end": (
        "The supervisor was killed before it could note how the command ended.",
        "监控进程在记录命令的结束方式之前被终止。",
    ),
    "unreadable": (
        "torchward could not make sense of {log} ({error}); please report this.",
        "torchward 无法理解 {log}（{error}）；请报告此问题。",
    ),
    "recorder": (
        "A part of the recording failed and was switched off; what came after that was not seen.",
        "记录的一部分出错并被关闭；此后的内容没有看到。",
    ),
}
