"""Watches what becomes of an optimizer's gradients between two of its steps: some are still those of the step before,
some are cleared before they are used or never computed, and some are changed by hand.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from torchward.runtime.tensors import plain, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

SITES = 8


class Gradients:
    """Those of one optimizer. Everything here runs in sampled steps only; the totals are of all of them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        # the stretch under way, since the optimizer's last step
        self.witness: torch.Tensor | None = None
        self.witness_grad: torch.Tensor | None = None
        self.witness_version = 0
        self.passes = 0
        self.uncleared: list[torch.Tensor] = []
        """One flag per backward pass that began on the gradient that the last step used: is there a value in it?"""
        self.cleared_after_backward = False
        self.left: tuple[torch.Tensor, torch.Tensor, int] | None = None
        """A parameter, its gradient as the last backward pass left it, and that gradient's version."""
        self.gradient: torch.Tensor | None = None
        """Flag: did the last backward pass leave a gradient (looked at in the last parameter that has one)?"""
        self.in_closure = False
        self.inside = self.dirty_inside = 0
        """Backward passes of the closure under way; those that began on the gradient of the one before."""
        # totals
        self.checked = self.dirty = self.late = self.without = 0
        self.unsure = self.dirty_unsure = 0
        """... of the checked, of the dirty: those that began after passes that may have begun another gradient."""
        self.passed = False
        self.changed = 0
        """Steps before which something else than clipping and unscaling changed them."""
        self.zero_sites: list[int] = []
        self.late_sites: list[int] = []

    def begin(self, optimizer: torch.optim.Optimizer | None, passed: bool) -> None:
        """A sampled step begins: remember a gradient as the optimizer's last step left it; None: it made none.
        `passed`: there were backward passes since that step that may have begun another gradient."""
        self._forget()
        self.passed = passed
        if optimizer is None:
            return
        best = None
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None and plain(gradient) and (best is None or gradient.numel() < best.numel()):
                    best = gradient
                    self.witness = parameter
        if best is not None:
            self.witness_grad, self.witness_version = best, best._version

    def _forget(self) -> None:
        self.passes, self.uncleared = 0, []
        self.cleared_after_backward = False
        self.witness = self.witness_grad = self.gradient = self.left = None

    def before_backward(self) -> None:
        self.passes += 1
        self.cleared_after_backward = False
        self.inside += self.in_closure
        if self.in_closure and self.left is not None:
            parameter, kept, version = self.left
            self.dirty_inside += parameter.grad is kept and kept._version == version
        if self.witness is None:
            return
        gradient = self.witness.grad
        if gradient is not None and gradient is self.witness_grad and gradient._version == self.witness_version:
            self.uncleared.append((gradient != 0).any().float())

    def after_backward(self, optimizer: torch.optim.Optimizer | None) -> None:
        # A pass that added to a gradient nobody cleared leaves one that is still not cleared.
        if self.witness_grad is not None and self.witness is not None and len(self.uncleared) == self.passes:
            self.witness_version = self.witness_grad._version
        groups = reversed(optimizer.param_groups) if optimizer is not None else ()
        held = (parameter for group in groups for parameter in reversed(group["params"]))
        last = next((one for one in held if one.grad is not None and plain(one.grad)), None)
        gradient = last.grad if last is not None else None
        self.left = None
        if last is not None and gradient is not None:
            self.left = last, gradient, gradient._version
        self.gradient = (thin(gradient) != 0).any().float() if gradient is not None else None

    def zeroed(self, site: int) -> None:
        """`zero_grad` was called there."""
        self.cleared_after_backward = self.passes > 0
        for sites in (self.zero_sites, *([self.late_sites] if self.cleared_after_backward else [])):
            if site not in sites and len(sites) < SITES:
                sites.append(site)

    def step_begins(self, closure: bool) -> None:
        self.in_closure, self.inside, self.dirty_inside = closure, 0, 0
        if closure:
            self.left = None

    def judge(self, places: list[int], norms: list[torch.Tensor] | None, own: set[int]) -> bool:
        """The optimizer is about to use them: what does the stretch since its last step say? False: nothing.

        `norms` are those of the gradients of the parameters numbered `places`, of which it holds its `own`.
        """
        if not self.passes or norms is None:
            return False
        if self.witness is not None:
            self.checked += 1
            self.unsure += self.passed
            if len(self.uncleared) == self.passes:
                self.recorder.reader.read(self.uncleared, partial(self._add_dirty, self.passed))
        cleared, unwitnessed, gradient = self.cleared_after_backward, self.witness is None, self.gradient
        relevant = [norm for place, norm in zip(places, norms, strict=True) if place in own]

        def write(values: list[float]) -> None:
            nothing = not any(values[: len(relevant)])
            self.without += nothing
            self.late += nothing and (cleared or any(values[len(relevant) :]))
            self.checked += unwitnessed

        self.recorder.reader.read(relevant if gradient is None else [*relevant, gradient], write)
        return True

    def _add_dirty(self, passed: bool, values: list[float]) -> None:
        self.dirty += all(values)
        self.dirty_unsure += passed and all(values)

    def used(self) -> None:
        """The stretch ends: was anything changed between the last backward pass and the step, and not by clipping?"""
        if self.left is not None and not self.cleared_after_backward:
            parameter, gradient, version = self.left
            touched = parameter.grad is not gradient or gradient._version != version
            events = [name for name, _ in self.recorder.events]
            after = events[len(events) - events[::-1].index("backward") :] if "backward" in events else ["clip"]
            self.changed += touched and not {"clip", "unscale", "zero"}.intersection(after)
        self._forget()
