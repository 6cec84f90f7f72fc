"""Builds the `Run` fact (and the probes' facts) from the rows of a run log, as they come in."""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import pairwise
from statistics import fmean
from typing import Any

from torchward import facts
from torchward.facts import (
    Activation,
    AliasedLoad,
    Attention,
    Batches,
    Bootstraps,
    CheckpointLoad,
    Choices,
    Clip,
    Copy,
    Cut,
    Cycle,
    Divergence,
    Entropy,
    Episodes,
    Experiment,
    ForwardCount,
    Input,
    Judged,
    Kept,
    Learner,
    Loader,
    Loss,
    LossStream,
    LostDerivative,
    Model,
    Module,
    Noised,
    NonFinite,
    Optimizer,
    Overlap,
    Pairs,
    Parameter,
    PartialLoad,
    Partners,
    Range,
    Ranks,
    Ratio,
    Recurrence,
    RowsAsTime,
    Run,
    Saves,
    Scheduler,
    Score,
    Series,
    Site,
    SlowCall,
    Training,
    TwiceJudged,
    UnusedLoader,
    Views,
    WorkerRandomness,
)
from torchward.runlog import Row

RECENT = 10
"""Sampled calls that `recent_predicted` and `recent_target` cover."""

EDGE = 0.05
"""Part of the range of time steps that counts as its end."""

SERIES_LIMIT = 10_000
"""Values of one series that are kept: memory, and the time of a judgement, are bounded however long the run is."""

_PROBES = {probe.__name__: probe for probe in facts.PROBES}


class _Growing:
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


def _series() -> defaultdict[Any, _Growing]:
    return defaultdict(_Growing)


