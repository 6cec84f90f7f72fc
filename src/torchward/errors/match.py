"""Applies entries to a crash: which one fits, what its values are, and which of its causes the evidence speaks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torchward.errors import arithmetic, schema
from torchward.errors.schema import Branch, Condition, Entry
from torchward.facts import Crash, LogLine, Raised
from torchward.rule import Cause, Confidence, Explanation, Finding, Place

LINE = 1000
"""Characters of a line that patterns see; a message of one line with a tensor's values can be megabytes."""
MESSAGE = 8000
"""Characters of a message that patterns see."""


Failures = list[tuple[str, Exception]]
"""(code, error) of entries that could not be read or applied."""


def explain(crash: Crash, folder: Path = schema.FOLDER, failures: Failures | None = None) -> tuple[Explanation, ...]:
    """What the catalogue knows of the crash: mostly one explanation, none when nothing fits.

    The exceptions are tried in their order, the one where the trouble began first, and the first that any entry fits is
    the answer. What merely follows from a failure elsewhere is looked at only where no other exception is in the log:
    first lines outside of tracebacks, then those exceptions. Where there is no exception at all, a line may be the
    message of one, pasted without its type. An entry that fails is noted in `failures`, and the others go on.
    """
    failures = [] if failures is None else failures
    told = [raised for raised in crash.raised if raised.type]
    near = [raised for raised in told if raised.consequence in ("", "chain", "wrapper")]
    for raised in near:
        if found := tuple(_explanations(crash, raised, folder, failures)):
            return found
    if any(not raised.consequence for raised in told):
        return ()
    if found := tuple(_output_explanations(crash, folder, failures)):
        return found
    pasted = [Raised("", line.text, line=line.number) for line in reversed(crash.output)]
    for raised in (*(one for one in told if one not in near), *pasted):
        if found := tuple(_explanations(crash, raised, folder, failures)):
            return found
    return ()


