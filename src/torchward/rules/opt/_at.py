"""From a line of the user's code to a place in a finding."""

from __future__ import annotations

from torchward.facts import Site
from torchward.rule import Place


def at(site: Site | None, module: str = "", parameter: str = "", first: int | None = None) -> Place:
    """The place of a site; an unknown site leaves file and line empty."""
    return Place(
        file=site.file if site else "",
        line=site.line if site else 0,
        function=site.function if site else "",
        module=module,
        parameter=parameter,
        first_step=first,
    )
