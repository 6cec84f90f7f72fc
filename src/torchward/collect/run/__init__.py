"""Builds the `Run` fact (and the probes' facts) from the rows of a run log, as they come in: a file per subject."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

from torchward import facts
from torchward.collect.run._repeats import reseeded
from torchward.collect.run._rows import COUNTS, THINGS, Growing, Ledger
from torchward.collect.run._seeds import unseeded
from torchward.collect.run._sorting import sorted_alone
from torchward.collect.run.batches import BatchesAndLoaders
from torchward.collect.run.bounds import Bounds
from torchward.collect.run.events import Events
from torchward.collect.run.losses import Losses
from torchward.collect.run.models import Models
from torchward.collect.run.optimizers import Optimizers
from torchward.collect.run.reinforcement import Reinforcement
from torchward.facts import Experiment, Loss, LossStream, Optimizer, Ranks, Run, Start, Training, WorkerRandomness
from torchward.runlog import Row

_PROBES = {probe.__name__: probe for probe in facts.PROBES}


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
        self._totals: Row = {}
        self._group: Sequence[int] = ()
        self._durations = Growing()
        self._leads = Growing()
        self._resident = Growing()
        self._replicas: list[int] = []
        self._search = False
        self._blind: dict[str, str] = {}
        self._errors: list[str] = []
        self._probes: list[Row] = []
        self._start: Row | None = None
        self._ledger = ledger = Ledger()
        self._models, self._optimizers, self._losses = Models(ledger), Optimizers(ledger), Losses(ledger)
        self._batches, self._events, self._learning = BatchesAndLoaders(ledger), Events(ledger), Reinforcement(ledger)
        self._bounds = Bounds(ledger)
        self._takes: dict[str, list[Callable[[Row], None]]] = defaultdict(list)
        self._takes.update({kind: [ledger.keep] for kind in THINGS} | {kind: [ledger.count] for kind in COUNTS})
        learned = self._batches, self._events, self._learning, self._bounds
        for part in (self, ledger, self._models, self._optimizers, self._losses, *learned):
            for name in dir(part):
                if name.startswith("on_"):
                    self._takes[name.removeprefix("on_")].append(getattr(part, name))

    def feed(self, rows: Iterable[Row]) -> int:
        """Take in more rows; the number of sampled steps among them. A row that makes no sense is left out."""
        sampled = 0
        for row in rows:
            try:
                for take in self._takes.get(row["k"], ()):
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

    # -- rows

    def on_head(self, row: Row) -> None:
        self.head = row
        self.is_worker = row.get("role") == "worker"

    def on_crash(self, row: Row) -> None:
        self.crash = row

    def on_end(self, row: Row) -> None:
        self.ended, self.clean = True, bool(row["clean"])

    def on_worker(self, row: Row) -> None:
        self.workers.append(row)

    def on_n(self, row: Row) -> None:
        self._totals = row
        self._group = row.get("pg") or self._group  # gone again at the end
        if row["d"] is not None:
            self._durations.add(row["s"], row["d"])
        if row.get("bw") is not None:
            self._leads.add(row["s"], row["bw"])

    def on_cy(self, row: Row) -> None:
        if row.get("rss"):
            self._resident.add(row["s"], row["rss"])

    def on_ddp(self, row: Row) -> None:
        self._replicas.append(row["site"])
        self._search = self._search or bool(row.get("find"))

    def on_blind(self, row: Row) -> None:
        self._blind.setdefault(str(row["area"]), str(row["why"]))

    def on_error(self, row: Row) -> None:
        self._errors.append(f"{row['part']}: {row['text']}")

    def on_start(self, row: Row) -> None:
        self._start = self._start or row

    def on_probe(self, row: Row) -> None:
        if row["kind"] == "ModeProbe":  # each tells of all looks so far
            same = (row["kind"], row["model"], row["site"])
            self._probes = [one for one in self._probes if (one["kind"], one["model"], one["site"]) != same]
        self._probes.append(row)

    # -- facts

    def facts(self, workers: Sequence[Row] = ()) -> list[object]:
        """One `Run`, then the probes. `workers`: rows of the loader workers that this process started."""
        head, totals, group = self.head, self._totals, self._group
        models, losses, events = self._models, self._losses, self._events
        optimizers, streams, judged = self._optimizers.optimizers(), losses.streams(), losses.losses()
        parameters = models.parameters(losses.reached())
        trainings = _trainings(optimizers, streams, judged)
        loaders, cycles = self._batches.loaders(), self._optimizers.cycles
        cache = totals.get("ec") or [0, 0, 0.0, -1]
        run = Run(
            command=tuple(head.get("argv", ())),
            pid=head.get("pid", 0),
            rank=group[0] if group and head.get("rank") is None else head.get("rank"),
            world_size=group[1] if group and head.get("world") is None else head.get("world"),
            torch_version=head.get("torch", ""),
            python_version=head.get("python", ""),
            device=next((parameter.device for parameter in parameters), ""),
            ended=self.ended,
            clean_end=self.clean,
            crashed=self.crash is not None,
            steps=max(totals.get("s", 0), cycles[-1].step + 1 if cycles else 0),
            samples=len(cycles),
            seconds=totals.get("t", 0.0),
            step_seconds=self._durations.series(),
            lead_seconds=self._leads.series(),
            own_seconds=totals.get("own", 0.0),
            probe_seconds=totals.get("pr", 0.0),
            backwards=totals.get("b", 0),
            models=models.models(trainings, optimizers, parameters),
            modules=models.modules(),
            parameters=parameters,
            recurrences=models.recurrences(),
            activations=models.activations(),
            attention=models.attention(),
            copies=models.copies(),
            views=models.views(),
            rows_as_time=models.rows_as_time(),
            tables=models.tables(),
            added_rows=models.added_rows(),
            cut_ids=models.cut_ids(),
            optimizers=optimizers,
            resumptions=self._optimizers.resumptions(),
            schedulers=self._optimizers.schedulers(loaders),
            clips=self._optimizers.clips(),
            own_decays=self._optimizers.own_decays(),
            subnormals=self._optimizers.subnormals(),
            cycles=tuple(cycles),
            trainings=trainings,
            losses=judged,
            streams=streams,
            twice_judged=losses.twice_judged(),
            divergences=losses.divergences(),
            entropies=losses.entropies(),
            ratios=losses.ratios(),
            advantages=losses.advantages(),
            prompt_groups=losses.prompt_groups(),
            lengths=self._learning.lengths(),
            preferences=self._learning.preferences(),
            references=losses.references(),
            anchors=self._learning.anchors(),
            beside=self._learning.beside(),
            agreements=losses.agreements(),
            alignments=losses.alignments(),
            end_targets=self._learning.end_targets(),
            returns=losses.returns(),
            compared_by_hand=losses.compared_by_hand(),
            partners=losses.partners(),
            cuts=losses.cuts(),
            bounded=self._bounds.bounded(),
            smoothed=self._bounds.smoothed(),
            pulls=self._bounds.pulls(),
            deaf_backwards=self._bounds.deaf_backwards(),
            fields=self._bounds.fields(),
            scaled_together=self._bounds.scaled_together(),
            picked=self._bounds.picked(),
            scaled=self._bounds.scaled(),
            squashed=self._bounds.squashed(),
            batched_graphs=self._bounds.batched_graphs(),
            folds=self._bounds.folds(),
            renumbered=self._bounds.renumbered(),
            lost_derivatives=losses.lost_derivatives(),
            loaders=loaders,
            stored_rows=self._batches.stored_rows(),
            unused_loaders=self._batches.unused_loaders(),
            overlaps=self._batches.overlaps(),
            reordered=self._batches.reordered(),
            overlapping=self._batches.overlapping(),
            shared_units=self._batches.shared_units(),
            far_off=self._batches.far_off(),
            beginnings=self._batches.beginnings(),
            sweeps=self._batches.sweeps(),
            forgeries=self._batches.forgeries(),
            empties=self._batches.empties(),
            fits=self._batches.fits(),
            wrapped_integers=self._batches.wrapped_integers(),
            mirrored=self._batches.mirrored(),
            orientations=self._batches.orientations(),
            resized_classes=self._batches.resized_classes(),
            rank_evaluations=self._batches.rank_evaluations(),
            workers=_worker_randomness([*self.workers, *workers]),
            inputs=self._batches.inputs(),
            judged=self._batches.judged(),
            noised=self._batches.noised(),
            batches=self._batches.batches(),
            pairs=self._batches.pairs(),
            learners=self._learning.learners(),
            choices=self._learning.choices(),
            acting=self._learning.acting(),
            bootstraps=self._learning.bootstraps(self._batches.site),
            held_observations=self._learning.held_observations(),
            cut_targets=self._learning.cut_targets(self._batches.site),
            episodes=self._learning.episodes(),
            slow_calls=events.slow_calls(),
            nonfinite=events.nonfinite(),
            steep=events.steep(),
            rounds=events.rounds(),
            aliased_loads=events.aliased_loads(),
            lost_ties=events.lost_ties(),
            unsaved=events.unsaved(),
            overwritten=events.overwritten(),
            kept_scores=events.kept_scores(),
            restored=events.restored,
            partial_loads=events.partial_loads(),
            checkpoint_loads=events.checkpoint_loads(),
            scores=events.scores(),
            answers=events.answers(),
            decisions=events.decisions(),
            class_answers=events.class_answers(),
            scored_in_training=events.scored_in_training(),
            mixed_scores=events.mixed_scores(),
            put_back=events.put_back(),
            average_kept=events.average_kept(),
            errors_by_hand=events.errors_by_hand(),
            metrics=events.metrics(),
            saves=events.saves(totals),
            kept=events.kept(),
            empty_cache_calls=cache[0],
            empty_cache_steps=cache[1],
            empty_cache_seconds=cache[2],
            empty_cache_site=self._ledger.site(cache[3]),
            resident_bytes=self._resident.series(),
            group_size=group[1] if group else None,
            replicas=len(self._replicas),
            replicas_search=self._search,
            replica_site=self._ledger.site(self._replicas[0]) if self._replicas else None,
            threads=totals.get("th"),
            cores=totals.get("cores") or None,
            start=start(head, self._start, "") if self._start else None,
            blind=dict(self._blind),
            errors=tuple(self._errors),
        )
        graded = {parameter.name for parameter in parameters if parameter.samples_with_grad}
        return [run, *(probe for row in self._probes if (probe := self._probe(row, graded)) is not None)]

    def _probe(self, row: Row, graded: set[str]) -> Experiment | None:
        kind = _PROBES.get(str(row.get("kind")))
        if kind is None:
            return None
        names = {field.name for field in fields(kind)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key in names
        }
        values["site"] = self._ledger.site(row.get("where", row.get("site")))
        if "without" in values:  # parts that take turns get their gradients at other steps
            for key in {"without", "without_own"} & values.keys():
                values[key] = tuple(name for name in values[key] if name not in graded)
        return kind(**values)


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


def ranks(found: Iterable[object]) -> list[object]:
    """A `Ranks` of the runs that are ranks of one job, if they are two or more, each there once."""
    runs = sorted(
        (fact for fact in found if isinstance(fact, Run) and fact.rank is not None and fact.steps),
        key=lambda run: run.rank or 0,
    )
    alone = len({run.rank for run in runs}) == len(runs) and len({run.world_size for run in runs}) == 1
    return [Ranks(tuple(runs))] if len(runs) > 1 and alone else []


def start(head: Row, row: Row, folder: str) -> Start:
    """Of the first row of a log, and the one that tells of the first backward pass."""
    marks = list(row["m"][1:])
    inputs, targets = (marks.pop(0) if there else "" for there in row["n"])
    numpy, python = row["np"], row["py"]
    files = tuple(map(str, row.get("files", ())))
    return Start(
        folder=folder,
        seed=int(row["seed"]),
        program=" ".join(map(str, (row["src"], row["sh"], head.get("torch"), head.get("python")))),
        loss=float(row["v"]),
        weights=str(row["m"][0]),
        inputs=inputs,
        targets=targets,
        numpy=(str(numpy[0]), bool(numpy[1])) if numpy else None,
        python=(str(python[0]), bool(python[1])),
        loaded=bool(row["ld"]),
        unseeded=unseeded(files) if files else (),
        reseeded=reseeded(files) if files else (),
        sorted_alone=sorted_alone(files) if files else (),
    )