def shortened(text: str) -> str:
    """A message as patterns see it: long lines and long messages cut."""
    if len(text) > MESSAGE:
        text = text[: MESSAGE * 3 // 4] + "\n" + text[-MESSAGE // 4 :]
    return "\n".join(line[:LINE] for line in text.split("\n"))


class _Evidence:
    """What a condition rested on: named groups and the lines that were recognised."""

    def __init__(self) -> None:
        self.groups: dict[str, Any] = {}
        self.lines: list[tuple[int, str]] = []

    def add(self, found: re.Match[str], line: int = 0, text: str = "") -> None:
        for name, value in found.groupdict().items():
            if value is not None:
                self.groups.setdefault(name, _number(value))
        if text:
            self.lines.append((line, text.strip()[:300]))


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text


def _explanations(crash: Crash, raised: Raised, folder: Path, failures: Failures) -> Iterator[Explanation]:
    text = shortened(raised.text)
    for code, read in schema.candidates(text, folder):
        try:
            entry = read()
            if entry.match.message and (explanation := _try(entry, crash, raised, text, _Evidence())):
                yield explanation
        except Exception as error:
            failures.append((code, error))


def _output_explanations(crash: Crash, folder: Path, failures: Failures) -> Iterator[Explanation]:
    # What a launcher says of the process that it lost stands in its own exception.
    told = tuple(LogLine(one.line, one.text[:LINE]) for one in crash.raised if one.consequence)
    crash = replace(crash, output=(*crash.output, *told))
    nobody = Raised("", "")
    every = "\n".join(line.text[:LINE] for line in crash.output)
    for code, read in schema.candidates(every, folder):
        try:
            entry = read()
            if entry.match.output and not entry.match.message:
                explanation = _try(entry, crash, nobody, "", _Evidence())
                if explanation is not None:
                    yield explanation
        except Exception as error:
            failures.append((code, error))


def _try(entry: Entry, crash: Crash, raised: Raised, text: str, evidence: _Evidence) -> Explanation | None:
    if not _holds(entry.match, crash, raised, text, evidence, {}):
        return None
    values: dict[str, Any] = {"type": raised.name, **evidence.groups}
    if entry.compute:
        values |= arithmetic.values(entry.compute, crash, raised, values)
    if entry.match.value and not _values_fit(entry.match.value, values):
        return None
    if entry.match.unless and entry.match.unless.value and _values_fit(entry.match.unless.value, values):
        return None
    spoken: list[tuple[Branch, _Evidence]] = []
    for branch in entry.branches:
        own = _Evidence()
        if branch.when is None or _holds(branch.when, crash, raised, text, own, values):
            spoken.append((branch, own))
    spoken.sort(key=lambda pair: (-pair[0].cause.confidence, pair[0].when is None))
    if spoken and spoken[0][0].when is not None and spoken[0][0].cause.confidence is Confidence.CERTAIN:
        spoken = [pair for pair in spoken if pair[0].when is not None]  # nothing is left to guess
    if len(spoken) > 1:
        spoken = [pair for pair in spoken if pair[0].cause.name != "unknown"]
    for _, own in spoken:
        values |= {name: value for name, value in own.groups.items() if name not in values}
    causes = tuple(branch.cause for branch, _ in spoken)
    return _explanation(entry, crash, raised, values, causes, evidence, spoken)


def _explanation(
    entry: Entry,
    crash: Crash,
    raised: Raised,
    values: Mapping[str, Any],
    causes: tuple[Cause, ...],
    evidence: _Evidence,
    spoken: Sequence[tuple[Branch, _Evidence]],
) -> Explanation:
    rule, confidence = entry.rule, entry.confidence
    if causes:
        rule = replace(rule, why=causes[0].why, fix=causes[0].fix)
        confidence = min(confidence, causes[0].confidence)
    lines = list(evidence.lines)
    if spoken:
        lines += spoken[0][1].lines
    site = raised.site
    place = Place(rank=crash.rank)
    if site is not None:
        place = Place(file=site.file, line=site.line, function=site.function, rank=crash.rank)
    seen = tuple(map(str, (*crash.operands, *crash.layers)))
    if seen and raised.site is not None:
        values = {**values, "expression": raised.site.marked, "operands": seen}
    finding = Finding(rule.code, values, place, confidence)
    return Explanation(finding, rule, causes, tuple(dict.fromkeys(lines)))


# --- conditions ----------------------------------------------------------------------------------------------------


def _holds(
    condition: Condition, crash: Crash, raised: Raised, text: str, evidence: _Evidence, values: Mapping[str, Any]
) -> bool:
    """Whether everything that the condition names is so. What cannot be known is not so."""
    if condition.type and raised.type and raised.name not in condition.type:
        return False
    if condition.platform and crash.platform not in condition.platform:
        return False
    if condition.exit and crash.exit_code not in condition.exit:
        return False
    if condition.file and (crash.file_head is None or crash.file_head.kind not in condition.file):
        return False
    if not all(version_fits(crash.versions.get(name, ""), bound) for name, bound in condition.versions.items()):
        return False
    if condition.value and values and not _values_fit(condition.value, values):
        return False
    if condition.message and not _search_message(condition.message, raised, text, evidence):
        return False
    if condition.output and not _search(condition.output, crash.output, evidence):
        return False
    if condition.anywhere:
        told = [
            LogLine(one.line + number if one.line else 0, line)
            for one in (raised, *(other for other in crash.raised if other is not raised))
            for number, line in enumerate(shortened(one.text).split("\n"))
        ]
        if not _search(condition.anywhere, (*told, *crash.output), evidence):
            return False
    if condition.frames:
        frames = [LogLine(0, f"{frame.file}:{frame.function}: {frame.code}"[:LINE]) for frame in raised.frames]
        if not _search(condition.frames, frames, evidence, quote=False):
            return False
    if condition.chain:
        others = [LogLine(other.line, shortened(other.text)) for other in crash.raised if other is not raised]
        if not _search(condition.chain, others, evidence):
            return False
    if condition.operands:
        seen = [LogLine(0, str(one)) for one in (*crash.operands, *crash.layers)]
        if not _search(condition.operands, seen, evidence):
            return False
    return condition.unless is None or not _any_holds(condition.unless, crash, raised, text, values)


def _any_holds(condition: Condition, crash: Crash, raised: Raised, text: str, values: Mapping[str, Any]) -> bool:
    """For `unless`: whether any one of the things that it names is so."""
    blank = Condition()
    for name in Condition.__dataclass_fields__:
        part = getattr(condition, name)
        if part and not (name == "value" and not values):
            alone = replace(blank, **{name: part})
            if _holds(alone, crash, raised, text, _Evidence(), values):
                return True
    return False


def _search_message(patterns: tuple[re.Pattern[str], ...], raised: Raised, text: str, evidence: _Evidence) -> bool:
    for pattern in patterns:
        found = pattern.search(text)
        if found:
            begin = text.rfind("\n", 0, found.start()) + 1
            end = text.find("\n", found.end())
            quoted = text[begin : end if end >= 0 else None]
            evidence.add(found, raised.line + text.count("\n", 0, begin) if raised.line else 0, quoted)
            return True
    return False


def _search(
    patterns: tuple[re.Pattern[str], ...], lines: Sequence[LogLine], evidence: _Evidence, quote: bool = True
) -> bool:
    for pattern in patterns:
        for line in lines:
            found = pattern.search(line.text[:MESSAGE])
            if found:
                evidence.add(found, line.number, line.text.split("\n", 1)[0] if quote else "")
                return True
    return False


def _values_fit(wanted: Mapping[str, tuple[Any, ...]], values: Mapping[str, Any]) -> bool:
    for name, allowed in wanted.items():
        value = values.get(name)
        if not any(bool(value) if one is True else value == one for one in allowed):
            return False
    return True


def version_fits(version: str, bound: str) -> bool:
    """Whether `2.4.1+cu121` fits `<2.6`; never, where the version is not known."""
    found = re.fullmatch(r"(<=|>=|==|<|>)(.+)", bound)
    if not version or found is None:
        return False
    sign, limit = found[1], found[2]
    if "none" in (limit, version):
        return sign == "==" and version == limit
    left, right = (tuple(map(int, re.findall(r"\d+", text.split("+")[0])[:4])) for text in (version, limit))
    if sign == "==":
        return left[: len(right)] == right
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]
