"""Builds the facts of single things that losses were seen to do, and of folds and categories."""

from __future__ import annotations

from collections import defaultdict

from torchward.collect.run._rows import Ledger, Part, column
from torchward.facts import (
    BatchedGraphs,
    Bounded,
    DeafBackward,
    Fields,
    Fold,
    Folds,
    Picked,
    Pull,
    Renumbered,
    Scaled,
    ScaledTogether,
    Smoothed,
    Squashed,
)
from torchward.runlog import Row


class Bounds(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._bounded: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._scaled: dict[int, list[Row]] = defaultdict(list)
        self._fields: dict[tuple[int, str], Row] = {}
        self._deaf: dict[str, Row] = {}
        self._pulls: dict[int, list[Row]] = defaultdict(list)
        self._smoothed: dict[int, list[Row]] = defaultdict(list)
        self._picks: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
        self._scales: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._squashed: dict[tuple[int, int, int, str], list[Row]] = defaultdict(list)
        self._graphs: dict[int, list[Row]] = defaultdict(list)
        self._folds: dict[tuple[int, int], dict[int, Row]] = defaultdict(dict)
        self._codes: list[Row] = []

    # -- rows

    def on_bd(self, row: Row) -> None:
        self._bounded[row["i"], row["p"]].append(row)

    def on_pick(self, row: Row) -> None:
        self._picks[row["i"], row["p"], row["op"]].append(row)

    def on_scl(self, row: Row) -> None:
        self._scales[row["i"], row["p"]].append(row)

    def on_sqz(self, row: Row) -> None:
        self._squashed[row["i"], row["m"], row["o"], row["c"]].append(row)

    def on_bg(self, row: Row) -> None:
        self._graphs[row["i"]].append(row)

    def on_hz(self, row: Row) -> None:
        self._scaled[row["i"]].append(row)

    def on_fields(self, row: Row) -> None:
        self._fields[row["m"], row["name"]] = row

    def on_deaf(self, row: Row) -> None:
        self._deaf.setdefault(row["name"], row)

    def on_pull(self, row: Row) -> None:
        self._pulls[row["i"]].append(row)

    def on_smo(self, row: Row) -> None:
        self._smoothed[row["i"]].append(row)

    def on_fold(self, row: Row) -> None:
        self._folds[row["i"], row["m"]][row["f"]] = row

    def on_codes(self, row: Row) -> None:
        self._codes.append(row)

    # -- facts

    def scaled_together(self) -> tuple[ScaledTogether, ...]:
        return tuple(
            ScaledTogether(loss, len(rows), rows[0]["how"], rows[0]["p"], rows[0]["n"])
            for loss, rows in sorted(self._scaled.items())
        )

    def fields(self) -> tuple[Fields, ...]:
        return tuple(
            Fields(
                row["m"],
                row["name"],
                self.ledger.site(row["site"]),
                row["n"],
                tuple((low, high) for low, high in row["f"]),
            )
            for row in self._fields.values()
        )

    def deaf_backwards(self) -> tuple[DeafBackward, ...]:
        return tuple(DeafBackward(name, self.ledger.site(row["site"])) for name, row in self._deaf.items())

    def pulls(self) -> tuple[Pull, ...]:
        return tuple(
            Pull(
                stream,
                self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site")),
                len(rows),
                sum(row["z"] == row["n"] for row in rows),
                max(row["n"] for row in rows),
                min(row["s"] for row in rows),
                max(row["s"] for row in rows),
            )
            for stream, rows in sorted(self._pulls.items())
        )

    def smoothed(self) -> tuple[Smoothed, ...]:
        return tuple(
            Smoothed(
                self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site")),
                rows[-1]["n"],
                rows[-1]["a"],
                rows[-1]["b"],
                len(rows),
            )
            for stream, rows in sorted(self._smoothed.items())
        )

    def renumbered(self) -> tuple[Renumbered, ...]:
        return tuple(
            Renumbered(
                row["m"],
                row["mod"],
                row["name"],
                self.ledger.site(row["site"]),
                self.ledger.site(row["other"]),
                *(row[key] for key in ("n", "on", "both", "moved", "s")),
            )
            for row in self._codes
        )

    def folds(self) -> tuple[Folds, ...]:
        found = []
        for (_, model), rows in sorted(self._folds.items()):
            first = next(iter(rows.values()))
            folds = [
                Fold(number, row["n"], row["h"], row["met"], row["tr"], row["c"], row["s"])
                for number, row in sorted(rows.items())
            ]
            found.append(Folds(model, first["name"], self.ledger.site(first["sp"]), folds))
        return tuple(found)

    def batched_graphs(self) -> tuple[BatchedGraphs, ...]:
        return tuple(
            BatchedGraphs(
                self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site")),
                rows[-1]["n"],
                rows[-1]["g"],
                rows[-1]["b"],
                rows[-1]["r"],
                len(rows),
                sum(row["r"] <= row["b"] for row in rows),
            )
            for stream, rows in sorted(self._graphs.items())
        )

    def picked(self) -> tuple[Picked, ...]:
        return tuple(
            Picked(
                stream,
                self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site")),
                operation,
                tuple(rows[-1]["sh"]),
                rows[-1]["n"],
                column(rows, "m"),
                rows[-1]["r"],
            )
            for (stream, _, operation), rows in sorted(self._picks.items())
        )

    def squashed(self) -> tuple[Squashed, ...]:
        return tuple(
            Squashed(*key, len(rows), all(row["n"] for row in rows), sum(row["e"] for row in rows) / len(rows))
            for key, rows in sorted(self._squashed.items())
        )

    def scaled(self) -> tuple[Scaled, ...]:
        return tuple(
            Scaled(
                stream,
                self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site")),
                rows[-1]["n"],
                column(rows, "w"),
                column(rows, "lo"),
                column(rows, "l"),
            )
            for (stream, _), rows in sorted(self._scales.items())
        )

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
