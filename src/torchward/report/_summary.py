"""What every reporter says, worked out once: findings in words, what was looked at, what could not be, and the cost.

The terminal, JSON and HTML differ in form only; anything that two of them must agree on is decided here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torchward.facts import Experiment, Model, Optimizer, Run, Site
from torchward.report import Outcome
from torchward.report._words import clean, counted, duration, listing, looked_for, percent, reason, say
from torchward.rule import Confidence, Finding, Language, Place, Rule, Severity, Text


@dataclass(frozen=True)
class Said:
    """One finding in the chosen language."""

    number: str
    """`2` for the second cause, `2a` for its first symptom."""
    code: str
    name: str
    severity: Severity
    confidence: Confidence
    message: str
    why: str
    fix: str
    place: Place
    evidence: Mapping[str, Any]
    """JSON values only; NaN and infinities are the strings `nan`, `inf`, `-inf`."""
    links: tuple[str, ...]
    symptoms: tuple[Said, ...]
    check: str = ""
    """Of a crash whose cause is not certain: what to look at to know."""


def said(outcome: Outcome) -> list[Said]:
    """All findings in the engine's order, causes first."""
    return [
        _with_check(outcome, _say_finding(finding, outcome.rules, outcome.language, str(number)))
        for number, finding in enumerate(outcome.diagnosis.findings, 1)
    ]


def _with_check(outcome: Outcome, one: Said) -> Said:
    for explanation in outcome.diagnosis.explanations:
        if explanation.rule.code == one.code and explanation.causes and one.confidence is not Confidence.CERTAIN:
            check = _fill(explanation.causes[0].check, outcome.language, explanation.finding.data)
            return replace(one, check=check)
    return one


def say_one(finding: Finding, rules: Mapping[str, Rule], language: Language) -> Said:
    """One finding outside a report."""
    return _say_finding(finding, rules, language, "1")


def flat(findings: Sequence[Said]) -> list[Said]:
    """Findings and, each after its cause, their symptoms."""
    return [one for finding in findings for one in (finding, *flat(finding.symptoms))]


def _say_finding(finding: Finding, rules: Mapping[str, Rule], language: Language, number: str) -> Said:
    rule = rules.get(finding.code)
    severity = finding.severity or (rule.severity if rule else Severity.WARNING)
    return Said(
        number=number,
        code=finding.code,
        name=rule.name if rule else "",
        severity=severity,
        confidence=finding.confidence,
        message=_fill(rule.message, language, finding.data) if rule else finding.code,
        why=_fill(rule.why, language, finding.data) if rule else "",
        fix=_fill(rule.fix, language, finding.data) if rule else "",
        place=finding.place,
        evidence={clean(str(key)): plain(value) for key, value in finding.data.items()},
        links=rule.links if rule else (),
        symptoms=tuple(
            _say_finding(symptom, rules, language, f"{number}{_letters(n)}")
            for n, symptom in enumerate(finding.symptoms)
        ),
    )


def _fill(text: Text, language: Language, data: Mapping[str, Any]) -> str:
    """A report must not be lost to one rule whose text asks for a value that its check did not give."""
    try:
        return clean(text.render(language, data)).strip()
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        return clean(text.zh if language == "zh" else text.en).strip()


