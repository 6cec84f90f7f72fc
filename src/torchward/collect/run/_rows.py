"""What the builders of facts share: rows kept by kind and index, places in the source, series under construction."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from torchward.facts import Series, Site
from torchward.runlog import Row

SERIES_LIMIT = 10_000
"""Values of one series that are kept: memory, and the time of a judgement, are bounded however long the run is."""

THINGS = ("root", "param", "module", "opt", "sched", "loader", "loss", "stream", "act", "clip", "learner", "ft")
"""Kinds of rows that describe a thing; later ones add to what is known of it."""
COUNTS = ("ck", "fw", "oc", "sc", "lc", "cc", "lb", "resumed")
"""... that count what happened to it; the last one holds."""


class Growing:
    """A series under construction. A long one keeps every second value, later every fourth, and so on, evenly."""

    __slots__ = ("seen", "steps", "stride", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")
        self.seen, self.stride = 0, 1

    def add(self, step: int, value: float | None) -> None:
        self.seen += 1
        if self.stride > 1 and self.seen % self.stride:
            return
        self.steps.append(step)
        self.values.append(math.nan if value is None else value)
        if len(self.steps) > SERIES_LIMIT:
            # Those stay whose number is a multiple of the new stride.
            self.steps, self.values, self.stride = self.steps[1::2], self.values[1::2], 2 * self.stride

    def series(self) -> Series:
        return Series(self.steps[:], self.values[:])


def by_key() -> defaultdict[Any, Growing]:
    return defaultdict(Growing)


def column(rows: Sequence[Row], key: str) -> Series:
    """One value of each row, over its step."""
    return Series([row["s"] for row in rows], [row[key] for row in rows])


class Ledger:
    """What has been told of each thing, and the places that rows name by number."""

    def __init__(self) -> None:
        self.sites: dict[int, Site] = {}
        self.rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self.counts: dict[str, dict[int, Row]] = defaultdict(dict)

    def keep(self, row: Row) -> None:
        self.rows[row["k"]].setdefault(row["i"], {}).update(row)

    def count(self, row: Row) -> None:
        self.counts[row["k"]][row["i"]] = row

    def on_site(self, row: Row) -> None:
        self.sites[row["i"]] = Site(str(row["file"]), int(row["line"]), str(row["fn"]))

    def site(self, index: Any) -> Site | None:
        return self.sites.get(index) if isinstance(index, int) else None

    def sites_of(self, indices: Iterable[Any]) -> tuple[Site, ...]:
        return tuple(site for site in map(self.site, indices) if site is not None)


class Part:
    """Builds the facts of one subject; `on_<kind>` takes in a row of that kind."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger


def mixed(looks: Sequence[Sequence[float]]) -> tuple[float, float, float, float] | None:
    """(mean time step, values, share, rest) of sums over batches, as in `Noised.middle`."""
    count, product, given, target = (sum(one[place] for one in looks) for place in range(1, 5))
    if not count or not target:
        return None
    share = product / target
    time = sum(one[0] * one[1] for one in looks) / count
    return time, count, share, given / count - share * product / count
