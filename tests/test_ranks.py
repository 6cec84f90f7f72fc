"""Ranks of one job, put together from the logs of their processes, and judged as one fact."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.collect.run import RunBuilder, ranks
from torchward.engine import judge
from torchward.facts import Ranks, Run
from torchward.rule import Finding, Rule, Severity, Text


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
