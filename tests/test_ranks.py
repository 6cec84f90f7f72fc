"""Ranks of one job, put together from the logs of their processes, and judged as one fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from torchward.collect.run import RunBuilder, ranks
from torchward.engine import judge, load_rules
from torchward.facts import Loader, Model, Optimizer, RankEvaluation, Ranks, Run, Series, Site
from torchward.rule import Finding, Rule, Severity, Text

LINE = Site("train.py", 7, "evaluate")


def run(rank: int | None, steps: int = 10, world: int = 2) -> Run:
    return Run(rank=rank, world_size=world, steps=steps)


def test_ranks_are_put_in_order() -> None:
    (job,) = ranks([run(1), run(0)])
    assert isinstance(job, Ranks)
    assert [one.rank for one in job.runs] == [0, 1]


def test_what_is_no_job_gives_none() -> None:
    assert ranks([run(0)]) == []
    assert ranks([run(None), run(None)]) == []
    assert ranks([run(0), run(1, steps=0)]) == []  # a launcher, or a process that never trained
    assert ranks([run(0), run(1), run(0), run(1)]) == []  # restarted: which belong together is not known
    assert ranks([run(0), run(1, world=4)]) == []


def test_the_group_tells_the_rank_where_the_environment_does_not() -> None:
    builder = RunBuilder()
    count = {"k": "n", "s": 3, "k2": 1, "b": 3, "t": 0.1, "d": None, "own": 0.0, "pr": 0.0, "ec": None}
    builder.feed([{"k": "head", "pid": 7}, {**count, "pg": [1, 2]}, {**count, "pg": None}])
    fact = builder.facts()[0]
    assert isinstance(fact, Run)
    assert (fact.rank, fact.world_size, fact.group_size) == (1, 2, 2)


def check(job: Ranks) -> Iterator[Finding]:
    yield Finding("DST900", {"ranks": len(job.runs)})


def test_a_finding_on_all_ranks_belongs_to_none_of_them() -> None:
    text = Text("{ranks} ranks", "{ranks} 个 rank")
    rule = Rule("DST900", "a", Severity.ERROR, "0.1.0", (check,), text, text, text, "", "", ())
    runs = [run(0), run(1)]
    (found,) = judge([*runs, *ranks(runs)], {"DST900": rule}).findings
    assert found.place.rank is None
    assert found.data["ranks"] == 2


def evaluated(
    rank: int, prints: tuple[str, ...], alone: int = 3, distributed: bool = False, trains: bool = False
) -> Run:
    seen = RankEvaluation(0, LINE, 0, times=3, alone=alone, prints=prints)
    return made(
        Run,
        rank=rank,
        world_size=2,
        steps=10,
        group_size=2,
        replicas=1,
        models=(model(),),
        rank_evaluations=(seen,),
        loaders=(made(Loader, index=0, distributed=distributed, trains=trains),),
    )


def model() -> Model:
    return made(Model, index=0, name="net", wrapper="DistributedDataParallel")


def made(kind: Any, **given: Any) -> Any:
    """A fact of which only some fields matter."""
    rest = {field.name: None for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}
    return kind(**{**rest, **given})


def codes(*runs: Run) -> set[str]:
    rules = {code: rule for code, rule in load_rules().items() if code in ("DST005", "DST009")}
    return {found.code for found in judge(list(ranks(runs)), rules).findings}


def test_scores_of_own_shares() -> None:
    mine, other = ("1", "1", "1"), ("2", "2", "2")
    assert codes(evaluated(0, mine), evaluated(1, other)) == {"DST005"}
    assert codes(evaluated(0, mine), evaluated(1, mine)) == set()  # each evaluates everything
    assert codes(evaluated(0, mine), evaluated(1, other, alone=2)) == set()  # something passed between them
    assert codes(evaluated(0, ("1", "2", "3")), evaluated(1, ("4", "5", "6"))) == set()  # each shuffles everything
    shares = [evaluated(rank, (f"{rank}",), distributed=True) for rank in (0, 1)]
    assert codes(*shares) == {"DST005"}
    assert codes(*(evaluated(rank, (f"{rank}",) * 3, trains=True) for rank in (0, 1))) == set()


def test_rates_of_ranks_that_train_one_model() -> None:
    def stepped(rank: int, rates: list[float]) -> Run:
        optimizer = made(Optimizer, index=0, lr=Series(range(len(rates)), rates), site=LINE)
        return made(
            Run, rank=rank, world_size=2, steps=10, group_size=2, replicas=1, models=(model(),), optimizers=(optimizer,)
        )

    same = [0.1, 0.1, 0.05, 0.05, 0.02]
    assert codes(stepped(0, same), stepped(1, same)) == set()
    assert codes(stepped(0, same), stepped(1, [0.1] * 5)) == {"DST009"}
    assert codes(stepped(0, same), stepped(1, [0.1, 0.1, 0.1, 0.05, 0.02])) == set()  # one step late, once
