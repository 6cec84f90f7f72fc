"""The engine, with rules made up for the purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from torchward import engine
from torchward.facts import LeakProbe, MemoriseProbe, Run
from torchward.rule import Check, Confidence, Finding, Place, Rule, Severity, Text

ANY = Text("Seen {n}.", "看到 {n}。")


def made(code: str, *checks: Check, severity: Severity = Severity.WARNING, **more: Any) -> Rule:
    return Rule(code, f"name-of-{code.lower()}", severity, "0.1.0", checks, ANY, ANY, ANY, "", "", (), **more)


def yields(code: str, **fields: Any) -> Check:
    """A check that always finds the one thing."""

    def check(run: Run) -> Iterator[Finding]:
        yield Finding(code, fields.pop("data", {"n": 1}), **fields)

    return check


def simple(code: str, *, place: Place | None = None, confidence: Confidence = Confidence.CERTAIN, **more: Any) -> Rule:
    def check(run: Run) -> Iterator[Finding]:
        yield Finding(code, {"n": run.steps}, place or Place(), confidence)

    return made(code, check, **more)


def table(*rules: Rule) -> dict[str, Rule]:
    return {rule.code: rule for rule in rules}


def found(diagnosis: Any) -> list[Any]:
    """Codes in order; a cause with symptoms is a tuple of its code and theirs."""
    return [
        (finding.code, [symptom.code for symptom in finding.symptoms]) if finding.symptoms else finding.code
        for finding in diagnosis.findings
    ]


ONE = [Run(steps=3)]


# --- finding rules -------------------------------------------------------------------------------------------------


def test_rules_are_found_by_scanning_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = tmp_path / "stage"
    stage.mkdir()
    (stage / "abc001_first.py").write_text("")
    (stage / "abc010_tenth_of_all.py").write_text("")
    (stage / "_helper.py").write_text("")
    monkeypatch.setattr(engine, "_RULES", tmp_path)
    assert engine.known_codes() == ("ABC001", "ABC010", "INT001")


def test_the_real_rules_load_and_match_their_file_names() -> None:
    rules = engine.load_rules()
    assert tuple(rules) == engine.known_codes()
    assert all(code == rule.code for code, rule in rules.items())


def test_selection_by_code_and_prefix() -> None:
    rules = table(simple("AAA001"), simple("AAA002"), simple("BBB001"))
    assert found(engine.judge(ONE, rules)) == ["AAA001", "AAA002", "BBB001"]
    assert found(engine.judge(ONE, rules, select=["AAA"])) == ["AAA001", "AAA002"]
    assert found(engine.judge(ONE, rules, select=["aaa002", "BBB"])) == ["AAA002", "BBB001"]
    assert found(engine.judge(ONE, rules, ignore=["AAA", "BBB001"])) == []
    assert found(engine.judge(ONE, rules, select=["AAA"], ignore=["AAA001"])) == ["AAA002"]
    assert engine.judge(ONE, rules, select=["AAA"]).rules == 2


# --- which fact a check is given -----------------------------------------------------------------------------------


def test_the_annotation_says_which_fact() -> None:
    def of_run(run: Run) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": run.steps}, Place(module="run"))

    def of_probe(probe: MemoriseProbe) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": probe.steps}, Place(module="probe"))

    def of_either(probe: MemoriseProbe | LeakProbe) -> Iterator[Finding]:
        yield Finding("BBB001", {"n": type(probe).__name__}, Place(module=type(probe).__name__))

    rules = table(made("AAA001", of_run, of_probe), made("BBB001", of_either))
    probes = [MemoriseProbe("net", None, True, "", 0.1, steps=8), LeakProbe("net", None, True, "", 0.1)]
    diagnosis = engine.judge([*ONE, *probes], rules)
    assert {(finding.code, finding.data["n"]) for finding in diagnosis.findings} == {
        ("AAA001", 3), ("AAA001", 8), ("BBB001", "MemoriseProbe"), ("BBB001", "LeakProbe"),
    }  # fmt: skip


def test_an_experiment_that_could_not_be_made_is_no_fact() -> None:
    def check(probe: LeakProbe) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": 0})

    facts = [*ONE, LeakProbe("net", None, False, "cannot be copied", 0.0)]
    diagnosis = engine.judge(facts, table(made("AAA001", check)))
    assert diagnosis.findings == ()
    assert diagnosis.could_not_look == (("leak probe", "cannot be copied"),)


# --- a failing rule ------------------------------------------------------------------------------------------------


def test_a_check_that_raises_is_one_finding_and_the_rest_go_on() -> None:
    def broken(run: Run) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": 1})
        raise ZeroDivisionError("by zero")

    diagnosis = engine.judge(ONE, table(made("AAA001", broken), simple("BBB001")))
    assert sorted(found(diagnosis)) == ["BBB001", "INT001"]
    failure = next(finding for finding in diagnosis.findings if finding.code == "INT001")
    assert failure.data["code"] == "AAA001"
    assert failure.data["error"] == "ZeroDivisionError: by zero"
    assert Path(failure.place.file) == Path(__file__)
    assert "raise ZeroDivisionError" in Path(__file__).read_text().split("\n")[failure.place.line - 1]
    for language in ("en", "zh"):
        for text in (engine.INT001.message, engine.INT001.why, engine.INT001.fix):
            assert "AAA001" in text.render(language, failure.data) or text is engine.INT001.why  # type: ignore[arg-type]


def test_two_failing_rules_are_two_findings_and_one_in_two_processes_is_one() -> None:
    def broken(run: Run) -> Iterator[Finding]:
        raise ValueError("same line for both")

    rules = table(made("AAA001", broken), made("BBB001", broken))
    diagnosis = engine.judge([*ONE, Run(steps=4)], rules)
    assert [finding.data["code"] for finding in diagnosis.findings] == ["AAA001", "BBB001"]
    assert [finding.data["occurrences"] for finding in diagnosis.findings] == [2, 2]


def _no_annotation(run):  # type: ignore[no-untyped-def]
    yield Finding("AAA001", {"n": 1})


@pytest.mark.parametrize(
    "check",
    [_no_annotation, yields("BBB001"), yields("AAA001", data={"wrong": 1})],
    ids=["no annotation", "another rule's code", "text that cannot be filled"],
)
def test_a_wrong_check_is_a_failure_too(check: Check) -> None:
    assert found(engine.judge(ONE, table(made("AAA001", check)))) == ["INT001"]


def test_failures_can_be_ignored() -> None:
    assert found(engine.judge(ONE, table(made("AAA001", _no_annotation)), ignore=["INT"])) == []


# --- `# torchward: ignore[...]` ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "silenced"),
    [
        ("# torchward: ignore[AAA001]", True),
        ("# torchward: ignore[BBB001, AAA001] on purpose", True),
        ("# torchward: ignore[AAA]", True),
        ("#torchward:ignore", True),
        ("# noqa  # torchward: ignore[aaa001]", True),
        ("# torchward: ignore[BBB001]", False),
        ("# torchward: ignore[]", False),
        ("# ignore[AAA001]", False),
        ("", False),
    ],
)
def test_comment_on_the_line(tmp_path: Path, comment: str, silenced: bool) -> None:
    file = tmp_path / "train.py"
    file.write_text(f"first\nloss.backward()  {comment}\nthird  # torchward: ignore\n")
    rules = table(simple("AAA001", place=Place(str(file), 2)), simple("CCC001"))
    diagnosis = engine.judge(ONE, rules)
    assert ("AAA001" not in found(diagnosis)) == silenced
    assert diagnosis.silenced == int(silenced)
    assert "CCC001" in found(diagnosis)


def test_places_without_a_file_to_read() -> None:
    rules = table(
        simple("AAA001", place=Place("/no/such/file.py", 1)),
        simple("BBB001", place=Place("<stdin>", 3)),
        simple("CCC001", place=Place(__file__, 999_999)),
    )
    assert len(engine.judge(ONE, rules).findings) == 3


# --- one finding for many ------------------------------------------------------------------------------------------


def test_ranks_of_one_job_make_one_finding() -> None:
    facts = [Run(steps=9, rank=1, world_size=2), Run(steps=5, rank=0, world_size=2)]
    (finding,) = engine.judge(facts, table(simple("AAA001", place=Place(first_step=2, last_step=4)))).findings
    assert finding.data == {"n": 9, "occurrences": 2, "ranks": (0, 1)}
    assert finding.place.rank is None


def test_ranks_merge_even_at_different_places_but_one_rank_keeps_its_own_two() -> None:
    def check(run: Run) -> Iterator[Finding]:
        for name in ("a", "b") if run.rank == 0 else ("c",):
            yield Finding("AAA001", {"n": 1}, Place(module=name))

    facts = [Run(rank=0), Run(rank=1)]
    merged = engine.judge(facts, table(made("AAA001", check))).findings
    assert sorted(finding.place.module for finding in merged) == ["a", "b"]


def test_lone_processes_merge_only_at_the_same_place() -> None:
    def check(run: Run) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": 1}, Place("train.py", run.steps), Confidence(run.steps))

    facts = [Run(steps=1), Run(steps=2), Run(steps=2)]
    merged = engine.judge(facts, table(made("AAA001", check))).findings
    assert [(finding.place.line, finding.data.get("occurrences")) for finding in merged] == [(2, 2), (1, None)]


def test_merging_keeps_the_surest_and_the_whole_span() -> None:
    def check(run: Run) -> Iterator[Finding]:
        sure = Confidence.CERTAIN if run.steps == 2 else Confidence.POSSIBLE
        yield Finding("AAA001", {"n": run.steps}, Place("t.py", 1, first_step=run.steps, last_step=run.steps + 5), sure)

    (finding,) = engine.judge([Run(steps=1), Run(steps=2)], table(made("AAA001", check))).findings
    assert (finding.confidence, finding.data["n"]) == (Confidence.CERTAIN, 2)
    assert (finding.place.first_step, finding.place.last_step) == (1, 7)


def test_the_rank_is_noted_on_a_finding_of_one_rank() -> None:
    (finding,) = engine.judge([Run(rank=3)], table(simple("AAA001"))).findings
    assert finding.place.rank == 3


# --- causes and symptoms -------------------------------------------------------------------------------------------


def test_symptoms_go_under_their_cause() -> None:
    rules = table(simple("TRN001", severity=Severity.ERROR), simple("OPT001", explains=("TRN*",)), simple("LOS001"))
    assert found(engine.judge(ONE, rules)) == [("OPT001", ["TRN001"]), "LOS001"]
    assert found(engine.judge(ONE, rules, ignore=["OPT"])) == ["TRN001", "LOS001"]


def test_what_the_program_says_itself_is_a_symptom_of_named_causes_only() -> None:
    rules = table(simple("OPT001", explains=("TRN*",)), simple("TRN001"), simple("TRN011", written=True))
    assert found(engine.judge(ONE, rules)) == [("OPT001", ["TRN001"]), "TRN011"]


def test_an_exact_code_explains_only_itself() -> None:
    rules = table(simple("OPT001", explains=("TRN001",)), simple("TRN001"), simple("TRN0010"))
    assert found(engine.judge(ONE, rules)) == [("OPT001", ["TRN001"]), "TRN0010"]


def test_chains_are_flat_under_the_root() -> None:
    rules = table(simple("CCC001"), simple("BBB001", explains=("CCC001",)), simple("AAA001", explains=("BBB001",)))
    (cause,) = engine.judge(ONE, rules).findings
    assert found(engine.judge(ONE, rules)) == [("AAA001", ["BBB001", "CCC001"])]
    assert all(not symptom.symptoms for symptom in cause.symptoms)


def test_no_cycles() -> None:
    surer = simple("BBB001", explains=("AAA001",))
    rules = table(simple("AAA001", explains=("BBB001",), confidence=Confidence.LIKELY), surer)
    assert found(engine.judge(ONE, rules)) == [("BBB001", ["AAA001"])]
    three = table(
        simple("AAA001", explains=("BBB*",)), simple("BBB001", explains=("CCC*",)), simple("CCC001", explains=("AAA*",))
    )
    ((_, symptoms),) = found(engine.judge(ONE, three))
    assert len(symptoms) == 2


def test_the_best_cause_wins() -> None:
    def named(code: str, **more: Any) -> Rule:
        return simple(code, explains=("TRN001",), **more)

    symptom = simple("TRN001")
    sure = named("BBB001", severity=Severity.HINT)
    unsure = named("AAA001", severity=Severity.ERROR, confidence=Confidence.LIKELY)
    assert ("BBB001", ["TRN001"]) in found(engine.judge(ONE, table(symptom, unsure, sure)))
    grave = named("CCC001", severity=Severity.ERROR)
    assert ("CCC001", ["TRN001"]) in found(engine.judge(ONE, table(symptom, sure, grave)))
    late, early = named("AAA002", place=Place(first_step=9)), named("DDD001", place=Place(first_step=2))
    assert ("DDD001", ["TRN001"]) in found(engine.judge(ONE, table(symptom, late, early)))


def test_causes_and_symptoms_may_be_in_different_ranks() -> None:
    def of_rank(code: str, rank: int, **more: Any) -> Rule:
        def check(run: Run) -> Iterator[Finding]:
            if run.rank == rank:
                yield Finding(code, {"n": 1})

        return made(code, check, **more)

    rules = table(of_rank("OPT001", 0, explains=("TRN*",)), of_rank("TRN001", 1))
    assert found(engine.judge([Run(rank=0), Run(rank=1)], rules)) == [("OPT001", ["TRN001"])]


def test_order() -> None:
    rules = table(
        simple("AAA001", severity=Severity.HINT),
        simple("BBB001", severity=Severity.ERROR, confidence=Confidence.POSSIBLE),
        simple("CCC001", severity=Severity.ERROR, place=Place(first_step=7)),
        simple("DDD001", severity=Severity.ERROR, place=Place(first_step=1)),
        simple("EEE001", severity=Severity.WARNING),
    )
    assert found(engine.judge(ONE, rules)) == ["DDD001", "CCC001", "BBB001", "EEE001", "AAA001"]


def test_a_findings_own_severity_counts() -> None:
    def check(run: Run) -> Iterator[Finding]:
        yield Finding("AAA001", {"n": 1}, severity=Severity.ERROR)

    rules = table(made("AAA001", check, severity=Severity.HINT), simple("AAA000"))
    diagnosis = engine.judge(ONE, rules)
    assert found(diagnosis) == ["AAA001", "AAA000"]
    assert engine.severity(diagnosis.findings[0], rules) is Severity.ERROR


# --- could not look ------------------------------------------------------------------------------------------------


def test_blind_areas_that_a_selected_rule_needs() -> None:
    run = replace(ONE[0], blind={"graph": "compiled", "loader": "own loop", "probes": "off"})
    rules = table(made("AAA001", needs=("graph",)), simple("BBB001", needs=("loader", "graph")))
    assert engine.judge([run, run], rules).could_not_look == (("graph", "compiled"), ("loader", "own loop"))
    assert engine.judge([run], rules, ignore=["BBB"]).could_not_look == ()  # a rule without checks looks at nothing


def test_blind_launchers_do_not_count_where_others_trained() -> None:
    launcher = Run(blind={"graph": "never trained"})
    rules = table(simple("AAA001", needs=("graph",)))
    assert engine.judge([launcher, *ONE], rules).could_not_look == ()
    assert engine.judge([launcher], rules).could_not_look == (("graph", "never trained"),)
