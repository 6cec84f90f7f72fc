"""The command line: help, slips of the user, and what cannot be run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torchward import config, usage
from torchward.cli import COMMANDS, main
from torchward.commands import _session
from torchward.commands import run as run_command
from torchward.usage import UsageError


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHWARD_LANG", "en")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)


def torchward(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torchward", *words], check=False, capture_output=True, text=True, timeout=120, **options
    )  # type: ignore[call-overload, no-any-return]


def ran(*words: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `torchward run`, which may end the process it is in."""
    done = torchward("run", *words)
    return done.returncode, done.stdout, done.stderr


def hint(text: str) -> str:
    match = re.fullmatch(r"error: .+\n\nhint: (.+)\n", text)
    assert match, text
    return match[1]


# --- help and version ----------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == main(["-h"]) == main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"usage: torchward {command}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from torchward import __version__

    assert main(["-V"]) == main(["--version"]) == 0
    assert capsys.readouterr().out == f"torchward {__version__}\n" * 2


# --- slips ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["rnu"], "`run`"),
        (["--verson"], "`--version`"),
        (["train.py"], "`torchward run train.py`"),
        (["run", "--slect", "OPT", "x.py"], "`--select`"),
        (["run", "-u", "x.py"], "torchward run python -u"),
        (["run", "--lang", "zn", "x.py"], "`zh`"),
        (["run", "--fail-on", "errors", "x.py"], "`error`"),
        (["run", "--format=jsn", "x.py"], "`json`"),
        (["run", "--budget", "lots", "x.py"], "`2%`"),
        (["run", "--budget", "0", "x.py"], "`2%`"),
        (["run", "--select", "INT002", "x.py"], "`INT001`"),
        (["run", "--ignore", "IMT", "x.py"], "`INT`"),
        (["run", "--select"], "codes or prefixes"),
        (["run"], "usage: torchward run"),
        (["rules", "--lang", "chinese"], "zh"),
        (["rules", "INT001"], "`torchward rule INT001`"),
        (["rule", "INT01"], "`INT001`"),
        (["rule", "rule-faild"], "`rule-failed`"),
        (["rule"], "torchward rules"),
        (["rule", "INT001", "--formt", "json"], "`--format`"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in hint(err)
    assert not Path(".torchward").exists()


def test_options_end_at_the_script() -> None:
    arguments = usage.parse(
        ["--lang", "zh", "train.py", "--lang", "xx", "--help"], run_command.OPTIONS, "", "", stop_at_word=True
    )
    assert arguments.given("--lang") == "zh"
    assert arguments.rest == ["train.py", "--lang", "xx", "--help"]
    for words in (["-m", "package", "--select", "x"], ["-c", "code"]):
        assert usage.parse(words, (), "", "", stop_at_word=True, command_switches=("-m", "-c")).rest == words
    assert usage.parse(["--", "--odd.py"], (), "", "", stop_at_word=True).rest == ["--odd.py"]


def test_lists_take_commas_and_repetition() -> None:
    arguments = usage.parse(["--select", "A, B", "--select=C"], (usage.SELECT,), "", "")
    assert arguments.many("--select") == ["A", "B", "C"]
    assert arguments.many("--ignore") is None


# --- language and settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "variable", "locale", "expected"),
    [
        (None, "", "en_GB.UTF-8", "en"),
        (None, "", "zh_CN.UTF-8", "zh"),
        (None, "", "", "en"),
        (None, "zh", "en_GB.UTF-8", "zh"),
        (None, "auto", "zh_TW.UTF-8", "zh"),
        ("en", "zh", "zh_CN.UTF-8", "en"),
        ("auto", "zh", "C", "zh"),
    ],
)
def test_language(
    given: str | None, variable: str, locale: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHWARD_LANG", variable)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert config.language(given) == expected


def test_unknown_language_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHWARD_LANG", "klingon")
    with pytest.raises(UsageError, match="TORCHWARD_LANG"):
        config.language(None)


def test_settings_of_the_nearest_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.torchward]\nselect = ["INT"]\nignore = ["int001"]\nlang = "zh"\nbudget = "1%"\n'
    )
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = config.load(inner)
    assert (settings.select, settings.ignore, settings.lang, settings.budget) == (("INT",), ("int001",), "zh", 0.01)
    monkeypatch.delenv("TORCHWARD_LANG")
    assert config.language(None, settings) == "zh"
    assert config.language("en", settings) == "en"
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert config.load(inner).select == ()


