"""Promise 2: training is bit-identical with and without torchward."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("identity_program.py")
KINDS = ("mlp", "cnn", "lstm", "transformer", "gan", "entangled", "outside", "workers", "compiled", "closures")


def output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_weights_losses_and_random_states_are_the_same_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    bare = output([sys.executable, str(PROGRAM), kind])
    folder = tmp_path / "run"
    watched = output([sys.executable, "-m", "torchward", "run", "--run-dir", str(folder), str(PROGRAM), kind])
    assert "weights" in bare
    assert watched == bare
    # It was really watched: steps were sampled, and nothing of the recorder failed.
    found = json.loads((folder / "findings.json").read_text())
    assert found["looked_at"]["samples"] >= 5
    logs = "".join(path.read_text() for path in (folder / "logs").glob("*.jsonl"))
    assert '"k":"error"' not in logs
    if kind not in ("gan", "entangled", "compiled"):
        assert '"kind":"LeakProbe"' in logs
