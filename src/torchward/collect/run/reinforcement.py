"""Builds the facts of reinforcement learning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from torchward.collect.run._rows import Growing, Ledger, Part, by_key, column
from torchward.facts import (
    Acting,
    Anchor,
    Beside,
    Bootstraps,
    Choices,
    CutTargets,
    EndTargets,
    Episodes,
    HeldObservations,
    Learner,
    Lengths,
    Preferences,
    Site,
)
from torchward.runlog import Row


class Reinforcement(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._logged: dict[tuple[int, str], defaultdict[str, Growing]] = defaultdict(by_key)
        self._boot: dict[int, list[Row]] = defaultdict(list)
        self._ends: dict[int, list[Row]] = defaultdict(list)
        self._episodes: list[Row] = []
        self._anchors: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._lengths: dict[int, list[Row]] = defaultdict(list)
        self._pairs: dict[int, list[Row]] = defaultdict(list)
        self._alike: defaultdict[int, list[Row]] = defaultdict(list)
        self._beside: dict[int, list[Row]] = defaultdict(list)
        self._choices: dict[int, list[Row]] = defaultdict(list)
        self._acts: list[Row] = []
        self._held: list[Row] = []

    # -- rows

    def on_rl(self, row: Row) -> None:
        self.ledger.counts["rl"][row["i"]] = row
        for key in "vb":
            for name, value in row[key].items():
                self._logged[row["i"], key][name].add(row["t"], value)

    def on_bt(self, row: Row) -> None:
        self._boot[row["m"]].append(row)

    def on_be(self, row: Row) -> None:
        self._ends[row["m"]].append(row)

    def on_ep(self, row: Row) -> None:
        self._episodes.append(row)

    def on_ac(self, row: Row) -> None:
        self._choices[row["m"]].append(row)

    def on_xa(self, row: Row) -> None:
        self._acts.append(row)

    def on_pc(self, row: Row) -> None:
        self._pairs[row["i"]].append(row)

    def on_oh(self, row: Row) -> None:
        self._held.append(row)

    def on_et(self, row: Row) -> None:
        self._alike[row["i"]].append(row)

    def on_vp(self, row: Row) -> None:
        self._beside[row["i"]].append(row)

    def on_ln(self, row: Row) -> None:
        self._lengths[row["i"]].append(row)

    def on_anchor(self, row: Row) -> None:
        self._anchors[row["i"], row["site"]].append(row)

    # -- facts

    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(
            Anchor(stream, self.ledger.site(site), column(rows, "d")) for (stream, site), rows in self._anchors.items()
        )

    def preferences(self) -> tuple[Preferences, ...]:
        return tuple(
            Preferences(
                self._site(index),
                rows[-1]["n"],
                *(column(rows, key) for key in "cof"),
            )
            for index, rows in sorted(self._pairs.items())
        )

    def _site(self, stream: int) -> Site | None:
        return self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site"))

    def beside(self) -> tuple[Beside, ...]:
        return tuple(
            Beside(
                index, self._site(index), column(rows, "p"), column(rows, "e"), column(rows, "w"), bool(rows[-1]["sh"])
            )
            for index, rows in sorted(self._beside.items())
        )

    def end_targets(self) -> tuple[EndTargets, ...]:
        return tuple(
            EndTargets(index, self._site(index), column(rows, "e"), column(rows, "c"))
            for index, rows in sorted(self._alike.items())
        )

    def lengths(self) -> tuple[Lengths, ...]:
        found = []
        for index, rows in sorted(self._lengths.items()):
            follows = Growing()
            for row in rows:
                follows.add(row["s"], row["r"])
            site = self._site(index)
            found.append(Lengths(index, site, follows.series(), *(column(rows, key) for key in "muwb")))
        return tuple(found)

    def episodes(self) -> Episodes | None:
        if not self._episodes:
            return None
        last, told, before = self._episodes[-1], [], 0
        for row in self._episodes:
            count, before = row["n"] + row["c"] - before, row["n"] + row["c"]
            if row.get("r") is not None:
                told.append((row, count))
        return Episodes(
            last["n"],
            last["c"],
            last["t"],
            last.get("l", 0),
            column([row for row, _ in told], "r"),
            tuple(count for _, count in told),
        )

    def learners(self) -> tuple[Learner, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["learner"].items()):
            last = self.ledger.counts["rl"].get(index, {})
            low, high = row.get("bounds") or (None, None)
            predicted, normalised, updating = row.get("ev") or (0, 0, 0)
            found.append(
                Learner(
                    index=index,
                    algorithm=row["algorithm"],
                    site=self.ledger.site(row["site"]),
                    total_steps=row.get("total", 0),
                    asked_steps=row.get("asked", 0),
                    begun=row.get("begun", 0),
                    steps=last.get("t", 0),
                    settings=row.get("set", {}),
                    metrics={name: values.series() for name, values in self._logged[index, "v"].items()},
                    actions=row.get("n"),
                    action_low=low,
                    action_high=high,
                    squashed=bool(row.get("squash")),
                    image=bool(row.get("image")),
                    normalised_observations=bool(row.get("no")),
                    normalised_rewards=bool(row.get("nr")),
                    updates=last.get("u", 0),
                    batches={name: values.series() for name, values in self._logged[index, "b"].items()},
                    evaluation_calls=predicted,
                    evaluation_normalised=normalised,
                    evaluation_updating=updating,
                    evaluation_site=self.ledger.site(row.get("es")),
                    normaliser_shift=row.get("shift"),
                    normaliser_apart=row.get("apart"),
                )
            )
        return tuple(found)

    def bootstraps(self, site: Callable[[int], Site | None]) -> tuple[Bootstraps, ...]:
        """`site`: where a model was called."""
        return tuple(
            Bootstraps(
                model,
                site(model),
                sum(row["n"] for row in rows),
                sum(row["o"] for row in rows),
                rows[-1]["g"],
                column(rows, "o"),
                sum(row.get("e", 0) for row in rows),
                sum(row.get("st", 0) for row in rows),
                sum(row.get("z", 0) for row in rows),
                sum(row.get("z", 0) > 0 for row in rows),
            )
            for model, rows in sorted(self._boot.items())
        )

    def held_observations(self) -> tuple[HeldObservations, ...]:
        return tuple(
            HeldObservations(self.ledger.site(row["site"]), row["name"], row["n"], row["h"], row["s"])
            for row in self._held
        )

    def cut_targets(self, site: Callable[[int], Site | None]) -> tuple[CutTargets, ...]:
        """`site`: where a model was called."""
        return tuple(
            CutTargets(model, site(model), sum(row["n"] for row in rows), sum(row["c"] for row in rows))
            for model, rows in sorted(self._ends.items())
        )

    def choices(self) -> tuple[Choices, ...]:
        return tuple(
            Choices(model, rows[-1]["a"], column(rows, "g"), sum(row["n"] for row in rows), rows[-1]["w"])
            for model, rows in sorted(self._choices.items())
        )

    def acting(self) -> tuple[Acting, ...]:
        found = []
        for model in sorted({row["m"] for row in self._acts} - {-1}):
            rows = [
                {"s": row["s"], "n": row["n"] + row["u"], "g": row["g"] / (row["n"] + row["u"])}
                for row in self._acts
                if row["m"] in (model, -1)
            ]
            found.append(Acting(model, column(rows, "g"), tuple(row["n"] for row in rows)))
        return tuple(found)