class RunBuilder:
    """Feed it the rows of one process's log in order; ask for its facts at any time."""

    def __init__(self) -> None:
        self.head: Row = {}
        self.is_worker = False
        self.workers: list[Row] = []
        self.crash: Row | None = None
        """What the process told of the exception that ended it."""
        self.ended = False
        self.clean = False
        self._sites: dict[int, Site] = {}
        self._rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self._counts: dict[str, dict[int, Row]] = defaultdict(dict)
        self._stream: defaultdict[int, _Growing] = _series()
        self._parameter: dict[str, defaultdict[int, _Growing]] = {key: _series() for key in "gwushzy"}
        self._looked: Counter[int] = Counter()
        self._with_grad: Counter[int] = Counter()
        self._opt: dict[str, defaultdict[int, _Growing]] = {key: _series() for key in ("lr", "g")}
        self._activation: dict[int, list[_Growing]] = defaultdict(lambda: [_Growing() for _ in range(5)])
        self._input: dict[int, dict[str, _Growing]] = defaultdict(lambda: defaultdict(_Growing))
        self._shown: dict[int, list[Row]] = defaultdict(list)
        self._boot: dict[int, list[Row]] = defaultdict(list)
        self._episodes: Episodes | None = None
        self._noised: dict[int, list[Row]] = defaultdict(list)
        self._prints: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self._input_last: dict[int, Row] = {}
        self._loader_of: dict[int, Counter[int | None]] = defaultdict(Counter)
        self._renewed: Counter[int] = Counter()
        self._loss: dict[int, list[Row]] = defaultdict(list)
        self._loss_sum: dict[int, dict[str, Any]] = defaultdict(dict)
        self._eval: dict[str, defaultdict[int, _Growing]] = {key: _series() for key in "va"}
        self._eval_calls: Counter[int] = Counter()
        self._norms: dict[int, list[int]] = defaultdict(list)
        self._norm_least: dict[int, Row] = {}
        self._clip_norm: defaultdict[int, _Growing] = _series()
        self._cycles: list[Cycle] = []
        self._durations = _Growing()
        self._resident = _Growing()
        self._leaves: defaultdict[int, set[int]] = defaultdict(set)
        self._raised: defaultdict[int, set[int]] = defaultdict(set)
        self._totals: Row = {}
        self._slow: dict[tuple[str, int, bool], Row] = {}
        self._nonfinite: Row | None = None
        self._blind: dict[str, str] = {}
        self._errors: list[str] = []
        self._probes: list[Row] = []
        self._pairs: dict[int, Pairs] = {}
        self._modes: dict[int, dict[bool, int]] = defaultdict(dict)
        self._most_alive: Counter[int] = Counter()
        self._scale = _series()
        self._overwritten = _series()
        self._terms: dict[int, defaultdict[int, _Growing]] = defaultdict(_series)
        self._weights: dict[tuple[int, str], tuple[float, ...]] = {}
        self._judged: defaultdict[int, _Growing] = _series()
        self._aliases: list[Row] = []
        self._partial: list[Row] = []
        self._scores: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        self._kept: dict[int, list[Row]] = defaultdict(list)
        self._peaks: defaultdict[tuple[str, int], _Growing] = _series()
        self._replicas: list[int] = []
        self._search = False
        self._group: Sequence[int] = ()
        self._copies: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._logged: dict[tuple[int, str], defaultdict[str, _Growing]] = defaultdict(_series)
        self._twice: Counter[tuple[int, int, int, int]] = Counter()
        self._divergence: dict[int, list[_Growing]] = defaultdict(lambda: [_Growing() for _ in range(3)])
        self._evaluated_scales: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
        self._in_time: dict[int, list[Row]] = defaultdict(list)
        self._choices: dict[int, list[Row]] = defaultdict(list)
        self._weighed: Counter[int] = Counter()
        self._noise: dict[int, list[str]] = defaultdict(list)
        self._views: dict[int, list[Row]] = defaultdict(list)
        self._entropy: dict[int, list[Row]] = defaultdict(list)
        self._ratio: dict[int, list[Row]] = defaultdict(list)
        self._partners: dict[int, list[Row]] = defaultdict(list)
        self._cuts: dict[int, list[Row]] = defaultdict(list)
        self._derivatives: Counter[int] = Counter()
        self._overlaps: dict[tuple[int, int], list[tuple[int, int, int, int, bool, bool]]] = defaultdict(list)
        self._unused: list[Row] = []
        self._carried: Counter[tuple[int, str]] = Counter()
        self._cut: Counter[tuple[int, str]] = Counter()

    # -- rows

    def feed(self, rows: Iterable[Row]) -> int:
        """Take in more rows; the number of sampled steps among them. A row that makes no sense is left out."""
        sampled = 0
        for row in rows:
            take = getattr(self, f"_on_{row['k']}", None)
            if take is None:
                continue
            try:
                take(row)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                self._blind.setdefault("log", f"unreadable `{row['k']}` row: {type(error).__name__}: {error}")
                continue
            sampled += row["k"] == "cy"
        return sampled

    def end(self, clean: bool | None = None) -> None:
        """The process has ended; `clean` overrides what the log itself says of how."""
        self.ended = True
        if clean is not None:
            self.clean = clean

    def _on_head(self, row: Row) -> None:
        self.head = row
        self.is_worker = row.get("role") == "worker"

    def _on_crash(self, row: Row) -> None:
        self.crash = row

    def _on_end(self, row: Row) -> None:
        self.ended, self.clean = True, bool(row["clean"])

    def _on_site(self, row: Row) -> None:
        self._sites[row["i"]] = Site(str(row["file"]), int(row["line"]), str(row["fn"]))

    def _keep(self, row: Row) -> None:
        self._rows[row["k"]].setdefault(row["i"], {}).update(row)

    _on_root = _on_param = _on_module = _on_opt = _on_sched = _on_loader = _on_loss = _on_stream = _on_act = (
        _on_clip
    ) = _on_learner = _keep

    def _count(self, row: Row) -> None:
        self._counts[row["k"]][row["i"]] = row

    def _on_rl(self, row: Row) -> None:
        self._counts["rl"][row["i"]] = row
        for key in "vb":
            for name, value in row[key].items():
                self._logged[row["i"], key][name].add(row["t"], value)

    def _on_cp(self, row: Row) -> None:
        self._copies[row["i"], row["of"]].append(row)

    _on_ck = _on_fw = _on_oc = _on_sc = _on_lc = _on_cc = _on_lb = _count

    def _on_tj(self, row: Row) -> None:
        self._twice[row["i"], row["j"], row["m"], row["o"]] += 1

    def _on_kl(self, row: Row) -> None:
        for growing, key in zip(self._divergence[row["i"]], ("f", "j", "v"), strict=True):
            growing.add(row["s"], row[key])

    def _on_fz(self, row: Row) -> None:
        self._counts["fz"][row["m"]] = row

    def _on_tf(self, row: Row) -> None:
        self._in_time[row["m"]].append(row)

    def _on_es(self, row: Row) -> None:
        target, deviation, prediction, spread = row["v"]
        self._evaluated_scales[row["i"]].append((target, deviation, prediction, spread))

    def _on_mx(self, row: Row) -> None:
        self._raised[row["i"]].update(row["p"])

    def _on_po(self, row: Row) -> None:
        self._weighed[row["i"]] += 1

    def _on_ac(self, row: Row) -> None:
        self._choices[row["m"]].append(row)

    def _on_nz(self, row: Row) -> None:
        self._noise[row["i"]].append(row["fp"])

    def _on_tp(self, row: Row) -> None:
        self._partners[row["i"]].append(row)

    def _on_ct(self, row: Row) -> None:
        self._cuts[row["i"]].append(row)

    def _on_bt(self, row: Row) -> None:
        self._boot[row["m"]].append(row)

    def _on_ep(self, row: Row) -> None:
        self._episodes = Episodes(row["n"], row["c"], row["t"])

    def _on_dn(self, row: Row) -> None:
        self._noised[row["m"]].append(row)

    def _on_th(self, row: Row) -> None:
        self._input[row["m"]]["th"].add(row["s"], row["sd"])

    def _on_vw(self, row: Row) -> None:
        self._views[row["m"]].append(row)

    def _on_en(self, row: Row) -> None:
        self._entropy[row["i"]].append(row)

    def _on_rt(self, row: Row) -> None:
        self._ratio[row["i"]].append(row)

    def _on_ov(self, row: Row) -> None:
        self._overlaps[row["m"], row["site"]].append(
            (row["n"], row["h"], row["tn"], row["th"], bool(row.get("z")), bool(row.get("tz")))
        )

    def _on_rc(self, row: Row) -> None:
        self._carried[row["m"], row["mod"]] += row["n"] - 1
        self._cut[row["m"], row["mod"]] += row["cut"]

    def _on_un(self, row: Row) -> None:
        self._unused.append(row)

    def _on_dv(self, row: Row) -> None:
        self._derivatives[row["site"]] += 1

    def _on_gr(self, row: Row) -> None:
        self._count(row)
        self._most_alive[row["i"]] = max(self._most_alive[row["i"]], row["alive"])

    def _on_sd(self, row: Row) -> None:
        known = self._counts["sd"].setdefault(row["i"], {})
        keep = {
            key: known[key]
            for key in ("bc", "reach", "sm", "cm")
            if row.get(key) is None and known.get(key) is not None
        }
        known.update(row)
        known.update(keep)
        self._leaves[row["i"]].update(row.get("leaves") or ())

    def _on_L(self, row: Row) -> None:  # noqa: N802
        growing, first = self._stream[row["i"]], row["t"]
        steps = first if isinstance(first, list) else range(first, first + len(row["v"]))
        for step, value in zip(steps, row["v"], strict=True):
            if growing.steps and growing.steps[-1] == step:
                growing.values[-1] = value
            else:
                growing.add(step, value)

    def _on_st(self, row: Row) -> None:
        step, optimizer = row["s"], row["o"]
        own = set(row["wp"])
        self._opt["lr"][optimizer].add(step, row["lr"])
        self._opt["g"][optimizer].add(
            step, math.sqrt(sum(norm * norm for index, norm in zip(row["p"], row["g"], strict=True) if index in own))
        )
        if row.get("ow") is not None:
            self._overwritten[optimizer].add(step, float(row["ow"]))
        for index, norm in zip(row["p"], row["g"], strict=True):
            self._parameter["g"][index].add(step, norm)
            self._looked[index] += 1
            self._with_grad[index] += 1
        for index in row["none"]:
            self._looked[index] += 1
        for key, values in (("w", row["w"]), ("u", row["u"])):
            for index, value in zip(row["wp"], values, strict=True):
                self._parameter[key][index].add(step, value)
        for index, value in zip(row["sp"], row["spv"], strict=True):
            self._parameter["s"][index].add(step, value)
        for index, value in zip(row.get("hp", ()), row.get("hpv", ()), strict=True):
            self._parameter["h"][index].add(step, value)
        lost = row.get("zpv", ())
        for place, index in enumerate(row.get("zp", ())):
            self._parameter["z"][index].add(step, lost[2 * place])
            self._parameter["y"][index].add(step, lost[2 * place + 1])

    def _on_A(self, row: Row) -> None:  # noqa: N802
        for index, *values in row["a"]:
            for growing, value in zip(self._activation[index], values, strict=True):
                growing.add(row["s"], value)

    def _on_in(self, row: Row) -> None:
        model = row["m"]
        self._prints[model].append((row["s"], row["fp"]))
        self._input_last[model] = {**self._input_last.get(model, {}), **row}
        self._loader_of[model][row["ld"]] += 1
        self._renewed[model] += bool(row.get("new"))
        if row.get("bm") is not None:
            self._shown[model].append(row)
        for key in ("mean", "std", "lo", "hi", "nf", "rms", "sp", "osp", "od", "blo", "bhi"):
            if row.get(key) is not None:
                self._input[model][key].add(row["s"], row[key])

    def _on_ls(self, row: Row) -> None:
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
        if row.get("lr"):
            total.setdefault("lr", []).append(row["lr"])
        if row.get("tsd") is not None:
            total.setdefault("tsd", []).append(row["tsd"])
            total.setdefault("tmn", []).append(row.get("tmn", math.nan))
        total.setdefault("op", set()).add(row.get("op", ""))
        for key in ("tv", "pv"):
            counted = total.setdefault(key, Counter())
            counted.update({int(label): number for label, number in row.get(key, {}).items()})
        for key in ("ig", "tn", "bad"):
            total[key] = total.get(key, 0) + int(row.get(key, 0))
        growing: dict[str, _Growing] = total.setdefault("series", defaultdict(_Growing))
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

    def _on_tm(self, row: Row) -> None:
        total: dict[int, float] = {}
        for index, value in zip(row["l"], row["v"], strict=True):
            total[index] = total.get(index, 0.0) + value
        whole = abs(row["t"]) or 1.0
        for index, value in total.items():
            self._terms[row["i"]][index].add(row["s"], abs(value) / whole)

    def _on_ev(self, row: Row) -> None:
        self._eval["v"][row["i"]].add(row["s"], row["v"])
        self._eval["a"][row["i"]].add(row["s"], row["a"])
        self._eval_calls[row["i"]] += row["n"]
        self._judged[row["i"]].add(row["s"], row.get("e"))

    def _on_lw(self, row: Row) -> None:
        self._weights[row["i"], row["w"]] = tuple(row["v"])

    def _on_gs(self, row: Row) -> None:
        self._scale[row["i"]].add(row["s"], row["v"])

    def _on_alias(self, row: Row) -> None:
        self._aliases.append(row)

    def _on_pl(self, row: Row) -> None:
        self._partial.append(row)

    def _on_pp(self, row: Row) -> None:
        self._scores[row["op"], row["site"], row["m"]].append(row["n"])

    def _on_at(self, row: Row) -> None:
        self._peaks[row["layer"], row["n"]].add(row["s"], row["peak"])

    def _on_kept(self, row: Row) -> None:
        self._kept[row["id"]].append(row)

    def _on_ddp(self, row: Row) -> None:
        self._replicas.append(row["site"])
        self._search = self._search or bool(row.get("find"))

    def _on_bn(self, row: Row) -> None:
        module = row["m"]
        self._norms[module].append(row["n"])
        least = self._norm_least.get(module)
        if least is None or row["n"] < least["n"]:
            self._norm_least[module] = row

    def _on_cn(self, row: Row) -> None:
        self._clip_norm[row["i"]].add(row["s"], row["v"])

    def _on_cy(self, row: Row) -> None:
        self._cycles.append(Cycle(row["s"], tuple((str(name), int(index)) for name, index in row["e"])))
        if row.get("rss"):
            self._resident.add(row["s"], row["rss"])

    def _on_n(self, row: Row) -> None:
        self._totals = row
        self._group = row.get("pg") or self._group  # gone again at the end
        if row["d"] is not None:
            self._durations.add(row["s"], row["d"])

    def _on_slow(self, row: Row) -> None:
        self._slow[row["kind"], row["site"], row["cpu"]] = row

    def _on_nf(self, row: Row) -> None:
        self._nonfinite = self._nonfinite or row

    def _on_blind(self, row: Row) -> None:
        self._blind.setdefault(str(row["area"]), str(row["why"]))

    def _on_error(self, row: Row) -> None:
        self._errors.append(f"{row['part']}: {row['text']}")

    def _on_worker(self, row: Row) -> None:
        self.workers.append(row)

    def _on_probe(self, row: Row) -> None:
        if row["kind"] == "ModeProbe":  # each tells of all looks so far
            same = (row["kind"], row["model"], row["site"])
            self._probes = [one for one in self._probes if (one["kind"], one["model"], one["site"]) != same]
        self._probes.append(row)

    def _on_pairs(self, row: Row) -> None:
        names = {field.name for field in fields(Pairs)}
        self._pairs[row["model"]] = Pairs(**{key: value for key, value in row.items() if key in names})

    def _on_mode(self, row: Row) -> None:
        self._modes[row["i"]][bool(row["train"])] = row["site"]

    # -- facts

    def facts(self, workers: Sequence[Row] = ()) -> list[object]:
        """One `Run`, then the probes. `workers`: rows of the loader workers that this process started."""
        optimizers = self._optimizers()
        streams = self._streams()
        losses = self._losses()
        trainings = _trainings(optimizers, streams, losses)
        totals = self._totals
        cache = totals.get("ec") or [0, 0, 0.0, -1]
        parameters = self._parameters()
        run = Run(
            command=tuple(self.head.get("argv", ())),
            pid=self.head.get("pid", 0),
            rank=self._group[0] if self._group and self.head.get("rank") is None else self.head.get("rank"),
            world_size=self._group[1] if self._group and self.head.get("world") is None else self.head.get("world"),
            torch_version=self.head.get("torch", ""),
            python_version=self.head.get("python", ""),
            device=next((parameter.device for parameter in parameters), ""),
            ended=self.ended,
            clean_end=self.clean,
            crashed=self.crash is not None,
            steps=max(totals.get("s", 0), self._cycles[-1].step + 1 if self._cycles else 0),
            samples=len(self._cycles),
            seconds=totals.get("t", 0.0),
            step_seconds=self._durations.series(),
            own_seconds=totals.get("own", 0.0),
            probe_seconds=totals.get("pr", 0.0),
            backwards=totals.get("b", 0),
            models=self._models(trainings, optimizers, parameters),
            modules=self._modules(),
            parameters=parameters,
            recurrences=tuple(
                Recurrence(*key, calls=calls, cut=self._cut[key]) for key, calls in sorted(self._carried.items())
            ),
            optimizers=optimizers,
            schedulers=self._schedulers(),
            loaders=self._loaders(),
            unused_loaders=tuple(UnusedLoader(self._site(row["site"]), row["ex"]) for row in self._unused),
            overlaps=tuple(
                Overlap(model, self._site(site), *map(tuple, zip(*batches, strict=True)))
                for (model, site), batches in sorted(self._overlaps.items())
            ),
            workers=_worker_randomness([*self.workers, *workers]),
            losses=losses,
            streams=streams,
            twice_judged=tuple(TwiceJudged(*key, steps=times) for key, times in sorted(self._twice.items())),
            divergences=self._divergences(),
            entropies=tuple(
                Entropy(
                    index,
                    self._site(self._rows["stream"].get(index, {}).get("site")),
                    Series([row["s"] for row in rows], [row["f"] for row in rows]),
                    Series([row["s"] for row in rows], [row["v"] for row in rows]),
                )
                for index, rows in sorted(self._entropy.items())
            ),
            ratios=tuple(
                Ratio(
                    index,
                    self._site(self._rows["stream"].get(index, {}).get("site")),
                    Series([row["s"] for row in rows], [row["d"] for row in rows]),
                    Series([row["s"] for row in rows], [row["again"] for row in rows]),
                )
                for index, rows in sorted(self._ratio.items())
            ),
            partners=tuple(
                Partners(
                    index,
                    self._site(self._rows["stream"].get(index, {}).get("site")),
                    Series([row["s"] for row in rows], [row["r"] for row in rows]),
                    rows[-1]["n"],
                    rows[-1]["v"],
                )
                for index, rows in sorted(self._partners.items())
            ),
            cuts=tuple(
                Cut(
                    index,
                    self._site(self._rows["stream"].get(index, {}).get("site")),
                    rows[-1]["mod"],
                    bool(rows[-1]["raw"]),
                    (float(rows[-1]["b"][0]), float(rows[-1]["b"][1])),
                    *(Series([row["s"] for row in rows], [row[key] for row in rows]) for key in ("o", "lo", "hi")),
                )
                for index, rows in sorted(self._cuts.items())
            ),
            lost_derivatives=tuple(
                LostDerivative(self._site(site), times) for site, times in sorted(self._derivatives.items())
            ),
            trainings=trainings,
            activations=self._activations(),
            attention=tuple(
                Attention(layer, positions, growing.series()) for (layer, positions), growing in self._peaks.items()
            ),
            inputs=self._inputs(),
            judged=self._judged_models(),
            noised=self._noised_models(),
            batches=self._batches(),
            clips=self._clips(),
            cycles=tuple(self._cycles),
            slow_calls=tuple(
                SlowCall(row["kind"], self._site(row["site"]), row["st"], row["n"], row["t"], row["cpu"])
                for row in self._slow.values()
            ),
            nonfinite=self._not_finite(),
            pairs=tuple(self._pairs.values()),
            empty_cache_calls=cache[0],
            empty_cache_steps=cache[1],
            empty_cache_seconds=cache[2],
            empty_cache_site=self._site(cache[3]),
            resident_bytes=self._resident.series(),
            aliased_loads=tuple(AliasedLoad(row["s"], self._site(row["site"]), row["m"]) for row in self._aliases),
            partial_loads=tuple(
                PartialLoad(
                    row["s"],
                    self._site(row["site"]),
                    row["m"],
                    row["n"],
                    row["t"],
                    row["own"],
                    row["fits"],
                    (row["names"][0], row["names"][1]),
                )
                for row in self._partial
            ),
            scores=tuple(
                Score(operation, max(sizes), len(sizes), self._site(site), model)
                for (operation, site, model), sizes in self._scores.items()
            ),
            learners=self._learners(),
            choices=tuple(
                Choices(
                    model,
                    rows[-1]["a"],
                    Series([row["s"] for row in rows], [row["g"] for row in rows]),
                    sum(row["n"] for row in rows),
                    rows[-1]["w"],
                )
                for model, rows in sorted(self._choices.items())
            ),
            bootstraps=tuple(
                Bootstraps(
                    model,
                    self._site(self._input_last.get(model, {}).get("site")),
                    sum(row["n"] for row in rows),
                    sum(row["o"] for row in rows),
                    rows[-1]["g"],
                    Series([row["s"] for row in rows], [row["o"] for row in rows]),
                )
                for model, rows in sorted(self._boot.items())
            ),
            episodes=self._episodes,
            copies=tuple(
                Copy(
                    model=model,
                    original=original,
                    distance=Series([row["s"] for row in rows], [row["d"] for row in rows]),
                    as_begun=self._rows["root"].get(original, {}).get("first", [0, ""])[1] == rows[-1]["fp"],
                    changes=sum(before["fp"] != after["fp"] for before, after in pairwise(rows)),
                    site=self._site(rows[0]["site"]),
                    still=_still(rows),
                )
                for (model, original), rows in sorted(self._copies.items())
            ),
            views=tuple(
                Views(
                    self._rows["module"][module]["model"],
                    str(self._rows["module"][module]["name"]),
                    self._site(self._rows["root"].get(self._rows["module"][module]["model"], {}).get("site")),
                    rows[-1]["f"],
                    Series([row["s"] for row in rows], [row["sp"] for row in rows]),
                    Series([row["s"] for row in rows], [row["od"] for row in rows]),
                )
                for module, rows in sorted(self._views.items())
            ),
            rows_as_time=tuple(
                RowsAsTime(
                    model,
                    rows[0]["mod"],
                    rows[0]["mk"],
                    rows[0]["n"],
                    sum(row["n"] for row in rows),
                    sum(row["r"] for row in rows),
                    sum(row["p"] for row in rows),
                )
                for model, rows in sorted(self._in_time.items())
            ),
            saves=self._saves(),
            kept=self._gathered(),
            checkpoint_loads=tuple(
                CheckpointLoad(row["s"], self._site(row["site"]), row["model"], row["opt"], row["own"])
                for _, row in sorted(self._counts["ck"].items())
            ),
            group_size=self._group[1] if self._group else None,
            replicas=len(self._replicas),
            replicas_search=self._search,
            threads=totals.get("th"),
            cores=totals.get("cores") or None,
            replica_site=self._site(self._replicas[0]) if self._replicas else None,
            blind=dict(self._blind),
            errors=tuple(self._errors),
        )
        graded = {parameter.name for parameter in parameters if parameter.samples_with_grad}
        return [run, *(probe for row in self._probes if (probe := self._probe(row, graded)) is not None)]

    def _site(self, index: Any) -> Site | None:
        return self._sites.get(index) if isinstance(index, int) else None

    def _sites_of(self, indices: Iterable[Any]) -> tuple[Site, ...]:
        return tuple(site for site in map(self._site, indices) if site is not None)

    def _parameters(self) -> tuple[Parameter, ...]:
        found = []
        in_graph: set[int] = set().union(*self._leaves.values())
        for index, row in sorted(self._rows["param"].items()):
            shape = tuple(row["shape"])
            found.append(
                Parameter(
                    index=index,
                    name=row["name"],
                    model=row["model"],
                    module=row["mod"],
                    module_kind=row["mk"],
                    shape=shape,
                    numel=math.prod(shape),
                    dtype=row["dt"],
                    device=row["dev"],
                    requires_grad=row["rg"],
                    optimizers=tuple(row["opt"]),
                    loaded=row["ld"],
                    in_graph=index in in_graph,
                    hidden_module=row["hid"],
                    samples=self._looked[index],
                    samples_with_grad=self._with_grad[index],
                    called=bool(row.get("called")),
                    frozen_first=bool(row.get("fz")),
                    grad_norm=self._parameter["g"][index].series(),
                    weight_norm=self._parameter["w"][index].series(),
                    update_ratio=self._parameter["u"][index].series(),
                    row_spread=self._parameter["s"][index].series(),
                    unchanged=self._parameter["h"][index].series(),
                    lost_gradient=self._parameter["z"][index].series(),
                    tiny_gradient=self._parameter["y"][index].series(),
                )
            )
        return tuple(found)

    def _learners(self) -> tuple[Learner, ...]:
        found = []
        for index, row in sorted(self._rows["learner"].items()):
            last = self._counts["rl"].get(index, {})
            low, high = row.get("bounds") or (None, None)
            predicted, normalised, updating = row.get("ev") or (0, 0, 0)
            found.append(
                Learner(
                    index=index,
                    algorithm=row["algorithm"],
                    site=self._site(row["site"]),
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
                    evaluation_site=self._site(row.get("es")),
                    normaliser_shift=row.get("shift"),
                )
            )
        return tuple(found)

    def _models(
        self, trainings: Sequence[Training], optimizers: Sequence[Optimizer], parameters: Sequence[Parameter]
    ) -> tuple[Model, ...]:
        held = {
            index: {parameter.model for parameter in parameters if index in parameter.optimizers}
            for index in (optimizer.index for optimizer in optimizers)
        }
        found = []
        for index, row in sorted(self._rows["root"].items()):
            if "name" not in row:
                continue
            counts = self._counts["fw"].get(index, {})
            calls = ForwardCount(
                training_with_backward=counts.get("tb", 0),
                training_no_backward=counts.get("tn", 0),
                training_no_grad=counts.get("tg", 0),
                eval_with_backward=counts.get("eb", 0),
                eval_no_grad=counts.get("en", 0),
                training_asked_again=counts.get("ag", 0),
                eval_graph_unused=counts.get("eg", 0),
            )
            found.append(
                Model(
                    index=index,
                    name=row["name"],
                    kind=row["kind"],
                    parameters=row["n"],
                    trainable=row["tr"],
                    site=self._site(row["site"]),
                    dropout_or_norm=tuple(row["dn"]),
                    own_mode_modules=counts.get("own", 0),
                    compiled=row["comp"],
                    wrapper=row.get("wrap", ""),
                    calls=calls,
                    eval_sites=self._sites_of(counts.get("sn", ())),
                    graph_sites=self._sites_of(counts.get("sg", ())),
                    train_call=self._site(self._modes[index].get(True)),
                    eval_call=self._site(self._modes[index].get(False)),
                    eval_then_trained=counts.get("et", 0),
                    eval_from_start=counts.get("es", 0),
                    in_trainings=tuple(
                        training.index
                        for training in trainings
                        if any(index in held[optimizer] for optimizer in training.optimizers)
                    ),
                    outputs_followed=counts.get("os", 0),
                    outputs_used=tuple(counts.get("ou", ())),
                    frozen_drawn=tuple((str(a), int(b)) for a, b in self._counts["fz"].get(index, {}).get("n", ())),
                    frozen_loaded=bool(self._counts["fz"].get(index, {}).get("ld")),
                    repeated=(str(row["rep"][0]), str(row["rep"][1]), int(row["rep"][2])) if row.get("rep") else None,
                )
            )
        return tuple(found)

    def _modules(self) -> tuple[Module, ...]:
        found = []
        for index, row in sorted(self._rows["module"].items()):
            sizes, least = sorted(self._norms.get(index, ())), self._norm_least.get(index)
            found.append(
                Module(
                    name=row["name"],
                    kind=row["kind"],
                    model=row["model"],
                    registered=row["reg"],
                    parameters=row["n"],
                    site=self._site(row.get("site")),
                    in_optimizer=bool(row.get("opt")),
                    smallest_batch=least["n"] if least else None,
                    values_per_channel=least["v"] if least else None,
                    typical_batch=sizes[len(sizes) // 2] if sizes else None,
                    momentum=row.get("mom"),
                )
            )
        return tuple(found)

    def _optimizers(self) -> tuple[Optimizer, ...]:
        found = []
        clip = max((row["th"] for row in self._rows["clip"].values() if row["kind"] == "clip_grad_norm_"), default=None)
        for index, row in sorted(self._rows["opt"].items()):
            counts = self._counts["oc"].get(index, {})
            closures = counts.get("cl") or [0, 0, 0, 0]
            found.append(
                Optimizer(
                    index=index,
                    kind=row["kind"],
                    site=self._site(row["site"]),
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
                    cycles_cleared_late=counts.get("late", 0),
                    cycles_without_gradient=counts.get("wo", 0),
                    zero_sites=self._sites_of(counts.get("z", ())),
                    late_zero_sites=self._sites_of(counts.get("zl", ())),
                    made=self._site(row.get("made")),
                    step_scaled=bool(counts.get("scaled")),
                    gradient_norm=self._opt["g"][index].series(),
                    clipped_norm=clip,
                    stray_lr=row.get("stray"),
                    eps=row.get("eps"),
                    betas=tuple(row.get("betas") or ()),
                    cycles_rescaled=counts.get("resc", 0),
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

    def _schedulers(self) -> tuple[Scheduler, ...]:
        found = []
        training = max((row for row in self._loaders() if row.trains), key=lambda loader: loader.fetched, default=None)
        for index, row in sorted(self._rows["sched"].items()):
            counts = self._counts["sc"].get(index, {})
            found.append(
                Scheduler(
                    index=index,
                    kind=row["kind"],
                    optimizer=row["opt"],
                    site=self._site(row["site"]),
                    step_site=self._site(counts.get("site")),
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
                )
            )
        return tuple(found)

    def _loaders(self) -> tuple[Loader, ...]:
        found = []
        for index, row in sorted(self._rows["loader"].items()):
            counts = self._counts["lc"].get(index, {})
            found.append(
                Loader(
                    index=index,
                    site=self._site(row["site"]),
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
                    idle_passes=counts.get("idle", 0),
                    idle_site=self._site(counts.get("isite")),
                    compared_passes=counts.get("cmp", 0),
                    moved_passes=counts.get("mv", 0),
                )
            )
        return tuple(found)

    def _fed_training(self, loader: int) -> bool:
        return any(row.get("ld") == loader for row in self._input_last.values())

    def _losses(self) -> tuple[Loss, ...]:
        found = []
        for index, row in sorted(self._rows["loss"].items()):
            rows, total = self._loss[index], self._loss_sum[index]
            last = rows[-1] if rows else {}
            series: dict[str, _Growing] = total.get("series", defaultdict(_Growing))
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
                    site=self._site(row["site"]),
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
                    labels=_labels(total.get("lr")),
                    pairs=total.get("pm", 0),
                    own_pairs=total.get("ar", 0),
                    asymmetry=total.get("sy"),
                    spread=_get(series, "spread"),
                    variance_has_graph=last.get("vg"),
                    judges=tuple(last["jo"]) if last.get("jo") else None,
                    in_backward=self._counts["lb"].get(index, {}).get("b", 0),
                    left_out=self._counts["lb"].get(index, {}).get("o", 0),
                    added_without_graph=self._counts["lb"].get(index, {}).get("a", 0),
                    label_smoothing=last.get("sm"),
                    log_target=last.get("lt"),
                    evaluated_scales=tuple(self._evaluated_scales[index]),
                    evaluated=self._judged[index].series(),
                )
            )
        return tuple(found)

    def _streams(self) -> tuple[LossStream, ...]:
        found = []
        for index, row in sorted(self._rows["stream"].items()):
            described, graphs = self._counts["sd"].get(index, {}), self._counts["gr"].get(index, {})
            broadcast, softmax = described.get("bc"), described.get("sm")
            mixed = described.get("cm")
            found.append(
                LossStream(
                    index=index,
                    site=self._site(row["site"]),
                    values=self._stream[index].series(),
                    head=described.get("head", ""),
                    kind=described.get("kind", ""),
                    is_leaf=bool(described.get("leaf")),
                    reaches_parameters=described.get("reach"),
                    leaves=tuple(sorted(self._leaves[index])),
                    raised=tuple(sorted(self._raised[index])),
                    broadcast=(tuple(broadcast[0]), tuple(broadcast[1]), str(broadcast[2])) if broadcast else None,
                    alive_graphs=graphs.get("alive", 0),
                    marked_graphs=graphs.get("n", 0),
                    most_alive_graphs=self._most_alive[index],
                    terms={key: growing.series() for key, growing in self._terms[index].items()},
                    weighed_choices=self._weighed[index],
                    softmax=(tuple(softmax[0]), int(softmax[1]), str(softmax[2])) if softmax else None,
                    mixed=(tuple(mixed[0]), tuple(mixed[1]), str(mixed[2])) if mixed else None,
                )
            )
        return tuple(found)

    def _divergences(self) -> tuple[Divergence, ...]:
        found = []
        for index, (factor, judged, nats) in sorted(self._divergence.items()):
            site = self._site(self._rows["stream"].get(index, {}).get("site"))
            noise = tuple(self._noise[index])
            found.append(Divergence(index, site, factor.series(), judged.series(), nats.series(), noise))
        return tuple(found)

    def _activations(self) -> tuple[Activation, ...]:
        found = []
        for index, row in sorted(self._rows["act"].items()):
            zero, dead, saturated, mean, deviation = (growing.series() for growing in self._activation[index])
            found.append(
                Activation(
                    name=f"{row['layer']} -> {row['kind']}" if row["layer"] else row["kind"],
                    kind=row["kind"],
                    layer=row["layer"],
                    layer_kind=row["lk"],
                    order=row["order"],
                    before_loss=row["last"],
                    units=row["units"],
                    zero_share=zero,
                    dead_share=dead,
                    saturated_share=saturated,
                    mean=mean,
                    std=deviation,
                )
            )
        return tuple(sorted(found, key=lambda activation: activation.order))

    def _inputs(self) -> tuple[Input, ...]:
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
                    normalised_first=bool(self._rows["root"].get(model, {}).get("norm_first")),
                    site=self._site(row["site"]),
                    layer_rms=series["rms"].series(),
                    spread=series["sp"].series(),
                    output_spread=series["osp"].series(),
                    output_directions=series["od"].series(),
                    output_shape=tuple(row.get("os", ())),
                    beside_minimum=series["blo"].series(),
                    beside_maximum=series["bhi"].series(),
                    target_std=series["th"].series(),
                )
            )
        return tuple(found)

    def _judged_models(self) -> tuple[Judged, ...]:
        found = []
        for model, rows in sorted(self._shown.items()):
            made = [row for row in rows if "mw" in row]
            makers = {row["by"] for row in made if row["by"] is not None}
            operations = {row["mw"] for row in made if row["mw"]}
            if len(makers) == 1:
                found.append(
                    Judged(
                        model=model,
                        maker=makers.pop(),
                        operation=operations.pop() if len(operations) == 1 else "",
                        site=self._site(made[0]["site"]),
                        data=_range([row for row in rows if "mw" not in row]),
                        made=_range(made),
                    )
                )
        return tuple(found)

    def _noised_models(self) -> tuple[Noised, ...]:
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
            site = self._site(self._input_last.get(model, {}).get("site"))
            times, batches, share, rest, wanted = zip(low, high, strict=True)
            found.append(Noised(model, site, times, batches, share, rest, fmean(wanted)))
        return tuple(found)

    def _batches(self) -> tuple[Batches, ...]:
        found = []
        for model, prints in sorted(self._prints.items()):
            row = self._input_last[model]
            sources = Counter({index: times for index, times in self._loader_of[model].items() if index is not None})
            loader = self._rows["loader"].get(sources.most_common(1)[0][0], {}) if sources else {}
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
                    site=self._site(row["site"]),
                )
            )
        return tuple(found)

    def _clips(self) -> tuple[Clip, ...]:
        found = []
        for index, row in sorted(self._rows["clip"].items()):
            counts = self._counts["cc"].get(index, {})
            found.append(
                Clip(
                    kind=row["kind"],
                    site=self._site(row["site"]),
                    threshold=row["th"],
                    calls=counts.get("n", 0),
                    before_step=counts.get("ok", 0),
                    after_step=counts.get("late", 0),
                    total_norm=self._clip_norm[index].series(),
                )
            )
        return tuple(found)

    def _saves(self) -> Saves | None:
        saves, files = self._totals.get("sv"), self._totals.get("files") or {}
        return Saves(saves[0], saves[1], saves[2], self._site(saves[3]), dict(files)) if saves else None

    def _gathered(self) -> tuple[Kept, ...]:
        return tuple(
            Kept(
                kind=rows[-1]["kind"],
                name=next((row["name"] for row in reversed(rows) if row["name"]), ""),
                elements=Series(
                    [rows[0]["was"][0], *(row["s"] for row in rows)], [rows[0]["was"][1], *(row["n"] for row in rows)]
                ),
                bytes=Series([row["s"] for row in rows], [row["b"] for row in rows]),
                passes=rows[-1]["ep"] - rows[0]["ep"],
            )
            for rows in self._kept.values()
        )

    def _not_finite(self) -> NonFinite | None:
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
            site=self._site(row["site"]),
            parameters=tuple(row["p"]),
            backwards=row.get("b", 0),
            line=self._site(row.get("line")),
            steep_op=(row.get("steep") or ("", ""))[0],
            steep_module=(row.get("steep") or ("", ""))[1],
        )

    def _probe(self, row: Row, graded: set[str]) -> Experiment | None:
        kind = _PROBES.get(str(row.get("kind")))
        if kind is None:
            return None
        names = {field.name for field in fields(kind)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key in names
        }
        values["site"] = self._site(row.get("where", row.get("site")))
        if "without" in values:  # parts that take turns get their gradients at other steps
            for key in {"without", "without_own"} & values.keys():
                values[key] = tuple(name for name in values[key] if name not in graded)
        return kind(**values)


