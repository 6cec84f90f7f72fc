"""What the targets of a loss are: a question that several rules share."""

from __future__ import annotations

from torchward.facts import Loss, Run


def by_example(run: Run, loss: Loss) -> bool:
    """One label for each example of numbers: of positions of a sequence, and of pixels, some may rightly have none."""
    if len(loss.target_shape) != 1 or len(loss.prediction_shape) != 2:
        return False
    return any(one.shape and one.shape[0] == loss.target_shape[0] for one in run.inputs)
