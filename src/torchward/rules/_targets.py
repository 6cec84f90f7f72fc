"""What the targets of a loss are: a question that several rules share."""

from __future__ import annotations

from torchward.facts import Loss, Run


def by_example(run: Run, loss: Loss) -> bool:
    """One label for each example: of positions of a sequence, and of pixels, some may rightly have none."""
    if len(loss.target_shape) != 1 or len(loss.prediction_shape) != 2:
        return False
    if any(one.shape and one.shape[0] == loss.target_shape[0] for one in run.inputs):
        return True
    return any(one.loss_kind == loss.kind and one.pairs and one.axes > 1 for one in run.pairs)  # rows of ids
