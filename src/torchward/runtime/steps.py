"""A sampled step of an optimizer, from before it until after: the sizes of its weights, gradients and updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import number, plain, setting, thin

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.parameters import Held
    from torchward.runtime.recorder import Recorder

TABLES = 4
"""The largest ones, of which rows in use are looked at, ..."""
ROWS = 512
"""... and so many of their rows, evenly spaced."""
DENSE = ("Linear", "Conv", "Bilinear", "LSTM", "GRU", "RNN")
"""Layers whose weights every example reads, whatever rows of their gradients are 0."""
SMALLEST_NORMAL = 2.0**-14
"""Of float16: below it digits are lost, below 2**-25 everything."""


class Step:
    """Made before the step; `look_at_gradients` before it goes on, or once its closure has run for the first time."""

    def __init__(
        self,
        recorder: Recorder,
        opt: Opt,
        optimizer: torch.optim.Optimizer,
        pairs: list[tuple[Held, torch.Tensor]],
        closure: bool,
        spread: bool,
    ) -> None:
        """`pairs`: the parameters of the optimizer that are followed; `spread`: are rows of weights compared?"""
        self.recorder = recorder
        self.opt = opt
        self.pairs: list[tuple[Held, torch.Tensor]] | None = pairs
        """Parameters whose gradients are still to be looked at."""
        self.closure = closure
        self.closure_calls = 0
        self.backwards_before = recorder.backwards
        self.evaluations_before = _evaluations(optimizer) if closure else 0
        self.norms: list[torch.Tensor] | None = None
        """Of the gradients that it is about to use; None where some cannot be read."""
        self.before: list[tuple[Held, torch.Tensor, torch.Tensor]] = []
        self.scalars: list[torch.Tensor] = []
        own = type(optimizer).__name__
        self.decayed = {
            id(parameter)
            for group in optimizer.param_groups
            if setting(group.get("weight_decay")) > 0 and not group.get("decoupled_weight_decay")
            for parameter in group["params"]
            if own != "SGD" and "AdamW" not in own
        }
        """Parameters whose decay is scaled to the size of a step together with their gradient."""
        opt.gradients.step_begins(closure)
        lr = max((setting(group.get("lr")) for group in optimizer.param_groups), default=0.0)
        row: dict[str, Any] = {"s": recorder.step, "o": opt.index, "lr": number(lr), "p": [], "g": [], "none": []}
        row["ow"] = recorder.optimizers.schedulers.overwritten(opt, optimizer)
        if opt is recorder.optimizers.leader:
            recorder.decays.before_step(opt)
            recorder.checkpoints.averages.before_step(opt)
        row["wp"], row["sp"], row["cp"], row["zp"] = [], [], [], []
        self.row = row
        weights: dict[Any, list[torch.Tensor]] = {}
        for held, parameter in pairs:
            recorder.parameters.send(held, parameter)
            if plain(parameter) and parameter.is_floating_point() and parameter.requires_grad:
                self.before.append((held, parameter, thin(parameter).clone()))
                weights.setdefault(parameter.dtype, []).append(parameter.detach())
        ordered = {dtype: iter(_norms(values, dtype)) for dtype, values in weights.items()}
        spreads: list[torch.Tensor] = []
        columns: list[torch.Tensor] = []
        for held, parameter, _ in self.before:
            row["wp"].append(held.index)
            self.scalars.append(next(ordered[parameter.dtype]))
            if spread and parameter.dim() >= 2 and parameter.shape[0] >= 2 and held.kind != "Embedding":
                row["sp"].append(held.index)
                spreads.append(_row_spread(parameter.detach()))
                if held.model is None and parameter.dim() == 2 and parameter.shape[1] >= 2:
                    row["cp"].append(held.index)  # written by hand, its neurons may be columns: `x @ w`
                    columns.append(_row_spread(parameter.detach().t()))
        self.scalars += [*spreads, *columns]
        self.names = [("w", len(self.before)), ("spread", len(spreads)), ("columns", len(columns))]

    def closure_ran(self) -> None:
        self.closure_calls += 1
        if self.closure_calls == 1 and not self.recorder.inside:
            self.recorder.timed(self.look_at_gradients)

    def look_at_gradients(self) -> None:
        """Those that the step is about to use."""
        recorder, opt, row, pairs = self.recorder, self.opt, self.row, self.pairs
        self.pairs = None
        if pairs is None:
            return
        parameters, optimizers = recorder.parameters, recorder.optimizers
        recorder.event("step", opt.index)
        if opt is optimizers.leader and not self.closure:
            recorder.decays.with_gradients(opt)
        own = {held.index for held, _ in pairs}
        if opt is optimizers.leader or optimizers.leader is None:
            others = [pair for pair in parameters.live() if pair[0].index not in own and pair[1].grad is not None]
            pairs = pairs + [
                (held, tensor)
                for held, tensor in others
                if not optimizers.holders(tensor)
                or (held.frozen and tensor.requires_grad and optimizers.at_rest(tensor))
            ]
        norms: list[torch.Tensor] = []
        by_type: dict[Any, list[tuple[int, torch.Tensor]]] = {}
        unread = False
        for held, parameter in pairs:
            index = parameters.send(held, parameter)
            if not plain(parameter) or not parameter.is_floating_point():
                continue
            gradient = parameter.grad
            if gradient is None:
                row["none"].append(index)
            elif plain(gradient):
                by_type.setdefault((gradient.device, gradient.dtype), []).append((index, gradient))
            else:
                unread = True
        for (_, dtype), entries in by_type.items():
            for (index, _), norm in zip(entries, _norms([g for _, g in entries], dtype), strict=True):
                row["p"].append(index)
                norms.append(norm)
        self.norms = None if unread else norms
        if not self.closure:
            self._judge()
            opt.gradients.used()
        self.scalars += norms
        self.names.append(("g", len(norms)))
        tables = self._tables(by_type)
        row["rp"] = [index for index, _, _ in tables]
        self.scalars += [value for _, weight, gradient in tables for value in _in_use(weight, gradient)]
        self.names.append(("rows", 3 * len(tables)))
        if recorder.passes.computed_in == "float16" and not opt.scaled:
            for (_, dtype), entries in by_type.items():
                for index, gradient in entries:
                    if dtype == torch.float32 and gradient.dim() >= 2 and index in own:
                        size = thin(gradient).abs()
                        row["zp"].append(index)
                        self.scalars += [(size == 0).float().mean(), (size < SMALLEST_NORMAL).float().mean()]
            self.names.append(("z", 2 * len(row["zp"])))

    def _tables(
        self, by_type: dict[Any, list[tuple[int, torch.Tensor]]]
    ) -> list[tuple[int, torch.Tensor, torch.Tensor]]:
        """Matrices of which a batch may use some rows only, and whose decay is a part of their gradient."""
        if not self.decayed:
            return []
        gradients = dict(entry for entries in by_type.values() for entry in entries)
        found = [
            (held.index, parameter.detach(), gradients[held.index])
            for held, parameter, _ in self.before
            if held.index in gradients and parameter.dim() == 2 and parameter.shape[0] >= parameter.shape[1]
            if id(parameter) in self.decayed and not held.kind.startswith(DENSE)
        ]
        return sorted(found, key=lambda one: -one[1].numel())[:TABLES]

    def _judge(self) -> None:
        if self.opt.gradients.judge(self.row["p"], self.norms, set(self.opt.described[0])):
            self.row["pass"] = True

    def end(self, optimizer: torch.optim.Optimizer) -> None:
        """The optimizer has stepped."""
        recorder, row = self.recorder, self.row
        if self.closure:
            self._end_closure(optimizer)
        moved = [(before, thin(parameter)) for _, parameter, before in self.before]
        scalars = self.scalars
        scalars += [torch.linalg.vector_norm((new - old).float()) for old, new in moved]
        scalars += [torch.linalg.vector_norm(new.float()) for _, new in moved]
        half = [
            (held.index, before, thin(parameter), thin(parameter.grad))
            for held, parameter, before in self.before
            if parameter.dtype in (torch.float16, torch.bfloat16) and parameter.grad is not None
        ]
        for _, old, new, gradient in half:
            there = gradient != 0
            scalars.append(((new == old) & there).sum() / there.sum().clamp(min=1))
        row["hp"] = [index for index, *_ in half]
        counts = [*self.names, ("d", len(moved)), ("t", len(moved)), ("h", len(half))]
        first = self.opt.first_step == row["s"]

        def write(values: list[float]) -> None:
            parts: dict[str, list[float]] = {}
            for name, count in counts:
                parts[name], values = values[:count], values[count:]
            ratios = [d / t if t > 0 else 0.0 for d, t in zip(parts["d"], parts["t"], strict=True)]
            # At the start in full: ranks are compared by them.
            weights = parts["w"] if first else list(map(number, parts["w"]))
            recorder.row(
                "st",
                **{**row, "g": list(map(number, parts["g"])), "w": weights},
                u=list(map(number, ratios)),
                spv=list(map(number, parts["spread"])),
                cpv=list(map(number, parts["columns"])),
                hpv=list(map(number, parts["h"])),
                zpv=list(map(number, parts.get("z", ()))),
                rpv=list(map(number, parts.get("rows", ()))),
            )

        recorder.reader.read(scalars, write)
        recorder.optimizers.subnormals.look(self.opt, optimizer)

    def _end_closure(self, optimizer: torch.optim.Optimizer) -> None:
        opt = self.opt
        if self.pairs is not None:  # the closure was not called: gradients are as they were
            self.look_at_gradients()
        elif self.closure_calls == 1:
            self._judge()
        opt.gradients.in_closure = False
        passes = self.recorder.backwards - self.backwards_before
        opt.closures += 1
        opt.closures_idle += passes == 0
        # With several passes to an evaluation, as over parts of the data, they add up on purpose. Derivatives by
        # `autograd.grad`, as in the loss of a differential equation, add to no gradient.
        passes = opt.gradients.inside
        if 1 < passes == _evaluations(optimizer) - self.evaluations_before:
            opt.closure_passes += passes - 1
            opt.closure_dirty += opt.gradients.dirty_inside


def _evaluations(optimizer: torch.optim.Optimizer) -> int:
    """Times that an optimizer has called closures so far, where it counts them itself, as L-BFGS does."""
    state = next(iter(optimizer.state.values()), None)
    return int(state.get("func_evals", 0)) if isinstance(state, dict) else 0


def _norms(tensors: list[torch.Tensor], dtype: torch.dtype) -> list[torch.Tensor]:
    if dtype in (torch.float32, torch.float64):
        return list(torch._foreach_norm(tensors))
    return [torch.linalg.vector_norm(tensor, dtype=torch.float32) for tensor in tensors]


def _row_spread(weight: torch.Tensor) -> torch.Tensor:
    rows = weight.reshape(weight.shape[0], -1)
    rows = rows[:: -(-rows.shape[0] // 64), :: -(-rows.shape[1] // 256)].float()
    return (rows - rows[0]).abs().max() / rows.abs().max().clamp(min=1e-30)


def _in_use(weight: torch.Tensor, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Share of the rows that have a gradient, and the typical size of an element in these: weight, gradient."""
    every = -(-weight.shape[0] // ROWS)
    weight, gradient = weight[::every].float(), gradient[::every].float()
    used = (gradient != 0).any(1)
    number_used = used.sum().clamp(min=1)
    sizes = [(one.square().mean(1) * used).sum().div(number_used).sqrt() for one in (weight, gradient)]
    return used.float().mean(), sizes[0], sizes[1]
