"""Following a run: what its folder says, what is told while it goes on, and what `--fail-on` makes of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from torchward import runlog
from torchward.commands import run as run_command
from torchward.commands._session import Session, write_launch
from torchward.rule import Confidence, Diagnosis, Finding, Place, Rule, Severity, Text

TEXT = Text("Seen {n}.", "看到 {n}。")


def rule(code: str, severity: Severity = Severity.WARNING) -> Rule:
    return Rule(code, code.lower(), severity, "0.1.0", (), TEXT, TEXT, TEXT, "", "", ())


RULES = {code: rule(code) for code in ("AAA001", "BBB001", "TRN001")} | {"EEE001": rule("EEE001", Severity.ERROR)}


def launch(folder: Path, **more: Any) -> None:
    now = time.time()
    known = {"command": ["x.py"], "host": os.uname().nodename, "pid": os.getpid(), "started": now - 5, "ended": now}
    write_launch(folder, {**known, "returncode": 0, "options": {}, **more})


def log(folder: Path, pid: int = 4_000_000, *, version: int = runlog.VERSION) -> runlog.Writer:
    (folder / runlog.LOGS).mkdir(exist_ok=True)
    writer = runlog.Writer(folder / runlog.LOGS / f"{pid}.jsonl")
    writer.add("head", version=version, pid=pid, time=time.time(), argv=["x.py"])
    writer.flush()
    return writer


def seen(folder: Path, language: str = "en") -> Any:
    session = Session(folder)
    session.poll()
    return session.outcome(language)  # type: ignore[arg-type]


# --- what the folder says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "status", "text", "note"),
    [
        ({}, 0, "ended normally", "imported torch"),
        ({"returncode": 3}, 3, "exit code 3", "imported torch"),
        ({"returncode": -9}, 137, "SIGKILL", "imported torch"),
        ({"ended": None, "returncode": None}, None, "", "not been imported yet"),
        ({"ended": None, "returncode": None, "pid": 4_000_001}, None, "unknown", "supervisor was killed"),
        ({"problem": {"kind": "syntax_error", "file": "x.py", "line": 3}}, 0, "", "syntax error at line 3"),
    ],
)
def test_how_it_ended(tmp_path: Path, more: dict[str, Any], status: int | None, text: str, note: str) -> None:
    launch(tmp_path, **more)
    outcome = seen(tmp_path)
    assert outcome.exit_status == status
    assert text in outcome.exit_text
    assert any(note in one for one in outcome.notes)
    assert outcome.running == (text == "" and status is None)
    assert outcome.seconds == pytest.approx(5, abs=2) or text == "unknown"
    chinese = seen(tmp_path, "zh")
    assert len(chinese.notes) == len(outcome.notes)
    assert not set(chinese.notes) & set(outcome.notes)


def test_torch_without_training(tmp_path: Path) -> None:
    launch(tmp_path)
    log(tmp_path).close()
    outcome = seen(tmp_path)
    assert any("no training" in note for note in outcome.notes)
    assert len(outcome.runs) == 1
    assert outcome.runs[0].ended


def test_a_log_is_followed_as_it_grows(tmp_path: Path) -> None:
    launch(tmp_path, ended=None, returncode=None)
    session = Session(tmp_path)
    assert session.poll() == 0
    first = log(tmp_path, 4_000_000)
    session.poll()
    second = log(tmp_path, 4_000_002)
    session.poll()
    assert [run.pid for run in session.outcome("en").runs] == [4_000_000, 4_000_002]
    first.close()
    second.close()


def test_a_log_of_another_version_or_without_a_whole_head_is_left_alone(tmp_path: Path) -> None:
    launch(tmp_path)
    log(tmp_path, 4_000_000, version=runlog.VERSION + 1).close()
    (tmp_path / runlog.LOGS / "4000002.jsonl").write_text('{"k":"head","versi')
    assert seen(tmp_path).runs == ()


def test_a_log_that_breaks_the_reader_is_noted_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchward.collect.run import RunBuilder

    launch(tmp_path)
    for pid in (4_000_000, 4_000_002):
        log(tmp_path, pid).close()
    whole = RunBuilder.facts

    def facts(self: RunBuilder, *more: Any) -> list[object]:
        if self.head["pid"] == 4_000_000:
            raise RuntimeError("a bug")
        return whole(self, *more)

    monkeypatch.setattr(RunBuilder, "facts", facts)
    outcome = seen(tmp_path)
    assert [run.pid for run in outcome.runs] == [4_000_002]
    assert any("4000000.jsonl" in note and "RuntimeError: a bug" in note for note in outcome.notes)


def test_loader_workers_belong_to_their_process(tmp_path: Path) -> None:
    launch(tmp_path)
    log(tmp_path, 4_000_000).close()
    worker = runlog.Writer(tmp_path / runlog.LOGS / "4000003.jsonl")
    worker.add("head", version=runlog.VERSION, pid=4_000_003, ppid=4_000_000, role="worker")
    worker.add("worker", pid=4_000_000, w=0, n=2, g="numpy", a="1", b="2")
    worker.add("worker", pid=4_000_009, w=0, n=2, g="numpy", a="1", b="2")
    worker.close()
    (run,) = seen(tmp_path).runs
    assert [(one.loader_pid, one.generator) for one in run.workers] == [(4_000_000, "numpy")]


# --- while it goes on ----------------------------------------------------------------------------------------------


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A supervisor whose live findings are collected in `told`."""
    from torchward.report import terminal

    options = {"budget": 0.02, "probes": True, "select": (), "ignore": ()}
    (tmp_path / runlog.LOGS).mkdir()
    one: Any = run_command._Supervisor(tmp_path, ["x.py"], options, "en")
    one._session._rules = RULES
    one.told = []
    monkeypatch.setattr(terminal, "live", lambda finding, *_: one.told.append(finding.code))
    return one


