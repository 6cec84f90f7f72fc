"""The engine: find the rules, apply them to facts, isolate one that fails, and put causes before symptoms.

Pure but for two things: it imports the rules it finds in the folder `rules/`, and it reads the source lines that
findings point to, for `# torchward: ignore[CODE]`.
"""

from __future__ import annotations

import os
import re
import traceback
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path

from torchward.facts import Crash, Experiment, Machine, Ranks, Run
from torchward.rule import Check, Confidence, Diagnosis, Explanation, Finding, Place, Rule, Severity, Text

_RULES = Path(__file__).parent / "rules"
_FILE = re.compile(r"([a-z]+\d+)_\w+\.py")
_IGNORE = re.compile(r"#\s*torchward:\s*ignore(?:\[([^\]]*)\])?", re.IGNORECASE)

INT001 = Rule(
    code="INT001",
    name="rule-failed",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(),
    message=Text(
        "torchward's own rule {code} failed: {error} ({where}).",
        "torchward 自己的规则 {code} 出错：{error}（{where}）。",
    ),
    why=Text(
        "What this rule looks for was not looked at, so its silence says nothing about the training.",
        "该规则要检查的问题没有检查到，因此它没有报告并不说明训练正常。",
    ),
    fix=Text(
        "This is a bug in torchward, not in the training script: please report it with the line above. "
        "`--ignore {code}` leaves the rule out.",
        "这是 torchward 的错误，与训练脚本无关：请附上上面这行信息提交报告。用 `--ignore {code}` 可以跳过该规则。",
    ),
    bad="",
    good="",
    links=(),
)
"""A built-in: the engine itself yields it, so it has no checks and no example programs."""


ERR001 = Rule(
    code="ERR001",
    name="crash-not-known",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(),
    message=Text("{type}: {text}", "{type}：{text}"),
    why=Text(
        "torchward does not know this error. What stood in the failing expression is listed here.",
        "torchward 不认识这个错误。这里列出了出错的表达式中的张量和层。",
    ),
    fix=Text(
        "Compare the shapes, dtypes and devices with what that line expects.",
        "把这些形状、dtype 和设备与该行代码的预期作比较。",
    ),
    bad="",
    good="",
    links=(),
)
"""A built-in: a crash that no entry explains, seen from inside the process."""


def _rule_files() -> Iterator[tuple[str, str]]:
    """(code, module name) of every rule file, in order of the code."""
    found = []
    for folder, _, names in os.walk(_RULES):
        for name in names:
            match = _FILE.fullmatch(name)
            if match:
                parts = Path(folder, name[: -len(".py")]).relative_to(_RULES).parts
                found.append((match[1].upper(), ".".join(("torchward.rules", *parts))))
    return iter(sorted(found))


def known_codes() -> tuple[str, ...]:
    """The codes of all rules, from file names alone: imports none of them."""
    return (*(code for code, _ in _rule_files()), INT001.code)


def known_errors() -> tuple[str, ...]:
    """The codes of the catalogue of errors, from file names alone: reads none of them."""
    from torchward.errors.schema import codes

    return (ERR001.code, *codes())


def load_error(code: str) -> Rule | None:
    """The texts of one entry of the catalogue of errors, None where there is none of this code."""
    from torchward.errors.schema import FOLDER, files, parse

    for path in files(FOLDER):
        if path.name.startswith(f"{code.lower()}_"):
            return parse(path, path.read_text(encoding="utf-8"))[0].rule
    return ERR001 if code == ERR001.code else None


