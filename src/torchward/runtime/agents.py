"""What a sampled backward pass says of an agent that learns by reinforcement: of its values, its policy, its critic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchward.runtime import (
    environments,
    errors,
    graph,
    groups,
    lengths,
    policies,
    preferences,
    references,
    returns,
    terms,
)
from torchward.runtime.alignment import Alignment
from torchward.runtime.tensors import number, plain, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.streams import Stream

ROWS = 256
"""Examples of a batch that are recognised ..."""
ROWS_KEPT = 16_384
"""... and of all batches together."""
ROWS_ENOUGH = 16
"""Examples from which on rewards that occur several times are found among them, ..."""
PAIRED_ROWS = 64
"""... and of which each is compared with each."""
FEWEST_LAST, UNIQUE = 8, 0.3
"""Rewards of last steps that were paid once; and their share."""
SINGLE = 1e-6
"""Rounding of single precision, as a share of the largest reward."""
ENDS, FEW_ENDS = 4.0, 3
"""Ends of episodes that must be expected among the targets, and different rewards at most that these bring."""
ALIKE = 3e-6
"""Difference of two targets that are alike, in deviations of all: rounding of single precision."""
SHARED_FROM = 10.0
"""Times that a critic must pull harder than a policy before it is looked at what they share."""


VALUES = 1_024
"""Of a row by which it is known again."""


class Agents:
    def __init__(self, recorder: Recorder, target: Callable[[graph.Walk, torch.Tensor], torch.Tensor | None]) -> None:
        self.recorder = recorder
        self.row = recorder.row
        self.target = target
        """What the loss compares an output with."""
        self.sound: set[int] = set()
        """Streams whose loss was found to weigh the actions of a rollout as it should."""
        self.alignment = Alignment(recorder)
        self.spoken = recorder.guarded("lengths", self._spoken)
        self.preferences = recorder.guarded("preferences", self._preferences)

    def look(self, stream: Stream, loss: torch.Tensor, walked: graph.Walk) -> None:
        self._values_of_choices(walked)
        self._advantages(stream, walked)
        said = self._returns(stream, walked)
        if not said:
            self._rollout(stream, walked, said is None)
        if not loss.is_cpu:
            return  # what follows reads values: an accelerator would be waited for
        chosen = next((node for node in walked.nodes if node.name() == "GatherBackward0"), None)
        if chosen is not None:
            if policies.weighs_choices(walked.nodes, chosen):
                self.row("po", i=stream.index, s=self.recorder.step)
            if policies.weighs_by_graph(walked.nodes):
                self.row("ag", i=stream.index, s=self.recorder.step)
            self._entropy(stream, walked)
        self.preferences(stream, walked)
        self._ratio(stream, walked)
        self._ends(stream, walked)
        self.alignment.look(stream, walked.nodes[0], walked.nodes)

    def _preferences(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may compare two answers each: to the same prompt?"""
        found = preferences.compared(walked.nodes)
        if found is not None:
            row = {"n": found.pairs, "c": number(found.common), "o": number(found.other), "f": found.fewest}
            self.row("pc", i=stream.index, s=self.recorder.step, **row)

    def _ends(self, stream: Stream, walked: graph.Walk) -> None:
        """Targets of a critic at the end of an episode are its last reward. Where that is one of a few, they are alike,
        whatever they were multiplied with: how many are?"""
        episodes = self.recorder.environments.episodes
        _, steps, ends = episodes.rollout
        rewards = episodes.end_rewards
        if not ends or not rewards or len(rewards) > FEW_ENDS:
            return
        share = ends / steps
        for value in self.recorder.inputs.values:
            target = self._aim(walked, value.flatten())
            if target is None or target.numel() * share < ENDS or target.numel() > steps:
                continue
            ordered = target.double().sort().values
            near = torch.searchsorted(ordered, ordered + ALIKE * float(ordered.std()), right=True)
            most = int((near - torch.arange(len(ordered))).max())
            few = {"e": number(target.numel() * share / len(rewards)), "c": most}
            self.row("et", i=stream.index, s=self.recorder.step, **few)
            return

    def _aim(self, walked: graph.Walk, value: torch.Tensor) -> torch.Tensor | None:
        """What the loss, or a term of it, compares these values with."""
        ends = terms.factors(walked.nodes[0])[1]
        for node, factor in ends:
            missed = policies.error_of(node) if factor > 0 else None
            if missed is not None and missed.error.is_cpu and missed.error.numel() == value.numel():
                target = missed.target.flatten() if missed.target is not None else None
                return value.detach() - missed.error.flatten() if target is None else target
        return None

    def _values_of_choices(self, walked: graph.Walk) -> None:
        """The loss looks at one value of each row of a model's output: how often is it the largest one?"""
        inputs = self.recorder.inputs
        made, valued = inputs.made, inputs.valued
        chosen = policies.chosen_values(walked.nodes, made[1]) if made is not None else None
        if made is None or chosen is None:
            if valued is not None:
                self._bootstraps(walked, *valued, valued[1].detach()[:, 0])
            return
        output, rows = made[1].detach(), len(chosen)
        others = sum(times for size, times in made[0].asked_sizes.items() if size != rows)
        row = {"m": made[0].index, "s": self.recorder.step, "n": rows, "a": output.shape[1], "w": others}

        def write(values: list[float]) -> None:
            self.row("ac", **row, g=number(values[0]))

        self.recorder.reader.read([(output.argmax(1) == chosen).float().mean()], write)
        self._bootstraps(walked, *made, output.gather(1, chosen[:, None])[:, 0])

    def _bootstraps(self, walked: graph.Walk, root: Root, output: torch.Tensor, picked: torch.Tensor) -> None:
        """The values that a loss looks at may be to become rewards plus a factor times the values of later states."""
        target = self.target(walked, picked) if output.is_cpu and len(picked) >= ROWS_ENOUGH else None
        if target is None or target.numel() != len(picked) or not target.is_cpu:
            return
        if output.shape[1] == 1 and not self._judges(walked, output):
            return
        self._cut_off(root, target.flatten())
        inputs = self.recorder.inputs
        same = [pair for pair in zip(inputs.answers, inputs.asked, strict=True) if pair[0].shape == output.shape]
        others = [pair for pair in same if pair[0].is_cpu and pair[0].data_ptr() != output.data_ptr()][-3:]
        later = [one[:PAIRED_ROWS] for one, _ in others]
        paid = self.recorder.environments.episodes.rewards
        known = sorted(paid) if 0 < len(paid) <= policies.KINDS else None
        found = policies.bootstraps(target.flatten()[:PAIRED_ROWS], later, root.rewards, known)
        if found is not None:
            root.rewards = found.kinds
            few = {"n": min(len(picked), PAIRED_ROWS), "g": number(found.factor), "o": found.alone, "e": found.over}
            still = _all_are(inputs.given, [asked for _, asked in others], inputs.asked)
            # Where no episode ends without a reward, no target is exactly 0.
            paid_last = self.recorder.environments.episodes.end_rewards
            wiped = found.zero if 0 < len(paid_last) <= environments.KINDS and 0.0 not in paid_last else 0
            self.row("bt", m=root.index, s=self.recorder.step, st=int(still), z=wiped, **few)

    def _cut_off(self, root: Root, target: torch.Tensor) -> None:
        """How many targets are nothing but the reward of a step at which a limit of time cut an episode off? Of those
        that were paid once: no other target is equal to one of them."""
        last = torch.tensor(self.recorder.environments.episodes.last_rewards, dtype=torch.float64)
        values, times = last.unique(return_counts=True)
        once = values[times == 1]
        if len(once) < max(FEWEST_LAST, UNIQUE * len(last)):
            return
        apart = (target.double()[:, None] - once).abs().amin(1)
        equal = int((apart <= SINGLE * last.abs().max()).sum())
        self.row("be", m=root.index, s=self.recorder.step, n=target.numel() * len(once) / len(last), c=equal)

    def _judges(self, walked: graph.Walk, output: torch.Tensor) -> bool:
        """The error in the loss is of this output as it stands."""
        last = self.recorder.losses.last
        if last is not None and last[3].grad_fn in walked.nodes:
            return last[1].untyped_storage().data_ptr() == output.untyped_storage().data_ptr()
        written = errors.squared_error(walked.nodes[0])
        return written is not None and written[1] is output.grad_fn

    def _entropy(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may hold the entropy of a policy: with which factor?"""
        found = policies.entropy_of_policy(walked.nodes[0], walked.nodes)
        if found is None:
            return
        factor, entropy = found
        step = self.recorder.step

        def write(values: list[float]) -> None:
            self.row("en", i=stream.index, s=step, f=number(factor), v=number(values[0]))

        self.recorder.reader.read([entropy.mean()], write)

    def _advantages(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may weigh what was chosen by advantages: how large is the largest?"""
        weights = policies.weights_of_choices(walked.nodes)
        if not weights:
            return
        row = {"i": stream.index, "s": self.recorder.step, "n": weights[0].numel()}

        def write(values: list[float]) -> None:
            self.row("av", **row, a=number(values[0]))

        output = self.recorder.inputs.made
        labels = output is not None and output[1].dim() == 2 and any("Nll" in node.name() for node in walked.nodes)
        # Where nothing acts, what weighs the errors of a classifier are masks: of labels that are not sure, say.
        if not labels or self.recorder.environments.episodes.rewards:
            self.recorder.reader.read([torch.stack([one.float().abs().max() for one in weights]).min()], write)
        self.spoken(stream, walked)
        self.recorder.scores.anchors.judged(stream, policies.ratio_of_policies(walked.nodes) is not None)
        if weights[0].is_cpu:  # signs are read
            self._reference(stream, walked)
            self._beside(stream, walked)
            inputs = self.recorder.inputs
            made, nodes = inputs.made[1] if inputs.made is not None else None, walked.nodes[: terms.NODE_LIMIT]
            found = groups.groups(groups.texts(inputs.given, made, inputs.columns, nodes), weights)
            if found is not None:
                self.row("gp", i=stream.index, s=self.recorder.step, n=len(weights[0]), g=found)

    def _spoken(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may weigh what a policy wrote, text by text: does it favour the longer texts?"""
        found = lengths.spoken(walked.nodes) if not self.recorder.optimizers.maximising() else None
        if found is None:
            return
        row = {"i": stream.index, "s": self.recorder.step}

        def write(values: list[float]) -> None:
            follows, mean, usual, width, alike, again = values
            if again >= lengths.GIVEN:
                few = {"m": number(mean), "u": number(usual), "w": int(width), "b": number(alike)}
                self.row("ln", **row, r=None if math.isnan(follows) else number(follows), **few)

        self.recorder.reader.read(list(found), write)

    def _rollout(self, stream: Stream, walked: graph.Walk, alone: bool) -> None:
        """The loss may weigh actions of a rollout, in any order, with what came of them: is that so? Once it is, it is
        not asked again: a search takes a tenth of a second. Not `alone`: in order, these are no sums of rewards."""
        if stream.index in self.sound or self.recorder.optimizers.maximising():
            return
        slopes = policies.slopes_of_policy(walked.nodes[0])
        aims = (self._aim(walked, value.flatten()) for value in self.recorder.inputs.values)
        targets = [target for target in aims if target is not None]
        weights = -slopes if slopes is not None and slopes.is_cpu else None
        found = self.recorder.environments.rollouts.judge(weights, targets)
        if found is not None and (alone or found[0]):
            self.row("rr", i=stream.index, s=self.recorder.step, n=found[1], kind=found[0])
            if found[0] == "right":
                self.sound.add(stream.index)

    def _returns(self, stream: Stream, walked: graph.Walk) -> bool | None:
        """The loss may weigh each action of this step, in order, with what came of it: is it known how? None: could
        not look."""
        seen = self.recorder.inputs.rewards
        if not returns.LEAST <= len(seen) <= returns.MOST or len({len(one[1]) for one in seen}) > 1:
            return None
        # Where one comes after the other, each may be an episode; where they take turns, who is next is not known.
        ends = [place for place in range(1, len(seen)) if seen[place][0] != seen[place - 1][0]]
        if len(ends) >= len({one[0] for one in seen}):
            return None
        copies = len(seen[0][1])
        count = len(seen) * copies
        if count > returns.MOST_TOGETHER or self.recorder.optimizers.maximising():
            return None
        root = walked.nodes[0]
        weights = returns.weights_in_order(root, len(seen), copies)
        if weights is None:
            return None
        rewards = torch.stack([torch.from_numpy(one[1]) for one in seen])
        over = torch.stack([torch.from_numpy(one[2]) for one in seen])
        over[[place - 1 for place in ends]] = True
        said = returns.judge(-weights, rewards, over)
        missed = returns.missed_in_order(root, count)
        if missed is not None:
            if not said and missed.target is not None:
                said = returns.judge(missed.target.double().reshape(weights.shape), rewards, over)
                said = "" if said == "negative" else said  # costs
            self._agreement(stream, weights, missed)
        self.row("rr", i=stream.index, s=self.recorder.step, n=count, kind=said)
        return bool(said)

    def _beside(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may hold the errors of a critic beside a policy's: which pulls harder at the weights of both?"""
        found = policies.values_beside_policy(walked.nodes[0])
        if found is None:
            return
        if stream.shared is None and found.pull > SHARED_FROM:
            own = {id(leaf) for leaf in graph.walk(found.value).leaves if leaf.dim() > 1}
            stream.shared = any(id(leaf) in own for leaf in graph.walk(found.policy).leaves)
        errors, weights = (one.float().square().mean().sqrt() for one in (found.missed.error, found.slopes))
        row = {"p": number(found.pull), "e": number(float(errors)), "w": number(float(weights))}
        self.row("vp", i=stream.index, s=self.recorder.step, **row, sh=bool(stream.shared))
        if not self.recorder.optimizers.maximising():
            self._agreement(stream, found.slopes, found.missed)

    def _agreement(self, stream: Stream, slopes: torch.Tensor, missed: policies.Missed) -> None:
        """A policy is to do more often what brought more than its critic expected: does it? Does the critic know?"""
        agreed = returns.agreement(slopes, missed.error)
        if agreed is None:
            return
        row = {"a": number(agreed), "lo": round(float((missed.error < 0).float().mean()), 3), "ev": None}
        if missed.target is not None and (spread := float(missed.target.float().var(unbiased=False))) > 0:
            row["ev"] = number(1 - float(missed.error.var(unbiased=False)) / spread)
        self.row("pa", i=stream.index, s=self.recorder.step, **row)

    def _reference(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may hold a penalty for leaving a reference policy: with which sign, and how far is it?"""
        found = references.penalty(walked.nodes[0])
        if found is None or not found.apart.numel() or self.recorder.optimizers.maximising():
            return
        sizes = found.apart.abs()
        self.row(
            "rf",
            i=stream.index,
            s=self.recorder.step,
            g=found.sign,
            m=number(float(sizes.max())),
            d=number(float(sizes.mean())),
        )

    def _ratio(self, stream: Stream, walked: graph.Walk) -> None:
        """The loss may weigh ratios of probabilities: are they all 1, and were these examples trained on before?"""
        given, self.recorder.inputs.given = self.recorder.inputs.given, None
        self.recorder.inputs.columns = []
        if given is None or not given.is_cpu or not given.is_floating_point() or given.dim() < 2:
            return
        ratio = policies.ratio_of_policies(walked.nodes)
        if ratio is None or not ratio.is_cpu:
            return
        rows = given.detach()[:ROWS].flatten(1)[:, :VALUES].double()
        marks = set(tolist(rows @ torch.arange(1, rows.shape[1] + 1, dtype=torch.float64).sqrt()))
        again = len(marks & stream.rows) / max(1, len(marks)) if len(marks) == len(rows) else 0.0
        if len(stream.rows) < ROWS_KEPT:
            stream.rows |= marks
        apart, moved = (ratio - 1).abs().max(), (ratio - 1 - ratio.log()).mean()
        row = {"d": number(float(apart)), "kl": number(float(moved)), "again": round(again, 3)}
        self.row("rt", i=stream.index, s=self.recorder.step, **row)


def _all_are(given: torch.Tensor | None, asked: list[torch.Tensor | None], every: list[torch.Tensor | None]) -> bool:
    """All that was asked about are the very examples that the step is trained on, and those are not all the same.

    Of a critic of states and actions: the states are, for which a policy was asked for the actions beside them."""
    if given is None or not plain(given) or not given.is_cpu or not asked:
        return False
    given = given.detach()
    for one in asked:
        if one is None or one.shape != given.shape:
            return False
        width = _states_of(one, every) if one.dim() == 2 else None
        now, then = (one, given) if width is None else (one[:, :width], given[:, :width])
        if not torch.equal(now, then) or not bool((then != then[:1]).any()):
            return False
    return True


def _states_of(one: torch.Tensor, every: list[torch.Tensor | None]) -> int | None:
    """How many of the first columns are what another model was asked about."""
    parts = [part for part in every if part is not None and part.dim() == 2 and len(part) == len(one)]
    widths = [
        part.shape[1] for part in parts if part.shape[1] < one.shape[1] and torch.equal(part, one[:, : part.shape[1]])
    ]
    return min(widths, default=None)
