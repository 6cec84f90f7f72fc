"""Builds the `Run` fact (and the probes' facts) from the rows of a run log, as they come in."""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from statistics import fmean
from typing import Any

from torchward import facts
from torchward.facts import (
    Activation,
    Batches,
    Clip,
    Cycle,
    Experiment,
    ForwardCount,
    Input,
    Loader,
    Loss,
    LossStream,
    Model,
    Module,
    NonFinite,
    Optimizer,
    Parameter,
    Run,
    Scheduler,
    Series,
    Site,
    SlowCall,
    Training,
    WorkerRandomness,
)
from torchward.runlog import Row

RECENT = 10
"""Sampled calls that `recent_predicted` and `recent_target` cover."""

_PROBES = {probe.__name__: probe for probe in facts.PROBES}


class _Growing:
    """A series under construction."""

    __slots__ = ("steps", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")

    def add(self, step: int, value: float | None) -> None:
        self.steps.append(step)
        self.values.append(math.nan if value is None else value)

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
        self.ended = False
        self.clean = False
        self._sites: dict[int, Site] = {}
        self._rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self._counts: dict[str, dict[int, Row]] = defaultdict(dict)
        self._stream: defaultdict[int, _Growing] = _series()
        self._parameter: dict[str, defaultdict[int, _Growing]] = {key: _series() for key in "gwus"}
        self._looked: Counter[int] = Counter()
        self._with_grad: Counter[int] = Counter()
        self._opt: dict[str, defaultdict[int, _Growing]] = {key: _series() for key in ("lr", "g")}
        self._activation: dict[int, list[_Growing]] = defaultdict(lambda: [_Growing() for _ in range(5)])
        self._input: dict[int, dict[str, _Growing]] = defaultdict(lambda: defaultdict(_Growing))
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
        self._in_graph: set[int] = set()
        self._totals: Row = {}
        self._slow: dict[tuple[str, int, bool], Row] = {}
        self._nonfinite: Row | None = None
        self._blind: dict[str, str] = {}
        self._errors: list[str] = []
        self._probes: list[Row] = []
        self._modes: dict[int, dict[bool, int]] = defaultdict(dict)
        self._most_alive: Counter[int] = Counter()

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

    def _on_end(self, row: Row) -> None:
        self.ended, self.clean = True, bool(row["clean"])

    def _on_site(self, row: Row) -> None:
        self._sites[row["i"]] = Site(str(row["file"]), int(row["line"]), str(row["fn"]))

    def _keep(self, row: Row) -> None:
        self._rows[row["k"]].setdefault(row["i"], {}).update(row)

    _on_root = _on_param = _on_module = _on_opt = _on_sched = _on_loader = _on_loss = _on_stream = _on_act = (
        _on_clip
    ) = _keep

    def _count(self, row: Row) -> None:
        self._counts[row["k"]][row["i"]] = row

    _on_fw = _on_oc = _on_sc = _on_lc = _on_cc = _count

    def _on_gr(self, row: Row) -> None:
        self._count(row)
        self._most_alive[row["i"]] = max(self._most_alive[row["i"]], row["alive"])

    def _on_sd(self, row: Row) -> None:
        known = self._counts["sd"].setdefault(row["i"], {})
        keep = {key: known[key] for key in ("bc", "reach") if row.get(key) is None and known.get(key) is not None}
        known.update(row)
        known.update(keep)
        self._in_graph.update(row.get("leaves") or ())

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
        for key in ("mean", "std", "lo", "hi", "nf", "rms"):
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
        ):
            if row.get(key) is not None:
                total[key] = better(total.get(key, row[key]), row[key])
        if row.get("tsd") is not None:
            total.setdefault("tsd", []).append(row["tsd"])
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
        if row.get("per") and row["tv"]:
            labels = {int(label): number for label, number in row["tv"].items()}
            size = sum(labels.values())
            growing["classes"].add(row["s"], len(labels))
            growing["mean"].add(row["s"], sum(label * number for label, number in labels.items()) / size)
            growing["size"].add(row["s"], size)
            total.setdefault("per", Counter()).update(labels)

    def _on_ev(self, row: Row) -> None:
        self._eval["v"][row["i"]].add(row["s"], row["v"])
        self._eval["a"][row["i"]].add(row["s"], row["a"])
        self._eval_calls[row["i"]] += row["n"]

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
        self._probes.append(row)

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
            rank=self.head.get("rank"),
            world_size=self.head.get("world"),
            torch_version=self.head.get("torch", ""),
            python_version=self.head.get("python", ""),
            device=next((parameter.device for parameter in parameters), ""),
            ended=self.ended,
            clean_end=self.clean,
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
            optimizers=optimizers,
            schedulers=self._schedulers(),
            loaders=self._loaders(),
            workers=_worker_randomness([*self.workers, *workers]),
            losses=losses,
            streams=streams,
            trainings=trainings,
            activations=self._activations(),
            inputs=self._inputs(),
            batches=self._batches(),
            clips=self._clips(),
            cycles=tuple(self._cycles),
            slow_calls=tuple(
                SlowCall(row["kind"], self._site(row["site"]), row["st"], row["n"], row["t"], row["cpu"])
                for row in self._slow.values()
            ),
            nonfinite=self._not_finite(),
            empty_cache_calls=cache[0],
            empty_cache_steps=cache[1],
            empty_cache_seconds=cache[2],
            empty_cache_site=self._site(cache[3]),
            resident_bytes=self._resident.series(),
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
                    in_graph=index in self._in_graph,
                    hidden_module=row["hid"],
                    samples=self._looked[index],
                    samples_with_grad=self._with_grad[index],
                    called=bool(row.get("called")),
                    grad_norm=self._parameter["g"][index].series(),
                    weight_norm=self._parameter["w"][index].series(),
                    update_ratio=self._parameter["u"][index].series(),
                    row_spread=self._parameter["s"][index].series(),
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
                )
            )
        return tuple(found)

    def _optimizers(self) -> tuple[Optimizer, ...]:
        found = []
        clip = max((row["th"] for row in self._rows["clip"].values() if row["kind"] == "clip_grad_norm_"), default=None)
        for index, row in sorted(self._rows["opt"].items()):
            counts = self._counts["oc"].get(index, {})
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
                )
            )
        return tuple(found)

    def _streams(self) -> tuple[LossStream, ...]:
        found = []
        for index, row in sorted(self._rows["stream"].items()):
            described, graphs = self._counts["sd"].get(index, {}), self._counts["gr"].get(index, {})
            broadcast = described.get("bc")
            found.append(
                LossStream(
                    index=index,
                    site=self._site(row["site"]),
                    values=self._stream[index].series(),
                    head=described.get("head", ""),
                    kind=described.get("kind", ""),
                    is_leaf=bool(described.get("leaf")),
                    reaches_parameters=described.get("reach"),
                    broadcast=(tuple(broadcast[0]), tuple(broadcast[1]), str(broadcast[2])) if broadcast else None,
                    alive_graphs=graphs.get("alive", 0),
                    marked_graphs=graphs.get("n", 0),
                    most_alive_graphs=self._most_alive[index],
                )
            )
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
                )
            )
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
        )

    def _probe(self, row: Row, graded: set[str]) -> Experiment | None:
        kind = _PROBES.get(str(row.get("kind")))
        if kind is None:
            return None
        names = {field.name for field in fields(kind)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key in names
        }
        values["site"] = self._site(row.get("site"))
        if "without" in values:  # parts that take turns get their gradients at other steps
            values["without"] = tuple(name for name in values["without"] if name not in graded)
        return kind(**values)


def _get(series: dict[str, _Growing], key: str) -> Series:
    return series[key].series() if key in series else Series()


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
