"""Builds the facts of batches and of the loaders that they come from."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from statistics import fmean
from typing import Any

from torchward.collect.run._rows import Growing, Ledger, Part, column, mixed
from torchward.facts import (
    Batches,
    Beginning,
    Empties,
    FarOff,
    Fit,
    Forgeries,
    Input,
    Judged,
    Loader,
    Mirrored,
    Noised,
    Orientation,
    Overlap,
    Overlapping,
    Pairs,
    PreparedRows,
    Range,
    RankEvaluation,
    Reordered,
    ResizedClasses,
    SharedUnits,
    Site,
    StoredRows,
    Sweep,
    Swept,
    UnusedLoader,
    WrappedIntegers,
)
from torchward.runlog import Row

EDGE = 0.05
"""Part of the range of time steps that counts as its end."""


class BatchesAndLoaders(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._input: dict[int, dict[str, Growing]] = defaultdict(lambda: defaultdict(Growing))
        self._shown: dict[int, list[Row]] = defaultdict(list)
        self._noised: dict[int, list[Row]] = defaultdict(list)
        self._apart: dict[tuple[int, int], dict[str, Growing]] = defaultdict(lambda: defaultdict(Growing))
        self._prints: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self._input_last: dict[int, Row] = {}
        self._loader_of: dict[int, Counter[int | None]] = defaultdict(Counter)
        self._renewed: Counter[int] = Counter()
        self._pairs: dict[int, Pairs] = {}
        self._empty: dict[int, Row] = {}
        self._begun: dict[int, Row] = {}
        self._asked: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._far: dict[tuple[int, float], list[Row]] = defaultdict(list)
        self._sweeps: dict[tuple[int, int], Row] = {}
        self._forged: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._overlaps: dict[tuple[int, int], list[tuple[int, int, int, int, bool, bool]]] = defaultdict(list)
        self._windows: dict[tuple[int, int, int], Row] = {}
        self._units: dict[tuple[int, int], Row] = {}
        self._reordered: dict[tuple[int, int, int, int], Row] = {}
        self._mirrored: dict[tuple[str, int], Row] = {}
        self._orientations: dict[int, Row] = {}
        self._resized: list[Row] = []
        self._wrapped: dict[tuple[int, str], WrappedIntegers] = {}
        self._alone: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._unused: list[Row] = []
        self._stored: dict[tuple[int, str], StoredRows] = {}

    # -- rows

    def on_th(self, row: Row) -> None:
        self._input[row["m"]]["th"].add(row["s"], row["sd"])

    def on_ov(self, row: Row) -> None:
        self._overlaps[row["m"], row["site"]].append(
            (
                *(row[key] for key in ("n", "h", "tn", "th")),
                *(bool(row.get(key)) for key in ("z", "tz")),
                row.get("sz"),
                tuple(row.get("ts") or ()),
                row.get("d", 0),
                bool(row.get("a")),
            )
        )

    def on_co(self, row: Row) -> None:
        self._reordered[row["m"], row["site"], row["d"], row["ax"]] = row

    def on_wo(self, row: Row) -> None:
        self._windows[row["m"], row["site"], row["ax"]] = row

    def on_shu(self, row: Row) -> None:
        self._units[row["m"], row["site"]] = row

    def on_em(self, row: Row) -> None:
        self._empty[row["m"]] = row

    def on_fe(self, row: Row) -> None:
        self._asked[row["i"], row["m"]].append(row)

    def on_far(self, row: Row) -> None:
        self._far[row["m"], row["v"]].append(row)

    def on_begins(self, row: Row) -> None:
        self._begun[row["m"]] = row

    def on_fg(self, row: Row) -> None:
        self._forged[row["m"], row["o"]].append(row)

    def on_wr(self, row: Row) -> None:
        site, (index, name) = self.ledger.site(row["site"]), (row["i"], row["name"])
        self._wrapped[index, name] = WrappedIntegers(index, site, name, row["dt"], row["n"], row["st"], row["f"])

    def on_sw(self, row: Row) -> None:
        self._sweeps[row["m"], row["site"]] = row

    def on_fl(self, row: Row) -> None:
        self._mirrored[row["kind"], row["i"]] = row

    def on_dt(self, row: Row) -> None:
        self._orientations[row["i"]] = row

    def on_ip(self, row: Row) -> None:
        self._resized.append(row)

    def on_xe(self, row: Row) -> None:
        self._alone[row["m"], row["site"]].append(row)

    def on_rd(self, row: Row) -> None:
        site, index, name = self.ledger.site(row["site"]), row["i"], row["name"]
        numbers = (row[key] for key in ("n", "ch", "far", "sd", "rd", "of", "so", "ag", "up", "by"))
        self._stored[index, name] = StoredRows(index, site, name, *numbers)

    def on_dn(self, row: Row) -> None:
        self._noised[row["m"]].append(row)

    def on_gc(self, row: Row) -> None:
        among, nearest = row["d"], row["a"]
        if among > nearest:
            series = self._apart[row["m"], row["by"]]
            series["variety"].add(row["s"], row["g"] / among)
            series["missed"].add(row["s"], (row["r"] - nearest) / (among - nearest))

    def on_un(self, row: Row) -> None:
        self._unused.append(row)

    def on_in(self, row: Row) -> None:
        model = row["m"]
        if "n" not in row["fp"]:  # "nan" and "inf" tell no batches apart
            self._prints[model].append((row["s"], row["fp"]))
        self._input_last[model] = {**self._input_last.get(model, {}), **row}
        self._loader_of[model][row["ld"]] += 1
        self._renewed[model] += bool(row.get("new"))
        if row.get("bm") is not None:
            self._shown[model].append(row)
        for key in ("mean", "std", "lo", "hi", "nf", "rms", "rsd", "sp", "osp", "od", "ax", "oax", "blo", "bhi"):
            if row.get(key) is not None:
                self._input[model][key].add(row["s"], row[key])

    def on_pairs(self, row: Row) -> None:
        names = {field.name for field in fields(Pairs)}
        values: dict[str, Any] = {key: value for key, value in row.items() if key in names}
        values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        self._pairs[row["model"]] = Pairs(**values)

    # -- facts

    def loaders(self) -> tuple[Loader, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["loader"].items()):
            counts = self.ledger.counts["lc"].get(index, {})
            found.append(
                Loader(
                    index=index,
                    site=self.ledger.site(row["site"]),
                    batch_size=row["bs"],
                    batches=row["n"],
                    examples=row["ex"],
                    shuffled=row["sh"],
                    workers=row["w"],
                    iterations=counts.get("it", 0),
                    fetched=counts.get("f", 0),
                    first_batches_only=counts.get("one", 0),
                    wait_seconds=counts.get("w", 0.0),
                    active_seconds=counts.get("a", 0.0),
                    trains=counts.get("tr", 0) > 0 or self._fed_training(index),
                    dataset_kind=row["kind"],
                    first_seconds=counts.get("fs", 0.0),
                    same_epoch=counts.get("rep"),
                    stepped=counts.get("st", 0),
                    persistent=bool(row.get("keep")),
                    pinned=bool(row.get("pin")),
                    distributed=bool(row.get("dist")),
                    dropped=row.get("drop") or 0,
                    drawn=row.get("dn"),
                    drawn_anew=bool(row.get("da")),
                    weights=tuple(row["wt"]) if row.get("wt") else None,
                    distinct=counts.get("di"),
                    draws=counts.get("dr", 0),
                    idle_passes=counts.get("idle", 0),
                    idle_site=self.ledger.site(counts.get("isite")),
                    compared_passes=counts.get("cmp", 0),
                    moved_passes=counts.get("mv", 0),
                )
            )
        return tuple(found)

    def _fed_training(self, loader: int) -> bool:
        return any(row.get("ld") == loader for row in self._input_last.values())

    def inputs(self) -> tuple[Input, ...]:
        found = []
        for model, series in sorted(self._input.items()):
            row = self._input_last[model]
            if "shape" not in row:  # ids alone: nothing of them is measured
                continue
            found.append(
                Input(
                    model=model,
                    shape=tuple(row["shape"]),
                    dtype=row["dt"],
                    mean=series["mean"].series(),
                    std=series["std"].series(),
                    minimum=series["lo"].series(),
                    maximum=series["hi"].series(),
                    nonfinite=series["nf"].series(),
                    normalised_first=bool(self.ledger.rows["root"].get(model, {}).get("norm_first")),
                    site=self.ledger.site(row["site"]),
                    layer_rms=series["rms"].series(),
                    layer_std=series["rsd"].series(),
                    spread=series["sp"].series(),
                    output_spread=series["osp"].series(),
                    output_directions=series["od"].series(),
                    axes=series["ax"].series(),
                    output_axes=series["oax"].series(),
                    output_shape=tuple(row.get("os", ())),
                    beside_minimum=series["blo"].series(),
                    beside_maximum=series["bhi"].series(),
                    target_std=series["th"].series(),
                )
            )
        return tuple(found)

    def judged(self) -> tuple[Judged, ...]:
        found = []
        for model, rows in sorted(self._shown.items()):
            made = [row for row in rows if "mw" in row]
            makers = {row["by"] for row in made if row["by"] is not None}
            operations = {row["mw"] for row in made if row["mw"]}
            if len(makers) == 1:
                maker = makers.pop()
                apart = self._apart.get((model, maker), {})
                found.append(
                    Judged(
                        model=model,
                        maker=maker,
                        operation=operations.pop() if len(operations) == 1 else "",
                        site=self.ledger.site(made[0]["site"]),
                        data=_range([row for row in rows if "mw" not in row]),
                        made=_range(made),
                        **{key: growing.series() for key, growing in apart.items()},
                    )
                )
        return tuple(found)

    def noised(self) -> tuple[Noised, ...]:
        found = []
        for model, rows in sorted(self._noised.items()):
            least, most = min(row["lo"][0] for row in rows), max(row["hi"][0] for row in rows)
            edge = EDGE * (most - least)
            ends = [
                [row["lo"] for row in rows if row["lo"][0] <= least + edge],
                [row["hi"] for row in rows if row["hi"][0] >= most - edge],
            ]
            parts = []
            for end in ends:
                count, product, given, target = (sum(one[place] for one in end) for place in range(1, 5))
                share = product / target if target else 0.0
                time = fmean(one[0] for one in end)
                parts.append((time, len(end), share, given / count - share * product / count, target / count))
            low, high = parts
            times, batches, share, rest, wanted = zip(low, high, strict=True)
            middle = tuple(filter(None, map(mixed, zip(*(row.get("mid", ()) for row in rows), strict=True))))
            found.append(Noised(model, self.site(model), times, batches, share, rest, fmean(wanted), wanted, middle))
        return tuple(found)

    def site(self, model: int) -> Site | None:
        """Where a model was called, as last seen."""
        return self.ledger.site(self._input_last.get(model, {}).get("site"))

    def batches(self) -> tuple[Batches, ...]:
        found = []
        for model, prints in sorted(self._prints.items()):
            row = self._input_last[model]
            sources = Counter({index: times for index, times in self._loader_of[model].items() if index is not None})
            loader = self.ledger.rows["loader"].get(sources.most_common(1)[0][0], {}) if sources else {}
            found.append(
                Batches(
                    model=model,
                    fingerprints=tuple(fingerprint for _, fingerprint in prints),
                    steps=tuple(step for step, _ in prints),
                    window=row["win"],
                    window_share=row.get("share"),
                    renewed=self._renewed[model],
                    from_loader=2 * sum(sources.values()) >= len(prints),
                    loader_batches=loader.get("n"),
                    site=self.ledger.site(row["site"]),
                )
            )
        return tuple(found)

    def pairs(self) -> tuple[Pairs, ...]:
        return tuple(self._pairs.values())

    def stored_rows(self) -> tuple[StoredRows, ...]:
        return tuple(self._stored.values())

    def unused_loaders(self) -> tuple[UnusedLoader, ...]:
        return tuple(UnusedLoader(self.ledger.site(row["site"]), row["ex"]) for row in self._unused)

    def overlaps(self) -> tuple[Overlap, ...]:
        return tuple(
            Overlap(model, self.ledger.site(site), *map(tuple, zip(*batches, strict=True)))
            for (model, site), batches in sorted(self._overlaps.items())
        )

    def reordered(self) -> tuple[Reordered, ...]:
        keys = ("d", "ax", "c", "n", "t", "o", "r", "mv", "a", "b", "sh", "la", "sa")
        return tuple(
            Reordered(row["m"], self.ledger.site(row["site"]), *(row[key] for key in keys))
            for row in self._reordered.values()
        )

    def overlapping(self) -> tuple[Overlapping, ...]:
        return tuple(
            Overlapping(row["m"], self.ledger.site(row["site"]), *(row[key] for key in ("s", "n", "h", "b", "own")))
            for row in self._windows.values()
        )

    def shared_units(self) -> tuple[SharedUnits, ...]:
        return tuple(
            SharedUnits(row["m"], self.ledger.site(row["site"]), *(row[key] for key in ("s", "n", "h", "c", "t")))
            for row in self._units.values()
        )

    def empties(self) -> tuple[Empties, ...]:
        return tuple(
            Empties(model, row["d"], row["b"], row["n"], row["e"]) for model, row in sorted(self._empty.items())
        )

    def fits(self) -> tuple[Fit, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["ft"].items()):
            asked = [(model, rows) for (fit, model), rows in sorted(self._asked.items()) if fit == index]
            found.append(
                Fit(
                    index=index,
                    kind=row["name"],
                    site=self.ledger.site(row["site"]),
                    rows=row["n"],
                    features=row["f"],
                    supervised=row["su"],
                    other_rows=row.get("ot", 0),
                    split_site=self.ledger.site(row.get("sp")),
                    split_by=row.get("by", ""),
                    held_out=row.get("out"),
                    by_hand=row.get("by_hand", False),
                    asked=tuple(
                        PreparedRows(model, *([row[key] for row in rows] for key in ("n", "h", "tn", "th", "a", "ta")))
                        for model, rows in asked
                    ),
                )
            )
        return tuple(found)

    def far_off(self) -> tuple[FarOff, ...]:
        return tuple(
            FarOff(
                model,
                value,
                batches=len(rows),
                times=sum(row["n"] for row in rows),
                together=max(row["r"] for row in rows),
                apart=min(row["d"] for row in rows),
            )
            for (model, value), rows in self._far.items()
        )

    def beginnings(self) -> tuple[Beginning, ...]:
        return tuple(
            Beginning(model, row["t"], row["b"], row["n"], row["e"], row["h"], self.ledger.site(row["site"]))
            for model, row in sorted(self._begun.items())
        )

    def forgeries(self) -> tuple[Forgeries, ...]:
        found = []
        for (model, output), rows in sorted(self._forged.items()):
            held = {row["s"] for row in rows if row["n"]}
            both = [row for row in rows if row["s"] in held and not row["g"]]
            grown = [row for row in rows if row["g"]]
            made = [row for row in both if row["n"]]
            others = sum(row["on"] for row in both)
            if not made or not others:
                continue
            low, high = min(row["lo"] for row in both), max(row["hi"] for row in both)
            count = sum(row["n"] for row in made)
            losses = [self.ledger.rows["loss"].get(index, {}) for index in sorted({row["i"] for row in both})]
            found.append(
                Forgeries(
                    model=model,
                    output=output,
                    maker=Counter(row["by"] for row in made).most_common(1)[0][0],
                    loss_kinds=tuple(sorted({loss.get("kind", "") for loss in losses})),
                    site=self.ledger.site(self.ledger.rows["loss"].get(made[-1]["i"], {}).get("site")),
                    looked=len({row["s"] for row in rows if not row["g"]}),
                    steps=len(held),
                    made=count,
                    made_target=sum(row["t"] for row in made) / count,
                    others=others,
                    others_target=sum(row["ot"] for row in both) / others,
                    low=low,
                    high=high,
                    two_values=all(row["few"] and {row["lo"], row["hi"]} <= {low, high} for row in both),
                    grown=(min(row["lo"] for row in grown), max(row["hi"] for row in grown)) if grown else None,
                )
            )
        return tuple(found)

    def sweeps(self) -> tuple[Sweep, ...]:
        found = []
        for (model, site), row in sorted(self._sweeps.items()):
            parts = tuple(Swept(part[0], int(part[1]), *part[2:]) for part in row["b"])
            numbers = row["s"], row["n"], row["of"], row["r"], row["up"], row["g"], row["a"], row["o"]
            found.append(Sweep(model, self.ledger.site(site), *numbers, parts))
        return tuple(found)

    def wrapped_integers(self) -> tuple[WrappedIntegers, ...]:
        return tuple(self._wrapped.values())

    def resized_classes(self) -> tuple[ResizedClasses, ...]:
        first = {row["i"]: row for row in reversed(self._resized)}
        return tuple(
            ResizedClasses(loss, self.ledger.site(row["site"]), row["mode"], row["n"]) for loss, row in first.items()
        )

    def orientations(self) -> tuple[Orientation, ...]:
        found = []
        for index, row in sorted(self._orientations.items()):
            loss = self.ledger.rows["loss"].get(index, {})
            numbers = tuple(row["c"]), tuple(row["sd"]), tuple(row["nb"]), tuple(row["own"])
            site, counts = self.ledger.site(loss.get("site")), (row["b"], row["e"], row["n"])
            found.append(Orientation(site, loss.get("kind", ""), row["cl"], row["sq"], *counts, *numbers))
        return tuple(found)

    def mirrored(self) -> tuple[Mirrored, ...]:
        found = []
        for (kind, index), row in sorted(self._mirrored.items()):
            described = self.ledger.rows[kind].get(index, {})
            found.append(
                Mirrored(
                    site=self.ledger.site(described.get("site")),
                    by_loss=kind == "loss",
                    loss_kind=described.get("kind", "") if kind == "loss" else "",
                    together=row["n"],
                    image_alone=row["im"],
                    mask_alone=row["ma"],
                    turn=row["t"],
                    boxes=row.get("box") or "",
                )
            )
        return tuple(found)

    def rank_evaluations(self) -> tuple[RankEvaluation, ...]:
        return tuple(
            RankEvaluation(
                model=model,
                site=self.ledger.site(site),
                loader=rows[-1]["ld"],
                times=len(rows),
                alone=sum(bool(row["al"]) for row in rows),
                prints=tuple(row["fp"] for row in rows if row["fp"] is not None),
            )
            for (model, site), rows in sorted(self._alone.items())
        )


def _range(rows: list[Row]) -> Range:
    return Range(*(column(rows, key) for key in ("lo", "hi", "bm", "bz", "ao")))
