"""Making a `Place` of a line that the facts name."""

from __future__ import annotations

from torchward.facts import Series, Site
from torchward.rule import Place


def at(
    site: Site | None, seen: Series | None = None, module: str = "", parameter: str = "", first: int | None = None
) -> Place:
    """The line, with the first and last step of the values that were `seen` there, or the `first` step alone."""
    return Place(
        file=site.file if site else "",
        line=site.line if site else 0,
        function=site.function if site else "",
        module=module,
        parameter=parameter,
        first_step=int(seen.steps[0]) if seen else first,
        last_step=int(seen.steps[-1]) if seen else None,
    )
