"""`report.html`: one self-contained page. No network, no library; it reads on a phone, in the dark and on paper.

Everything that comes from the user's program (commands, file, module and class names, numbers of evidence) is escaped,
and a content security policy lets the page load and run nothing but its own style and script, named by their hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from typing import Any

from torchward.facts import Run
from torchward.report import Outcome
from torchward.report._plots import POINTS, Pin, Sheet, pictures
from torchward.report._summary import (
    Said,
    cost,
    cost_text,
    counts,
    ending,
    flat,
    grouped_blind,
    looked_text,
    said,
    trained,
    verdict,
)
from torchward.report._words import (
    CONFIDENCE,
    CONFIDENCE_MEANS,
    SEVERITY,
    clean,
    command_line,
    duration,
    listing,
    place_parts,
    say,
)
from torchward.rule import Confidence, Language, Severity

PROCESSES = 8
"""Most processes whose pictures are drawn."""

_MARK = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.HINT: "–"}


def render(outcome: Outcome) -> str:
    """The whole page."""
    language = outcome.language
    style, script = _resource("report.css"), _resource("report.js")
    command = escape(command_line(outcome.command))
    findings = said(outcome)
    cards = "\n".join(_card(finding, language) for finding in findings)
    body = [
        _header(outcome, findings, command),
        f'<section><h2>{_say(language, "findings")}</h2><div class="cards">{cards}</div></section>' if findings else "",
        _pictures(outcome, findings),
    ]
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; style-src-attr 'unsafe-inline'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="{"zh-Hans" if language == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{command} · torchward</title>
<style>{style}</style>
</head>
<body>
<main>
{chr(10).join(part for part in body if part)}
</main>
<script>{script}</script>
</body>
</html>
"""


def _resource(name: str) -> str:
    from importlib.resources import files

    return files("torchward.report").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _say(language: Language, key: str, **data: object) -> str:
    return escape(say(language, key, **data))


def _header(outcome: Outcome, findings: list[Said], command: str) -> str:
    language = outcome.language
    spent = cost(outcome)
    summary = counts(language, findings) if findings else verdict(outcome)
    worst = max((finding.severity for finding in findings), default=None)
    mood = worst.name.lower() if worst else "clean" if trained(outcome) else "hint"
    blind = "".join(
        f"<li><b>{escape(listing(language, whats))}</b> {escape(why)}</li>" for why, whats in grouped_blind(outcome)
    )
    rows = [(_say(language, "looked_at"), "".join(f"<li>{escape(item)}</li>" for item in looked_text(outcome)))]
    if blind:
        rows.append((_say(language, "could_not_look"), blind))
    cost_items = [cost_text(outcome)]
    if spent.probe_seconds > 0:
        cost_items.append(say(language, "of_which_probes", probes=duration(language, spent.probe_seconds)))
    rows.append((_say(language, "cost"), "".join(f"<li>{escape(item)}</li>" for item in cost_items)))
    if outcome.diagnosis.silenced:
        rows.append(
            (
                _say(language, "silenced_label"),
                f"<li>{_say(language, 'silenced_here', n=outcome.diagnosis.silenced)}</li>",
            )
        )
    facts = "".join(f'<div><dt>{name}</dt><dd><ul class="items">{items}</ul></dd></div>' for name, items in rows)
    notes = "".join(f'<p class="notice">{escape(clean(note))}</p>' for note in outcome.notes)
    when = [_say(language, "started", when=outcome.started[:19].replace("T", " "))] if outcome.started else []
    parts = [*(escape(part) for part in ending(outcome)), *when]
    state = " · ".join(f"<span>{part}</span>" for part in parts)
    live = ' class="live"' if outcome.running else ""
    return (
        f'<header><p class="brand">{_say(language, "report")}</p><h1><code>{command}</code></h1>'
        f'<p class="state"><strong class="{mood}">{escape(summary)}</strong> <span{live}>{state}</span></p>'
        f'{notes}<dl class="facts">{facts}</dl></header>'
    )


