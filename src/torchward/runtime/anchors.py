"""A penalty for leaving a reference policy that is part of the reward: how far apart are the two?

Such a penalty has no graph. What is seen of it, in sampled steps: without gradients two models are given the same
sequences, and then what both make of them is subtracted.
"""

from __future__ import annotations

import weakref
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import in_torch, number, plain, tensors_in, thin, user_frame

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.streams import Stream

CALLS = 64
"""Of a sampled step."""
DIFFERENCES = 4
FEWEST = 8
"""Values of a difference."""
WRAPPERS = frozenset({"DistributedDataParallel", "DataParallel", "OptimizedModule", "FullyShardedDataParallel"})
"""Modules that call another one with the same parameters."""


class _Call:
    def __init__(self, module: nn.Module, graded: bool, ids: torch.Tensor, made: torch.Tensor, alone: bool) -> None:
        self.ref = weakref.ref(module)
        self.graded, self.alone = graded, alone
        """`alone`: it made nothing else for each example or place, such as values."""
        self.shape, self.length = (tuple(ids.shape), *made.shape), ids.shape[1]
        self.ids, self.made = thin(ids).clone(), thin(made).clone()


class Anchors:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.kinds: set[type] = set()
        """Of policies, and of what they wrap: empty until the loss of one has been seen."""
        self.policy: weakref.ref[nn.Module] | None = None
        """The last model that was given sequences with gradients."""
        self.step = -1
        self.calls: list[_Call] = []
        self.differences: list[tuple[list[torch.Tensor], int, bool]] = []
        """In this sampled step: figures of what may be log-probabilities less others, where, and whether the policy had
        been called with gradients before."""

    def follows(self, module: nn.Module) -> bool:
        return type(module) in self.kinds

    def called(self, module: nn.Module, args: Any, kwargs: Any, result: Any, graded: bool) -> None:
        """A model was called in a sampled step."""
        if self.step != self.recorder.step:
            self.step, self.calls, self.differences = self.recorder.step, [], []
        given = (one for one in tensors_in((args, kwargs), 4) if plain(one))
        ids = next((one for one in given if one.dim() == 2 and one.dtype in (torch.int64, torch.int32)), None)
        if ids is None:
            return
        outputs = [one for one in tensors_in(result) if plain(one) and one.is_floating_point()]
        made = next((one for one in outputs if one.dim() == 3 and one.shape[:2] == ids.shape), None)
        if made is None:
            return
        if graded:
            self.policy = weakref.ref(module)
        if self.follows(module) and len(self.calls) < CALLS:
            rows = len(ids)
            alone = not any(one.numel() in (rows, ids.numel()) and one.dim() for one in outputs if one is not made)
            self.calls.append(_Call(module, graded, ids, made.detach(), alone))

    def subtracted(self, one: torch.Tensor, other: torch.Tensor, frame: FrameType) -> None:
        """One tensor was subtracted from another."""
        if self.step != self.recorder.step or len(self.differences) >= DIFFERENCES or self.recorder.inside:
            return
        if torch.is_grad_enabled() and (one.requires_grad or other.requires_grad):
            return
        if one.shape != other.shape or one.numel() < FEWEST:
            return
        if not (plain(one) and plain(other) and one.is_floating_point() and other.is_floating_point()):
            return
        sizes = {call.shape[0][0] for call in self.calls if not call.graded}
        if one.shape[0] not in sizes or one.device != other.device or in_torch(frame):
            return
        graded = any(call.graded for call in self.calls)
        figures = self.recorder.timed(_figures, one, other)
        self.differences.append((figures, self.recorder.site(user_frame(frame)), graded))

    def judged(self, stream: Stream, ratio: bool) -> None:
        """The loss of a policy is differentiated; `ratio`: it holds ratios of probabilities."""
        policy = self.policy() if self.policy is not None else None
        if policy is None:
            return
        if type(policy) not in self.kinds:
            self.kinds |= _kinds(policy)
            return
        if self.step != self.recorder.step or not self.differences:
            return
        pair, after = self._without_gradients(policy), False
        if pair is None and not ratio:
            pair, after = self._shared(policy), True
        if pair is None:
            pair = self._itself(policy)
            after = pair is not None and pair[0].graded
        # What comes behind the call that is differentiated may but tell how far the policy has come.
        found = [(figures, site) for figures, site, graded in self.differences if after or not graded]
        one, other = pair if pair is not None else (None, None)
        if one is None or other is None or not found or one.made.device != found[0][0][0].device:
            return
        apart = (one.made.float() - other.made.float()).abs().max()
        scalars = [(one.ids != other.ids).any(), apart, *(figure for figures, _ in found for figure in figures)]
        sites, step = [site for _, site in found], self.recorder.step
        self.differences = []

        def write(values: list[float]) -> None:
            each = zip(values[2::3], values[3::3], values[4::3], sites, strict=True)
            logs = [(size, site) for size, highest, lowest, site in each if highest <= 0 > lowest]
            if not values[0] and logs:
                size, site = max(logs)
                self.recorder.row("anchor", i=stream.index, s=step, site=site, d=number(max(size, values[1])))

        self.recorder.reader.read([scalar.float() for scalar in scalars], write)

    def _without_gradients(self, policy: nn.Module) -> tuple[_Call, _Call] | None:
        """The policy and another model were both given the same sequences, and made nothing but scores of choices."""
        calls = [call for call in self.calls if not call.graded]
        own = [call for call in calls if call.ref() is policy]
        # The last call by which a policy writes a sequence is of nearly all of it.
        if len({call.length for call in own}) > 1:
            own = [call for call in own if sum(call.shape == other.shape for other in own) > 1]
        for call in own:
            for other in calls:
                if other.ref() is not policy and call.alone and call.shape == other.shape and not self._writes(other):
                    return call, other
        return None

    def _shared(self, policy: nn.Module) -> tuple[_Call, _Call] | None:
        """A model that is made of the policy's own weights was given, without gradients, what the policy was given."""
        trained = {id(one) for one in policy.parameters() if one.requires_grad}
        for call in self.calls:
            for other in self.calls if call.graded and call.ref() is policy else ():
                model = other.ref()
                if other.graded or model is None or model is policy or call.shape != other.shape:
                    continue
                wraps = {type(policy).__name__, type(model).__name__} & WRAPPERS
                if not wraps and not self._writes(other) and any(id(one) in trained for one in model.parameters()):
                    return call, other
        return None

    def _itself(self, policy: nn.Module) -> tuple[_Call, _Call] | None:
        """The policy was given the same sequences twice, the second time without gradients."""
        own = [call for call in self.calls if call.ref() is policy]
        pairs = ((one, other) for place, one in enumerate(own) for other in own[place + 1 :])
        return next((pair for pair in pairs if not pair[1].graded and pair[0].shape == pair[1].shape), None)

    def _writes(self, call: _Call) -> bool:
        """Its model was given sequences of several lengths, as one that writes them."""
        model = call.ref()
        return len({other.length for other in self.calls if not other.graded and other.ref() is model}) > 1


def _figures(one: torch.Tensor, other: torch.Tensor) -> list[torch.Tensor]:
    one, other = one.detach().float(), other.detach().float()
    highest, lowest = torch.maximum(one, other), torch.minimum(one, other)
    return [(one - other).abs().max(), highest.max(), lowest.min()]


def _kinds(module: nn.Module) -> set[type]:
    """Its class, and those of the modules that it is a wrapper of."""
    kinds, count = {type(module)}, sum(1 for _ in module.parameters())
    inner: nn.Module | None = module
    while inner is not None:
        inner = next((one for one in inner.children() if sum(1 for _ in one.parameters()) == count), None)
        if inner is not None:
            kinds.add(type(inner))
    return kinds
