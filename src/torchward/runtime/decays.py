"""Watches for a pull of the weights towards zero that the program makes itself: it shrinks them between the steps, adds
them to their gradients, or adds their size to the loss. What the optimizer's `weight_decay` does is known without this.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import torch

from torchward.runtime import graph, terms
from torchward.runtime.tensors import number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.parameters import Held
    from torchward.runtime.recorder import Recorder

VALUES = 256
"""Of each weight that are compared."""
WEIGHTS = 6
"""The largest matrices of the leading optimizer: a decay is the same for all."""
LOOKS = 12
"""After so many sampled steps in which nothing of this kind was seen, it is not looked for any more."""
TERMS = 64
"""Weights of which a penalty in the loss is followed at most; the first `NAMED` matrices by name."""
NAMED = 16


class _Kept(NamedTuple):
    held: Held
    parameter: torch.Tensor
    gradient: torch.Tensor | None
    values: torch.Tensor


class Decays:
    """State of one process. Everything here runs in sampled steps only."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.weights: list[_Kept] = []
        """As the step before has left them."""
        self.gradients: list[_Kept] = []
        """As the last backward pass has left them."""
        self.looks: Counter[tuple[str, int]] = Counter()
        self.seen: set[tuple[str, int]] = set()
        """By what is looked for, and the number of the optimizer: stages are looked at anew."""

    def begin(self, opt: Opt | None) -> None:
        """A sampled step begins, right behind the step before of the leading optimizer."""
        self.gradients = []
        self.weights = [
            _Kept(held, parameter, None, thin(parameter, VALUES).clone()) for held, parameter in self._largest("w", opt)
        ]

    def after_backward(self, opt: Opt | None) -> None:
        self.gradients = [
            _Kept(held, parameter, parameter.grad, thin(parameter.grad, VALUES).clone())
            for held, parameter in self._largest("g", opt)
            if parameter.grad is not None and plain(parameter.grad)
        ]

    def before_step(self, opt: Opt) -> None:
        """The leading optimizer is about to step: are its weights what they were after the step before?"""
        kept, self.weights = self.weights, []
        if kept:
            taken = [(one, one.values.float() - thin(one.parameter, VALUES).float(), one.values) for one in kept]
            self._compare("w", opt, taken)

    def with_gradients(self, opt: Opt) -> None:
        """... and are its gradients what the last backward pass has left?"""
        kept, self.gradients = self.gradients, []
        same = [one for one in kept if one.gradient is not None and one.parameter.grad is one.gradient]
        if same:
            added = [
                (one, thin(one.gradient, VALUES).float() - one.values.float(), thin(one.parameter, VALUES))
                for one in same
                if one.gradient is not None
            ]
            self._compare("g", opt, added)

    def _largest(self, kind: str, opt: Opt | None) -> list[tuple[Held, torch.Tensor]]:
        """Those that are looked at, if this is looked for at all."""
        optimizer = opt.ref() if opt is not None else None
        if opt is None or optimizer is None:
            return []
        if (kind, opt.index) not in self.seen and self.looks[kind, opt.index] >= LOOKS:
            return []
        find = self.recorder.parameters.find
        found = [
            (held, parameter)
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.requires_grad and parameter.dim() >= 2 and parameter.is_floating_point() and plain(parameter)
            if (held := find(parameter)) is not None
        ]
        found.sort(key=lambda pair: -pair[1].numel())
        return found[:WEIGHTS]

    def _compare(self, kind: str, opt: Opt, pairs: list[tuple[_Kept, torch.Tensor, torch.Tensor]]) -> None:
        """How much of the weights is there in the differences, and what else?"""
        key = kind, opt.index
        self.looks[key] += 1
        row = {"i": opt.index, "s": self.recorder.step, "how": kind, "n": self.looks[key]}
        scalars = []
        for _, difference, values in pairs:
            weights = values.float()
            share = (difference * weights).sum() / weights.square().sum().clamp(min=1e-30)
            rest = torch.linalg.vector_norm(difference - share * weights)
            scalars += [share, rest / torch.linalg.vector_norm(difference).clamp(min=1e-30)]

        indices = [one.held.index for one, _, _ in pairs]

        def write(read: list[float]) -> None:
            if any(read[::2]):
                self.seen.add(key)
                shares, rests = (list(map(number, read[place::2])) for place in (0, 1))
                self.recorder.row("dy", **row, p=indices, v=shares, r=rests)

        self.recorder.reader.read(scalars, write)

    def in_loss(self, stream: int, loss: torch.Tensor, walked: graph.Walk) -> None:
        """The loss may hold a penalty on the size of the weights: which, and how strong?"""
        penalties, alone = terms.penalties(walked)
        found = [one for one in penalties[:TERMS] if all(map(plain, one.leaves))]
        if not found or loss.numel() != 1:
            return
        names: list[int] = []
        pulls: list[torch.Tensor] = []
        added: list[torch.Tensor] = []
        for one in found:
            weights = [leaf.detach().float() for leaf in one.leaves[:TERMS]]
            squares = [weight.square().sum() for weight in weights]
            sizes = [weight.abs().sum() for weight in weights] if one.kind == "sizes" else squares
            size_of_all = torch.stack(sizes).sum()
            added.append(one.factor * (size_of_all.sqrt() if one.kind == "norm" else size_of_all))
            for leaf, square, size in zip(one.leaves, squares, sizes, strict=False):
                held = self.recorder.parameters.find(leaf)
                if held is None or leaf.dim() < 2 or len(names) >= NAMED:
                    continue
                # The gradient of the penalty along the weight, as `weight_decay` has it.
                along = {"squares": 2.0 + 0 * size, "sizes": size / square.clamp(min=1e-30)}
                names.append(held.index)
                pulls.append(one.factor * along.get(one.kind, 1 / size_of_all.sqrt().clamp(min=1e-30)))
        step, kind = self.recorder.step, found[0].kind

        def write(values: list[float]) -> None:
            row = {"i": stream, "s": step, "how": kind, "p": names, "al": alone}
            self.recorder.row("pn", **row, c=list(map(number, values[2:])), v=number(values[0]), d=number(values[1]))

        whole = torch.stack(added).sum()
        self.recorder.reader.read([whole, loss.detach().float().reshape(()) - whole, *pulls], write)