def _range(rows: list[Row]) -> Range:
    steps = [row["s"] for row in rows]
    return Range(*(Series(steps, [row[key] for row in rows]) for key in ("lo", "hi", "bm", "bz", "ao")))


def _still(rows: list[Row]) -> int:
    """See `Copy.still`."""
    looks = 0
    for before, after in reversed(list(pairwise(rows))):
        own, others = zip(before.get("st") or (0, 0), after.get("st") or (0, 0), strict=True)
        if not after.get("ev") or own[0] != own[1] or others[0] == others[1] or before["fp"] == after["fp"]:
            break
        looks += 1
    return looks


def _labels(rows: list[list[float]] | None) -> tuple[int, int, float] | None:
    if not rows:
        return None
    fewest, most, apart = zip(*rows, strict=True)
    return int(min(fewest)), int(max(most)), fmean(apart)


def _get(series: dict[str, _Growing], key: str) -> Series:
    return series[key].series() if key in series else Series()


def ranks(found: Iterable[object]) -> list[object]:
    """A `Ranks` of the runs that are ranks of one job, if they are two or more, each there once."""
    runs = sorted(
        (fact for fact in found if isinstance(fact, Run) and fact.rank is not None and fact.steps),
        key=lambda run: run.rank or 0,
    )
    alone = len({run.rank for run in runs}) == len(runs) and len({run.world_size for run in runs}) == 1
    return [Ranks(tuple(runs))] if len(runs) > 1 and alone else []


