"""Watching from inside: as a context manager, with one call, and in a notebook with a real kernel."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

TRAIN = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.randn(640, 10)
y = x[:, :3].argmax(1)
for epoch in range(15):
    for rows in torch.randperm(640).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def python(tmp_path: Path, source: str, *command: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "train.py"
    script.write_text(source)
    words = [sys.executable, *command, str(script)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)


def codes(folder: Path) -> list[str]:
    return [finding["code"] for finding in json.loads((folder / "findings.json").read_text())["findings"]]


def test_a_with_block_reports_at_its_end_and_leaves_torch_as_it_was(tmp_path: Path) -> None:
    source = "import torch, torchward\nbefore = torch.nn.functional.cross_entropy, torch.nn.Module.__call__\n"
    source += "with torchward.watch('run'):\n" + textwrap.indent(TRAIN, "    ")
    source += "assert before == (torch.nn.functional.cross_entropy, torch.nn.Module.__call__)\nprint('end')\n"
    done = python(tmp_path, source)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "end\n"
    assert "LOS001" in done.stderr
    assert codes(tmp_path / "run")[0] == "LOS001"


def test_one_call_at_the_top_watches_to_the_end_of_the_process(tmp_path: Path) -> None:
    done = python(tmp_path, "import torchward\ntorchward.watch()\n" + TRAIN + "print('end')\n")
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / ".torchward" / "runs").iterdir()
    assert codes(folder)[0] == "LOS001"


def test_isolated_python_is_reached_from_inside(tmp_path: Path) -> None:
    done = python(tmp_path, "import torchward\ntorchward.watch('run')\n" + TRAIN, "-I")
    assert done.returncode == 0, done.stderr
    assert codes(tmp_path / "run")[0] == "LOS001"


def test_a_run_is_watched_once_even_if_it_asks_twice(tmp_path: Path) -> None:
    source = "import torchward\ntorchward.watch('inner')\n" + TRAIN
    done = python(tmp_path, source, "-m", "torchward", "run", "--run-dir", "outer")
    assert done.returncode == 0, done.stderr
    assert codes(tmp_path / "outer")[0] == "LOS001"
    assert not (tmp_path / "inner").exists()


def test_an_exception_in_the_block_passes_and_the_report_is_made(tmp_path: Path) -> None:
    source = "import torchward\nwith torchward.watch('run'):\n" + textwrap.indent(TRAIN, "    ") + "    1 / 0\n"
    done = python(tmp_path, source)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    assert codes(tmp_path / "run")[0] == "LOS001"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("torchward.watch(lang='fr')", "ValueError"),
        ("torchward.watch(budget='-1')", "ValueError"),
        ("torchward.watch('.torchward')", "FileExistsError"),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, call: str, error: str) -> None:
    (tmp_path / ".torchward" / "logs").mkdir(parents=True)
    done = python(tmp_path, f"import torchward\n{call}\n")
    assert done.returncode == 1
    assert error in done.stderr.splitlines()[-1]


def test_a_notebook_tells_after_the_cell_that_trained(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    cells = ["%load_ext torchward", TRAIN, "1 + 1", "%unload_ext torchward"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]
    assert "LOS001" in said[1]
    assert "LOS001" not in said[2]
    assert "LOS001" in said[3]
    (folder,) = (tmp_path / ".torchward" / "runs").iterdir()
    assert codes(folder)[0] == "LOS001"
