"""The recorder and its log: readable however it ends, bounded however long the run, never in the run's way."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from torchward import runlog
from torchward.collect.run import RunBuilder


def run(tmp_path: Path, source: str, *, watched: bool = True) -> tuple[subprocess.CompletedProcess[str], Path]:
    script, folder = tmp_path / "train.py", tmp_path / "run"
    script.write_text(textwrap.dedent(source))
    command = [sys.executable, "-m", "torchward", "run", "--run-dir", str(folder)] if watched else [sys.executable]
    done = subprocess.run([*command, str(script)], capture_output=True, text=True, check=False, timeout=300)
    return done, folder


def test_a_log_cut_off_at_any_byte_is_readable_up_to_there(tmp_path: Path) -> None:
    writer = runlog.Writer(tmp_path / "whole.jsonl")
    rows = [("head", {"version": runlog.VERSION}), *(("L", {"i": 0, "t": n, "v": [n / 3]}) for n in range(20))]
    for kind, fields in rows:
        writer.add(kind, **fields)
    writer.close()
    whole = (tmp_path / "whole.jsonl").read_bytes()
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        (tmp_path / "cut.jsonl").write_bytes(whole[:cut])
        read = list(runlog.read(tmp_path / "cut.jsonl"))
        assert len(read) == sum(end < cut for end in ends)
        builder = RunBuilder()
        builder.feed(read)
        builder.facts()


def test_a_log_is_followed_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    tail = runlog.Tail(path)
    assert tail.poll() == []
    path.write_bytes(b'{"k":"a"}\n{"k":')
    assert [row["k"] for row in tail.poll()] == ["a"]
    with path.open("ab") as file:
        file.write(b'"b"}\n')
    assert [row["k"] for row in tail.poll()] == ["b"]


def test_rows_that_make_no_sense_are_left_out_and_said_so() -> None:
    builder = RunBuilder()
    builder.feed([{"k": "L", "i": 0}, {"k": "L", "i": 0, "t": 0, "v": [1.0, 2.0]}, {"k": "of a later version"}])
    (run_fact,) = builder.facts()
    assert list(run_fact.streams) == []
    assert "unreadable" in run_fact.blind["log"]


TRAIN = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range({steps}):
        x = torch.randn(32, 8)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("done", loss.item())
"""


@pytest.mark.torch
def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))\n"
    source = limit + textwrap.dedent(TRAIN.format(steps=3_000))
    done, folder = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert done.returncode == 0
    assert done.stdout == bare.stdout
    assert done.stderr.count("recording stopped") == 1
    (log,) = (folder / "logs").glob("*.jsonl")
    builder = RunBuilder()
    builder.feed(runlog.read(log))
    assert builder.facts()[0].samples > 0
    assert json.loads((folder / "findings.json").read_text())["looked_at"]["samples"] > 0


@pytest.mark.torch
def test_the_recorder_keeps_its_size_however_long_the_run(tmp_path: Path) -> None:
    source = """
        import sys, tracemalloc
        import torch
        from torch import nn
        from torchward.runtime import watch
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        def train(steps):
            for _ in range(steps):
                x = torch.randn(8, 8)
                loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
                optimizer.zero_grad(); loss.backward(); optimizer.step()
        def held():
            own = tracemalloc.Filter(True, "*/torchward/*")
            return sum(item.size for item in tracemalloc.take_snapshot().filter_traces([own]).statistics("filename"))
        watch.start(sys.argv[1])
        train(600)
        tracemalloc.start()
        train(1200)
        first = held()
        train(6000)
        print(first, held())
    """
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")], capture_output=True, text=True, check=True, timeout=300
    )
    first, last = map(int, done.stdout.split())
    assert last - first < 60_000  # 7,200 steps of losses and durations would be over 100 kB


@pytest.mark.torch
def test_a_part_that_fails_is_switched_off_and_training_goes_on(tmp_path: Path) -> None:
    sabotage = "import torchward.runtime.graph as graph\ngraph.walk = lambda root: 1 / 0\n"
    source = "import torch\n" + sabotage + textwrap.dedent(TRAIN.format(steps=300))
    done, folder = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert done.returncode == 0
    assert done.stdout == bare.stdout
    assert done.stderr.count("ZeroDivisionError") >= 1
    assert done.stderr.count("was switched off: ZeroDivisionError") == 1
    found = json.loads((folder / "findings.json").read_text())
    assert any("ZeroDivisionError" in item["why"] for item in found["could_not_look"])
    assert found["looked_at"]["steps"] == 300


@pytest.mark.torch
def test_tracebacks_and_warnings_do_not_show_the_wrappers(tmp_path: Path) -> None:
    source = """
        import traceback, torch
        from torch import nn
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for call in (
            lambda: model(torch.zeros(2, 4)),
            lambda: nn.functional.cross_entropy(torch.zeros(2, 3), torch.zeros(3).long()),
            lambda: torch.zeros(2, requires_grad=True).backward(),
            lambda: torch.zeros(2).item(),
            lambda: next(iter(torch.utils.data.DataLoader([1, "a"], batch_size=2))),
            lambda: model.load_state_dict({}),
        ):
            try:
                call()
            except Exception:
                traceback.print_exc()
        nn.functional.mse_loss(torch.zeros(3, 1), torch.zeros(3))
        torch.jit.script(nn.CrossEntropyLoss())
        model(torch.zeros(2, 4))
    """
    done, _ = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert "cross_entropy_loss" in bare.stderr
    assert "UserWarning: Using a target size" in bare.stderr
    assert done.returncode == bare.returncode == 1
    assert done.stderr.startswith(bare.stderr)
