"""Builds the facts of what happened now and then: saves, loads, scores, slow calls, the first value not finite."""

from __future__ import annotations

from collections import defaultdict

from torchward.collect.run._rows import Growing, Ledger, Part, column
from torchward.facts import (
    AliasedLoad,
    Answers,
    AverageKept,
    CheckpointLoad,
    ClassAnswers,
    Decision,
    ErrorByHand,
    Kept,
    KeptScore,
    LostTie,
    Metric,
    MixedScore,
    Named,
    NonFinite,
    Overwritten,
    PartialLoad,
    PutBack,
    Rounds,
    Saves,
    Score,
    ScoredInTraining,
    Series,
    SlowCall,
    Steep,
    Unsaved,
)
from torchward.runlog import Row


class Events(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._slow: dict[tuple[str, int, bool], Row] = {}
        self._nonfinite: Row | None = None
        self._steep: Row | None = None
        self._rounds: dict[int, tuple[int, Growing]] = {}
        self._aliases: list[Row] = []
        self._ties: list[Row] = []
        self.restored: int | None = None
        """The last step of `rs`."""
        self._partial: list[Row] = []
        self._unsaved: list[Row] = []
        self._overwritten: list[Row] = []
        self._scores: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        self._answers: dict[tuple[int, int, int, str], Growing] = {}
        self._decisions: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._kinds: dict[tuple[int, int], tuple[dict[int, Named], dict[int, Named]]] = {}
        self._scored: list[Row] = []
        self._kept_scores: dict[int, Row] = {}
        self._mixed: dict[int, list[Row]] = defaultdict(list)
        self._weights: dict[int, dict[tuple[float, ...], int]] = defaultdict(dict)
        self._put_back: list[tuple[Row, int | None]] = []
        self._averaged: Row | None = None
        self._erred: dict[int, tuple[Growing, list[int]]] = {}
        self._metrics: dict[int, tuple[Row, Growing]] = {}
        self._kept: dict[int, list[Row]] = defaultdict(list)

    # -- rows

    def on_rs(self, row: Row) -> None:
        self.restored = row["s"]

    def on_tie(self, row: Row) -> None:
        self._ties.append(row)

    def on_alias(self, row: Row) -> None:
        self._aliases.append(row)

    def on_pl(self, row: Row) -> None:
        self._partial.append(row)

    def on_us(self, row: Row) -> None:
        self._unsaved.append(row)

    def on_ow(self, row: Row) -> None:
        self._overwritten.append(row)

    def on_pp(self, row: Row) -> None:
        self._scores[row["op"], row["site"], row["m"]].append(row["n"])

    def on_answered(self, row: Row) -> None:
        key = (row["m"], row["site"], row["n"], row["of"])
        self._answers.setdefault(key, Growing()).add(row["s"], row["h"] / row["n"])

    def on_cu(self, row: Row) -> None:
        self._decisions[row["m"], row["site"]].append(row)

    def on_kinds(self, row: Row) -> None:
        known = self._kinds.setdefault((row["m"], row["s"]), ({}, {}))
        for classes, counted in zip(known, (row["c"], row.get("w", ())), strict=True):
            for one, *counts in (entry for entry in counted if len(entry) == 5):
                now, before = Named(*counts), classes.get(one)
                classes[one] = now if before is None else before.with_more(now)

    def on_ts(self, row: Row) -> None:
        self._scored.append(row)

    def on_mh(self, row: Row) -> None:
        self._mixed[row["i"]].append(row)

    def on_kh(self, row: Row) -> None:
        known = self._kept_scores.setdefault(row["i"], row)
        if row["e"] > known["e"]:
            self._kept_scores[row["i"]] = row

    def on_wm(self, row: Row) -> None:
        self._weights[row["m"]].setdefault(tuple(row["v"]), row["s"])

    def on_wl(self, row: Row) -> None:
        self._put_back.append((row, self._weights[row["m"]].get(tuple(row["v"]))))

    def on_averaged(self, row: Row) -> None:
        self._averaged = row

    def on_erred(self, row: Row) -> None:
        errors, sizes = self._erred.setdefault(row["i"], (Growing(), []))
        errors.add(row["s"], row["v"])
        sizes.append(row["n"])

    def on_mv(self, row: Row) -> None:
        self._metrics.setdefault(row["i"], (row, Growing()))[1].add(row["s"], row["v"])

    def on_kept(self, row: Row) -> None:
        self._kept[row["id"]].append(row)

    def on_slow(self, row: Row) -> None:
        self._slow[row["kind"], row["site"], row["cpu"]] = row

    def on_nf(self, row: Row) -> None:
        self._nonfinite = self._nonfinite or row

    def on_rounds(self, row: Row) -> None:
        _planned, reached = self._rounds.setdefault(row["site"], (row["n"], Growing()))
        reached.add(row["s"], row["v"])

    def on_sl(self, row: Row) -> None:
        self._steep = row

    # -- facts

    def rounds(self) -> tuple[Rounds, ...]:
        found = self._rounds.items()
        return tuple(Rounds(self.ledger.site(site), planned, reached.series()) for site, (planned, reached) in found)

    def lost_ties(self) -> tuple[LostTie, ...]:
        return tuple(LostTie(row["m"], row["layer"], row["table"], row["n"]) for row in self._ties)

    def aliased_loads(self) -> tuple[AliasedLoad, ...]:
        return tuple(AliasedLoad(row["s"], self.ledger.site(row["site"]), row["m"]) for row in self._aliases)

    def partial_loads(self) -> tuple[PartialLoad, ...]:
        found = []
        for row in self._partial:
            names = row["names"][0], row["names"][1]
            site, model = self.ledger.site(row["site"]), row["m"]
            found.append(PartialLoad(row["s"], site, model, row["n"], row["t"], row["own"], row["fits"], names))
        return tuple(found)

    def overwritten(self) -> tuple[Overwritten, ...]:
        return tuple(
            Overwritten(row["m"], self.ledger.site(row["site"]), tuple(row["names"]), row["n"], row["of"])
            for row in self._overwritten
        )

    def unsaved(self) -> tuple[Unsaved, ...]:
        return tuple(
            Unsaved(row["s"], self.ledger.site(row["site"]), row["m"], row["into"], tuple(row["names"]))
            for row in self._unsaved
        )

    def checkpoint_loads(self) -> tuple[CheckpointLoad, ...]:
        return tuple(
            CheckpointLoad(
                row["s"],
                self.ledger.site(row["site"]),
                row["model"],
                row["opt"],
                row["own"],
                tuple(row["into"]),
                # By what was counted of each step: it may be gone before one of them was looked at.
                any(self.ledger.counts["oc"].get(index, {}).get("last", -1) >= row["s"] for index in row["into"]),
                row.get("bare"),
                row.get("models", 0),
            )
            for _, row in sorted(self.ledger.counts["ck"].items())
        )

    def scores(self) -> tuple[Score, ...]:
        return tuple(
            Score(operation, max(sizes), len(sizes), self.ledger.site(site), model)
            for (operation, site, model), sizes in self._scores.items()
        )

    def answers(self) -> tuple[Answers, ...]:
        return tuple(
            Answers(model, self.ledger.site(site), count, right.series())
            for (model, site, count, _), right in self._answers.items()
        )

    def decisions(self) -> tuple[Decision, ...]:
        return tuple(
            Decision(
                model,
                self.ledger.site(site),
                tuple(sorted({row["c"] for row in rows})),
                sum(row["n"] for row in rows),
                sum(row["a"] for row in rows),
                sum(row["b"] for row in rows),
                min(row["lo"] for row in rows),
                max(row["hi"] for row in rows),
            )
            for (model, site), rows in self._decisions.items()
        )

    def class_answers(self) -> tuple[ClassAnswers, ...]:
        return tuple(ClassAnswers(model, step, *counts) for (model, step), counts in self._kinds.items())

    def scored_in_training(self) -> ScoredInTraining | None:
        if not self._scored:
            return None
        first = next((row for row in self._scored if row["site"] >= 0), self._scored[0])
        return ScoredInTraining(self.ledger.site(first["site"]), first["name"], len(self._scored))

    def mixed_scores(self) -> tuple[MixedScore, ...]:
        return tuple(
            MixedScore(self.ledger.site(last["site"]), last["name"], len(rows), last["s"], last["t"], last["e"])
            for rows in self._mixed.values()
            for last in rows[-1:]
        )

    def kept_scores(self) -> tuple[KeptScore, ...]:
        return tuple(
            KeptScore(self.ledger.site(row["site"]), row["name"], row["e"], row["s"])
            for row in self._kept_scores.values()
        )

    def errors_by_hand(self) -> tuple[ErrorByHand, ...]:
        return tuple(ErrorByHand(errors.series(), tuple(sizes)) for errors, sizes in self._erred.values())

    def average_kept(self) -> AverageKept | None:
        row = self._averaged
        if row is None:
            return None
        site = self.ledger.site(row["site"])
        return AverageKept(row["m"], row["s"], row["n"], row["ok"], row["away"], row["part"], site)

    def put_back(self) -> tuple[PutBack, ...]:
        return tuple(
            PutBack(row["m"], row["s"], step, tuple(self._weights[row["m"]].values()), self.ledger.site(row["site"]))
            for row, step in self._put_back
            if step is not None
        )

    def metrics(self) -> tuple[Metric, ...]:
        return tuple(Metric(row["name"], row["hb"], values.series()) for row, values in self._metrics.values())

    def slow_calls(self) -> tuple[SlowCall, ...]:
        return tuple(
            SlowCall(row["kind"], self.ledger.site(row["site"]), row["st"], row["n"], row["t"], row["cpu"])
            for row in self._slow.values()
        )

    def saves(self, totals: Row) -> Saves | None:
        """`totals`: the process's last count of everything."""
        saves, files = totals.get("sv"), totals.get("files") or {}
        return Saves(saves[0], saves[1], saves[2], self.ledger.site(saves[3]), dict(files)) if saves else None

    def kept(self) -> tuple[Kept, ...]:
        return tuple(
            Kept(
                kind=rows[-1]["kind"],
                name=next((row["name"] for row in reversed(rows) if row["name"]), ""),
                elements=Series(
                    [rows[0]["was"][0], *(row["s"] for row in rows)], [rows[0]["was"][1], *(row["n"] for row in rows)]
                ),
                bytes=column(rows, "b"),
                passes=rows[-1]["ep"] - rows[0]["ep"],
            )
            for rows in self._kept.values()
        )

    def steep(self) -> Steep | None:
        row = self._steep
        return None if row is None else Steep(row["s"], row["op"], row["mod"], self.ledger.site(row["line"]))

    def nonfinite(self) -> NonFinite | None:
        row = self._nonfinite
        if row is None:
            return None
        return NonFinite(
            step=row["s"],
            value=row["v"],
            stream=row["i"],
            last_finite_loss=row["last"],
            origin=row["o"],
            origin_name=row["p"][0] if row["o"] == "parameter" and row["p"] else row["d"],
            origin_op=row["op"],
            module=row["mod"],
            site=self.ledger.site(row["site"]),
            parameters=tuple(row["p"]),
            backwards=row.get("b", 0),
            line=self.ledger.site(row.get("line")),
            steep_op=(row.get("steep") or ("", ""))[0],
            steep_module=(row.get("steep") or ("", ""))[1],
        )
