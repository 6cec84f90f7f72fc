"""The pictures of the HTML report: HTML and SVG drawn from series, without any library and without a script.

Curves are SVG stretched over their area (`preserveAspectRatio="none"`, strokes unscaled) and every label is HTML placed
in percent: so text keeps its size on a phone. The x coordinates of a path are step numbers; `report.js` reads them
back for the value under the pointer. Long series are thinned to the extremes of each bucket, so that a spike stays.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from torchward.facts import Parameter, Run, Series
from torchward.report._draw import (
    BROKEN,
    ZERO,
    Axis,
    curve,
    finite,
    nice,
    number,
    png,
    quantile,
    ramp,
    shade,
    smooth,
    thin,
)
from torchward.report._words import clean, counted, file_line, percent, say
from torchward.rule import Language, Severity

POINTS = 600
"""Most points of one curve."""
CURVES = 6
"""Most curves of one picture."""
ROWS = 24
"""Most rows of the picture of activations."""
TALL = 8
"""Rows of it above which it is set in two columns."""


@dataclass(frozen=True)
class Pin:
    """A finding to mark at the step where it was first seen."""

    number: str
    severity: Severity
    step: int
    title: str
    symptom: bool


@dataclass(frozen=True)
class Sheet:
    """What all pictures of one process share."""

    run: Run
    language: Language
    pins: Sequence[Pin]
    points: int

    @property
    def last(self) -> int:
        """Right end of the x axis, the same in every picture so that they can be read one above the other."""
        return max(1, self.run.steps - 1, *(s.values.steps[-1] for s in self.run.streams if len(s.values)))

    def say(self, key: str, **data: object) -> str:
        return escape(say(self.language, key, **data))


def pictures(sheet: Sheet) -> str:
    """All pictures of a process for which there is anything to draw."""
    drawn = [_loss(sheet), _gradients(sheet), _updates(sheet), _times(sheet), _lr(sheet), _memory(sheet)]
    # Beside the update ratios while it is no taller than they are; else over the whole width, at the end.
    drawn.insert(3 if len(sheet.run.activations) <= TALL else len(drawn), _activations(sheet))
    return "\n".join(picture for picture in drawn if picture)


def _figure(title: str, note: str, body: str, *, wide: bool = False, legend: Sequence[tuple[str, str]] = ()) -> str:
    """`title`, `note` and names in the legend are escaped already."""
    keys = "".join(f'<li><i class="{kind}"></i>{name}</li>' for kind, name in legend)
    keys = f'<ul class="legend">{keys}</ul>' if keys else ""
    return (
        f'<figure class="{"wide" if wide else ""}"><figcaption><b>{title}</b> <span>{note}</span></figcaption>'
        f"{keys}{body}</figure>"
    )


def _step_ticks(sheet: Sheet) -> str:
    stride = max(1, nice(sheet.last / 5))
    steps = [int(n * stride) for n in range(int(sheet.last / stride) + 1)]
    labels = []
    for step in steps:
        left = 100 * step / sheet.last
        side = ' class="l"' if left < 2 else ' class="r"' if left > 96 else ""
        labels.append(f'<span{side} style="left:{left:.2f}%">{number(step) if step >= 1e6 else f"{step:,}"}</span>')
    return f'<div class="xs"><span class="name">{sheet.say("step")}</span>{"".join(labels)}</div>'


def _chart(
    sheet: Sheet, axis: Axis, content: str, label: str, *, over: str = "", pins: bool = False, unit: str = ""
) -> str:
    """An area with its axes. `content` is SVG, `over` HTML placed in percent on top of it."""
    rules = "".join(f'<path class="rule" d="M0 {axis.at(v):g}H{sheet.last}"/>' for v, _ in axis.ticks())
    ys = "".join(f'<span class="y" style="top:{axis.at(v) / 10:.1f}%">{text}{unit}</span>' for v, text in axis.ticks())
    lane, lines = _lane(sheet) if pins else ("", "")
    data = f'data-x="{sheet.last}" data-lo="{axis.low:.6g}" data-hi="{axis.high:.6g}"{" data-log" if axis.log else ""}'
    return (
        f'<div class="chart">{lane}<div class="area" {data}>'
        f'<svg viewBox="0 0 {sheet.last} 1000" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f"{rules}{content}{lines}</svg>{ys}{over}</div>{_step_ticks(sheet)}</div>"
    )


def _lane(sheet: Sheet) -> tuple[str, str]:
    """Markers above a picture, and the lines down from them. Those too close for a phone share one group."""
    width = 6.0  # per cent that one marker takes on a phone
    groups: list[tuple[float, list[Pin]]] = []
    pins = [pin for pin in sorted(sheet.pins, key=lambda pin: pin.step) if pin.step <= sheet.last]
    for pin in pins:
        left = 100 * pin.step / sheet.last
        if groups and left < groups[-1][0] + width * len(groups[-1][1]):
            groups[-1][1].append(pin)
        else:
            groups.append((left, [pin]))
    marks = []
    for left, group in groups:
        place = f"left:{left:.2f}%" if left < 60 else f"right:{100 - left:.2f}%"  # grows away from the edge
        group.sort(key=lambda pin: (int(re.sub(r"\D", "", pin.number)), pin.number))
        links = "".join(
            f'<a class="pin {pin.severity.name.lower()}{" symptom" if pin.symptom else ""}" href="#f{pin.number}" '
            f'title="{escape(pin.title)}">{pin.number}</a>'
            for pin in group
        )
        marks.append(f'<span style="{place}">{links}</span>')
    lines = "".join(
        f'<path class="pinline {pin.severity.name.lower()}" d="M{pin.step} 0V1000"/>'
        for pin in {pin.step: pin for pin in reversed(pins)}.values()
    )
    return (f'<div class="lane">{"".join(marks)}</div>' if marks else ""), lines


def _gaps(series: Series) -> list[tuple[int, int]]:
    """Stretches of values that are not finite, as (first step, last step)."""
    stretches: list[tuple[int, int]] = []
    inside = False
    for step, value in zip(series.steps, series.values, strict=True):
        if math.isfinite(value):
            inside = False
        elif inside:
            stretches[-1] = (stretches[-1][0], step)
        else:
            stretches.append((step, step))
            inside = True
    return stretches


# --- pictures ---


def _loss(sheet: Sheet) -> str:
    run = sheet.run
    trained = [
        (f"{sheet.say('training')} {_named(stream.kind or 'custom', stream.site)}", stream.values)
        for stream in run.streams
        if len(stream.values)
    ]
    tested = [
        (f"{sheet.say('evaluation')} {_named(loss.kind, loss.site)}", loss.values)
        for loss in run.losses
        if not loss.training and len(loss.values)
    ]
    if not trained and not tested:
        return ""
    left_out = max(0, len(trained) - CURVES) + max(0, len(tested) - CURVES)
    thinned = [(name, series, thin(series, sheet.points)) for name, series in trained[:CURVES]]
    dotted = [(name, thin(series, sheet.points // 2)) for name, series in tested[:CURVES]]
    drawn = [points for _, _, points in thinned] + [points for _, points in dotted]
    axis = Axis(value for points in drawn for _, value in points)
    content, over, legend = [_stretches(sheet)], _stretch_names(sheet), []
    gaps = [gap for _, series, _ in thinned for gap in _gaps(series)]
    for first, last in gaps[:50]:
        content.append(f'<rect class="nan" x="{first}" y="0" width="{max(last - first, 0)}" height="1000"/>')
    if gaps:
        left = 100 * min(first for first, _ in gaps) / sheet.last
        side = f"left:{left:.2f}%" if left < 70 else f"right:{100 - left:.2f}%"
        over += f'<span class="nanlabel" style="{side}">{sheet.say("not_finite")}</span>'
    for n, (name, series, points) in enumerate(thinned):
        told = name
        if len(series) > 240:
            buckets = 100
            told = f"{name} · {sheet.say('mean_of', n=round(len(series) / buckets))}"
            content.append(curve(points, axis, f"line faint s{n}"))
            content.append(curve(smooth(series, buckets), axis, f"line s{n}", told))
        else:
            content.append(curve(points, axis, f"line s{n}", told))
        legend.append((f"s{n}", told))
    for n, (name, points) in enumerate(dotted, len(thinned)):
        content.append(curve(points, axis, f"line dashed s{n % 8}", name))
        dots = "".join(f"M{step} {axis.at(value):g}h0" for step, value in points if math.isfinite(value))
        if len(points) <= 60:
            content.append(f'<path class="dots s{n % 8}" d="{dots}"/>')
        legend.append((f"dashed s{n % 8}", name))
    note = [sheet.say("log_scale")] if axis.log else []
    if sheet.pins:
        note.append(sheet.say("pinned"))
    if left_out:
        note.append(sheet.say("series_left_out", n=left_out))
    chart = _chart(sheet, axis, "".join(content), say(sheet.language, "loss"), over=over, pins=True)
    return _figure(sheet.say("loss"), " · ".join(note), chart, wide=True, legend=legend)


def _named(kind: str, site: object) -> str:
    file, line = getattr(site, "file", ""), getattr(site, "line", 0)
    return escape(clean(f"{kind} {file_line(file.replace(chr(92), '/').rsplit('/', 1)[-1], line)}".strip()))


def _stretches(sheet: Sheet) -> str:
    """Every second of several trainings on a tinted ground."""
    return "".join(
        f'<rect class="alt" x="{t.first_step}" y="0" width="{max(1, t.last_step - t.first_step + 1)}" height="1000"/>'
        for n, t in enumerate(sheet.run.trainings)
        if n % 2
    )


def _stretch_names(sheet: Sheet) -> str:
    trainings = sheet.run.trainings
    if not 1 < len(trainings) <= 20:
        return ""
    return "".join(
        f'<span class="training" style="left:{100 * t.first_step / sheet.last:.2f}%">'
        f"{sheet.say('one_training', n=n) if len(trainings) <= 4 else n}</span>"
        for n, t in enumerate(trainings, 1)
    )


def _layer(parameter: Parameter) -> str:
    """The owning module; one that only has a number, as in `Sequential`, together with its class: `4 Linear`."""
    name = parameter.module or parameter.name
    return f"{name} {parameter.module_kind}" if name.rpartition(".")[2].isdigit() and parameter.module_kind else name


def _gradients(sheet: Sheet) -> str:
    """One row per layer (all its parameters together), one column per stretch of steps."""
    layers: dict[tuple[int, str], dict[int, float]] = {}
    for parameter in sheet.run.parameters:
        if len(parameter.grad_norm):
            squares = layers.setdefault((parameter.model or 0, _layer(parameter)), {})
            samples = dict(zip(parameter.grad_norm.steps, parameter.grad_norm.values, strict=True))
            for step, value in samples.items():
                squares[step] = squares.get(step, 0.0) + value * value
    if not layers:
        return ""
    many = len({model for model, _ in layers}) > 1
    names = [f"{_model(sheet, model)}.{name}" if many else name for model, name in layers]
    shared = _shared(names)
    columns = max(20, min(120, sheet.last + 1, 40_000 * sheet.points // POINTS // len(layers)))
    rows = [_cells(squares, columns, sheet.last) for squares in layers.values()]
    seen = sorted(value for row in rows for value in row if value is not None and 0 < value < math.inf)
    low, high = (math.log10(quantile(seen, 0.01)), math.log10(quantile(seen, 0.99))) if seen else (-3.0, 0.0)
    if high - low < 1:
        low, high = (low + high) / 2 - 0.5, (low + high) / 2 + 0.5
    indices = bytes(shade(value, low, high) for row in rows for value in row)
    height = min(440, max(190, 15 * len(rows)))
    every = math.ceil(len(rows) * 13 / height)
    labels = "".join(
        f'<span class="row" style="top:{100 * (n + 0.5) / len(rows):.2f}%" title="{escape(clean(name))}">'
        f"{escape(clean(_tail(name.removeprefix(shared))))}</span>"
        for n, name in enumerate(names)
        if n % every == 0
    )
    data = (
        f'data-x="{sheet.last}" data-cells="{base64.b64encode(indices).decode()}" data-columns="{columns}" '
        f'data-lo="{low:.4g}" data-hi="{high:.4g}" data-rows="{escape(json.dumps([clean(name) for name in names]))}"'
    )
    image = base64.b64encode(png(indices, columns, len(rows))).decode()
    chart = (
        f'<div class="chart named"><div class="area heat" style="height:{height}px" {data}>'
        f'<img alt="{sheet.say("gradients")}" src="data:image/png;base64,{image}">{labels}</div>'
        f"{_step_ticks(sheet)}</div>"
    )
    colours = ",".join(f"rgb{ramp(n / 8)}" for n in range(9))
    key = (
        f'<div class="ramp"><span>{number(10**low)}</span><i style="background:linear-gradient(90deg,{colours})"></i>'
        f"<span>{number(10**high)}</span>"
    )
    if ZERO in indices:
        key += f'<i class="zero"></i><span>{sheet.say("no_gradient")}</span>'
    if BROKEN in indices:
        key += f'<i class="broken"></i><span>{sheet.say("not_finite")}</span>'
    return _figure(sheet.say("gradients"), sheet.say("gradients_note"), f"{key}</div>{chart}", wide=len(rows) > 60)


def _model(sheet: Sheet, index: int) -> str:
    return next((model.name or model.kind for model in sheet.run.models if model.index == index), str(index))


def _shared(names: Sequence[str]) -> str:
    """The dotted path that all names begin with, `transformer.h.`; what all have tells none apart."""
    shared = ""
    for level in zip(*(name.split(".")[:-1] for name in names), strict=False):
        if len(set(level)) > 1 or len(names) == 1:
            break
        shared += f"{level[0]}."
    return shared


def _tail(name: str, most: int = 20) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]


def _cells(squares: dict[int, float], columns: int, last: int) -> list[float | None]:
    """Norm per column: the largest sample in it, or the one before it; None before the first."""
    cells: list[float | None] = [None] * columns
    for step in sorted(squares):
        column = min(columns - 1, step * columns // (last + 1))
        value, there = math.sqrt(squares[step]) if squares[step] >= 0 else math.nan, cells[column]
        if there is None or not value <= there:
            cells[column] = value
    final = min(columns - 1, max(squares) * columns // (last + 1))
    for column in range(1, final + 1):
        if cells[column] is None:
            cells[column] = cells[column - 1]
    return cells


def _updates(sheet: Sheet) -> str:
    """The largest parameter of each layer; of many layers the range, the median, and the two at the edges."""
    largest: dict[tuple[int, str], tuple[int, Series]] = {}
    for parameter in sheet.run.parameters:
        key = (parameter.model or 0, _layer(parameter))
        if any(0 < value < math.inf for value in parameter.update_ratio.values) and (
            key not in largest or parameter.numel > largest[key][0]
        ):
            largest[key] = (parameter.numel, parameter.update_ratio)
    if not largest:
        return ""
    named = [(name, thin(series, sheet.points // 3)) for (_, name), (_, series) in largest.items()]
    axis = Axis([v for _, points in named for _, v in points if v > 0] + [1e-3], log=True)
    content = [f'<path class="guide" d="M0 {axis.at(1e-3):g}H{sheet.last}"/>']
    legend = []
    if len(named) > CURVES:
        by_step: dict[int, list[float]] = {}
        for _, (_, series) in largest.items():
            for step, value in zip(series.steps, series.values, strict=True):
                if 0 < value < math.inf:
                    by_step.setdefault(step, []).append(value)
        every = max(1, len(by_step) * 3 // sheet.points)
        spread = [(step, sorted(values)) for step, values in sorted(by_step.items())][::every]
        up = "L".join(f"{step} {axis.at(values[-1]):g}" for step, values in spread)
        down = "L".join(f"{step} {axis.at(values[0]):g}" for step, values in reversed(spread))
        content.append(f'<path class="band s0" d="M{up}L{down}Z"/>')
        middle = sheet.say("median", n=len(named))
        content.append(curve([(step, median(values)) for step, values in spread], axis, "line s0", middle))
        legend += [("band s0", sheet.say("range")), ("s0", middle)]
        ranked = sorted(named, key=lambda one: median(finite(v for _, v in one[1]) or [0.0]))
        named = [ranked[-1], ranked[0]]
    for n, (name, points) in enumerate(named, 1 if legend else 0):
        shown = escape(clean(name))
        content.append(curve([p for p in points if not p[1] <= 0], axis, f"line s{n}", shown))
        legend.append((f"s{n}", shown))
    top = axis.at(1e-3) / 10
    over = f'<span class="guidelabel{" below" if top < 12 else ""}" style="top:{top:.1f}%">{sheet.say("guide")}</span>'
    chart = _chart(sheet, axis, "".join(content), say(sheet.language, "updates"), over=over)
    return _figure(sheet.say("updates"), sheet.say("updates_note"), chart, legend=legend)


def _activations(sheet: Sheet) -> str:
    """A bar per activation (of its zeros the dead part dark, or the saturated share), and how it came to be."""
    rows = []
    for activation in sorted(sheet.run.activations, key=lambda one: one.order):
        zero, dead, hot = (
            (finite(series.values) or [0.0])[-1] if len(series) else None
            for series in (activation.zero_share, activation.dead_share, activation.saturated_share)
        )
        if zero is dead is hot is None:
            continue
        if zero is not None and not hot:
            hot = None  # what can be zero does not saturate: say nothing of it
        main = next(
            series for series in (activation.dead_share, activation.saturated_share, activation.zero_share)
            if len(series)
        )  # fmt: skip
        rows.append((max(dead or 0, hot or 0), activation.name, zero, dead, hot, main))
    if not rows:
        return ""
    worst = sorted(range(len(rows)), key=lambda n: -rows[n][0])[:ROWS]
    lines = []
    for _, name, zero, dead, hot, main in (rows[n] for n in sorted(worst)):
        shares = ((zero, "zero"), (dead, "dead"), (hot, "saturated"))
        bars = "".join(f'<i class="{kind}" style="width:{100 * v:.1f}%"></i>' for v, kind in shares if v is not None)
        told = " · ".join(f"{percent(sheet.language, v)} {sheet.say(kind)}" for v, kind in shares if v is not None)
        axis = Axis([0.0, 1.0])
        spark = (
            f'<svg viewBox="0 0 {sheet.last} 1000" preserveAspectRatio="none" aria-hidden="true">'
            f"{curve(thin(main, 60), axis, 'line s0')}</svg>"
        )
        lines.append(
            f'<tr><th title="{escape(clean(name))}">{escape(clean(_tail(name, 26)))}</th>'
            f'<td class="bars"><div>{bars}</div><small>{told}</small></td><td class="spark">{spark}</td></tr>'
        )
    legend = [(kind, sheet.say(kind)) for kind in ("zero", "dead", "saturated")]
    more = len(rows) - len(lines)
    note = f'<p class="left">{sheet.say("layers_left_out", n=more)}</p>' if more else ""
    middle = len(lines) if len(lines) <= TALL else (len(lines) + 1) // 2
    tables = "".join(
        f'<table class="activations">{"".join(half)}</table>' for half in (lines[:middle], lines[middle:]) if half
    )
    return _figure(
        sheet.say("activations"), sheet.say("activations_note"), f'<div class="columns">{tables}</div>{note}',
        legend=legend, wide=len(lines) > TALL,
    )  # fmt: skip


def _times(sheet: Sheet) -> str:
    series = sheet.run.step_seconds
    if not len(series):
        return ""
    usual = sorted(finite(series.values) or [0.0])[len(series) // 2]
    unit, factor = ("s", 1.0) if usual >= 1 else ("ms", 1e3) if usual >= 1e-3 else ("µs", 1e6)
    points = [(step, value * factor) for step, value in thin(series, sheet.points)]
    axis = Axis([value for _, value in points], log=False, zero=True)
    content = curve(points, axis, "line s0", say(sheet.language, "step_time"))
    chart = _chart(sheet, axis, content, say(sheet.language, "step_time"))
    waits = []
    for loader in sheet.run.loaders:
        if loader.active_seconds > 0:
            share = min(1.0, loader.wait_seconds / loader.active_seconds)
            who = escape(clean(file_line(loader.site.file.rsplit("/", 1)[-1], loader.site.line))) if loader.site else ""
            workers = escape(counted(sheet.language, loader.workers, "worker"))
            waits.append(
                f'<p class="wait"><span class="stack"><i style="width:{100 * share:.1f}%"></i></span>'
                f"{sheet.say('loader_share', share=percent(sheet.language, share))} · {who} · {workers}</p>"
            )
    return _figure(sheet.say("step_time"), unit, chart + "".join(waits[:CURVES]))


def _lr(sheet: Sheet) -> str:
    """Drawn only where it changes."""
    changing = [
        (optimizer.kind, thin(optimizer.lr, sheet.points // 3))
        for optimizer in sheet.run.optimizers
        if len(set(optimizer.lr.values)) > 1
    ][:CURVES]
    if not changing:
        return ""
    axis = Axis([value for _, points in changing for _, value in points], zero=True)
    content = "".join(
        curve(points, axis, f"line s{n}", escape(clean(name))) for n, (name, points) in enumerate(changing)
    )
    legend = [(f"s{n}", escape(clean(name))) for n, (name, _) in enumerate(changing)]
    note = sheet.say("log_scale") if axis.log else ""
    return _figure(sheet.say("lr"), note, _chart(sheet, axis, content, say(sheet.language, "lr")), legend=legend)


def _memory(sheet: Sheet) -> str:
    series = sheet.run.resident_bytes
    if len(series) < 2:
        return ""
    points = [(step, value / 2**20) for step, value in thin(series, sheet.points // 2)]
    axis = Axis([value for _, value in points], log=False, zero=True)
    content = curve(points, axis, "line s0", say(sheet.language, "memory"))
    return _figure(sheet.say("memory"), "MiB", _chart(sheet, axis, content, say(sheet.language, "memory")))
