"""How the copy of a trained model is used."""

from __future__ import annotations

from torchward.facts import Copy, Run


def share_of_steps(run: Run, copy: Copy) -> float:
    """Share of the sampled steps, while it was in use, in which the copy was called: near 1 for a teacher or a target."""
    first, last = copy.distance.steps[0], copy.distance.steps[-1]
    within = [cycle for cycle in run.cycles if first <= cycle.step <= last]
    return sum(("forward", copy.model) in cycle.events for cycle in within) / max(1, len(within))
