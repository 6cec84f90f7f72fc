"""Builds the facts of optimizers, schedulers and clipping."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from torchward.collect.run._rows import Growing, Ledger, Part, by_key, column
from torchward.facts import Clip, Cycle, Loader, Optimizer, OwnDecay, Resumed, Resumption, Scheduler, Series, Subnormals
from torchward.runlog import Row

ALIKE = 0.02
"""Rest of a change of weights that is still the same factor for all of them, as a share of the change; rounding leaves
1e-6, and what normalises or clips weights leaves most. Also how far the factors of several weights may be apart."""


class Optimizers(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._opt: dict[str, defaultdict[int, Growing]] = {key: by_key() for key in ("lr", "g")}
        self._clip_norm: defaultdict[int, Growing] = by_key()
        self.cycles: list[Cycle] = []
        self._scale = by_key()
        self._overwritten = by_key()
        self._decays: dict[tuple[int, str], list[Row]] = defaultdict(list)
        self._looks: dict[tuple[int, str], int] = {}
        self._penalties: dict[int, list[Row]] = defaultdict(list)
        self._subnormals: dict[int, Row] = {}

    # -- rows

    def on_st(self, row: Row) -> None:
        step, optimizer, own = row["s"], row["o"], set(row["wp"])
        norms = (norm for index, norm in zip(row["p"], row["g"], strict=True) if index in own)
        self._opt["lr"][optimizer].add(step, row["lr"])
        self._opt["g"][optimizer].add(step, math.sqrt(sum(norm * norm for norm in norms)))
        if row.get("ow") is not None:
            self._overwritten[optimizer].add(step, float(row["ow"]))

    def on_cy(self, row: Row) -> None:
        self.cycles.append(Cycle(row["s"], tuple((str(name), int(index)) for name, index in row["e"])))

    def on_gs(self, row: Row) -> None:
        self._scale[row["i"]].add(row["s"], row["v"])

    def on_cn(self, row: Row) -> None:
        self._clip_norm[row["i"]].add(row["s"], row["v"])

    def on_dy(self, row: Row) -> None:
        key, rows = (row["i"], row["how"]), self._decays[row["i"], row["how"]]
        self._looks[key] = row["n"]
        exact = [value for value, rest in zip(row["v"], row["r"], strict=True) if value > 0 and rest <= ALIKE]
        middle = median(exact) if exact else 0.0
        alike = [value for value in exact if abs(value - middle) <= ALIKE * middle]
        if alike and 2 * len(alike) >= len(row["v"]):
            rows.append({"s": row["s"], "p": row["p"], "c": middle})

    def on_pn(self, row: Row) -> None:
        if row["c"]:
            self._penalties[row["i"]].append(row)

    def on_sub(self, row: Row) -> None:
        self._subnormals[row["i"]] = row

    # -- facts

    def subnormals(self) -> tuple[Subnormals, ...]:
        found = []
        for index, row in sorted(self._subnormals.items()):
            if not row["st"]:  # most of them are gone again
                continue
            added = [(slow - usual) * count for _, _, _, count, slow, usual in row["st"]]
            worst = max(range(len(added)), key=added.__getitem__)
            parameter, key, share, _, slow, usual = row["st"][worst]
            ratio = slow / usual if usual > 0 else 1.0
            seconds = sum(max(0.0, one) for one in added)
            found.append(Subnormals(index, row["s"], row["sh"], parameter, key, share, ratio, seconds))
        return tuple(found)

    def own_decays(self) -> tuple[OwnDecay, ...]:
        found = []
        for (index, how), rows in self._decays.items():
            if rows:
                kind = "weights" if how == "w" else "gradients"
                held, every = tuple(rows[-1]["p"]), len(rows) / max(1, self._looks[index, how])
                found.append(OwnDecay(kind, index, None, held, column(rows, "c"), every))
        for stream, rows in self._penalties.items():
            last, every = rows[-1], min(1.0, len(rows) / max(1, len(self.cycles)))
            strength = Series([row["s"] for row in rows], [median(row["c"]) for row in rows])
            found.append(
                OwnDecay(
                    last["how"], None, stream, tuple(last["p"]), strength, every, column(rows, "v"), column(rows, "d")
                )
            )
        return tuple(found)

    def optimizers(self) -> tuple[Optimizer, ...]:
        found = []
        clip = max(
            (row["th"] for row in self.ledger.rows["clip"].values() if row["kind"] == "clip_grad_norm_"), default=None
        )
        for index, row in sorted(self.ledger.rows["opt"].items()):
            counts = self.ledger.counts["oc"].get(index, {})
            closures = counts.get("cl") or [0, 0, 0, 0]
            found.append(
                Optimizer(
                    index=index,
                    kind=row["kind"],
                    site=self.ledger.site(row["site"]),
                    first_step=counts.get("first") or 0,
                    last_step=counts.get("last", 0),
                    steps=counts.get("n", 0),
                    lr=self._opt["lr"][index].series(),
                    weight_decay=row["wd"],
                    decoupled=row["dec"],
                    momentum=row["mom"],
                    parameters=tuple(row["p"]),
                    steps_without_backward=counts.get("idle", 0),
                    most_backwards_between=counts.get("most", 0),
                    cycles_checked=counts.get("chk", 0),
                    cycles_dirty=counts.get("dirty", 0),
                    cycles_after_passes=counts.get("un", (0, 0))[0],
                    cycles_dirty_after_passes=counts.get("un", (0, 0))[1],
                    cycles_cleared_late=counts.get("late", 0),
                    cycles_without_gradient=counts.get("wo", 0),
                    zero_sites=self.ledger.sites_of(counts.get("z", ())),
                    late_zero_sites=self.ledger.sites_of(counts.get("zl", ())),
                    made=self.ledger.site(row.get("made")),
                    step_scaled=bool(counts.get("scaled")),
                    gradient_norm=self._opt["g"][index].series(),
                    clipped_norm=clip,
                    empty_group=tuple(row["empty"]) if row.get("empty") else None,
                    stray_lr=(row.get("stray") or (None,))[0],
                    stray_in=(row.get("stray") or ("", ""))[1],
                    eps=row.get("eps"),
                    betas=tuple(row.get("betas") or ()),
                    cycles_rescaled=counts.get("resc", 0),
                    made_rates=tuple(counts.get("fl", (0.0, 0.0))[:2]),
                    flat_steps=counts["fl"][2] if "fl" in counts else 0,
                    rated_steps=counts["fl"][3] if "fl" in counts else 0,
                    scaler_calls=counts.get("sc", 0),
                    overwritten=self._overwritten[index].series(),
                    closures=closures[0],
                    closures_without_backward=closures[1],
                    closure_passes=closures[2],
                    closure_passes_dirty=closures[3],
                    scale=self._scale[index].series(),
                )
            )
        return tuple(found)

    def schedulers(self, loaders: Sequence[Loader]) -> tuple[Scheduler, ...]:
        found = []
        training = max((loader for loader in loaders if loader.trains), key=lambda loader: loader.fetched, default=None)
        for index, row in sorted(self.ledger.rows["sched"].items()):
            counts = self.ledger.counts["sc"].get(index, {})
            found.append(
                Scheduler(
                    index=index,
                    kind=row["kind"],
                    optimizer=row["opt"],
                    site=self.ledger.site(row["site"]),
                    step_site=self.ledger.site(counts.get("site")),
                    length=row["len"],
                    step_size=row["size"],
                    steps=counts.get("n", 0),
                    steps_before_optimizer=counts.get("early", 0),
                    before_optimizer_cycles=counts.get("before", 0),
                    optimizer_steps=counts.get("os", 0),
                    loader_batches=training.batches if training is not None else None,
                    epochs=counts.get("ep", 0),
                    nominal_epochs=counts.get("ep"),
                    final_lr_ratio=counts.get("ratio"),
                    planned_lr=row.get("plan"),
                    period=row.get("t0"),
                    mode=row.get("mode") or "",
                    metrics=tuple(counts.get("met") or ()),
                    told_epochs=tuple(counts.get("at") or ()),
                    highest_factor=counts.get("top"),
                )
            )
        return tuple(found)

    def resumptions(self) -> tuple[Resumption, ...]:
        return tuple(
            Resumption(
                step=row["s"],
                site=self.ledger.site(row["site"]),
                optimizer=row["o"],
                made_with=row["before"],
                lr=row["lr"],
                first_lr=row["first"],
                peak=row["peak"],
                steps=row["taken"],
                saved=row["saved"],
                counters=dict(row["n"]),
                next_counters=row["then"],
                schedules=tuple(
                    Resumed(index, first, last, steps, stood) for index, first, stood, last, steps in row["made"]
                ),
            )
            for _, row in sorted(self.ledger.counts["resumed"].items())
        )

    def clips(self) -> tuple[Clip, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["clip"].items()):
            counts = self.ledger.counts["cc"].get(index, {})
            found.append(
                Clip(
                    kind=row["kind"],
                    site=self.ledger.site(row["site"]),
                    threshold=row["th"],
                    calls=counts.get("n", 0),
                    before_step=counts.get("ok", 0),
                    after_step=counts.get("late", 0),
                    total_norm=self._clip_norm[index].series(),
                )
            )
        return tuple(found)
