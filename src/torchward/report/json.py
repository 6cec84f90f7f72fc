"""`findings.json`: the report for programs. Versioned; described by `findings.schema.json` and `docs/findings-json.md`.

Fields are only ever added within a version; one that changes its meaning or goes away raises `version`.
"""

from __future__ import annotations

import json
from typing import Any

from torchward.facts import Site
from torchward.report import Outcome
from torchward.report._summary import (
    Said,
    cost,
    could_not_look,
    leading,
    losses,
    models,
    optimizers,
    plain,
    probe_name,
    said,
    steps,
    trained,
)
from torchward.rule import Place

VERSION = 1


def dump(outcome: Outcome) -> str:
    """The whole outcome as strict JSON (no NaN), in a stable order of fields, with a final newline."""
    return json.dumps(plain(_report(outcome)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of what `dump` gives."""
    from importlib.resources import files

    text = files("torchward.report").joinpath("findings.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _report(outcome: Outcome) -> dict[str, Any]:
    spent = cost(outcome)
    return {
        "version": VERSION,
        "language": outcome.language,
        "command": list(outcome.command),
        "folder": outcome.folder,
        "started": outcome.started,
        "seconds": outcome.seconds,
        "running": outcome.running,
        "exit_status": outcome.exit_status,
        "exit_text": outcome.exit_text,
        "looked_at": _looked_at(outcome),
        "could_not_look": [{"what": what, "why": why} for what, why in could_not_look(outcome)],
        "cost": {"own_seconds": spent.own_seconds, "probe_seconds": spent.probe_seconds, "share": spent.share},
        "notes": list(outcome.notes),
        "silenced": outcome.diagnosis.silenced,
        "findings": [_finding(finding) for finding in said(outcome)],
    }


def _looked_at(outcome: Outcome) -> dict[str, Any]:
    taken, sampled = steps(outcome)
    return {
        "steps": taken,
        "samples": sampled,
        "processes": [
            {
                "pid": run.pid,
                "rank": run.rank,
                "device": run.device or None,
                "torch": run.torch_version or None,
                "steps": run.steps,
                "seconds": run.seconds,
            }
            for run in trained(outcome)
        ],
        "models": [
            {
                "name": model.name,
                "kind": model.kind,
                "parameters": model.parameters,
                "trainable": model.trainable,
                **_site(model.site),
            }
            for model in models(outcome)
        ],
        "optimizers": [
            {"kind": optimizer.kind, "steps": optimizer.steps, **_site(optimizer.site)}
            for optimizer in optimizers(outcome)
        ],
        "losses": [
            {"kind": judged.kind, "role": judged.role, "values": judged.values, **_site(judged.site)}
            for judged in losses(outcome)
        ],
        "loaders": [
            {
                "batch_size": loader.batch_size,
                "batches": loader.batches,
                "workers": loader.workers,
                "fetched": loader.fetched,
                "wait_seconds": loader.wait_seconds,
                **_site(loader.site),
            }
            for run in leading(outcome)
            for loader in run.loaders
        ],
        "probes": [
            {
                "name": probe_name(probe),
                "model": probe.model,
                "looked": probe.looked,
                "reason": probe.reason or None,
                "seconds": probe.seconds,
            }
            for probe in outcome.probes
        ],
        "rules": outcome.diagnosis.rules,
    }


def _site(site: Site | None) -> dict[str, Any]:
    return {"file": site.file if site else None, "line": site.line if site else None}


def _finding(finding: Said) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence.name.lower(),
        "message": finding.message,
        "why": finding.why,
        "fix": finding.fix,
        "place": _place(finding.place),
        "evidence": finding.evidence,
        "symptoms": [_finding(symptom) for symptom in finding.symptoms],
        "links": list(finding.links),
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": place.file or None,
        "line": place.line or None,
        "function": place.function or None,
        "module": place.module or None,
        "parameter": place.parameter or None,
        "first_step": place.first_step,
        "last_step": place.last_step,
        "rank": place.rank,
    }
