"""SARIF 2.1.0, the format in which code hosts and editors take findings: a crash with its place in the source."""

from __future__ import annotations

import json
from typing import Any

from torchward import __version__
from torchward.facts import Crash
from torchward.report._summary import plain
from torchward.report._words import short_path
from torchward.report.crash import Explained
from torchward.rule import Explanation

_LEVEL = {1: "note", 2: "warning", 3: "error"}


def dump(explained: Explained) -> str:
    """One run with one result per explanation; none for a log of which nothing is known."""
    rules = {one.rule.code: one for one in explained.explanations}
    driver = {
        "name": "torchward",
        "version": __version__,
        "rules": [
            {
                "id": code,
                "name": one.rule.name,
                "helpUri": one.rule.links[0] if one.rule.links else None,
                "defaultConfiguration": {"level": _LEVEL[one.rule.severity]},
            }
            for code, one in rules.items()
        ],
    }
    for rule in driver["rules"]:
        if rule["helpUri"] is None:  # type: ignore[index]
            del rule["helpUri"]  # type: ignore[attr-defined]
    report = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(explained, one) for one in explained.explanations]}],
    }
    return json.dumps(plain(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _result(explained: Explained, one: Explanation) -> dict[str, Any]:
    language, data = explained.language, one.finding.data
    parts = [text.render(language, data).strip() for text in (one.rule.message, one.rule.why, one.rule.fix)]
    return {
        "ruleId": one.rule.code,
        "level": _LEVEL[one.rule.severity],
        "message": {"text": "\n\n".join(part for part in parts if part)},
        "locations": _locations(explained.crash, one),
        "properties": {"confidence": one.finding.confidence.name.lower(), "values": dict(data)},
    }


def _locations(crash: Crash, one: Explanation) -> list[dict[str, Any]]:
    place = one.finding.place
    if place.file and not place.file.startswith("<"):
        return [_at(short_path(place.file), place.line)]
    if crash.source and crash.source != "<stdin>" and one.evidence:
        return [_at(short_path(crash.source), one.evidence[0][0])]
    return []


def _at(file: str, line: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": file.replace("\\", "/")}}
    if line > 0:
        location["region"] = {"startLine": line}
    return {"physicalLocation": location}
