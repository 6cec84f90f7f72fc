"""Builds the facts of scores that cannot exceed a bound."""

from __future__ import annotations

from collections import defaultdict

from torchward.collect.run._rows import Ledger, Part, column
from torchward.facts import Bounded
from torchward.runlog import Row


class Bounds(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._bounded: dict[tuple[int, int], list[Row]] = defaultdict(list)

    # -- rows

    def on_bd(self, row: Row) -> None:
        self._bounded[row["i"], row["p"]].append(row)

    # -- facts

    def bounded(self) -> tuple[Bounded, ...]:
        found = []
        for (stream, _), rows in sorted(self._bounded.items()):
            losses = {row["l"] for row in rows}
            index = losses.pop() if len(losses) == 1 else -1
            of = self.ledger.rows["loss" if index >= 0 else "stream"].get(index if index >= 0 else stream, {})
            found.append(
                Bounded(
                    stream,
                    self.ledger.site(of.get("site")),
                    index if index >= 0 else None,
                    column(rows, "b"),
                    column(rows, "u"),
                    column(rows, "w"),
                    min(row["c"] for row in rows),
                )
            )
        return tuple(found)