@pytest.mark.parametrize(
    ("text", "named", "near"),
    [
        ("selct = ['INT']", "`selct`", "`select`"),
        ("select = ['INT01']", "`INT01`", "`INT001`"),
        ("select = 'INT001'", "`select`", "select = ["),
        ("lang = 'eng'", "`eng`", "`en`"),
        ("budget = 'all'", "`all`", "`2%`"),
        ("select = [", "TOML", ""),
    ],
)
def test_wrong_settings_are_usage_errors(
    text: str, named: str, near: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(f"[tool.torchward]\n{text}\n")
    assert main(["run", "--no-probe", "x.py"]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert near in error
    assert str(file) in error or "lang" in text


def test_broken_toml_of_others_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[[[")
    assert config.load(tmp_path).select == ()


# --- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_list_of_rules(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    from torchward.engine import known_codes

    assert main(["rules", "--lang", language]) == 0
    text = capsys.readouterr().out
    assert all(f"{code} " in text for code in known_codes())
    assert ("自己的规则" in text) == (language == "zh")
    assert main(["rules", "--lang", language, "--select", "INT", "--format", "json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    assert (rule["code"], rule["name"], rule["severity"]) == ("INT001", "rule-failed", "warning")


@pytest.mark.parametrize("word", ["INT001", "int001", "rule-failed"])
def test_one_rule(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", word]) == 0
    text = capsys.readouterr().out
    assert text.startswith("INT001 rule-failed")
    assert "rule ‹code› failed: ‹error›" in text
    assert main(["rule", word, "--format", "json", "--lang", "zh"]) == 0
    assert "‹code›" in json.loads(capsys.readouterr().out)["message"]


def test_every_rule_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    from torchward.engine import known_codes

    for code in known_codes():
        for language in ("en", "zh"):
            assert main(["rule", code, "--lang", language]) == 0
            assert "{" not in capsys.readouterr().out.split("\n\n")[1], code


# --- what cannot be run --------------------------------------------------------------------------------------------


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], check=False, capture_output=True, text=True, timeout=60)


def test_missing_script() -> None:
    Path("train.py").touch()
    code, out, err = ran("trian.py", "--x")
    bare = python("trian.py")
    assert (code, out) == (bare.returncode, "")
    assert err == bare.stderr + "torchward: there is no file `trian.py`, so nothing ran. Did you mean `train.py`?\n"
    assert not Path(".torchward").exists()


def test_folder() -> None:
    Path("folder").mkdir()
    code, _, err = ran("folder")
    bare = python("folder")
    assert code == bare.returncode == 1
    assert err.startswith(bare.stderr)
    assert "`folder` is a folder without `__main__.py`" in err


def test_syntax_error() -> None:
    Path("x.py").write_text("a = 1\nb = (\n")
    code, _, err = ran("x.py")
    bare = python("x.py")
    assert code == bare.returncode == 1
    assert err.startswith(bare.stderr)
    assert "x.py has a syntax error at line 2" in err


def test_never_imports_torch() -> None:
    Path("x.py").write_text("print('hello')\n")
    code, out, err = ran("x.py")
    assert (code, out) == (0, "hello\n")
    assert "imported torch" in err


def test_command_that_is_not_python() -> None:
    code, out, err = ran("sh", "-c", "echo hello; exit 5")
    assert (code, out) == (5, "hello\n")
    assert "imported torch" in err


def test_command_that_does_not_exist() -> None:
    code, out, err = ran("torchrum", "--nproc-per-node", "2", "x.py")
    assert (code, out) == (127, "")
    assert "`torchrun`" in hint(err)
    assert ran("./nowhere/program")[0] == 127


@pytest.mark.skipif(os.name == "nt", reason="no such bit there")
def test_file_that_cannot_be_executed() -> None:
    Path("data.bin").write_bytes(b"\0\1")
    assert ran("./data.bin")[0] == 126
    Path("tool.sh").write_text("#!/no/such/interpreter\n")
    Path("tool.sh").chmod(0o755)
    assert ran("./tool.sh")[0] == 127
    Path("plain.sh").write_text("exit 6\n")  # no `#!`: a shell runs it as its own
    Path("plain.sh").chmod(0o755)
    assert ran("./plain.sh")[0] == 6


# --- the run's folder ----------------------------------------------------------------------------------------------


def test_default_folder() -> None:
    Path("train.py").write_text("raise SystemExit(3)")
    assert ran("train.py", "--epochs", "3")[0] == 3
    assert ran("train.py")[0] == 3
    folders = sorted(Path(".torchward/runs").iterdir())
    assert len(folders) == 2
    assert all(re.fullmatch(r"\d{8}-\d{6}-train(-\d)?", folder.name) for folder in folders)
    assert Path(".torchward/.gitignore").read_text() == "*\n"
    launches = [json.loads((folder / "launch.json").read_text()) for folder in folders]
    assert sorted(launch["command"] for launch in launches) == [["train.py"], ["train.py", "--epochs", "3"]]
    assert all(launch["returncode"] == 3 and launch["ended"] >= launch["started"] for launch in launches)
    assert all((folder / name).stat().st_size for folder in folders for name in ("findings.json", "report.html"))


def test_own_folder_and_one_that_holds_a_run() -> None:
    Path("mine").mkdir()
    assert ran("--run-dir", "mine", "-c", "pass")[0] == 0
    before = sorted(path.name for path in Path("mine").iterdir())
    code, out, err = ran("--run-dir", "mine", "-c", "print(1)")
    assert (code, out) == (2, "")
    assert "`torchward show mine`" in hint(err)
    assert sorted(path.name for path in Path("mine").iterdir()) == before
    Path("file").touch()
    assert ran("--run-dir", "file", "-c", "print(1)")[:2] == (2, "")


def test_names_of_runs() -> None:
    name = _session._name
    assert name(["torchrun", "--nproc-per-node", "2", "a/train_gpt.py", "x"]) == "train_gpt"
    assert name(["-m", "pack.age", "train"]) == "pack.age"
    assert name(["-"]) == "stdin"
    assert name(["-c", "import torch"]) == "command"
    assert name(["sub folder/"]) == "sub_folder"


def test_report_as_json_on_standard_error() -> None:
    code, out, err = ran("--format", "json", "-c", "print(1)")
    assert (code, out) == (0, "1\n")
    assert json.loads(err)["exit_status"] == 0


def test_a_reader_that_went_away() -> None:
    done = subprocess.run(
        f"{sys.executable} -m torchward rules --format json | true; echo ${{PIPESTATUS[0]}}",
        check=False, shell=True, executable="/bin/bash", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")
