"""Places in the source, and series of values over steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A line of the user's own code: the innermost frame outside torch, the standard library and site-packages."""

    file: str
    line: int
    function: str


@dataclass(frozen=True)
class Series:
    """Values over steps; both sequences have the same length and `steps` never falls."""

    steps: Sequence[int] = ()
    values: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.steps)

    def between(self, first: int, last: int) -> Series:
        """The part with ``first <= step <= last``."""
        from bisect import bisect_left, bisect_right

        low, high = bisect_left(self.steps, first), bisect_right(self.steps, last)
        return Series(self.steps[low:high], self.values[low:high])
