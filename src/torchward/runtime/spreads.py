"""Watches how wide a model says that a normal distribution is: taken for a variance in training, for a deviation later?

What `gaussian_nll_loss` was given as a variance is known by its memory, if it is what a model returned. In evaluation
the same output is known again by its values, in what `torch.distributions.Normal` is given, up to a factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

FEWEST, VALUES = 16, 256
"""Values of an output that are compared."""
CALLS = 16
"""Calls of models between two steps whose outputs are remembered, and places of losses."""
VARIED = 0.05
"""Deviation of an output, as a share of its mean, from which its square root is no multiple of it."""
SAME = 1e-3
"""Deviation of a ratio, as a share of its mean, where one is a multiple of the other: rounding, a term of 1e-6."""


class Spreads:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.trained: dict[tuple[int, int], list[int]] = {}
        """(model, place among what it returns) -> place of the loss that takes it for a variance, in how many calls."""
        self.asked: list[tuple[int, int, int, torch.Tensor]] = []
        """Step, model, place and first values of such an output in a call without gradients."""
        self.uses: dict[tuple[int, int], list[int]] = {}
        """... -> how often such an output was a deviation of a normal distribution, or a variance; where."""
        self.sent: dict[tuple[int, int], list[int]] = {}

    def judged(self, place: int, variance: Any, prediction: torch.Tensor) -> None:
        """`gaussian_nll_loss` in a sampled step."""
        if not isinstance(variance, torch.Tensor) or not plain(variance) or not variance.requires_grad:
            return
        outputs = self.recorder.losses.outputs
        output = outputs.get((variance.untyped_storage().data_ptr(), variance.numel()))
        # One tensor that holds both the mean and the variance is cut up: neither is an output.
        if output is not None and variance.numel() == prediction.numel() and len(self.trained) < CALLS:
            known = self.trained.setdefault(output, [place, 0])
            known[1] += known[0] == place

    def returned(self, model: int, returned: list[torch.Tensor]) -> None:
        """A model returned these without gradients."""
        if not self.trained:
            return
        if self.asked and self.asked[0][0] != self.recorder.step:
            self.asked.clear()
        for place, tensor in enumerate(returned):
            if (model, place) in self.trained and len(self.asked) < CALLS and plain(tensor) and tensor.is_cpu:
                values = tensor.detach().flatten()[:VALUES].double()
                if len(values) >= FEWEST:
                    self.asked.append((self.recorder.step, model, place, values.clone()))

    def distributed(self, scale: Any, site: int) -> None:
        """A normal distribution was made."""
        if not plain(scale) or not scale.is_cpu or scale.requires_grad or not scale.is_floating_point():
            return
        given = scale.detach().flatten()[:VALUES].double()
        for _, model, place, values in self.asked:
            if len(values) > len(given) or not bool((values > 0).all()):
                continue
            own = given[: len(values)]
            if float(values.std()) < VARIED * float(values.mean()):
                continue
            uses = self.uses.setdefault((model, place), [0, 0, -1])
            if _is_constant(own / values):
                uses[0] += 1
                uses[2] = site
                return
            if _is_constant(own.square() / values):
                uses[1] += 1
                return

    def write_counts(self) -> None:
        for output, (deviations, variances, site) in self.uses.items():
            place, calls = self.trained[output]
            row = [place, calls, deviations, variances, site]
            if row != self.sent.get(output):
                self.sent[output] = row
                self.recorder.row(
                    "nv", i=place, m=output[0], o=output[1], n=calls, d=deviations, v=variances, site=site
                )


def _is_constant(ratio: torch.Tensor) -> bool:
    return float(ratio.std()) <= SAME * abs(float(ratio.mean()))