def found(*codes: str, confidence: Confidence = Confidence.CERTAIN, **more: Any) -> Diagnosis:
    return Diagnosis(tuple(Finding(code, {"n": 1}, confidence=confidence, **more) for code in codes))


def test_certain_findings_are_told_at_once_and_once(supervisor: Any) -> None:
    supervisor._tell(found("AAA001"))
    supervisor._tell(found("AAA001", "BBB001"))
    assert supervisor.told == ["AAA001", "BBB001"]


def test_likely_ones_must_show_up_twice_in_a_row(supervisor: Any) -> None:
    likely = found("AAA001", confidence=Confidence.LIKELY)
    supervisor._tell(likely)
    supervisor._tell(found())
    supervisor._tell(likely)
    assert supervisor.told == []
    supervisor._tell(likely)
    assert supervisor.told == ["AAA001"]


def test_possible_ones_symptoms_and_our_own_failures_wait_for_the_end(supervisor: Any) -> None:
    cause = Finding("AAA001", {"n": 1}, symptoms=(Finding("TRN001", {"n": 1}),))
    for _ in range(3):
        supervisor._tell(found("BBB001", confidence=Confidence.POSSIBLE))
        supervisor._tell(Diagnosis((cause, Finding("INT001", {"code": "X", "error": "e", "where": "w"}))))
    assert supervisor.told == ["AAA001"]


def test_watching_that_fails_says_so_once_and_lets_the_run_go_on(
    supervisor: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor._session, "poll", lambda: 1 / 0)
    supervisor._next = supervisor._began = time.monotonic() - 1000
    supervisor.tick()
    supervisor._next = 0
    assert supervisor.tick() > 1000
    assert capsys.readouterr().err.count("not watching any more") == 1


def test_judging_stays_within_its_share(supervisor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[float] = []
    clock = {"wall": 0.0, "cpu": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["wall"])
    monkeypatch.setattr(time, "process_time", lambda: clock["cpu"])
    monkeypatch.setattr(supervisor._session, "poll", lambda: 1)

    def judge() -> Diagnosis:
        clock["cpu"] += 0.3
        judged.append(clock["wall"])
        return found()

    monkeypatch.setattr(supervisor._session, "judge", judge)
    supervisor._began = supervisor._next = supervisor._judge_after = 0.0
    supervisor._spent_before = 0.0
    while clock["wall"] < 600:
        clock["wall"] += max(0.01, supervisor.tick())
    assert 10 < len(judged) <= 600 * 0.015 / 0.3 + 1


# --- the end -------------------------------------------------------------------------------------------------------


def outcome(tmp_path: Path, *findings: Finding) -> Any:
    from torchward.report import Outcome

    return Outcome((), str(tmp_path), "", 1.0, False, 0, "", (), (), Diagnosis(findings), RULES, "en")


@pytest.mark.parametrize(
    ("findings", "limit", "fails"),
    [
        ([Finding("AAA001")], "error", False),
        ([Finding("AAA001")], "warning", True),
        ([Finding("AAA001")], None, False),
        ([Finding("EEE001")], "error", True),
        ([Finding("AAA001", severity=Severity.HINT)], "warning", False),
        ([Finding("AAA001", place=Place(), symptoms=(Finding("EEE001"),))], "error", True),
        ([], "warning", False),
    ],
)
def test_fail_on(tmp_path: Path, findings: list[Finding], limit: str | None, fails: bool) -> None:
    assert run_command._fails(outcome(tmp_path, *findings), limit) == fails


def test_a_reporter_that_fails_costs_one_line(
    tmp_path: Path, supervisor: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchward.report import html

    monkeypatch.setattr(html, "render", lambda outcome: {}["missing"])
    assert supervisor.finish(0, as_json=False) is not None
    error = capsys.readouterr().err
    assert error.count("torchward: cannot write report.html, KeyError: 'missing'") == 1
    assert (tmp_path / runlog.FINDINGS).exists()
