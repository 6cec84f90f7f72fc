"""Builds the facts of models, their modules, parameters and activations."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from torchward.collect.run._rows import Growing, Ledger, Part, by_key, column
from torchward.facts import (
    Activation,
    AddedRows,
    Attention,
    Copy,
    CutIds,
    ForwardCount,
    IdleAdapter,
    Model,
    Module,
    Optimizer,
    Parameter,
    Recurrence,
    RowsAsTime,
    Site,
    Table,
    Training,
    Views,
)
from torchward.runlog import Row


class Models(Part):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._idle: list[Row] = []
        self._parameter: dict[str, defaultdict[int, Growing]] = {key: by_key() for key in "gwuschzyabe"}
        self._looked: Counter[int] = Counter()
        self._with_grad: Counter[int] = Counter()
        self._activation: dict[int, list[Growing]] = defaultdict(lambda: [Growing() for _ in range(5)])
        self._norms: dict[int, list[int]] = defaultdict(list)
        self._norm_least: dict[int, Row] = {}
        self._modes: dict[int, dict[bool, int]] = defaultdict(dict)
        self._peaks: defaultdict[tuple[str, int], Growing] = by_key()
        self._deviations: defaultdict[tuple[str, int], Growing] = by_key()
        self._scales: dict[tuple[str, int], float | None] = {}
        self._copies: dict[tuple[int, int], list[Row]] = defaultdict(list)
        self._in_time: dict[int, list[Row]] = defaultdict(list)
        self._views: dict[int, list[Row]] = defaultdict(list)
        self._added: dict[tuple[int, str], list[Row]] = defaultdict(list)
        self._cut_ids: dict[tuple[int, str], list[Row]] = defaultdict(list)
        self._tables: dict[tuple[int, str], list[Row]] = {}
        self._carried: Counter[tuple[int, str]] = Counter()
        self._cut: Counter[tuple[int, str]] = Counter()

    # -- rows

    def on_st(self, row: Row) -> None:
        step = row["s"]
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
        for index, value in zip(row.get("cp", ()), row.get("cpv", ()), strict=True):
            self._parameter["c"][index].add(step, value)
        for index, value in zip(row.get("hp", ()), row.get("hpv", ()), strict=True):
            self._parameter["h"][index].add(step, value)
        lost = row.get("zpv", ())
        for place, index in enumerate(row.get("zp", ())):
            self._parameter["z"][index].add(step, lost[2 * place])
            self._parameter["y"][index].add(step, lost[2 * place + 1])

        rows = row.get("rpv", ())
        for place, index in enumerate(row.get("rp", ())):
            for key, value in zip("abe", rows[3 * place : 3 * place + 3], strict=True):
                self._parameter[key][index].add(step, value)

    def on_cp(self, row: Row) -> None:
        self._copies[row["i"], row["of"]].append(row)

    def on_tf(self, row: Row) -> None:
        self._in_time[row["m"]].append(row)

    def on_vw(self, row: Row) -> None:
        self._views[row["m"]].append(row)

    def on_tb(self, row: Row) -> None:
        """Of one evaluation, the last, all batches."""
        rows = self._tables.setdefault((row["m"], row["mod"]), [])
        if rows and rows[-1]["s"] != row["s"]:
            rows.clear()
        rows.append(row)

    def on_nt(self, row: Row) -> None:
        self._added[row["m"], row["mod"]].append(row)

    def on_cutoff(self, row: Row) -> None:
        self._cut_ids[row["m"], row["mod"]].append(row)

    def on_rc(self, row: Row) -> None:
        self._carried[row["m"], row["mod"]] += row["n"] - 1
        self._cut[row["m"], row["mod"]] += row["cut"]

    def on_A(self, row: Row) -> None:  # noqa: N802
        for index, *values in row["a"]:
            for growing, value in zip(self._activation[index], values, strict=True):
                growing.add(row["s"], value)

    def on_at(self, row: Row) -> None:
        key = row["layer"], row["n"]
        self._peaks[key].add(row["s"], row["peak"])
        self._scales[key] = row.get("sc")
        if row.get("sd") is not None and math.isfinite(row["sd"]):
            self._deviations[key].add(row["s"], row["sd"])

    def on_bn(self, row: Row) -> None:
        module = row["m"]
        self._norms[module].append(row["n"])
        least = self._norm_least.get(module)
        if least is None or row["n"] < least["n"]:
            self._norm_least[module] = row

    def on_mode(self, row: Row) -> None:
        self._modes[row["i"]][bool(row["train"])] = row["site"]

    def on_fz(self, row: Row) -> None:
        self.ledger.counts["fz"][row["m"]] = row

    def on_fa(self, row: Row) -> None:
        self.ledger.counts["fa"][row["m"]] = row

    def on_ia(self, row: Row) -> None:
        """All that are known by then."""
        self._idle = row["rows"]

    # -- facts

    def parameters(self, reached: set[int]) -> tuple[Parameter, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["param"].items()):
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
                    in_graph=index in reached,
                    hidden_module=row["hid"],
                    samples=self._looked[index],
                    samples_with_grad=self._with_grad[index],
                    called=bool(row.get("called")),
                    frozen_first=bool(row.get("fz")),
                    grad_norm=self._parameter["g"][index].series(),
                    weight_norm=self._parameter["w"][index].series(),
                    update_ratio=self._parameter["u"][index].series(),
                    row_spread=self._parameter["s"][index].series(),
                    column_spread=self._parameter["c"][index].series(),
                    unchanged=self._parameter["h"][index].series(),
                    lost_gradient=self._parameter["z"][index].series(),
                    rows_used=self._parameter["a"][index].series(),
                    used_weight=self._parameter["b"][index].series(),
                    used_gradient=self._parameter["e"][index].series(),
                    tiny_gradient=self._parameter["y"][index].series(),
                )
            )
        return tuple(found)

    def models(
        self, trainings: Sequence[Training], optimizers: Sequence[Optimizer], parameters: Sequence[Parameter]
    ) -> tuple[Model, ...]:
        held = {
            index: {parameter.model for parameter in parameters if index in parameter.optimizers}
            for index in (optimizer.index for optimizer in optimizers)
        }
        found = []
        for index, row in sorted(self.ledger.rows["root"].items()):
            if "name" not in row:
                continue
            counts = self.ledger.counts["fw"].get(index, {})
            adapters = self.ledger.counts["fa"].get(index, {})
            kept, unused, kept_site = counts.get("kg") or (0, 0, None)
            calls = ForwardCount(
                training_with_backward=counts.get("tb", 0),
                training_no_backward=counts.get("tn", 0),
                training_no_grad=counts.get("tg", 0),
                eval_with_backward=counts.get("eb", 0),
                eval_no_grad=counts.get("en", 0),
                training_asked_again=counts.get("ag", 0),
                eval_graph_unused=counts.get("eg", 0),
                graphs_unused=unused,
                graphs_kept=kept,
            )
            found.append(
                Model(
                    index=index,
                    name=row["name"],
                    kind=row["kind"],
                    parameters=row["n"],
                    trainable=row["tr"],
                    site=self.ledger.site(row["site"]),
                    dropout_or_norm=tuple(row["dn"]),
                    own_mode_modules=counts.get("own", 0),
                    compiled=row["comp"],
                    wrapper=row.get("wrap", ""),
                    shares_with=tuple(map(int, row.get("sh", ()))),
                    calls=calls,
                    eval_sites=self.ledger.sites_of(counts.get("sn", ())),
                    graph_sites=self.ledger.sites_of(counts.get("sg", ())),
                    kept_site=self.ledger.site(kept_site),
                    train_call=self.ledger.site(self._modes[index].get(True)),
                    eval_call=self.ledger.site(self._modes[index].get(False)),
                    eval_then_trained=counts.get("et", 0),
                    eval_from_start=counts.get("es", 0),
                    in_trainings=tuple(
                        training.index
                        for training in trainings
                        if any(index in held[optimizer] for optimizer in training.optimizers)
                    ),
                    outputs_followed=counts.get("os", 0),
                    output_shapes=tuple(map(tuple, counts.get("osz", ()))),
                    outputs_used=tuple(counts.get("ou", ())),
                    frozen_adapters=(
                        int(adapters.get("ad", 0)),
                        int(adapters.get("z", 0)),
                        tuple(adapters.get("names", ())),
                    ),
                    idle_adapters=tuple(
                        IdleAdapter(one["name"], one["of"], one["how"], one["s"], one["l"], *map(int, one["n"]))
                        for one in self._idle
                        if one["m"] == index
                    ),
                    frozen_drawn=tuple(
                        (str(name), int(units), int(inputs))
                        for name, units, inputs in self.ledger.counts["fz"].get(index, {}).get("n", ())
                    ),
                    linear=tuple((int(shape[0]), int(shape[1])) for shape in row.get("lin") or ()),
                    switched_off=tuple(map(str, row.get("sw", ()))),
                    frozen_loaded=bool(self.ledger.counts["fz"].get(index, {}).get("ld")),
                    twins=tuple((str(one), str(other), str(kind)) for one, other, kind in row.get("tw", ())),
                    repeated=(str(row["rep"][0]), str(row["rep"][1]), int(row["rep"][2])) if row.get("rep") else None,
                )
            )
        return tuple(found)

    def modules(self) -> tuple[Module, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["module"].items()):
            sizes, least = sorted(self._norms.get(index, ())), self._norm_least.get(index)
            found.append(
                Module(
                    name=row["name"],
                    kind=row["kind"],
                    model=row["model"],
                    registered=row["reg"],
                    parameters=row["n"],
                    site=self.ledger.site(row.get("site")),
                    in_optimizer=bool(row.get("opt")),
                    smallest_batch=least["n"] if least else None,
                    values_per_channel=least["v"] if least else None,
                    typical_batch=sizes[len(sizes) // 2] if sizes else None,
                    momentum=row.get("mom"),
                )
            )
        return tuple(found)

    def activations(self) -> tuple[Activation, ...]:
        found = []
        for index, row in sorted(self.ledger.rows["act"].items()):
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

    def recurrences(self) -> tuple[Recurrence, ...]:
        return tuple(Recurrence(*key, calls=calls, cut=self._cut[key]) for key, calls in sorted(self._carried.items()))

    def attention(self) -> tuple[Attention, ...]:
        return tuple(
            Attention(*key, growing.series(), self._deviations[key].series(), self._scales.get(key))
            for key, growing in self._peaks.items()
        )

    def copies(self) -> tuple[Copy, ...]:
        return tuple(
            Copy(
                model=model,
                original=original,
                distance=column(rows, "d"),
                as_begun=self.ledger.rows["root"].get(original, {}).get("first", [0, ""])[1] == rows[-1]["fp"],
                changes=sum(before["fp"] != after["fp"] for before, after in pairwise(rows)),
                site=self.ledger.site(rows[0]["site"]),
                still=_still(rows),
                weights=rows[-1]["fp"],
            )
            for (model, original), rows in sorted(self._copies.items())
        )

    def views(self) -> tuple[Views, ...]:
        found = []
        for index, rows in sorted(self._views.items()):
            module = self.ledger.rows["module"][index]
            site = self.ledger.site(self.ledger.rows["root"].get(module["model"], {}).get("site"))
            shares = column(rows, "sp"), column(rows, "od")
            found.append(Views(module["model"], str(module["name"]), site, rows[-1]["f"], *shares))
        return tuple(found)

    def rows_as_time(self) -> tuple[RowsAsTime, ...]:
        return tuple(
            RowsAsTime(
                model, rows[0]["mod"], rows[0]["mk"], rows[0]["n"], *(sum(row[key] for row in rows) for key in "nrp")
            )
            for model, rows in sorted(self._in_time.items())
        )

    def tables(self) -> tuple[Table, ...]:
        found = []
        for (model, name), rows in sorted(self._tables.items()):
            last = max(rows, key=lambda row: row["topn"])
            unmoved = sum(row["un"] for row in rows)
            found.append(
                Table(
                    model=model,
                    name=name,
                    site=self.ledger.site(last["site"]),
                    step=last["s"],
                    rows=last["rows"],
                    fresh=last["fresh"],
                    looked=int(sum(row["n"] for row in rows)),
                    unmoved=int(unmoved),
                    top=last["top"],
                    top_share=sum(row["topn"] for row in rows if row["top"] == last["top"]) / max(1, unmoved),
                    met=int(last["met"]),
                    still=int(last["still"]),
                    places=all(row["places"] for row in rows),
                    length=max(row["len"] for row in rows),
                    longest=last["long"],
                    moved=int(last["moved"]) if last["prefix"] else None,
                )
            )
        return tuple(found)

    def cut_ids(self) -> tuple[CutIds, ...]:
        return tuple(
            _cut_ids(model, name, rows, self.ledger.site(rows[0]["site"]))
            for (model, name), rows in sorted(self._cut_ids.items())
        )

    def added_rows(self) -> tuple[AddedRows, ...]:
        return tuple(
            AddedRows(
                model=model,
                name=name,
                site=self.ledger.site(rows[-1]["site"]),
                rows=rows[-1]["rows"],
                added=rows[-1]["add"],
                samples=len(rows),
                looked=sum(row["n"] for row in rows),
                used=sum(row["use"] for row in rows),
            )
            for (model, name), rows in sorted(self._added.items())
        )


def _still(rows: list[Row]) -> int:
    """See `Copy.still`."""
    looks = 0
    for before, after in reversed(list(pairwise(rows))):
        own, others = zip(before.get("st") or (0, 0), after.get("st") or (0, 0), strict=True)
        if not after.get("ev") or own[0] != own[1] or others[0] == others[1] or before["fp"] == after["fp"]:
            break
        looks += 1
    return looks


def _cut_ids(model: int, name: str, rows: list[Row], site: Site | None) -> CutIds:
    above = []
    for place in range(max(len(row["a"]) for row in rows)):
        each = [(*row["a"][place],) if place < len(row["a"]) else (0, 0.0, 0) for row in rows]
        above.append((sum(one[0] for one in each), min(one[1] for one in each), any(one[2] for one in each)))
    kept, further, own = (sum(row[key] for row in rows) for key in ("n", "far", "l"))
    cut = sum(one[0] for one in above) + further
    return CutIds(
        model=model,
        name=name,
        site=site,
        rows=rows[-1]["rows"],
        length=max(row["len"] for row in rows),
        samples=len(rows),
        examples=sum(row["ex"] for row in rows),
        ids=kept + own + cut,
        cut=cut,
        further=further,
        negative=sum(row["neg"] for row in rows),
        usual=(kept + own) / max(1, *(row["d"] for row in rows)),
        above=tuple(above),
        targets_cut=sum(row["t"] for row in rows) > own,
        before=rows[0]["b"],
        last_used=rows[0]["u"],
    )
