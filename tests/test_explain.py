"""`torchward explain`, a crash under `torchward run`, and `torchward.explain()`: what users see."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from torchward import cli
from torchward.collect import crash as collect
from torchward.collect import log
from torchward.engine import explain, judge, load_rules
from torchward.facts import Crash
from torchward.report import crash as report
from torchward.rule import Confidence

LOG = (
    "epoch 1\n"
    "Traceback (most recent call last):\n"
    '  File "/home/u/net.py", line 12, in forward\n'
    "    x = self.fc1(x)\n"
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x9216 and 400x120)\n"
)


def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, *words: str) -> tuple[int, str]:
    path = tmp_path / "slurm-1.out"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    status = cli.main(["explain", *words, str(path)])
    return status, capsys.readouterr().out


def test_short_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(tmp_path, capsys, LOG, "--lang", "en")
    assert status == 1
    assert len(out.splitlines()) < 15
    for part in (
        "ERR100 matmul-shapes",
        "net.py:12 in forward",
        "line 5: RuntimeError",
        "nn.Linear(9216, 120)",
        "likely",
    ):
        assert part in out
    assert "{" not in out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    _, short = run(tmp_path, capsys, LOG, "--lang", language)
    _, long = run(tmp_path, capsys, LOG, "--lang", language, "--verbose")
    assert len(long.splitlines()) > len(short.splitlines())
    assert "https://" in long
    assert ("为" in short) == (language == "zh")


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("", 0, "empty"),
        ("all is well\n", 0, "no error was found in 1 lines"),
        (bytes(range(256)) * 20, 0, "not text"),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    d['x']\nKeyError: 'x'\n",
            1,
            "nothing is known",
        ),
        (LOG.rsplit("\n", 2)[0] + "\n", 1, "ends within a traceback"),
        (
            "ChildFailedError:\n  rank      : 3 (local_rank: 3)\n  exitcode  : 1 (pid: 3)\n  error_file: <N/A>\n",
            1,
            "first",
        ),
    ],
)
def test_bad_input_is_named_and_nothing_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, status: int, told: str
) -> None:
    got, out = run(tmp_path, capsys, text, "--lang", "en")
    # Where a line breaks depends on how long the path is.
    assert (got, told in " ".join(out.split())) == (status, True), out


def test_a_file_that_is_not_there_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "no-such.log"]) == 2
    assert "no-such.log" in capsys.readouterr().err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Piped(io.TextIOWrapper):
        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(LOG.encode())))
    assert cli.main(["explain"]) == 1
    assert "ERR100" in capsys.readouterr().out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(tmp_path, capsys, LOG, "--format", "json", "--lang", "en")
    told = json.loads(out)
    assert (told["version"], told["status"], told["lines"]) == (1, "explained", 5)
    (finding,) = told["findings"]
    assert (finding["code"], finding["confidence"], finding["causes"][0]["name"]) == ("ERR100", "likely", "flatten")
    assert finding["values"]["want"] == 400
    assert finding["evidence"][0]["line"] == 5
    assert told["exceptions"][0]["frames"][0]["code"] == "x = self.fc1(x)"


def test_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(tmp_path, capsys, LOG, "--format", "sarif")
    told = json.loads(out)
    assert told["version"] == "2.1.0"
    (result,) = told["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("ERR100", "error")
    assert place["region"]["startLine"] == 12
    assert result["ruleId"] in [rule["id"] for rule in told["runs"][0]["tool"]["driver"]["rules"]]


def test_a_log_never_uses_this_machines_versions() -> None:
    crash = log.parse(LOG)
    assert (crash.live, crash.versions, crash.operands, crash.capability) == (False, {}, (), "")


# --- what a process tells of its own end ------------------------------------------------------------------------------


def row(kind: str, message: str, rank: int | None = None, time: float = 0.0) -> dict[str, object]:
    return {"chain": [{"type": kind, "message": message, "link": "", "frames": []}], "rank": rank, "time": time}


def test_of_several_processes_the_one_whose_failure_is_its_own_counts() -> None:
    rows = [
        row("ChildFailedError", "", None, 9.0),
        row("RuntimeError", "Connection closed by peer", 0, 1.0),
        row("ValueError", "the cause", 1, 2.0),
    ]
    crash = collect.from_processes(rows, 1)
    assert crash is not None
    assert crash.rank == 1
    assert (crash.raised[0].type, crash.raised[0].consequence) == ("ValueError", "")


@pytest.mark.parametrize(
    ("code", "told"), [(-9, True), (-11, False), (-2, False), (-15, False), (0, False), (1, False)]
)
def test_an_end_by_a_signal(code: int, told: bool) -> None:
    crash = collect.from_exit(code)
    assert ("ERR240" in [one.finding.code for one in explain(crash)] if crash else False) == told


def test_the_engine_takes_a_crash_and_links_it_with_what_led_to_it() -> None:
    message = "all elements of input should be between 0 and 1"
    rules = load_rules()
    crash = Crash(live=True, raised=log.parse("RuntimeError: " + message).raised)
    assert judge([crash], rules).rules == len([rule for rule in rules.values() if rule.checks])
    known = judge([log.parse(LOG)], rules)
    assert [finding.code for finding in known.findings] == ["ERR100"]
    assert known.findings[0].confidence is Confidence.LIKELY
    assert judge([log.parse(LOG)], rules, ["OPT"]).findings == ()


QUOTED = (
    "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
    '  File "/site-packages/torch/utils/data/_utils/worker.py", line 5, in _worker_loop\n    data = fetch()\n'
    '  File "/home/u/data.py", line 9, in __getitem__\n    return self.norm(x)\n'
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x1)\n"
)


def test_what_a_message_quotes_is_where_the_trouble_began() -> None:
    crash = collect.from_row(row("RuntimeError", QUOTED))
    first, second = crash.raised
    assert (first.site.file, first.site.line) == ("/home/u/data.py", 9)  # type: ignore[union-attr]
    assert (first.consequence, second.consequence) == ("", "wrapper")
    assert [one.finding.place.line for one in explain(crash)] == [9]


# --- for real ---------------------------------------------------------------------------------------------------------

PROGRAM = """
import torch
from torch import nn

