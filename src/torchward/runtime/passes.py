"""Sampled backward passes: what the graph of a loss says before it is run."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime import (
    bounds,
    depth,
    digits,
    edges,
    errors,
    functions,
    graph,
    picks,
    pulls,
    scales,
    softmaxes,
    terms,
)
from torchward.runtime.agents import Agents
from torchward.runtime.evaluations import REGRESSIONS
from torchward.runtime.losses import LIKELIHOODS
from torchward.runtime.tensors import caller, item, number, plain, thin

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.streams import Stream

ROWS = 256
"""Examples of a batch that are recognised ..."""
ROWS_KEPT = 16_384
"""... and of all batches together."""
NO_NUMBER = 1e-5
"""A number added to the loss that is smaller than this is rounding."""
_CHANNEL_FIRST = ("Conv", "BatchNorm", "GroupNorm", "InstanceNorm", "LazyConv", "SyncBatchNorm")


COLUMNS = 1_024
MIDDLE = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Parts of the range of time steps around which noise is looked at, too."""
EDGE = 0.05
"""Part of the range of time steps, at either end of it, in which noise is looked at."""


class _Mark:
    """Hangs on a graph; alive as long as the graph is."""

    __slots__ = ("__weakref__",)


def _products(given: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return given * target, given.square(), target.square()


class Passes:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.row = recorder.row
        self.digits = recorder.guarded("digits", self._digits)
        self.bounds = recorder.guarded("bounds", self._bounds)
        self.edges = recorder.guarded("edges", self._edges)
        self.pulls = recorder.guarded("pulls", self._pulls)
        self.picks = recorder.guarded("picks", self._picks)
        self.scales = recorder.guarded("scales", self._scales)
        self.cuts = recorder.guarded("cut numbers", recorder.tables.cuts.trained)
        self.agents = Agents(recorder, self._target)
        self.derivatives: list[tuple[terms.Derivative, int]] = []
        """Derivatives by an input, taken without a graph in this sampled step, and where."""
        self.unbounded: dict[int, set[int]] = {}
        """Places of softmaxes in a loss that are not taken of products of normalised vectors."""
        self.parted: set[int] = set()
        """Lines whose sums of losses were asked once which parameters their terms share."""
        self.attends = False
        """A softmax in the graph of a loss was used as weights of a sum."""
        self.computed_in = ""
        """Half-precision type that the last sampled forward pass cast float32 weights to."""
        self.alive_masks: dict[tuple[str, str], tuple[int, torch.Tensor]] = {}
        self.activation_index: dict[tuple[str, str], int] = {}

    def sample(self, stream: Stream, loss: torch.Tensor) -> None:
        """Before a sampled pass: what it is of, what it reaches, and what its graph says."""
        recorder, models, parameters = self.recorder, self.recorder.models, self.recorder.parameters
        recorder.optimizers.before_backward()
        if stream.walked_at == recorder.step:
            return
        stream.walked_at = recorder.step
        stream.sampled += 1
        root = loss.grad_fn
        if root is None:
            self._describe(stream, leaf=True, reach=0)
            return
        walked = graph.walk(root)
        mark = _Mark()
        # The node furthest from the loss lives as long as anything that was computed from it does.
        metadata: Any = next(node for node in reversed(walked.nodes) if node.name() != graph.LEAF).metadata
        metadata["torchward"] = mark
        stream.marks.append((recorder.step, weakref.ref(mark)))
        recorder.calls.trained(walked.leaves)
        recorder.optimizers.describe_new()
        if any(parameters.find(leaf) is None for leaf in walked.leaves):
            models.list_new()
        for leaf in walked.leaves:
            held = parameters.find(leaf)
            if held is None:
                held = parameters.hold(leaf, f"tensor{list(leaf.shape)}", None, "", "")
            if held is not None:
                parameters.send(held, leaf)
        reached = [held.index for leaf in walked.leaves if (held := parameters.find(leaf)) is not None]
        early = recorder.steps_sampled < 3
        self._describe(
            stream,
            head=root.name(),
            kind=self._kind(root),
            reach=len(walked.leaves) if walked.complete else None,
            bc=graph.squared_by_broadcasting(walked),
            bo=graph.crossed(walked) if early and recorder.reads_saved else None,
            ae=errors.averaged_error(root) if early else None,
            tw=errors.between_computed(walked) if stream.sampled <= 3 else None,
            dr=errors.draws(root) if stream.sampled <= 3 else None,
            leaves=reached if stream.sampled <= 3 else None,
            sm=softmaxes.misplaced_softmax(walked, parameters.owner) if early else None,
            no=softmaxes.normalised_otherwise(walked, parameters.owner) if early else None,
            so=softmaxes.summed_to_one(walked, parameters.owner) if early else None,
            li=edges.lost_in_place(walked.nodes) if early and recorder.reads_saved else None,
            dp=errors.most_dropped(walked, parameters.owner) if early and recorder.reads_saved else None,
            pd=depth.plain_depth(walked) if early else None,
            cm=softmaxes.classes_mixed(walked, parameters.owner) if early else None,
        )
        deaf = functions.deaf(walked) if early else None
        if deaf is not None:
            self.row("deaf", i=stream.index, name=deaf[0], site=recorder.site_at(deaf[1], deaf[2], "backward"))
        made = recorder.inputs.made
        if made is not None and recorder.steps_sampled < 3:
            chain = depth.linear_chain(made[1].grad_fn) if made[1].grad_fn is not None else None
            recorder.row("root", i=made[0].index, lin=chain)
        if not recorder.start.done:
            recorder.guarded("start", recorder.start.look)(loss, walked)
        added = None
        if (self.derivatives or recorder.losses.ungraded) and loss.is_cpu and terms.adds_number(root):
            added = terms.constant_in(root, float(item(loss)), recorder.losses.values())
            added = 1.0 if added is None and not recorder.losses.ungraded else added
        for taken, site in self.derivatives:
            if terms.is_lost(taken, walked, added is not None and abs(added) > NO_NUMBER):
                self.row("dv", s=recorder.step, site=site)
        self.derivatives.clear()
        self.cuts()
        recorder.losses.backward(walked.nodes, added is not None and abs(added) > NO_NUMBER)
        self._terms(stream, loss, root)
        if recorder.prober is not None:
            recorder.prober.saw_loss(loss, walked)
        self.computed_in = graph.computed_in(walked)
        if recorder.reads_saved and loss.is_cpu and recorder.steps_sampled < 3:
            for one in softmaxes.attention(walked, parameters.owner):
                self.attends |= one.product
                figures = {"peak": one.peaked, "sc": one.scale, "sd": one.deviation}
                figures = {name: None if value is None else number(value) for name, value in figures.items()}
                self.row("at", s=recorder.step, layer=one.layer, n=one.positions, **figures)
        if not recorder.reads_saved:
            recorder.blind("graph", "saved-tensor hooks (checkpointing or offloading) are in use")
            return
        self.digits(stream, walked)
        self._activations(graph.activations(walked, parameters.owner))
        recorder.decays.in_loss(stream.index, loss, walked)
        self._partners(stream, loss, walked)
        self.agents.look(stream, loss, walked)
        self._target_by_hand(walked)
        self._noise(walked)
        self._cut(stream, walked)
        self.bounds(stream, walked)
        self.edges(stream, walked)
        self.picks(stream, walked)
        self.pulls(stream, walked)
        self.scales(stream, walked)
        if any(node.name() in terms.PAIRED for node in walked.nodes[: terms.NODE_LIMIT]):
            self._divergence(stream, walked)

    def _target_by_hand(self, walked: graph.Walk) -> None:
        """A loss written without torch's functions: what is the model's output compared with?"""
        made, self.recorder.inputs.made = self.recorder.inputs.made, None
        target = errors.target_by_hand(walked.nodes, made[1]) if made is not None and made[1].grad_fn else None
        if made is None or target is None:
            return
        if target.numel() == made[1].numel():
            self.recorder.givens.horizons.compared(-1, target.reshape(made[1].shape))
        row = {"m": made[0].index, "s": self.recorder.step}

        def write(values: list[float]) -> None:
            self.row("th", **row, sd=number(values[0]))

        self.recorder.reader.read([target.std(unbiased=False)], write)

    def _noise(self, walked: graph.Walk) -> None:
        """A model that is told a time step may be to find the noise in its input: how much of it is there, at which?"""
        noised, self.recorder.inputs.noised = self.recorder.inputs.noised, None
        target = self._target(walked, noised[1]) if noised is not None else None
        if noised is None or target is None or target.shape != noised[2].shape or target.device != noised[2].device:
            return
        root, made, given, times = noised
        if self.recorder.inputs.denoiser is not None:
            self.recorder.sweeps.trained_on(self.recorder.inputs.denoiser, times, given, made.detach(), target)
        given, target = (one[:ROWS].flatten(1).float() for one in (given, target))
        stride = -(-given.shape[1] // COLUMNS)
        given, target, times = given[:, ::stride], target[:, ::stride], times.flatten()[:ROWS].float()
        least, most = times.min(), times.max()
        edge = EDGE * (most - least)
        scalars = []
        middle = [(times - least - part * (most - least)).abs() <= edge / 2 for part in MIDDLE]
        for rows in (times <= least + edge, times >= most - edge, *middle):
            share = rows.float()[:, None]
            sums = [share.sum() * given.shape[1], *((share * one).sum() for one in _products(given, target))]
            scalars += [(share[:, 0] * times).sum() / share.sum().clamp(min=1), *sums]
        step = self.recorder.step

        def write(values: list[float]) -> None:
            ends, inner = list(map(number, values[:10])), list(map(number, values[10:]))
            mid = [inner[place : place + 5] for place in range(0, len(inner), 5)]
            self.row("dn", m=root.index, s=step, lo=ends[:5], hi=ends[5:], mid=mid)

        self.recorder.reader.read(scalars, write)

    def _target(self, walked: graph.Walk, made: torch.Tensor) -> torch.Tensor | None:
        """What a squared or absolute error, torch's or written by hand, compares a model's output with."""
        last = self.recorder.losses.last
        if last is not None and last[3].grad_fn in walked.nodes:
            fits = last[0] in REGRESSIONS and plain(last[2]) and not last[2].requires_grad
            return last[2].detach() if fits else None
        written = errors.squared_error(walked.nodes[0])
        if written is None or written[0].numel() != made.numel():
            return None
        return made.detach() - written[2] * written[0].reshape(made.shape)

    def _partners(self, stream: Stream, loss: torch.Tensor, walked: graph.Walk) -> None:
        """The loss compares an output with two others: how near is it to the nearer one?"""
        found = terms.nearest_partner(walked.nodes)
        if found is None:
            return
        near, far, rows = found
        step = self.recorder.step

        def write(values: list[float]) -> None:
            if values[1] > 0:
                self.row("tp", i=stream.index, s=step, r=number(values[0] / values[1]), n=rows, v=number(values[2]))

        self.recorder.reader.read([near, far, loss.detach().float().mean()], write)

    def _cut(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may take the logarithm of values cut off at the bounds of a probability: how many lie outside?"""
        found = terms.cut_to_probabilities(walked)
        if found is None or not found.values.numel():
            return
        values = thin(found.values, ROWS_KEPT).float()
        row: dict[str, Any] = {"i": stream.index, "s": self.recorder.step, "b": [number(found.low), number(found.high)]}
        row |= {"mod": graph.feeding_layer(found.node, self.recorder.parameters.owner)[0], "raw": found.raw}

        def write(read: list[float]) -> None:
            self.row("ct", **row, o=number(read[0]), lo=number(read[1]), hi=number(read[2]))

        self.recorder.reader.read([((values < 0) | (values > 1)).float().mean(), values.min(), values.max()], write)

    def _picks(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may pick the smallest or largest of values that a mask was multiplied with: is it a masked one?"""
        for one in picks.picked(walked):
            row = {"i": stream.index, "s": self.recorder.step, "p": one.place, "op": one.operation}
            row |= {"sh": list(one.shape)}

            def write(read: list[float], row: dict[str, Any] = row) -> None:
                rows, masked, share, binary = read
                if rows and binary:
                    self.row("pick", **row, n=int(rows), m=number(masked / rows), r=number(share))

            self.recorder.reader.read(one.figures, write)

    def _pulls(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may keep weights near others: how many are not at these very values?"""
        found = pulls.differences(walked.nodes)
        if found:
            row = {"i": stream.index, "s": self.recorder.step, "n": len(found)}
            self.recorder.reader.read(found, lambda values: self.row("pull", **row, z=values.count(0.0)))

    def _scales(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may be scaled by trained numbers that nothing else in it holds: how large are they still?"""
        for place, one in enumerate(scales.scales(walked, self.recorder.optimizers.holders)):
            held = self.recorder.parameters.find(one.leaf)
            row = {"i": stream.index, "s": self.recorder.step, "p": place, "n": held.name if held is not None else ""}

            def write(read: list[float], row: dict[str, Any] = row) -> None:
                self.row("scl", **row, w=number(read[0]), lo=number(read[1]), l=number(read[2]))

            scaled = thin(one.scaled).float()
            self.recorder.reader.read([one.weight.float().mean(), scaled.min(), scaled.mean()], write)

    def _bounds(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may take a softmax of products of normalised vectors: how large can these become, and are they?
        It may compare the softmax with labels that are smoothed."""
        found = softmaxes.smoothed(walked) if stream.sampled <= 3 else None
        if found is not None:
            self.row("smo", s=self.recorder.step, i=stream.index, n=found[0], a=number(found[1]), b=number(found[2]))
        made = {value.grad_fn: index for index, value in self.recorder.losses.called}
        skip = self.unbounded.setdefault(stream.index, set())
        for one in bounds.bounded(walked.nodes, skip):
            row = {"i": stream.index, "s": self.recorder.step, "p": one.place, "l": made.get(one.picked, -1)}

            def write(read: list[float], row: dict[str, Any] = row) -> None:
                if not read[1] <= bounds.UNEVEN:
                    skip.add(row["p"])
                self.row("bd", **row, b=number(read[0]), u=number(read[1]), c=int(read[2]), w=number(read[3]))

            self.recorder.reader.read([one.bound, one.uneven, one.choices, one.width], write)

    def _edges(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may be of several graphs in one batch: how far do their edges reach?"""
        found = edges.of_batch(walked.nodes) if stream.sampled <= edges.PASSES else None
        if found is not None:
            n, g, largest, reached = found
            self.row("bg", i=stream.index, s=self.recorder.step, n=n, g=g, b=largest, r=reached)

    def _divergence(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may hold a divergence from a normal distribution: with which factor, and how large is it?"""
        found = terms.divergence(walked.nodes[0])
        if found is None:
            return
        if found.error is not None and self.recorder.steps_sampled < 3:
            code, made = (graph.walk(node).leaves for node in (found.node, found.error))
            own = {id(leaf) for leaf in code}
            cut = bool(own) and bool(made) and not any(id(leaf) in own for leaf in made)
            self.row("kc", i=stream.index, s=self.recorder.step, cut=cut)
        variance = found.variance.float()
        square = found.mean.float().square() if found.mean is not None else torch.ones_like(variance)
        nats = 0.5 * (variance + square - 1 - variance.clamp(min=1e-30).log())
        step, rows = self.recorder.step, max(1, variance.shape[0]) if variance.dim() > 1 else 1
        if variance.dim() > 1 and variance.is_cpu:
            noise = terms.noise_of_code(walked.nodes, tuple(variance.shape))
            if noise is not None:
                few = thin(noise)
                marks = [float(few.double().sum()), float(few[0]), float(noise.numel())]
                self.row("nz", i=stream.index, s=step, fp="{:.9g}:{:.9g}:{:.0f}".format(*marks))

        def write(values: list[float]) -> None:
            judged = number(found.judged) if found.judged is not None else None
            self.row("kl", i=stream.index, s=step, f=number(found.factor), j=judged, v=number(values[0]))

        if found.mean is not None or found.factor < 0:
            self.recorder.reader.read([nats.sum() / rows], write)

    def _terms(self, stream: Stream, loss: torch.Tensor, root: Any) -> None:
        """What the losses that were called add to the sum that is differentiated."""
        parts = graph.terms(root) if len(self.recorder.losses.called) and loss.numel() == 1 else []
        values = {value.grad_fn: (index, value) for index, value in self.recorder.losses.called if value.numel() == 1}
        known = [(*values[node], weight) for node, weight in parts if node in values]
        if values and loss.numel() == 1 and self.recorder.steps_sampled < 3:
            self._raised(
                stream, [node for node, weight in graph.terms(root, through=graph.CLAMPS) if weight < 0], values
            )
        if len(parts) < 2 or not known:
            return
        if stream.index not in self.parted:
            self.parted.add(stream.index)
            self.row("apart", i=stream.index, l=self._apart([node for node, _ in parts], values))
        step, indices = self.recorder.step, [index for index, _, _ in known]
        scalars = [loss.detach().float(), *(value.detach().float() * weight for _, value, weight in known)]

        def write(values: list[float]) -> None:
            self.row("tm", i=stream.index, s=step, t=number(values[0]), l=indices, v=list(map(number, values[1:])))

        self.recorder.reader.read(scalars, write)

    def _apart(self, parts: list[Any], values: dict[Any, Any]) -> list[int]:
        """Losses that have no parameter in common with any other term of the sum."""
        reached = [{id(leaf) for leaf in graph.walk(node).leaves} for node in parts]
        apart = []
        for place, node in enumerate(parts):
            others = set().union(*reached[:place], *reached[place + 1 :])
            if node in values and not reached[place] & others:
                apart.append(values[node][0])
        return apart

    def _raised(self, stream: Stream, nodes: list[Any], values: dict[Any, Any]) -> None:
        """Loss functions that the loss subtracts, so that training makes them larger: of which parameters?"""
        for node in nodes:
            if node in values:
                leaves = [
                    held.index
                    for leaf in graph.walk(node).leaves
                    if (held := self.recorder.parameters.find(leaf)) is not None
                ]
                self.row("mx", i=stream.index, p=leaves)

    def _kind(self, root: Any) -> str:
        """Name of the loss function that the loss is, scaling and averaging aside; `custom` for a mixture."""
        if self.recorder.losses.last is None:
            return "custom"
        kind, _, _, value, _ = self.recorder.losses.last
        if kind in LIKELIHOODS:
            return "custom"
        node = root
        for _ in range(8):
            if node is value.grad_fn:
                return kind
            children = [child for child, _ in node.next_functions if child is not None]
            if len(children) != 1 or node.name() not in graph.SCALING:
                break
            node = children[0]
        return "custom"

    def _describe(self, stream: Stream, **fields: Any) -> None:
        if fields != stream.described:
            stream.described = fields
            self.row("sd", i=stream.index, **fields)

    def _digits(self, stream: Stream, walked: graph.Walk) -> None:
        found = digits.cancelled(walked)
        if found is not None:
            row = {"i": stream.index, "s": self.recorder.step, "op": found[1]}
            self.recorder.reader.read([found[0]], lambda values: self.row("digits", **row, v=number(values[0])))

    def _activations(self, found: list[graph.Activation]) -> None:
        scalars: list[torch.Tensor] = []
        indices: list[int] = []
        for order, activation in enumerate(found):
            key = (activation.layer, activation.kind)
            index = self.activation_index.get(key)
            output = activation.output.detach()
            channels = 1 if output.dim() >= 3 and activation.layer_kind.startswith(_CHANNEL_FIRST) else output.dim() - 1
            if index is None:
                index = self.activation_index[key] = len(self.activation_index)
                self.row(
                    "act",
                    i=index,
                    kind=activation.kind,
                    layer=activation.layer,
                    lk=activation.layer_kind,
                    order=order,
                    last=activation.before_loss,
                    units=output.shape[channels] if output.dim() else 1,
                )
            indices.append(index)
            scalars += self._summary(key, activation.kind, output, channels)
        step = self.recorder.step

        def write(values: list[float]) -> None:
            rows = [[index, *map(number, values[5 * n : 5 * n + 5])] for n, index in enumerate(indices)]
            self.row("A", s=step, a=rows)

        if indices:
            self.recorder.reader.read(scalars, write)

    def _summary(self, key: tuple[str, str], kind: str, output: torch.Tensor, channels: int) -> list[torch.Tensor]:
        """Share of zeros, of dead units, of saturated values; mean; deviation."""
        if output.numel() > 262_144 and output.dim() > 1 and output.shape[0] > 16:
            output = output[:: -(-output.shape[0] // 16)]
        nothing = torch.zeros((), device=output.device)
        zero = dead = saturated = nothing
        if kind == "relu":
            positive = output > 0
            zero = 1 - positive.float().mean()
            others = [axis for axis in range(output.dim()) if axis != channels]
            alive = positive.amax(dim=others) if others else positive
            age, before = self.alive_masks.get(key, (0, alive))
            if age >= 8 or before.shape != alive.shape or before.device != alive.device:
                age, before = 0, alive
            alive = alive | before
            self.alive_masks[key] = (age + 1, alive)
            dead = 1 - alive.float().mean()
        elif kind == "tanh":
            saturated = (output.abs() > 0.99).float().mean()
        elif kind == "sigmoid":
            saturated = ((output < 0.01) | (output > 0.99)).float().mean()
        values = output.float()
        return [zero, dead, saturated, values.mean(), values.std(unbiased=False)]

    def gradient_computed(self, _token: Any, result: Any, args: Any, kwargs: Any) -> None:
        """`torch.autograd.grad` was called."""
        if self.recorder.inside:
            return
        self.recorder.backwards += 1
        if not self.recorder.sampling or not torch.is_grad_enabled() or len(self.derivatives) >= 8:
            return
        names = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph")
        named = dict(zip(names, args, strict=False)) | kwargs
        if named.get("create_graph"):
            return
        taken = terms.derivative(named.get("outputs"), named.get("inputs"), result)
        if taken is not None and not self.recorder.optimizers.holders(taken.by):
            self.derivatives.append((taken, self.recorder.site(caller(3))))