def load_rules(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> dict[str, Rule]:
    """All rules by code, in order of their codes; the engine's own `INT` rules come last.

    Codes and prefixes to `select` and to `ignore` keep the others from being imported at all.
    """
    wanted, unwanted = tuple(select), tuple(ignore)
    rules: dict[str, Rule] = {}
    for code, module in _rule_files():
        if (wanted and not code.startswith(wanted)) or (unwanted and code.startswith(unwanted)):
            continue
        rule = import_module(module).RULE
        if not isinstance(rule, Rule) or rule.code != code or code in rules:
            raise ValueError(f"{module} must hold one Rule, RULE, with the code {code}, and no other file may have it")
        rules[code] = rule
    rules[INT001.code] = INT001
    return rules


def selected(rules: Mapping[str, Rule], select: Iterable[str] = (), ignore: Iterable[str] = ()) -> dict[str, Rule]:
    """The rules that codes or prefixes pick: all when `select` is empty, less those that `ignore` names."""
    wanted = tuple(code.upper() for code in select)
    unwanted = tuple(code.upper() for code in ignore)
    return {
        code: rule
        for code, rule in rules.items()
        if (not wanted or code.startswith(wanted)) and not (unwanted and code.startswith(unwanted))
    }


def judge(
    facts: Sequence[object], rules: Mapping[str, Rule], select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> Diagnosis:
    """Apply the selected rules to the facts.

    Facts of one process stand together: a `Run`, then its experiments. An experiment that could not be made is not
    given to rules; it is counted under `could_not_look`.
    """
    select, ignore = tuple(select), tuple(ignore)
    chosen = selected({code: rule for code, rule in rules.items() if rule.checks}, select, ignore)
    report_failures = not (ignore and INT001.code.startswith(tuple(code.upper() for code in ignore)))

    silenced: set[tuple[str, str, int]] = set()
    kept: list[_Seen] = []
    process = -1
    rank: int | None = None
    explanations: tuple[Explanation, ...] = ()
    for fact in facts:
        if isinstance(fact, Crash):
            told = explain(fact) or _unexplained(fact)
            codes = selected({one.rule.code: one.rule for one in told}, select, ignore)
            explanations += tuple(one for one in told if one.rule.code in codes)
            continue
        if isinstance(fact, (Run, Ranks)) or process < 0:
            process += 1
            rank = fact.rank if isinstance(fact, Run) else None
        if isinstance(fact, Experiment) and not fact.looked:
            continue
        for rule in chosen.values():
            for finding in _apply(rule, fact):
                if finding.code == INT001.code and not report_failures:
                    continue
                if _is_silenced(finding):
                    silenced.add((finding.code, finding.place.file, finding.place.line))
                    continue
                if rank is not None and finding.place.rank is None:
                    finding = replace(finding, place=replace(finding.place, rank=rank))  # noqa: PLW2901
                kept.append(_Seen(finding, process))

    rules = {**rules, **{one.rule.code: one.rule for one in explanations}}
    kept += [_Seen(one.finding, -1 - number) for number, one in enumerate(explanations)]
    findings = _link(_merge(kept, rules), rules)
    return Diagnosis(
        findings=tuple(findings),
        could_not_look=tuple(_could_not_look(facts, chosen)),
        explanations=explanations,
        silenced=len(silenced),
        rules=len(chosen),
    )


def explain(crash: Crash) -> tuple[Explanation, ...]:
    """What the catalogue of errors knows of a crash; nothing where it knows nothing.

    Entries are read only here: a run that ends well never loads them.
    """
    from torchward.errors import match

    failures: list[tuple[str, Exception]] = []
    known = match.explain(crash, failures=failures)
    return known or tuple(Explanation(_failed(code, error), INT001) for code, error in failures[:1])


def _unexplained(crash: Crash) -> tuple[Explanation, ...]:
    """An exception that the catalogue does not know, with what stood in the failing expression; else nothing."""
    error = crash.error
    if error is None or not (crash.operands or crash.layers):
        return ()
    site = error.site
    place = Place(site.file, site.line, site.function, rank=crash.rank) if site is not None else Place(rank=crash.rank)
    data = {
        "type": error.name,
        "text": error.message.split("\n")[0][:200],
        "expression": site.marked if site is not None else "",
        "operands": tuple(map(str, (*crash.operands, *crash.layers))),
    }
    return (Explanation(Finding(ERR001.code, data, place, Confidence.POSSIBLE), ERR001),)


def severity(finding: Finding, rules: Mapping[str, Rule]) -> Severity:
    """How much this finding matters: its own word, else its rule's."""
    if finding.severity is not None:
        return finding.severity
    rule = rules.get(finding.code)
    return rule.severity if rule is not None else INT001.severity


def subject(finding: Finding) -> tuple[object, ...]:
    """What makes two findings the same one, seen again later or in another process."""
    place = finding.place
    own = (finding.data.get("code"), finding.data.get("error")) if finding.code == INT001.code else ()
    return (finding.code, place.file, place.line, place.function, place.module, place.parameter, *own)


# --- applying a rule -----------------------------------------------------------------------------------------------


@cache
def _fact_type(check: Check) -> typing.Any:
    """The annotation of a check's one parameter: a fact class, or a union of some."""
    hints = {name: hint for name, hint in typing.get_type_hints(check).items() if name != "return"}
    if len(hints) != 1:
        raise TypeError(f"{check.__name__} must have one annotated parameter, the fact that it looks at")
    (hint,) = hints.values()
    return hint


def judges(rule: Rule, fact: type) -> bool:
    """Whether a rule has a check for facts of this class."""
    return any(_fact_type(check) is fact for check in rule.checks)


def _apply(rule: Rule, fact: object) -> Iterator[Finding]:
    """The findings of a rule on one fact; an exception in a check becomes a finding of its own."""
    for check in rule.checks:
        try:
            if not isinstance(fact, _fact_type(check)):
                continue
            found = list(check(fact))
            for finding in found:
                if not isinstance(finding, Finding) or finding.code != rule.code:
                    raise TypeError(f"a check of {rule.code} yielded {finding!r:.80}")
                for text in (rule.message, rule.why, rule.fix):  # a text that cannot be filled is found here
                    text.render("en", finding.data)
                    text.render("zh", finding.data)
        except Exception as error:
            yield _failed(rule.code, error)
        else:
            yield from found


def _failed(code: str, error: Exception) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    place = Place()
    if frames:
        frame = frames[-1]
        place = Place(file=frame.filename, line=frame.lineno or 0, function=frame.name)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = f"{Path(place.file).name}:{place.line}"
    return Finding(INT001.code, {"code": code, "error": text[:300], "where": where}, place)


# --- `# torchward: ignore[CODE]` -----------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(Path(file).read_text(encoding="utf-8", errors="replace").split("\n"))
    except OSError:  # `<stdin>`, a notebook cell, a file that is gone: there is no comment to honour
        return ()


def _is_silenced(finding: Finding) -> bool:
    place = finding.place
    if not place.file or finding.code == INT001.code:
        return False
    lines = _lines(place.file)
    if not 0 < place.line <= len(lines):
        return False
    comment = _IGNORE.search(lines[place.line - 1])
    if comment is None:
        return False
    if comment[1] is None:
        return True
    codes = tuple(code.strip().upper() for code in comment[1].split(",") if code.strip())
    return finding.code.startswith(codes) if codes else False


# --- one finding for what was seen several times -------------------------------------------------------------------


class _Seen:
    """One finding (later: one group of the same), with the processes it was seen in."""

    __slots__ = ("count", "finding", "processes", "ranks")

    def __init__(self, finding: Finding, process: int) -> None:
        self.finding = finding
        self.count = 1
        self.processes = {process}
        self.ranks = set() if finding.place.rank is None else {finding.place.rank}

    def add(self, other: _Seen, rules: Mapping[str, Rule]) -> None:
        first, second = sorted((self.finding, other.finding), key=lambda finding: _urgency(finding, rules))
        places = (first.place, second.place)
        starts = [place.first_step for place in places if place.first_step is not None]
        ends = [place.last_step for place in places if place.last_step is not None]
        self.count += other.count
        self.processes |= other.processes
        self.ranks |= other.ranks
        self.finding = replace(
            first,
            place=replace(
                first.place,
                first_step=min(starts, default=None),
                last_step=max(ends, default=None),
                rank=min(self.ranks) if len(self.ranks) == 1 else None,
            ),
            confidence=max(first.confidence, second.confidence),
            severity=max(severity(first, rules), severity(second, rules)),
        )

    def merged(self) -> Finding:
        if self.count == 1:
            return self.finding
        extra: dict[str, object] = {"occurrences": self.count}
        if len(self.ranks) > 1:
            extra["ranks"] = tuple(sorted(self.ranks))
        return replace(self.finding, data={**self.finding.data, **extra})


def _merge(seen: Sequence[_Seen], rules: Mapping[str, Rule]) -> list[Finding]:
    """One finding per code and place; and one per code for ranks of one job, which run the same program."""
    groups: dict[tuple[object, ...], _Seen] = {}
    for one in seen:
        key = subject(one.finding)
        if key in groups:
            groups[key].add(one, rules)
        else:
            groups[key] = one
    result: list[_Seen] = []
    for group in groups.values():
        for other in result:
            if (
                other.finding.code == group.finding.code != INT001.code
                and group.ranks
                and other.ranks
                and not group.processes & other.processes
            ):
                other.add(group, rules)
                break
        else:
            result.append(group)
    return [group.merged() for group in result]


# --- causes and symptoms -------------------------------------------------------------------------------------------


def _urgency(finding: Finding, rules: Mapping[str, Rule]) -> tuple[float, ...]:
    """Sort key: what matters most, is surest and came first stands first; a cause weighs as its worst symptom."""
    worst = max(severity(one, rules) for one in (finding, *finding.symptoms))
    first = finding.place.first_step
    return (-worst, -finding.confidence, float("inf") if first is None else first)


def _strength(finding: Finding, rules: Mapping[str, Rule]) -> tuple[float, ...]:
    """Sort key for causes: confidence before severity, since a sure small cause beats a grave guess."""
    first = finding.place.first_step
    return (-finding.confidence, -severity(finding, rules), float("inf") if first is None else first)


def _explains(rules: Mapping[str, Rule], cause: str, symptom: str) -> bool:
    if cause == symptom:
        return False

    by_cause, by_symptom = rules.get(cause), rules.get(symptom)
    written = by_symptom is not None and by_symptom.written

    def among(code: str, names: Sequence[str]) -> bool:
        return any(code.startswith(name[:-1]) and not written if name.endswith("*") else code == name for name in names)

    return (by_cause is not None and among(symptom, by_cause.explains)) or (
        by_symptom is not None and among(cause, by_symptom.explained_by)
    )


def _link(findings: Sequence[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """Put every symptom under its best cause; of causes that are symptoms themselves, under the root of the chain."""
    order = sorted(range(len(findings)), key=lambda index: (*_strength(findings[index], rules), findings[index].code))
    cause: dict[int, int] = {}

    def root(index: int) -> int:
        while index in cause:
            index = cause[index]
        return index

    explained_by = {
        index: [other for other in order if _explains(rules, findings[other].code, findings[index].code)]
        for index in order
    }

    def behind(index: int) -> int:
        """The place in `order` of the strongest cause at the end of any chain that leads here."""
        seen, ahead = {index}, [index]
        while ahead:
            ahead = [cause for one in ahead for cause in explained_by[one] if cause not in seen]
            seen.update(ahead)
        return min(map(order.index, seen))

    # Weakest first: of two that explain each other the weaker one becomes the symptom, and the stronger one, whose
    # turn comes later, finds itself at the root of that chain and stays a cause.
    for index in reversed(order):
        for candidate in sorted(explained_by[index], key=behind):
            if root(candidate) != index:
                cause[index] = candidate
                break

    symptoms: dict[int, list[Finding]] = {}
    for index in cause:
        symptoms.setdefault(root(index), []).append(findings[index])

    def by_urgency(finding: Finding) -> tuple[object, ...]:
        return (*_urgency(finding, rules), not finding.symptoms, finding.code)

    roots = (
        replace(finding, symptoms=tuple(sorted(symptoms[index], key=by_urgency))) if index in symptoms else finding
        for index, finding in enumerate(findings)
        if index not in cause
    )
    return sorted(roots, key=by_urgency)


# --- silence that does not mean health -----------------------------------------------------------------------------


def _could_not_look(facts: Sequence[object], rules: Mapping[str, Rule]) -> Iterator[tuple[str, str]]:
    """(area or probe, reason) pairs. Processes that never trained (launchers, workers) are left out if others did."""
    needed = {area for rule in rules.values() for area in rule.needs}
    runs = [fact for fact in facts if isinstance(fact, Run)]
    trained = [run for run in runs if run.steps or run.backwards] or runs
    pairs = [(area, reason) for run in trained for area, reason in run.blind.items() if area in needed]
    pairs += [pair for fact in facts if isinstance(fact, Machine) for pair in fact.blind.items()]
    pairs += [(_probe_name(fact), fact.reason) for fact in facts if isinstance(fact, Experiment) and not fact.looked]
    yield from dict.fromkeys(pairs)


def _probe_name(fact: Experiment) -> str:
    """`MemoriseProbe` -> `memorise probe`."""
    return f"{type(fact).__name__.removesuffix('Probe').lower()} probe"
