"""Watches in which mode models are called, with gradients or without, and what becomes of what they return."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.tensors import tensors_in

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 256
"""Calls that wait for a gradient at a time."""
GRAPHS = 64
"""Graphs of a model, the last ones that nothing used, of which it is seen whether they are still alive."""
ASKED_AGAIN = 3
"""Calls in a row with the same input, without a step between: several draws are wanted (Monte Carlo dropout)."""


class Usage:
    """How one model is called."""

    def __init__(self) -> None:
        self.modes: list[weakref.ref[nn.Module]] = []
        """Its parts that work differently in train and eval mode."""
        self.counts = dict.fromkeys(("tb", "tn", "tg", "eb", "en", "eg"), 0)
        self.sites: dict[str, set[int]] = {"tn": set(), "eg": set()}
        self.own_mode = 0
        self.trained = 0
        self.explicit_eval = False
        self.eval_then_trained = 0
        self.eval_from_start = 0
        self.trained_step = self.eval_step = -1
        self.before_eval = (0, 0)
        self.last_asked: tuple[weakref.ref[torch.Tensor], int, int] | None = None
        """Input of the last call in train mode without gradients, the step of it, how often in a row."""
        self.asked_again = 0
        self.outputs_seen = 0
        self.output_shapes: list[list[int]] = []
        self.outputs_used: list[int] = []
        """Calls in which a gradient came through each output; -1 for outputs without a graph."""
        self.sent: Any = None
        self.graphs: deque[weakref.ref[Call]] = deque(maxlen=GRAPHS)
        """Calls with a graph that nothing had used two steps later: they live as long as the graph does."""
        self.unused = self.kept = 0
        """Steps of such calls, and most of them that were alive at once."""
        self.kept_site = -1

    def unused_graph(self, call: Call) -> None:
        last = self.graphs[-1]() if self.graphs else None
        self.unused += last is None or last.step != call.step
        self.graphs.append(weakref.ref(call))

    def count_graphs(self) -> None:
        """One evaluation may hold many until the next one: steps count, not calls."""
        alive = [call for ref in self.graphs if (call := ref()) is not None and not call.used]
        steps = len({call.step for call in alive})
        if steps > self.kept:
            self.kept, self.kept_site = steps, alive[-1].site


class Call:
    """One call of a root: was its output used for gradients?"""

    __slots__ = ("__weakref__", "grad", "outputs", "site", "step", "training", "usage", "used")

    def __init__(self, usage: Usage, training: bool, grad: bool, step: int, site: int) -> None:
        self.usage, self.training, self.grad, self.step, self.site = usage, training, grad, step, site
        self.used = False
        self.outputs: set[int] | None = None
        """Positions of the outputs that gradients came through; only of calls whose outputs are all followed."""

    def mark(self, _gradients: Any, position: int = -1) -> None:
        self.used = True
        if self.outputs is not None:
            self.outputs.add(position)


class Calls:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.waiting: list[Call] = []
        """Calls of which it is not known yet what becomes of their outputs."""

    def returned(
        self, root: Root, made: list[torch.Tensor], outputs: list[tuple[int, torch.Tensor]], call: Call
    ) -> None:
        """A model returned these tensors, of which `outputs`, by their places, have a graph."""
        sampling, usage = self.recorder.sampling, root.usage
        if call.grad:
            several = len(outputs) > 1 and len({tensor.grad_fn for _, tensor in outputs}) == len(outputs)
            if several and sampling:
                call.outputs = set()
                size = outputs[-1][0] + 1
                usage.outputs_used += [-1] * (size - len(usage.outputs_used))
                usage.output_shapes = [list(tensor.shape) for tensor in made]
                for place, _ in outputs:
                    usage.outputs_used[place] = max(0, usage.outputs_used[place])
            for place, tensor in outputs:
                tensor.grad_fn.register_prehook(partial(call.mark, position=place))  # type: ignore[union-attr]
            if sampling and call.training:
                own = sum(1 for ref in usage.modes if (mode := ref()) is not None and not mode.training)
                usage.own_mode = max(usage.own_mode, own)
        if len(self.waiting) < LIMIT and not _updates_statistics():
            self.waiting.append(call)

    def asked(self, root: Root, args: Any, kwargs: Any) -> None:
        """A call in train mode without gradients: on the very input of the one before, again and again?"""
        given = next(iter((*tensors_in(args), *tensors_in(kwargs))), None)
        if given is None:
            return
        usage = root.usage
        last = usage.last_asked
        again = last is not None and last[0]() is given and last[1] == self.recorder.step
        times = last[2] + 1 if last is not None and again else 1
        usage.last_asked = (weakref.ref(given), self.recorder.step, times)
        if times >= ASKED_AGAIN:
            usage.asked_again += ASKED_AGAIN if times == ASKED_AGAIN else 1

    def trained(self, walk_leaves: list[torch.Tensor]) -> None:
        """A sampled backward pass is about to run: count in which mode the models it trains are."""
        models = {held.model for leaf in walk_leaves if (held := self.recorder.parameters.find(leaf)) is not None}
        for root in self.recorder.models.roots.values():
            module, usage = root.ref(), root.usage
            if root.index not in models or module is None or not usage.modes:
                continue
            step = self.recorder.step
            if module.training:
                # A pass in eval mode before it, in the same step, was for something else: an attack on the input.
                if usage.eval_step == step:
                    usage.eval_then_trained, usage.eval_from_start = usage.before_eval
                usage.trained += 1
                usage.trained_step = step
            elif step not in (usage.trained_step, usage.eval_step):
                usage.eval_step, usage.before_eval = step, (usage.eval_then_trained, usage.eval_from_start)
                if usage.trained and usage.explicit_eval:
                    usage.eval_then_trained += 1
                else:
                    usage.eval_from_start += 1

    def settle(self, everything: bool = False) -> None:
        """Classify the calls that are two steps old: a gradient has passed through their output, or never will."""
        keep: list[Call] = []
        for call in self.waiting:
            if not everything and call.grad and not call.used and self.recorder.step < call.step + 2:
                keep.append(call)
                continue
            usage, counts = call.usage, call.usage.counts
            if call.outputs:
                usage.outputs_seen += 1
                for place in call.outputs:
                    usage.outputs_used[place] += 1
            if call.used:
                counts["tb" if call.training else "eb"] += 1
            elif not call.grad:
                counts["tg" if call.training else "en"] += 1
                if call.training:
                    counts["tn"] += 1
                    usage.sites["tn"].add(call.site)
            else:
                counts["tn" if call.training else "eg"] += 1
                usage.sites["tn" if call.training else "eg"].add(call.site)
                if not everything:  # at the end, the last ones are in use yet
                    usage.unused_graph(call)
        self.waiting = keep
        for root in self.recorder.models.roots.values():
            if root.usage.graphs:
                root.usage.count_graphs()

    def write_counts(self) -> None:
        for root in self.recorder.models.roots.values():
            usage = root.usage
            state = (
                tuple(usage.counts.values()),
                usage.eval_then_trained,
                usage.eval_from_start,
                usage.own_mode,
                usage.asked_again,
                usage.outputs_seen,
                usage.kept,
            )
            if any(state[0]) and state != usage.sent:
                usage.sent = state
                self.recorder.row(
                    "fw",
                    i=root.index,
                    **usage.counts,
                    sn=sorted(usage.sites["tn"])[:8],
                    sg=sorted(usage.sites["eg"])[:8],
                    et=usage.eval_then_trained,
                    es=usage.eval_from_start,
                    own=usage.own_mode,
                    ag=usage.asked_again,
                    os=usage.outputs_seen,
                    ou=usage.outputs_used,
                    osz=usage.output_shapes,
                    kg=(usage.kept, usage.unused, usage.kept_site),
                )


def depends_on_mode(module: nn.Module) -> bool:
    """Its output (or its statistics) differ between train and eval mode."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)):
        return bool(module.track_running_stats)
    # Not by `getattr`: a class of one's own may answer to every name, with a warning (the models of diffusers do).
    dropout = vars(module).get("dropout", vars(type(module)).get("dropout"))
    return isinstance(dropout, float) and dropout > 0


def _updates_statistics() -> bool:
    """The call recomputes batch-norm statistics in train mode on purpose (`torch.optim.swa_utils.update_bn`)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "update_bn":
            return True
        frame = frame.f_back
    return False
