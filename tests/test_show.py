"""`torchward show`: which run is shown, in which form, and with which exit status. Nothing is trained."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import made_up
from torchward import runlog
from torchward.cli import main
from torchward.commands import _session
from torchward.report import Outcome


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs under a working directory; gives the newer one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCHWARD_LANG", "en")
    for age, name in ((100, "1121-0900-train"), (10, "1121-1000-eval")):
        run = tmp_path / ".torchward" / "runs" / name
        run.mkdir(parents=True)
        launch = run / runlog.LAUNCH
        launch.write_text(json.dumps({"command": [f"{name}.py"], "started": 1.0, "ended": 3.0, "returncode": 0}))
        os.utime(launch, (1e9 - age, 1e9 - age))
    return run


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """What the session says; put another under `now`."""
    said = {"now": made_up.outcome()}
    monkeypatch.setattr(_session.Session, "outcome", lambda self, language: said["now"])
    return said


def test_the_newest_run_is_the_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["command"] == ["1121-1000-eval.py"]


@pytest.mark.parametrize("name", ["1121-0900-train", ".torchward/runs/1121-0900-train"])
def test_a_run_is_named_or_given_as_a_folder(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name, "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["command"] == ["1121-0900-train.py"]


def test_unknown_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "1121-0900-trian"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: no run `1121-0900-trian`\n\nhint: did you mean `1121-0900-train`?\n"


def test_a_folder_that_is_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "."]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err


def test_no_run_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["show"]) == 2
    assert "hint: torchward run train.py" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--format", "xml"], ["--lang", "fr"], ["--al"], ["a", "b"]])
def test_usage_errors(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *words]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_findings_give_exit_status_1(
    folder: Path, outcome: dict[str, Outcome], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show"]) == 1
    assert "OPT001 gradients-never-zeroed" in capsys.readouterr().out
    outcome["now"] = made_up.clean()
    assert main(["show"]) == 0
    assert "no problems found." in capsys.readouterr().out


def test_all_shows_the_evidence(folder: Path, outcome: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    main(["show"])
    assert "dirty=48" not in capsys.readouterr().out
    main(["show", "--all"])
    assert "dirty=48" in capsys.readouterr().out


def test_html_is_written_anew(folder: Path, outcome: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    report = folder / runlog.REPORT
    report.write_text("old")
    assert main(["show", "--format", "html"]) == 1
    assert Path(capsys.readouterr().out.strip()).samefile(report)
    assert report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_run_that_has_not_ended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launch = {"command": ["train.py"], "started": 1.0, "host": _session.host(), "pid": os.getpid()}
    (folder / runlog.LAUNCH).write_text(json.dumps(launch))
    assert main(["show", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["running"] is True
    assert report["exit_status"] is None