class Odd:
    def __repr__(self):
        raise RuntimeError("no repr")
    def __getattr__(self, name):
        raise SystemExit("touched")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(400, 120)
        self.odd = Odd()

    def forward(self, x):
        odd, cycle = self.odd, []
        cycle.append(cycle)
        return odd and self.fc1(x), cycle, self.odd

net = Net()
net(torch.zeros(8, 9216))
"""


def watched(folder: Path, program: str, *words: str) -> tuple[str, dict[str, object]]:
    script = folder / "train.py"
    script.write_text(textwrap.dedent(program), encoding="utf-8")
    command = [sys.executable, "-m", "torchward", "run", "--lang", "en", "--run-dir", str(folder / "run"), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script)], capture_output=True, text=True, check=False, timeout=120, cwd=folder, env=environment
    )
    assert done.returncode != 0
    return done.stderr, json.loads((folder / "run" / "findings.json").read_text(encoding="utf-8"))


@pytest.mark.torch
def test_a_crash_under_run_is_explained_with_its_tensors(tmp_path: Path) -> None:
    err, told = watched(tmp_path, PROGRAM)
    assert "Traceback" in err.split("torchward:")[0]
    (finding,) = told["findings"]  # type: ignore[misc]
    assert finding["code"] == "ERR100"
    assert finding["place"]["line"] == 20
    assert "x: float32 (8, 9216) cpu" in err
    assert "self.fc1: Linear(in_features=400, out_features=120" in err
    assert "ERR100" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.torch
def test_what_led_to_the_crash_is_named_first(tmp_path: Path) -> None:
    _, told = watched(
        tmp_path,
        """
        import torch
        from torch import nn
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
        optimizer = torch.optim.SGD(net.parameters(), lr=1e18)
        x = torch.randn(64, 4)
        y = (x[:, :1] > 0).float()
        for step in range(40):
            out = net(x)
            loss = nn.functional.mse_loss(out, y)
            if step > 25:
                loss = nn.functional.binary_cross_entropy(torch.sigmoid(out), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        """,
    )
    (first,) = told["findings"]  # type: ignore[misc]
    assert first["code"] in ("OPT007", "NUM001", "NUM002")
    assert "ERR336" in [symptom["code"] for symptom in first["symptoms"]]


@pytest.mark.torch
def test_a_crash_that_nothing_explains_still_shows_its_tensors(tmp_path: Path) -> None:
    _, told = watched(tmp_path, "import torch\nx = torch.zeros(3, 4)\nx.frobnicate()\n")
    (finding,) = told["findings"]  # type: ignore[misc]
    assert finding["code"] == "ERR001"
    assert finding["evidence"]["operands"] == ["x: float32 (3, 4) cpu"]
    assert finding["evidence"]["expression"].replace("»", "").replace("«", "") == "x.frobnicate()"


@pytest.mark.torch
def test_a_torch_that_cannot_be_imported_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('_ARRAY_API not found')\n", encoding="utf-8")
    _, told = watched(tmp_path, "import torch\n")
    (finding,) = told["findings"]  # type: ignore[misc]
    assert finding["code"] == "ERR600"


@pytest.mark.torch
def test_a_killed_run_is_explained(tmp_path: Path) -> None:
    _, told = watched(tmp_path, "import os, torch\nos.kill(os.getpid(), 9)\n")
    assert [finding["code"] for finding in told["findings"]] == ["ERR240"]  # type: ignore[attr-defined]


CHILDREN = """
    import sys, multiprocessing, torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset

    def work(rank=0):
        layer, wrong = nn.Linear(400, 120), torch.zeros(8, 9216)
        return layer(wrong)

    class Data(Dataset):
        def __len__(self):
            return 4
        def __getitem__(self, index):
            return work()

    if __name__ == "__main__":
        how = {how!r}
        if how == "loader":
            next(iter(DataLoader(Data(), 2, num_workers=1)))
        elif how == "mp.spawn":
            torch.multiprocessing.spawn(work, nprocs=1)
        else:
            child = multiprocessing.get_context(how).Process(target=work)
            child.start()
            child.join()
            sys.exit(child.exitcode)
"""


@pytest.mark.torch
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize("how", ["fork", "spawn", "mp.spawn", "loader"])
def test_a_child_that_fails_is_explained_with_its_tensors(tmp_path: Path, how: str) -> None:
    _, told = watched(tmp_path, textwrap.dedent(CHILDREN).replace("{how!r}", repr(how)))
    (finding,) = told["findings"]  # type: ignore[misc]
    assert finding["code"] == "ERR100"
    assert finding["place"]["function"] == "work"
    assert "wrong: float32 (8, 9216) cpu" in finding["evidence"]["operands"]


@pytest.mark.torch
def test_a_child_whose_parent_goes_on_is_no_crash(tmp_path: Path) -> None:
    program = CHILDREN.replace("{how!r}", "'fork'").replace("sys.exit(child.exitcode)", "sys.exit(0)")
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(program), encoding="utf-8")
    command = [sys.executable, "-m", "torchward", "run", "--run-dir", str(tmp_path / "run"), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads((tmp_path / "run" / "findings.json").read_text(encoding="utf-8"))["findings"] == []


FLATTENED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5)
        self.fc = nn.Linear(16 * 4 * 6, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x), 1))

Net()(torch.zeros(2, 3, 16, 24))
"""


@pytest.mark.torch
def test_which_layer_made_what_was_flattened(capsys: pytest.CaptureFixture[str]) -> None:
    import torchward

    with pytest.raises(RuntimeError) as caught:
        exec(compile(FLATTENED, "net.py", "exec"), {"__name__": "__main__"})
    torchward.explain(caught.value, lang="en")
    out = " ".join(capsys.readouterr().out.split())
    assert "`self.conv` puts out 16 channels" in out
    assert "nn.Linear(3840, 10)" in out


@pytest.mark.torch
def test_explain_after_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    import torchward

    layer = torch.nn.Linear(4, 1)
    wrong = torch.zeros(8, 3)
    try:
        layer(wrong)
    except RuntimeError:
        torchward.explain(lang="en")
    out = capsys.readouterr().out
    assert "ERR100" in out
    assert "wrong: float32 (8, 3) cpu" in out
    assert "layer: Linear(in_features=4, out_features=1" in out
    try:
        raise ValueError("nothing of ours") from RuntimeError("mat1 and mat2 shapes cannot be multiplied (8x3 and 4x1)")
    except ValueError as error:
        torchward.explain(error, lang="zh")
    assert "ERR100" in capsys.readouterr().out


@pytest.mark.torch
def test_nothing_that_a_program_holds_can_harm(capsys: pytest.CaptureFixture[str]) -> None:
    from torchward.runtime.crash import describe

    class BadError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no message")

    huge = list(range(1_000_000))
    try:
        try:
            raise BadError(huge)
        except BadError as first:
            raise KeyError(huge[:10]) from first
    except KeyError as error:
        error.__context__ = error  # a circle
        told = describe(error)
    assert [one["type"].rpartition(".")[2] for one in told["chain"]] == ["BadError", "KeyError"]
    assert len(json.dumps(told)) < 20_000


def test_reports_of_what_is_not_known_are_short() -> None:
    out = io.StringIO()
    report.write(report.Explained(log.parse("KeyError: 3\n"), (), "en"), out)
    assert len(out.getvalue().splitlines()) < 6