def _worker_randomness(rows: Sequence[Row]) -> tuple[WorkerRandomness, ...]:
    rounds: Counter[tuple[int, int, str]] = Counter()
    found = []
    for row in rows:
        key = (row["pid"], row["w"], row["g"])
        found.append(
            WorkerRandomness(row["pid"], row["w"], row["n"], row["g"], row["a"], row["b"], iteration=rounds[key])
        )
        rounds[key] += 1
    return tuple(found)


def _trainings(
    optimizers: Sequence[Optimizer], streams: Sequence[LossStream], losses: Sequence[Loss]
) -> tuple[Training, ...]:
    """Optimizers whose steps interleave train together; others are stages of their own, in order."""
    groups: list[list[Optimizer]] = []
    for optimizer in sorted((opt for opt in optimizers if opt.steps), key=lambda opt: (opt.first_step, opt.index)):
        last = groups[-1] if groups else None
        if (last is not None and optimizer.first_step <= max(opt.last_step for opt in last) - 1) or (
            last is not None and optimizer.first_step <= max(opt.last_step for opt in last) and optimizer.steps <= 2
        ):
            last.append(optimizer)
        else:
            groups.append([optimizer])
    found = []
    for index, group in enumerate(groups):
        first = min(opt.first_step for opt in group)
        last_step = max(opt.last_step for opt in group)
        if index + 1 < len(groups):
            last_step = max(first, min(last_step, min(opt.first_step for opt in groups[index + 1]) - 1))
        sets = [set(opt.parameters) for opt in group]
        disjoint = len(group) > 1 and any(not (a & b) for a in sets for b in sets if a is not b)
        within = [stream for stream in streams if len(stream.values.between(first, last_step))]
        judged = [loss.index for loss in losses if not loss.training and len(loss.values.between(first, last_step + 1))]
        found.append(
            Training(
                index=index,
                optimizers=tuple(opt.index for opt in group),
                first_step=first,
                last_step=last_step,
                losses=tuple(stream.index for stream in within),
                adversarial=disjoint and len(within) > 1,
                evaluations=tuple(judged),
            )
        )
    return tuple(found)
