"""Embedding tables: which rows are still what they were, and which lookups count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.torch

GROWING = """\
import torch
from torch import nn

torch.manual_seed(0)
embed, head = nn.Embedding(20, 16), nn.Linear(16, 2)
model = nn.Sequential(embed, nn.Flatten(0, 1), head)
for size in (20, 24):
    embed.weight = nn.Parameter(torch.cat([embed.weight.detach(), torch.randn(size - 20, 16)]))
    embed.num_embeddings = size
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(40):
        ids = torch.randint(size, (8, 5))
        loss = nn.functional.cross_entropy(model(ids), (ids % 2).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        model(torch.randint(size, (400, 5)))
"""


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD"])
def test_rows_that_training_never_looked_up_are_unmoved(torch: ModuleType, kind: str, decay: float) -> None:
    from torchward.runtime.tables import Table

    torch.manual_seed(0)
    embed = torch.nn.Embedding(20, 16, padding_idx=0)
    table = Table("embed", embed, "weight")
    optimizer = getattr(torch.optim, kind)(embed.parameters(), lr=0.01, weight_decay=decay)
    for _ in range(30):
        optimizer.zero_grad()
        embed(torch.arange(10)).sin().sum().backward()
        optimizer.step()
    unmoved = table.unmoved(embed.weight).tolist()
    assert not any(unmoved[1:10])
    # Adam divides a decay that is part of the gradient by its size: there one cannot tell.
    assert all(unmoved[10:]) or (kind == "Adam" and decay)


def test_a_table_that_grew_is_followed(torch: ModuleType) -> None:
    from torchward.runtime.tables import Table

    torch.manual_seed(0)
    embed = torch.nn.Embedding(20, 16)
    table = Table("embed", embed, "weight")
    assert table.follow() is None
    table.met[3] = True
    with torch.no_grad():
        embed.weight[3] += 1
    embed.weight = torch.nn.Parameter(torch.cat([embed.weight.detach(), torch.randn(4, 16)]))
    assert len(table.follow()) == 24
    assert table.met.tolist() == [row == 3 for row in range(24)]
    assert (~table.unmoved(embed.weight)).nonzero().tolist() == [[3]]
    assert table.weight() is embed.weight
    assert table.follow() is None
    embed.weight = torch.nn.Parameter(torch.randn(12, 6))
    assert len(table.follow()) == 12
    assert table.met.tolist() == [False] * 12


def test_a_table_may_grow_in_the_middle_of_a_run(torch: ModuleType, tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(GROWING)
    command = [sys.executable, "-m", "torchward", "run", "--lang", "en", "--run-dir", str(tmp_path / "run")]
    command.append(str(program))
    done = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "switched off" not in done.stderr


def test_filling_at_both_ends_of_a_row_is_not_counted(torch: ModuleType) -> None:
    from torchward.runtime.tables import _inner

    rows = torch.tensor([[0, 0, 5, 6, 7, 1, 1], [3, 0, 5, 0, 7, 2, 1]])
    assert _inner(rows).long().tolist() == [[0, 0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 0]]


@pytest.mark.parametrize(
    ("positions", "begins"),
    [
        ([[0, 1, 2, 0, 1, 2, 3, 0]], [3]),
        ([[0, 1, 2, 3, 4, 0, 0, 0]], None),
        ([[0, 1, 2, 3, 4, 5, 6, 7]], None),
        ([[0, 2, 1, 0, 1, 2, 3, 4]], None),
        ([[1, 2, 3, 0, 1, 2, 3, 4]], None),
    ],
)
def test_positions_that_begin_anew_tell_of_several_texts(
    torch: ModuleType, positions: list[list[int]], begins: list[int] | None
) -> None:
    from torchward.runtime.places import texts_begin

    found = texts_begin(torch.tensor(positions), torch.zeros(1, 8, dtype=torch.long))
    assert (found.nonzero()[:, 1].tolist() if found is not None else None) == begins