def _card(finding: Said, language: Language) -> str:
    severity = finding.severity.name.lower()
    where = "".join(f"<li>{escape(part)}</li>" for part in place_parts(language, finding.place))
    where = f'<ul class="place">{where}</ul>' if where else ""
    sure = ""
    if finding.confidence is not Confidence.CERTAIN:
        means = escape(CONFIDENCE_MEANS[finding.confidence].render(language, {}))
        word = escape(CONFIDENCE[finding.confidence].render(language, {}))
        sure = f'<span class="sure" title="{means}">{word}</span>'
    why = f"<dt>{_say(language, 'Why')}</dt><dd>{_prose(finding.why)}</dd>" if finding.why else ""
    fix = f"<dt>{_say(language, 'Fix')}</dt><dd>{_prose(finding.fix)}</dd>" if finding.fix else ""
    symptoms = "".join(_card(symptom, language) for symptom in finding.symptoms)
    if symptoms:
        n = len(flat(finding.symptoms))
        symptoms = (
            f'<details class="symptoms" open><summary>{_say(language, "symptoms")} ({n})</summary>{symptoms}</details>'
        )
    return (
        f'<article class="card {severity}" id="f{finding.number}"><h3><a class="num {severity}" '
        f'href="#f{finding.number}">{finding.number}</a> <span class="sev">{_MARK[finding.severity]} '
        f"{escape(SEVERITY[finding.severity].render(language, {}))}</span> <code>{escape(finding.code)}</code> "
        f'<span class="name">{escape(finding.name)}</span>{sure}</h3>'
        f'<div class="message">{_prose(finding.message)}</div>'
        f"{where}<dl>{why}{fix}</dl>{_evidence(finding, language)}{symptoms}</article>"
    )


def _evidence(finding: Said, language: Language) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_value(value))}</td></tr>" for name, value in finding.evidence.items()
    )
    links = "".join(
        f'<li><a href="{escape(link)}" rel="noreferrer noopener">{escape(re.sub("^https?://", "", link))}</a></li>'
        for link in finding.links
        if re.match("https?://", link)
    )
    if not rows and not links:
        return ""
    table = f"<table>{rows}</table>" if rows else ""
    more = f"<p>{_say(language, 'more')}</p><ul>{links}</ul>" if links else ""
    return f'<details class="evidence"><summary>{_say(language, "evidence")}</summary>{table}{more}</details>'


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        shown = [_value(item) for item in value[:40]]
        return ", ".join([*shown, "…"] if len(value) > 40 else shown)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(item)}" for key, item in list(value.items())[:40])
    return str(value)


def _prose(text: str) -> str:
    """Paragraphs; lines that begin with spaces are a block of code, and `backticks` are code in a sentence."""
    blocks: list[tuple[bool, list[str]]] = []
    for line in text.split("\n"):
        code = line[:1] in (" ", "\t") or (not line.strip() and bool(blocks) and blocks[-1][0])
        if not blocks or blocks[-1][0] != code:
            blocks.append((code, []))
        blocks[-1][1].append(line)
    html = []
    for code, lines in blocks:
        if code:
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            html.append(f"<pre>{escape(chr(10).join(line[margin:] for line in lines).rstrip())}</pre>")
        elif any(line.strip() for line in lines):
            sentence = "<br>".join(escape(line) for line in lines if line.strip())
            html.append("<p>" + re.sub("`([^`]+)`", r"<code>\1</code>", sentence) + "</p>")
    return "".join(html)


def _pictures(outcome: Outcome, findings: list[Said]) -> str:
    language = outcome.language
    runs = trained(outcome)
    if not runs:
        return f'<section><p class="left">{_say(language, "no_pictures")}</p></section>'
    runs.sort(key=lambda run: run.rank if run.rank is not None else 1 << 30)
    points = max(120, POINTS // min(len(runs), PROCESSES))
    sections = []
    for run in runs[:PROCESSES]:
        title = _say(language, "pictures")
        if len(runs) > 1:
            title += f" <small>{escape(_process(run, language))}</small>"
        drawn = pictures(Sheet(run, language, _pins(findings, run), points))
        empty = f'<p class="left">{_say(language, "no_pictures")}</p>'
        sections.append(f'<section><h2>{title}</h2><div class="plots">{drawn or empty}</div></section>')
    if len(runs) > PROCESSES:
        sections.append(f'<p class="left">{_say(language, "processes_left_out", n=len(runs) - PROCESSES)}</p>')
    return "\n".join(sections)


def _process(run: Run, language: Language) -> str:
    if run.rank is not None:
        return say(language, "rank", rank=run.rank)
    return say(language, "process", pid=str(run.pid))


def _pins(findings: list[Said], run: Run) -> list[Pin]:
    return [
        Pin(
            one.number,
            one.severity,
            one.place.first_step,
            f"{one.code} {one.name}",
            bool(re.search("[a-z]", one.number)),
        )
        for one in flat(findings)
        if one.place.first_step is not None and (one.place.rank is None or one.place.rank == run.rank)
    ]