def _letters(n: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    return (_letters(n // 26 - 1) if n >= 26 else "") + chr(ord("a") + n % 26)


def plain(value: Any) -> Any:
    """The value as strict JSON can hold it."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value, key=str)]
    return clean(str(value))


def trained(outcome: Outcome) -> list[Run]:
    """The processes that took a step; those that only imported torch (loader workers, launchers) are left out."""
    return [run for run in outcome.runs if run.steps or run.backwards]


def steps(outcome: Outcome) -> tuple[int, int]:
    """(steps, sampled steps) of the process that took the most: ranks of one job step together."""
    return max(((run.steps, run.samples) for run in outcome.runs), default=(0, 0))


def models(outcome: Outcome) -> list[Model]:
    """Distinct models; the replicas on other ranks are one model."""
    seen: dict[tuple[Any, ...], Model] = {}
    for run in trained(outcome) or outcome.runs:
        for model in run.models:
            replica = () if run.rank is not None else (run.pid,)
            seen.setdefault((*replica, model.index, model.name, model.kind, model.parameters), model)
    return list(seen.values())


def leading(outcome: Outcome) -> list[Run]:
    """Processes whose optimizers, losses and loaders are counted: one of each distributed job, and every lone one."""
    runs = trained(outcome)
    ranked = [run for run in runs if run.rank is not None]
    lone = [run for run in runs if run.rank is None]
    return [*sorted(ranked, key=lambda run: run.rank or 0)[:1], *lone]


def optimizers(outcome: Outcome) -> list[Optimizer]:
    return [optimizer for run in leading(outcome) for optimizer in run.optimizers]


@dataclass(frozen=True)
class Judged:
    """A loss that was watched: where its backward pass or its evaluation is called, and how often."""

    kind: str
    role: str
    """`training` or `evaluation`."""
    site: Site | None
    values: int


def losses(outcome: Outcome) -> list[Judged]:
    return [
        judged
        for run in leading(outcome)
        for judged in (
            *(Judged(stream.kind or "custom", "training", stream.site, len(stream.values)) for stream in run.streams),
            *(Judged(loss.kind, "evaluation", loss.site, loss.calls) for loss in run.losses if not loss.training),
        )
    ]


def probe_name(probe: Experiment) -> str:
    """`memorise` for a `MemoriseProbe`."""
    name = type(probe).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Probe") or name).lower()


def probes_done(outcome: Outcome) -> list[Experiment]:
    return [probe for probe in outcome.probes if probe.looked]


def could_not_look(outcome: Outcome) -> list[tuple[str, str]]:
    """(what, why) pairs: what the engine says, probes that gave up, and parts of the recorder that failed."""
    pairs = [
        *outcome.diagnosis.could_not_look,
        *((f"{probe_name(probe)} probe", probe.reason) for probe in outcome.probes if not probe.looked),
        *(("recorder", error) for run in outcome.runs for error in run.errors),
    ]
    language = outcome.language
    said_so = ((looked_for(language, what), reason(language, why)) for what, why in pairs)
    return list(dict.fromkeys((clean(what), clean(why)) for what, why in said_so))


def grouped_blind(outcome: Outcome) -> list[tuple[str, list[str]]]:
    """What could not be looked at, by reason: forty rules blind for one reason are one line."""
    groups: dict[str, list[str]] = {}
    for what, why in could_not_look(outcome):
        groups.setdefault(why, []).append(what)
    return list(groups.items())


@dataclass(frozen=True)
class Cost:
    """What watching took from the run, over all its processes."""

    own_seconds: float
    probe_seconds: float
    share: float | None
    """Of the time of all processes together; None when that is not known."""


def cost(outcome: Outcome) -> Cost:
    own = sum(run.own_seconds for run in outcome.runs)
    whole = max(outcome.seconds, sum(run.seconds for run in outcome.runs))
    return Cost(own, sum(run.probe_seconds for run in outcome.runs), own / whole if whole > 0 else None)


def counts(language: Language, findings: Sequence[Said]) -> str:
    """`2 errors, 1 warning`, symptoms aside."""
    return listing(
        language,
        [
            counted(language, n, severity.name.lower())
            for severity in sorted(Severity, reverse=True)
            if (n := sum(finding.severity is severity for finding in findings))
        ],
    )


def looked_text(outcome: Outcome) -> list[str]:
    """What was looked at, as items of an enumeration."""
    language = outcome.language
    taken, sampled = steps(outcome)
    processes = len(trained(outcome))
    stepped = counted(language, taken, "step")
    items = [say(language, "steps", steps=stepped, sampled=sampled) if taken else stepped]
    if processes > 1:
        in_processes = counted(language, processes, "process")
        items[0] = say(language, "per_process", things=items[0], processes=in_processes)

    def count(noun: str, things: Sequence[object], names: Sequence[str]) -> None:
        if not things:
            return
        text = counted(language, len(things), noun)
        distinct = list(dict.fromkeys(name for name in names if name))
        if distinct:
            rest = ["…"] if len(distinct) > 3 else []
            text = say(language, "named", count=text, names=listing(language, [*distinct[:3], *rest]))
        items.append(clean(text))

    found = models(outcome)
    count("model", found, [say(language, "model", name=m.name or m.kind, parameters=m.parameters) for m in found])
    count("optimizer", optimizers(outcome), [optimizer.kind for optimizer in optimizers(outcome)])
    count("loss", losses(outcome), [judged.kind for judged in losses(outcome)])
    count("loader", [loader for run in leading(outcome) for loader in run.loaders], [])
    if outcome.probes:
        items.append(counted(language, len(probes_done(outcome)), "probe"))
    items.append(counted(language, outcome.diagnosis.rules, "rule"))
    return items


def cost_text(outcome: Outcome) -> str:
    language, spent = outcome.language, cost(outcome)
    own = duration(language, spent.own_seconds)
    if spent.share is None:
        return say(language, "closing_cost_unknown", own=own)
    return say(language, "closing_cost", own=own, share=percent(language, spent.share))


def ending(outcome: Outcome) -> list[str]:
    """How the command stands: exit status in words and how long it took."""
    language = outcome.language
    took = duration(language, outcome.seconds)
    if outcome.running:
        return [say(language, "running"), say(language, "so_far", duration=took)]
    parts = [clean(outcome.exit_text)] if outcome.exit_text else []
    if (
        outcome.exit_status is not None
        and (outcome.exit_status or not parts)
        and str(outcome.exit_status) not in outcome.exit_text
    ):
        parts.append(say(language, "exit_status", status=str(outcome.exit_status)))
    return [*parts, say(language, "took", duration=took)]


def verdict(outcome: Outcome) -> str:
    """The one sentence for a run without findings; never sells silence as health."""
    if not trained(outcome):
        key = "nothing_seen"
    elif not outcome.diagnosis.rules:
        key = "no_rules"
    elif outcome.running:
        key = "clean_so_far"
    else:
        key = "clean_as_far" if could_not_look(outcome) else "clean"
    return say(outcome.language, key)
