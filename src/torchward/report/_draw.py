"""What the pictures of the HTML report are made of: thinned series, axes, paths of SVG, and a palette image."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence

from torchward.facts import Series


def thin(series: Series, limit: int) -> list[tuple[int, float]]:
    """At most `limit` points: of each bucket its least and its largest value in order, or one NaN where all are."""
    if len(series) <= limit:
        return list(zip(series.steps, series.values, strict=True))
    buckets = max(1, limit // 2)
    result: list[tuple[int, float]] = []
    for n in range(buckets):
        start, end = n * len(series) // buckets, (n + 1) * len(series) // buckets
        finite = [i for i in range(start, end) if math.isfinite(series.values[i])]
        if finite:
            kept = {min(finite, key=series.values.__getitem__), max(finite, key=series.values.__getitem__)}
            result += [(series.steps[i], series.values[i]) for i in sorted(kept)]
        elif end > start:
            result.append((series.steps[start], math.nan))
    return result


def smooth(series: Series, buckets: int) -> list[tuple[int, float]]:
    """Means over equal stretches, at their middle; NaN where a stretch holds no finite value."""
    result = []
    for n in range(buckets):
        start, end = n * len(series) // buckets, (n + 1) * len(series) // buckets
        finite = [value for value in series.values[start:end] if math.isfinite(value)]
        if end > start:
            mean = sum(finite) / len(finite) if finite else math.nan
            result.append((series.steps[(start + end - 1) // 2], mean))
    return result


def finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


class Axis:
    """A y axis: maps values to 0 (top) .. 1000 (bottom) and chooses its ticks."""

    def __init__(self, values: Iterable[float], *, log: bool | None = None, zero: bool = False) -> None:
        """`log` None: when it pays, that is when positive values spread over more than a factor of 20."""
        ordered = sorted(finite(values)) or [0.0, 1.0]
        low, high = quantile(ordered, 0.02), quantile(ordered, 0.98)
        if log is None:
            log = ordered[0] > 0 and high / low > 20
        if log:
            ordered = [value for value in ordered if value > 0] or [1e-3, 1.0]
            self.low, self.high = math.log10(ordered[0]), math.log10(ordered[-1])
            if self.high - self.low < 1:
                middle = (self.low + self.high) / 2
                self.low, self.high = middle - 0.5, middle + 0.5
        else:
            # A few spikes would flatten everything else: they are cut off at the edge.
            reach = 6 * (high - low) or math.inf
            self.low, self.high = max(ordered[0], low - reach), min(ordered[-1], high + reach)
            if zero or 0 < self.low < 0.4 * self.high:
                self.low = 0.0
            if self.high <= self.low:
                self.low, self.high = self.low - (abs(self.low) or 1) * 0.1, self.high + (abs(self.high) or 1) * 0.1
        self.log = log
        margin = (self.high - self.low) * 0.04
        self.high += margin
        if log or self.low != 0:
            self.low -= margin

    def at(self, value: float) -> float:
        if self.log:
            value = math.log10(value) if value > 0 else self.low
        share = (self.high - value) / (self.high - self.low)
        return round(1000 * min(1.0, max(0.0, share)), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """(value, label) pairs, four or so."""
        if self.log:
            first, last = math.ceil(self.low), math.floor(self.high)
            if self.high - self.low > 3.2:
                decades = range(first, last + 1, max(1, math.ceil((last - first + 1) / 6)))
                return [(10.0**e, number(10.0**e)) for e in decades]
            between = (1, 2, 5) if self.high - self.low < 1.6 else (1, 3)
            steps = [m * 10.0**e for e in range(first - 1, last + 2) for m in between]
            return [(v, number(v)) for v in steps if self.low <= math.log10(v) <= self.high]
        stride = nice((self.high - self.low) / 4)
        first = math.ceil(self.low / stride - 1e-9)
        count = int((self.high - first * stride) / stride + 1e-9) + 1
        return [(v, number(v)) for v in (float(f"{(first + n) * stride:.10g}") for n in range(count))]


def nice(span: float) -> float:
    base = 10.0 ** math.floor(math.log10(span)) if span > 0 else 1.0
    return next((m * base for m in (1, 2, 2.5, 5) if m * base >= span), 10 * base)


def number(value: float) -> str:
    """Short: `0.05`, `2.5`, `120k`, `1e-5`."""
    value = float(f"{value:.3g}")
    size = abs(value)
    if size >= 1e9 or 0 < size < 0.001:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if size >= unit * 10 or (letter == "M" and size >= unit):
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def path(points: Iterable[tuple[int, float]], axis: Axis) -> str:
    """Path data; a value that is not finite interrupts the line, and a lonely point is a dot."""
    parts: list[str] = []
    pen = 0
    for step, value in points:
        if not math.isfinite(value):
            if pen == 1:
                parts.append("h0")
            pen = 0
            continue
        parts.append(f"{'L' if pen else 'M'}{step} {axis.at(value):g}")
        pen += 1
    if pen == 1:
        parts.append("h0")
    return "".join(parts)


def curve(points: Iterable[tuple[int, float]], axis: Axis, kind: str, name: str = "") -> str:
    """`name`, what the pointer shows, is escaped already."""
    told = f' data-n="{name}"' if name else ""
    return f'<path class="{kind}"{told} d="{path(points, axis)}"/>'


ZERO, BLANK, BROKEN = 253, 254, 255
_VIRIDIS = (
    (68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98),
    (173, 220, 48), (253, 231, 37),
)  # fmt: skip


def ramp(share: float) -> tuple[int, int, int]:
    place = min(7.999, max(0.0, share) * 8)
    n, rest = int(place), place - int(place)
    low, high = _VIRIDIS[n], _VIRIDIS[n + 1]
    return tuple(round(a + (b - a) * rest) for a, b in zip(low, high, strict=True))  # type: ignore[return-value]


def shade(value: float | None, low: float, high: float) -> int:
    if value is None:
        return BLANK
    if not math.isfinite(value):
        return BROKEN
    if value <= 0:
        return ZERO
    return round(250 * min(1.0, max(0.0, (math.log10(value) - low) / (high - low))))


def png(indices: bytes, width: int, height: int) -> bytes:
    """A palette image, one pixel per cell: far smaller than one SVG rectangle per cell."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    palette = b"".join(bytes(ramp(n / 250)) for n in range(251)) + bytes(6)
    palette += bytes((138, 138, 148)) + bytes(3) + bytes((214, 39, 94))
    opaque = bytes([255] * 254 + [0, 255])
    rows = b"".join(b"\0" + indices[n * width : (n + 1) * width] for n in range(height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", palette),
            chunk(b"tRNS", opaque),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        )
    )
