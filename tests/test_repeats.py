"""A run is compared with the one before of the same command: what is found beside it, and what may be said of both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from torchward import runlog
from torchward.collect.run._seeds import unseeded
from torchward.commands import _session
from torchward.facts import Run, Start
from torchward.rule import Severity
from torchward.rules.trn import trn014_seed_does_not_repeat as rule

NOW = Start(
    folder="",
    seed=7,
    program="a b 2.13 3.12",
    loss=0.69,
    weights="1:2",
    inputs="3:4",
    targets="5:6",
    numpy=("x", True),
    python=("y", False),
    loaded=False,
)
BEFORE = replace(NOW, loss=0.71, inputs="3:5")


@pytest.mark.parametrize(
    ("before", "severity", "suspects"),
    [
        (replace(BEFORE, numpy=("z", True)), None, ("`np.random`",)),
        (replace(BEFORE, weights="1:3", numpy=("z", True)), None, ("`np.random`",)),
        (BEFORE, Severity.HINT, tuple(f"`{name}`" for name in rule.OTHERS)),
        (replace(BEFORE, numpy=("z", False)), Severity.HINT, tuple(f"`{name}`" for name in rule.OTHERS)),
    ],
)
def test_what_differs_is_named(before: Start, severity: Severity | None, suspects: tuple[str, ...]) -> None:
    (found,) = rule.check(Run(start=NOW, earlier=before))
    assert found.severity == severity
    assert found.data["suspects"] == suspects


@pytest.mark.parametrize(
    "changed",
    [
        {"loss": 0.69000001},
        {"seed": 8},
        {"program": "c b 2.13 3.12"},
        {"inputs": NOW.inputs},
        {"weights": "1:3", "loaded": True},
    ],
    ids=["same loss", "other seed", "other source", "other loss function", "resumed"],
)
def test_nothing_is_said_of_what_should_differ(changed: dict[str, Any]) -> None:
    assert not list(rule.check(Run(start=NOW, earlier=replace(BEFORE, numpy=("z", True), **changed))))
    assert not list(rule.check(Run(start=NOW)))


def _recorded(folder: Path, started: float, command: list[str], seed: int) -> Path:
    (folder / runlog.LOGS).mkdir(parents=True)
    launch = {"command": command, "cwd": "/work", "started": started, "ended": started + 1, "returncode": 0}
    _session.write_launch(folder, launch)
    rows: list[dict[str, Any]] = [
        {"k": "head", "version": runlog.VERSION, "pid": 1, "time": started, "torch": "2.13", "python": "3.12"},
        {"k": "start", "seed": seed, "src": "a", "sh": "b", "np": None, "py": ["y", False], "ld": False,
         "n": [True, False], "v": 0.5, "m": ["1:2", "3:4"]},
    ]  # fmt: skip
    (folder / runlog.LOGS / "1.jsonl").write_text(
        "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    )
    return folder


def test_the_run_before_is_the_last_of_the_same_command(tmp_path: Path) -> None:
    runs = tmp_path / ".torchward" / "runs"
    command = ["train.py", "--lr", "0.1"]
    _recorded(runs / "20260101-000001-train", 1.0, command, 1)
    _recorded(runs / "20260101-000002-train", 2.0, command, 2)
    _recorded(runs / "20260101-000003-train", 3.0, ["train.py", "--lr", "0.2"], 3)
    now = _recorded(runs / "20260101-000004-train-2", 4.0, command, 4)
    _recorded(runs / "20260101-000005-train", 5.0, command, 5)
    found = _session._earlier(now, _session.read_launch(now))
    assert found is not None
    assert (found.seed, found.inputs, found.targets) == (2, "3:4", "")
    assert found.folder.endswith("000002-train")


def test_only_torchwards_own_folders_are_looked_through(tmp_path: Path) -> None:
    _recorded(tmp_path / "one-train", 1.0, ["train.py"], 1)
    now = _recorded(tmp_path / "two-train", 2.0, ["train.py"], 1)
    assert _session._earlier(now, _session.read_launch(now)) is None


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import torch, random\ntorch.manual_seed(0)\nrandom.shuffle([])", ["random"]),
        ("import torch\nfrom random import sample\ntorch.manual_seed(0)\nsample([1], 1)", ["random"]),
        ("import torch, numpy as np\ntorch.manual_seed(0)\nnp.random.default_rng(None)", ["np.random.default_rng()"]),
        ("import torch, numpy as np\ntorch.manual_seed(0)\nnp.random.default_rng(3)", []),
        ("import torch, numpy\ntorch.manual_seed(0)\nnumpy.random.randn(3)\nnumpy.random.seed(0)", []),
        ("import torch, random\ntorch.manual_seed(0)\nrng = random.Random(3)\nrng.shuffle([])", []),
        ("import random\nrandom.shuffle([])", []),
        ("import torch, random, lib\ntorch.manual_seed(0)\nlib.seed_everything(0)\nrandom.shuffle([])", []),
        (
            "import torch, random\ndef set_seed(s):\n    torch.manual_seed(s)\nset_seed(1)\nrandom.random()",
            ["random"],
        ),
        (
            "import torch\nfrom sklearn.model_selection import train_test_split as tts\ntorch.manual_seed(0)\ntts([])",
            ["np.random"],
        ),
        (
            "import torch\nfrom sklearn.model_selection import train_test_split as tts\ntorch.manual_seed(0)\n"
            "tts([], random_state=1)",
            [],
        ),
    ],
)
def test_generators_never_seeded(source: str, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(source, encoding="utf-8")
    assert [one.name for one in unseeded((str(file),))] == names


def test_source_that_cannot_be_read_is_taken_to_seed(tmp_path: Path) -> None:
    file, other = tmp_path / "train.py", tmp_path / "other.py"
    file.write_text("import torch, random\ntorch.manual_seed(0)\nrandom.shuffle([])", encoding="utf-8")
    other.write_text("def broken(:\n", encoding="utf-8")
    assert unseeded((str(file), str(other))) == ()
