"""Builds the facts of losses."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from statistics import fmean
from typing import Any

from torchward.collect.run._rows import Growing, Ledger, Part, by_key, column
from torchward.facts import (
    Advantages,
    Agreement,
    Alignment,
    Cut,
    Divergence,
    Entropy,
    Filled,
    Loss,
    LossStream,
    LostDerivative,
    Partners,
    PromptGroups,
    Ratio,
    Reference,
    Returns,
    Series,
    Site,
    Spread,
    TwiceJudged,
)
from torchward.runlog import Row

RECENT = 10
"""Sampled calls that `recent_predicted` and `recent_target` cover."""

REST = 1e-3
"""Of a penalty; what is left of a loss without it that is smaller is rounding."""


class Losses(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._stream: defaultdict[int, Growing] = by_key()
        self._loss: dict[int, list[Row]] = defaultdict(list)
        self._loss_sum: dict[int, dict[str, Any]] = defaultdict(dict)
        self._eval: dict[str, defaultdict[int, Growing]] = {key: by_key() for key in "va"}
        self._eval_calls: Counter[int] = Counter()
        self._leaves: defaultdict[int, set[int]] = defaultdict(set)
        self._raised: defaultdict[int, set[int]] = defaultdict(set)
        self._most_alive: Counter[int] = Counter()
        self._terms: dict[int, defaultdict[int, Growing]] = defaultdict(by_key)
        self._apart: dict[int, tuple[int, ...]] = {}
        self._weights: dict[tuple[int, str], tuple[float, ...]] = {}
        self._judged: defaultdict[int, Growing] = by_key()
        self._held_out: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._held_out_classes: dict[int, int | None] = {}
        self._digits: dict[int, dict[str, Growing]] = defaultdict(lambda: defaultdict(Growing))
        self._given: dict[int, tuple[int, int, int, int, int]] = {}
        self._spreads: dict[int, dict[tuple[int, int], Spread]] = defaultdict(dict)
        self._filled: dict[int, Filled] = {}
        self._twice: Counter[tuple[int, int, int, int]] = Counter()
        self._divergence: dict[int, list[Growing]] = defaultdict(lambda: [Growing() for _ in range(3)])
        self._evaluated_scales: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
        self._weighed: Counter[int] = Counter()
        self._alone: Counter[int] = Counter()
        self._noise: dict[int, list[str]] = defaultdict(list)
        self._entropy: dict[int, list[Row]] = defaultdict(list)
        self._ratio: dict[int, list[Row]] = defaultdict(list)
        self._advantages: dict[int, list[Row]] = defaultdict(list)
        self._groups: dict[int, list[Row]] = defaultdict(list)
        self._partners: dict[int, list[Row]] = defaultdict(list)
        self._reference: dict[int, list[Row]] = defaultdict(list)
        self._returns: dict[int, Counter[str]] = defaultdict(Counter)
        self._alignment: dict[int, Counter[str]] = defaultdict(Counter)
        self._weighed_by_graph: dict[int, list[int]] = defaultdict(list)
        self._code_cut: dict[int, list[bool]] = defaultdict(list)
        self._agreement: dict[int, list[Row]] = defaultdict(list)
        self._cuts: dict[int, list[Row]] = defaultdict(list)
        self._derivatives: Counter[int] = Counter()

    # -- rows

    def on_tj(self, row: Row) -> None:
        self._twice[row["i"], row["j"], row["m"], row["o"]] += 1

    def on_kl(self, row: Row) -> None:
        for growing, key in zip(self._divergence[row["i"]], ("f", "j", "v"), strict=True):
            growing.add(row["s"], row[key])

    def on_kc(self, row: Row) -> None:
        self._code_cut[row["i"]].append(row["cut"])

    def on_ec(self, row: Row) -> None:
        self._held_out[row["i"]].update({int(label): number for label, number in row["v"].items()})
        self._held_out_classes[row["i"]] = row.get("c")

    def on_miss(self, row: Row) -> None:
        self._filled[row["i"]] = Filled(*(row[key] for key in ("n", "of", "p", "v", "me")))

    def on_nv(self, row: Row) -> None:
        self._spreads[row["i"]][row["m"], row["o"]] = Spread(
            row["n"], row["d"], row["v"], self.ledger.site(row["site"])
        )

    def on_cg(self, row: Row) -> None:
        self._given[row["i"]] = (*row["n"], 0, 0, 0)[:5]

    def compared_by_hand(self) -> tuple[int, int]:
        """What the program took the output from itself, without gradients: as in `Loss.given`."""
        return self._given.get(-1, (0, 0, 0, 0, 0))[:2]

    def on_es(self, row: Row) -> None:
        self._evaluated_scales[row["i"]].append((row["v"][0], row["v"][1], row["v"][2], row["v"][3]))

    def on_mx(self, row: Row) -> None:
        self._raised[row["i"]].update(row["p"])

    def on_po(self, row: Row) -> None:
        self._weighed[row["i"]] += 1

    def on_ag(self, row: Row) -> None:
        self._weighed_by_graph[row["i"]].append(row["s"])

    def on_nz(self, row: Row) -> None:
        self._noise[row["i"]].append(row["fp"])

    def on_tp(self, row: Row) -> None:
        self._partners[row["i"]].append(row)

    def on_rf(self, row: Row) -> None:
        self._reference[row["i"]].append(row)

    def on_rr(self, row: Row) -> None:
        self._returns[row["i"]][row["kind"]] += 1

    def on_al(self, row: Row) -> None:
        self._alignment[row["i"]][row["kind"]] += 1

    def on_pa(self, row: Row) -> None:
        self._agreement[row["i"]].append(row)

    def on_ct(self, row: Row) -> None:
        self._cuts[row["i"]].append(row)

    def on_en(self, row: Row) -> None:
        self._entropy[row["i"]].append(row)

    def on_rt(self, row: Row) -> None:
        self._ratio[row["i"]].append(row)

    def on_av(self, row: Row) -> None:
        self._advantages[row["i"]].append(row)

    def on_gp(self, row: Row) -> None:
        self._groups[row["i"]].append(row)

    def on_pn(self, row: Row) -> None:
        rest, size = abs(row["d"]), abs(row["v"])
        self._alone[row["i"]] += bool(row["al"]) and rest > REST * size

    def on_dv(self, row: Row) -> None:
        self._derivatives[row["site"]] += 1

    def on_gr(self, row: Row) -> None:
        self.ledger.count(row)
        self._most_alive[row["i"]] = max(self._most_alive[row["i"]], row["alive"])

    def on_sd(self, row: Row) -> None:
        known = self.ledger.counts["sd"].setdefault(row["i"], {})
        keep = {
            key: known[key]
            for key in ("ae", "bc", "bo", "reach", "sm", "no", "li", "dp", "so", "cm", "pd", "tw", "dr")
            if row.get(key) is None and known.get(key) is not None
        }
        known.update(row)
        known.update(keep)
        self._leaves[row["i"]].update(row.get("leaves") or ())

    def on_L(self, row: Row) -> None:  # noqa: N802
        growing, first = self._stream[row["i"]], row["t"]
        steps = first if isinstance(first, list) else range(first, first + len(row["v"]))
        for step, value in zip(steps, row["v"], strict=True):
            if growing.steps and growing.steps[-1] == step:
                growing.values[-1] = value
            else:
                growing.add(step, value)

    def on_ls(self, row: Row) -> None:
        index, rows = row["i"], self._loss[row["i"]]
        rows.append(row)
        if len(rows) > 4 * RECENT:
            del rows[: 2 * RECENT]
        total = self._loss_sum[index]
        for key, better in (
            ("lo", min),
            ("tlo", min),
            ("hi", max),
            ("thi", max),
            ("rs", max),
            ("rl", max),
            ("trl", min),
            ("trh", max),
            ("tnb", max),
        ):
            if row.get(key) is not None:
                total[key] = better(total.get(key, row[key]), row[key])
        if row.get("pm"):
            total["pm"] = total.get("pm", 0) + 1
            total["ar"] = total.get("ar", 0) + bool(row["ar"])
            total["sy"] = max(total.get("sy", 0.0), row["sy"])
        if row.get("dv") is not None:
            total.setdefault("few", []).append(1 < row["dv"] <= row["dr"])
        if "nz" in row:
            total.setdefault("nz", []).append(row["nz"])
        if row.get("lr"):
            total.setdefault("lr", []).append(row["lr"])
        if row.get("tsd") is not None:
            total.setdefault("tsd", []).append(row["tsd"])
            total.setdefault("tmn", []).append(row.get("tmn", math.nan))
        total.setdefault("op", set()).add(row.get("op", ""))
        for key in ("tv", "lp", "pv"):
            counted = total.setdefault(key, Counter())
            counted.update({int(label): number for label, number in row.get(key, {}).items()})
        for key in ("ig", "tn", "bad", "ln"):
            total[key] = total.get(key, 0) + int(row.get(key, 0))
        growing: dict[str, Growing] = total.setdefault("series", defaultdict(Growing))
        growing["v"].add(row["s"], row["v"])
        if "ok" in row:
            growing["ok"].add(row["s"], row["ok"])
        if row.get("tsp"):
            growing["spread"].add(row["s"], row["psp"] / row["tsp"])
        if row.get("per") and row["tv"]:
            labels = {int(label): number for label, number in row["tv"].items()}
            size = sum(labels.values())
            growing["classes"].add(row["s"], len(labels))
            growing["mean"].add(row["s"], sum(label * number for label, number in labels.items()) / size)
            growing["size"].add(row["s"], size)
            total.setdefault("per", Counter()).update(labels)

    def on_tm(self, row: Row) -> None:
        total: dict[int, float] = {}
        for index, value in zip(row["l"], row["v"], strict=True):
            total[index] = total.get(index, 0.0) + value
        whole = abs(row["t"]) or 1.0
        for index, value in total.items():
            self._terms[row["i"]][index].add(row["s"], abs(value) / whole)

    def on_apart(self, row: Row) -> None:
        self._apart[row["i"]] = tuple(row["l"])

    def on_ev(self, row: Row) -> None:
        self._eval["v"][row["i"]].add(row["s"], row["v"])
        self._eval["a"][row["i"]].add(row["s"], row["a"])
        self._eval_calls[row["i"]] += row["n"]
        self._judged[row["i"]].add(row["s"], row.get("e"))

    def on_digits(self, row: Row) -> None:
        self._digits[row["i"]][row["op"]].add(row["s"], row["v"])

    def on_lw(self, row: Row) -> None:
        self._weights[row["i"], row["w"]] = tuple(row["v"])

    # -- facts

    def reached(self) -> set[int]:
        """Parameters that some loss's graph reached."""
        return set().union(*self._leaves.values())

    def losses(self) -> tuple[Loss, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["loss"].items()):
            rows, total = self._loss[index], self._loss_sum[index]
            last = rows[-1] if rows else {}
            series: dict[str, Growing] = total.get("series", defaultdict(Growing))
            if not row["train"]:
                series = {"v": self._eval["v"][index], "ok": self._eval["a"][index]}
            labels: Counter[int] = total.get("per", Counter())
            size = sum(labels.values())
            recent: dict[str, Counter[int]] = {"tv": Counter(), "pv": Counter()}
            for sample in rows[-RECENT:]:
                for key, counted in recent.items():
                    counted.update({int(label): number for label, number in sample.get(key, {}).items()})
            found.append(
                Loss(
                    index=index,
                    kind=row["kind"],
                    site=self.ledger.site(row["site"]),
                    training=row["train"],
                    calls=last.get("n", 0) if row["train"] else self._eval_calls[index],
                    reduction=row["red"],
                    values=_get(series, "v"),
                    prediction_shape=tuple(last.get("ps", ())),
                    target_shape=tuple(last.get("ts", ())),
                    target_dtype=last.get("td", ""),
                    classes=last.get("c"),
                    ignore_index=last.get("ii"),
                    producer=last.get("op", ""),
                    producers=tuple(sorted(total.get("op", ()))),
                    producer_module=last.get("om", ""),
                    prediction_min=total.get("lo"),
                    prediction_max=total.get("hi"),
                    row_sum_error=total.get("rs"),
                    row_logsumexp_error=total.get("rl"),
                    target_min=total.get("tlo", min(total["tv"], default=None) if total.get("tv") else None),
                    target_max=total.get("thi", max(total["tv"], default=None) if total.get("tv") else None),
                    target_values=dict(total.get("tv", {})),
                    ignored=total.get("ig", 0),
                    targets_seen=total.get("tn", 0),
                    predicted_values=dict(total.get("pv", {})),
                    recent_predicted=dict(recent["pv"]),
                    recent_target=dict(recent["tv"]),
                    accuracy=_get(series, "ok"),
                    batch_classes=_get(series, "classes"),
                    batch_mean_class=_get(series, "mean"),
                    batch_size=_get(series, "size"),
                    class_shares=tuple(labels[label] / size for label in sorted(labels)) if size else (),
                    target_std=fmean(total["tsd"]) if total.get("tsd") else None,
                    target_mean=fmean(total["tmn"]) if total.get("tmn") else None,
                    weights=self._weights.get((index, "weight"), ()),
                    positive_weights=self._weights.get((index, "pos_weight"), ()),
                    prediction_has_graph=last.get("pg", True),
                    target_has_graph=last.get("tg", False),
                    target_row_sum=(total["trl"], total["trh"]) if "trl" in total else None,
                    target_binary=total.get("tnb") == 0,
                    label_positives=dict(total.get("lp", {})),
                    label_rows=total.get("ln", 0),
                    labels=_labels(total.get("lr")),
                    pairs=total.get("pm", 0),
                    own_pairs=total.get("ar", 0),
                    asymmetry=total.get("sy"),
                    spread=_get(series, "spread"),
                    variance_has_graph=last.get("vg"),
                    judges=tuple(last["jo"]) if last.get("jo") else None,
                    in_backward=self.ledger.counts["lb"].get(index, {}).get("b", 0),
                    left_out=self.ledger.counts["lb"].get(index, {}).get("o", 0),
                    added_without_graph=self.ledger.counts["lb"].get(index, {}).get("a", 0),
                    label_smoothing=last.get("sm"),
                    log_target=last.get("lt"),
                    of_few_values=bool(total.get("few")) and all(total["few"]),
                    evaluated_scales=tuple(self._evaluated_scales[index]),
                    noise_targets=tuple(total["nz"]) if all(total.get("nz", ())) and "nz" in total else (),
                    evaluated_values=dict(self._held_out[index]),
                    evaluated_classes=self._held_out_classes.get(index),
                    given=self._given.get(index, (0, 0, 0, 0, 0)),
                    spread_uses=tuple(self._spreads[index].values()),
                    filled=self._filled.get(index),
                    evaluated=self._judged[index].series(),
                )
            )
        return tuple(found)

    def streams(self) -> tuple[LossStream, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["stream"].items()):
            described, graphs = self.ledger.counts["sd"].get(index, {}), self.ledger.counts["gr"].get(index, {})
            broadcast, crossed, softmax = described.get("bc"), described.get("bo"), described.get("sm")
            mixed, averaged = described.get("cm"), described.get("ae")
            normal, lost = described.get("no"), described.get("li")
            found.append(
                LossStream(
                    index=index,
                    site=self.ledger.site(row["site"]),
                    values=self._stream[index].series(),
                    head=described.get("head", ""),
                    kind=described.get("kind", ""),
                    is_leaf=bool(described.get("leaf")),
                    reaches_parameters=described.get("reach"),
                    leaves=tuple(sorted(self._leaves[index])),
                    raised=tuple(sorted(self._raised[index])),
                    broadcast=(tuple(broadcast[0]), tuple(broadcast[1]), str(broadcast[2])) if broadcast else None,
                    crossed=(tuple(crossed[0]), tuple(crossed[1]), str(crossed[2])) if crossed else None,
                    averaged=(tuple(averaged[0]), tuple(averaged[1]), str(averaged[2])) if averaged else None,
                    between=tuple(described.get("tw") or ()),
                    draws=tuple(described.get("dr") or ()),
                    cancelled={operation: shares.series() for operation, shares in self._digits[index].items()},
                    alive_graphs=graphs.get("alive", 0),
                    marked_graphs=graphs.get("n", 0),
                    most_alive_graphs=self._most_alive[index],
                    terms={key: growing.series() for key, growing in self._terms[index].items()},
                    apart=self._apart.get(index, ()),
                    plain_depth=described.get("pd"),
                    penalty_alone=self._alone[index],
                    weighed_choices=self._weighed[index],
                    weighed_by_graph=tuple(self._weighed_by_graph[index]),
                    normalised=(tuple(normal[0]), int(normal[1]), int(normal[2]), str(normal[3])) if normal else None,
                    summed=(tuple(described["so"][0]), *described["so"][1:]) if described.get("so") else None,
                    dropped=(float(described["dp"][0]), str(described["dp"][1])) if described.get("dp") else None,
                    lost=(int(lost[0]), int(lost[1])) if lost else None,
                    softmax=(tuple(softmax[0]), int(softmax[1]), str(softmax[2])) if softmax else None,
                    mixed=(tuple(mixed[0]), tuple(mixed[1]), int(mixed[2]), str(mixed[3])) if mixed else None,
                )
            )
        return tuple(found)

    def _site(self, stream: int) -> Site | None:
        return self.ledger.site(self.ledger.rows["stream"].get(stream, {}).get("site"))

    def twice_judged(self) -> tuple[TwiceJudged, ...]:
        return tuple(TwiceJudged(*key, steps=times) for key, times in sorted(self._twice.items()))

    def divergences(self) -> tuple[Divergence, ...]:
        return tuple(
            Divergence(
                index,
                self._site(index),
                factor.series(),
                judged.series(),
                nats.series(),
                tuple(self._noise[index]),
                tuple(self._code_cut[index]),
            )
            for index, (factor, judged, nats) in sorted(self._divergence.items())
        )

    def entropies(self) -> tuple[Entropy, ...]:
        return tuple(
            Entropy(index, self._site(index), column(rows, "f"), column(rows, "v"))
            for index, rows in sorted(self._entropy.items())
        )

    def ratios(self) -> tuple[Ratio, ...]:
        return tuple(
            Ratio(index, self._site(index), column(rows, "d"), column(rows, "again"), column(rows, "kl"))
            for index, rows in sorted(self._ratio.items())
        )

    def advantages(self) -> tuple[Advantages, ...]:
        return tuple(
            Advantages(index, self._site(index), column(rows, "a"), rows[-1]["n"])
            for index, rows in sorted(self._advantages.items())
        )

    def prompt_groups(self) -> tuple[PromptGroups, ...]:
        found = []
        for index, rows in sorted(self._groups.items()):
            said: dict[tuple[int, bool], list[int]] = defaultdict(list)
            for size, follow, prompts in (one for row in rows for one in row["g"]):
                said[size, follow].append(prompts)
            for way, seen in sorted(said.items()):
                if len(seen) == len(rows):
                    counts = seen.count(1) + seen.count(2), seen.count(0), seen.count(2)
                    found.append(PromptGroups(index, self._site(index), rows[-1]["n"], *way, len(rows), *counts))
        return tuple(found)

    def references(self) -> tuple[Reference, ...]:
        return tuple(
            Reference(index, self._site(index), *(column(rows, key) for key in ("g", "m", "d")))
            for index, rows in sorted(self._reference.items())
        )

    def returns(self) -> tuple[Returns, ...]:
        return tuple(Returns(index, self._site(index), dict(kinds)) for index, kinds in sorted(self._returns.items()))

    def alignments(self) -> tuple[Alignment, ...]:
        return tuple(
            Alignment(index, self._site(index), dict(kinds)) for index, kinds in sorted(self._alignment.items())
        )

    def agreements(self) -> tuple[Agreement, ...]:
        return tuple(
            Agreement(
                index,
                self._site(index),
                column(rows, "a"),
                rows[0]["lo"],
                column([row for row in rows if row["ev"] is not None], "ev"),
            )
            for index, rows in sorted(self._agreement.items())
        )

    def partners(self) -> tuple[Partners, ...]:
        return tuple(
            Partners(index, self._site(index), column(rows, "r"), rows[-1]["n"], rows[-1]["v"])
            for index, rows in sorted(self._partners.items())
        )

    def cuts(self) -> tuple[Cut, ...]:
        found = []
        for index, rows in sorted(self._cuts.items()):
            last, outside = rows[-1], (column(rows, key) for key in ("o", "lo", "hi"))
            bounds = float(last["b"][0]), float(last["b"][1])
            found.append(Cut(index, self._site(index), last["mod"], bool(last["raw"]), bounds, *outside))
        return tuple(found)

    def lost_derivatives(self) -> tuple[LostDerivative, ...]:
        return tuple(LostDerivative(self.ledger.site(site), times) for site, times in sorted(self._derivatives.items()))


def _labels(rows: list[list[float]] | None) -> tuple[int, int, float] | None:
    if not rows:
        return None
    fewest, most, apart = zip(*rows, strict=True)
    return int(min(fewest)), int(max(most)), fmean(apart)


def _get(series: dict[str, Growing], key: str) -> Series:
    return series[key].series() if key in series else Series()
