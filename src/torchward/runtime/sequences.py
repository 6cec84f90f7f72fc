"""Models of sequences: how targets lie next to the input, which positions an output depends on, and what is padding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import graph, prompts
from torchward.runtime.ahead import CHANGE, first_looking_ahead
from torchward.runtime.copies import CannotLookError, mapped
from torchward.runtime.evaluations import CLASS_LOSSES
from torchward.runtime.names import named_end
from torchward.runtime.padding import Masks, is_attention, padding_of, read_at_end, tail_of
from torchward.runtime.places import Lookups, texts_begin
from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

NUMBERS = 262_144
"""Ids of a batch above which it is left alone."""
SHORTEST = 4
SHIFTS = (-1, 0, 1, 2)
FITS = 0.99
"""Share of the targets that a shift must hit; every other shift must miss a tenth of them."""
MISSES = 0.9
COMPARED = 20
TWIN_ROWS, TWIN_COLUMNS = 64, 128
"""Part of a batch in which positions with the same id are compared, pair by pair."""
ENDS = 4
"""Rows of a batch whose end is seen."""
VIEWS_LIMIT = 12
"""Views between what a model returned and what the loss is given."""


class Tokens:
    """What the first training call of a model was given, as far as it is ids of (batch, position) or the reverse."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        named = kwargs if isinstance(kwargs, dict) else {}
        said = {key: tensor for key, tensor in named.items() if "label" in key or "target" in key}
        # A model that shifts by itself is given one and the same tensor as its input and as its labels.
        others = args, [one for key, one in named.items() if key not in said]
        labels = {id(tensor) for tensor in said.values()} - {id(tensor) for tensor in tensors_in(others, 4)}
        given = [*tensors_in(args), *tensors_in(kwargs)]
        first = {id(tensor): place for place, tensor in reversed(list(enumerate(given)))}
        self.candidates: list[tuple[int, torch.Tensor]] = [
            (position, tensor)
            for position, tensor in enumerate(given)
            if plain(tensor)
            and tensor.dtype in (torch.int64, torch.int32)
            and tensor.dim() == 2
            and tensor.shape[0] > 1
            and tensor.shape[1] >= SHORTEST
            and tensor.numel() <= NUMBERS
            and id(tensor) not in labels
            and first[id(tensor)] == position
            and not (tensor.shape[0] == 2 and any(len(other) > 2 for other in given if other.dim()))  # ends of edges
        ]
        self.candidates = [(position, tensor.detach().clone()) for position, tensor in self.candidates]
        self.judged: torch.Tensor | None = None
        """Targets of the loss, as they were given to it."""
        self.target: torch.Tensor | None = None
        """... one row per example, if they lie along the input `ids`."""
        self.ignore = -100
        self.plain_mean = False
        self.classes = 0
        self.skipped: dict[int, int] = {}
        """Places along an axis of so many that the loss leaves out at the front of what it judges."""
        self.flat = False
        """The loss was given a row of scores for each position."""
        self.position = -1
        self.ids: torch.Tensor | None = None
        self.batch_first = False
        self.shift: int | None = None
        self.alone: prompts.Alone | None = None
        """Texts packed into rows that see each other, with nothing but the token that they begin with to tell."""
        self.share = 0.0
        self.attends = False
        """A softmax in the graph of the loss is used as weights of a sum."""
        self.beside: list[torch.Tensor] = []
        """What a loader handed over in that step."""
        self.given = [tensor.detach().clone() for tensor in given if _small(tensor)] if self.candidates else []

    def saw_loss(
        self,
        kind: str,
        prediction: torch.Tensor,
        target: torch.Tensor,
        options: dict[str, Any],
        even: bool,
        beside: Sequence[torch.Tensor] = (),
    ) -> None:
        """The loss of that call: keep its targets for later. `even`: all its values count alike; `beside`: what a
        loader handed over."""
        if kind not in CLASS_LOSSES or target.is_floating_point() or not plain(target) or prediction.dim() < 2:
            return
        if any(target.numel() > ids.numel() / 2 for _, ids in self.candidates):
            self.judged = target.detach().clone()
            self.classes = int(prediction.shape[1])
            self.flat = prediction.dim() == 2
            self.skipped = _skipped(prediction.grad_fn)
            self.ignore = int(options.get("ignore_index", -100))
            self.plain_mean = even and options.get("weight") is None
            self.beside = [tensor.detach().clone() for tensor in beside if _small(tensor)]

    def settle(self) -> None:
        """Find the input along which the targets lie, one for (nearly) every position."""
        for position, ids in self.candidates:
            for turned in (False, True):
                laid = ids.t() if turned else ids
                aligned = self._aligned(laid, turned)
                if aligned is None:
                    continue
                shift, share = _shift(laid, aligned, self.ignore)
                if self.target is None:
                    self.target, self.ids, self.position = aligned, laid, position
                    self.batch_first, self.shift, self.share = not turned, shift, share
                elif shift is None or (position == self.position and self.shift is not None):
                    continue
                elif position != self.position and shift == 0:
                    continue  # the targets themselves, given to the model along with its input
                elif self.shift is None:
                    self.target, self.ids, self.position = aligned, laid, position
                    self.batch_first, self.shift, self.share = not turned, shift, share
                else:
                    self.shift = None  # two inputs fit: it may well read on purpose what it is to say
        if self.target is None and self.candidates:
            self.position, self.ids = self.candidates[0]
        self.candidates = []

    def _aligned(self, ids: torch.Tensor, turned: bool) -> torch.Tensor | None:
        """The targets as one row per row of `ids`; `turned`: they were given position by position."""
        target = self.judged
        rows, length = ids.shape
        if target is None or length < SHORTEST:
            return None
        if turned:
            fits = target.dim() == 1 and target.numel() == rows * length
            return target.reshape(length, rows).t() if fits else None
        first = self.skipped.get(length, 0)
        judged = length - first
        if target.numel() not in (rows * judged, rows * (judged - 1)) or (target.dim() > 1 and len(target) != rows):
            return None
        return torch.cat([target.new_full((rows, first), self.ignore), target.reshape(rows, -1)], 1)

    def ids_alone(self, model: nn.Module, call: Callable[[], list[torch.Tensor]], output: int) -> dict[str, Any] | None:
        """Fields of the probe of ids: padding, the commonest id, and whether only the last state is read."""
        ids = self.ids
        if ids is None:
            return None
        padding = padding_of(ids)
        outer = tail_of(ids, int(ids[0, -1])) if padding is None else tail_of(ids, padding)
        inner = tolist(ids[~outer])
        common, times = Counter(inner).most_common(1)[0] if inner else (0, 0)
        tables = [module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding)]
        fields: dict[str, Any] = {
            "examples": ids.shape[0],
            "length": ids.shape[1],
            "padding": padding,
            "common": common,
            "common_share": round(times / max(1, len(inner)), 4),
            "counted": len(inner),
            "vocabulary": max(tables, default=0),
        }
        if padding is not None:
            fields["tail"] = float(tail_of(ids, padding).sum(1).float().median())
            fields["recurrent"] = read_at_end(model, call, output, ids.shape[1])
        return fields

    def relation(self) -> dict[str, Any]:
        """Fields of the probe that need no call: shift and padding."""
        ids, target = self.ids, self.target
        assert ids is not None
        assert target is not None
        fields: dict[str, Any] = {
            "examples": ids.shape[0],
            "length": ids.shape[1],
            "classes": self.classes,
            "shift": self.shift,
            "share": round(self.share, 4),
        }
        if not self.batch_first:
            return fields
        padding = padding_of(ids)
        if padding is not None:
            fields["padding"] = padding
            tail = tail_of(ids, padding)[:, : target.shape[1]]
            values = Counter(tolist(target[tail]))
            counted = target != self.ignore
            if len(values) == 1 and self.plain_mean and next(iter(values)) != self.ignore:
                fields["padding_target"] = next(iter(values))
                fields["padding_share"] = round(float(tail.sum()) / max(1.0, float(counted.sum())), 4)
            # Where there are as many classes as tokens, they may be the tokens, of which one is the padding's.
            if 0 <= self.ignore < self.classes <= int(ids.max()) and 0 < int(tail.sum()) < tail.numel():
                fields["ignored"] = [
                    self.ignore,
                    *(round(float((~counted)[part].float().mean()), 4) for part in (tail, ~tail)),
                ]
        return fields

    def end(self, model: nn.Module) -> dict[str, Any] | None:
        """Fields of the probe of ends: what stands behind the last token that the loss counts?"""
        ids, target = self.ids, self.target
        if ids is None or target is None or not self.batch_first or self.shift != 1:
            return None
        counted = target != self.ignore
        places = torch.arange(target.shape[1], device=target.device)
        # The target at one place is the token of the next.
        behind = (counted * places).amax(1) + 2
        rows = counted.any(1) & (behind < ids.shape[1])
        ids, behind = ids[rows], behind[rows]
        if len(ids) < ENDS:
            return None
        ends = set(tolist(ids.gather(1, behind[:, None]).flatten()))
        later = torch.arange(ids.shape[1], device=ids.device) > behind[:, None]
        rest = set(tolist(ids[later]))
        fields: dict[str, Any] = {"examples": len(ids)}
        end = ends.pop()
        if ends or len(rest) > 1 or bool((target[counted] == end).any()):
            return fields
        own = getattr(getattr(model, "config", None), "eos_token_id", None)
        known = end in (own if isinstance(own, (list, tuple)) else [own]) or named_end(model, end)
        # Elsewhere what always ends a row is known for an end by the filling of different length behind it.
        different = len(set(tolist(behind))) >= 3 and bool(rest)
        return fields | {"end": end if known or different else None, "known": known, "padding": end in rest}

    def prompt(self) -> dict[str, Any] | None:
        """Fields of the probe of prompts: does the loss count what only asks?"""
        ids, target = self.ids, self.target
        if ids is None or target is None or not self.batch_first or self.shift != 1 or not self.plain_mean:
            return None
        found = prompts.in_loss(ids, target, self.ignore, self.beside, self.given)
        return {"examples": ids.shape[0], "length": ids.shape[1], **prompts.fields(found)}

    def separators(self) -> prompts.Separators | None:
        """Tokens that may stand between prompts and answers, if the loss counts both."""
        ids, target = self.ids, self.target
        if ids is None or target is None or not self.batch_first or self.shift != 1 or not self.plain_mean:
            return None
        found = prompts.Separators(ids, target, self.ignore)
        return found if found.known else None

    def guessing(self, call: Callable[[], list[torch.Tensor]], count: int) -> dict[str, Any]:
        """Fields of the probe on a model as training has made it: is what stands before a separator but guessed?"""
        separators = self.separators()
        if separators is None or self.ids is None or self.target is None:
            return {}
        ids, target = self.ids[:count], self.target[:count]
        scores = self._output(call(), len(ids), ids.shape[1])
        return prompts.guessed(separators, ids, target, scores, self.ignore) if scores is not None else {}

    def masks(self, model: nn.Module, call: Callable[[], object], count: int) -> dict[str, Any] | None:
        """Fields of the probe for a model with other targets than one for each position; None: there is nothing to say.

        Looks at the padding masks of its attention layers while it is called once.
        """
        padding = padding_of(self.ids) if self.ids is not None else None
        if padding is None or self.ids is None or not any(map(is_attention, model.modules())):
            return None
        with Masks(model, self.ids[:count], padding) as masks:
            call()
        return {
            "examples": self.ids.shape[0],
            "length": self.ids.shape[1],
            "padding": padding,
            "inverted_masks": masks.inverted,
        }

    def layout(
        self, model: nn.Module, call: Callable[[Any, Any], list[torch.Tensor]], capture: Capture
    ) -> dict[str, Any]:
        """Fields of the probe on places: does their order matter, and does each have a row of its own in its table?"""
        ids = self.ids
        assert ids is not None
        count = min(capture.examples, ids.shape[0])
        ids = ids[:count]
        given = (capture.args, capture.kwargs)
        with Lookups(model, ids) as tables:
            first = call(*given)
        fields = tables.clamped | ({"same_place": tables.places} if tables.places else {})
        part, kept = self._first_part(ids), self.target is not None
        outputs = [position for position, tensor in enumerate(first) if _judged(tensor, ids, kept)]
        if part < 3 or not outputs or not (self.batch_first or self.target is None):
            return fields
        place = outputs[0]

        def change(new: torch.Tensor) -> float:
            tensor = call(*replaced(given, self.position, new))[place]
            moved = (tensor.detach().float() - first[place].detach().float()).abs()
            # Of outputs along the sequence, those behind the part that is changed.
            moved = moved[:, part:] if kept and moved.dim() >= 3 and moved.shape[1] == ids.shape[1] else moved
            return float(moved.max()) / (float(first[place].float().std()) or 1.0)

        generator = torch.Generator().manual_seed(3)
        order = torch.randperm(part, generator=generator)
        other, shuffled = ids.clone(), ids.clone()
        shuffled[:, :part] = ids[:, order.to(ids.device)]
        flat = ids[:, :part].reshape(-1)
        other[:, :part] = flat[torch.randint(flat.numel(), (count, part), generator=generator).to(ids.device)]
        return fields | {
            "order": change(shuffled),
            "history": change(other),
            "attends": any(map(is_attention, model.modules())) or self.attends,
            "per_position": kept,
            **self._twins(),
        }

    def _twins(self) -> dict[str, Any]:
        """Fields of the probe on places: of positions with the same id in one sequence, how many have other targets?"""
        if self.target is None or self.ids is None:
            return {}
        target = self.target[:TWIN_ROWS, :TWIN_COLUMNS]
        ids = self.ids[:TWIN_ROWS, : target.shape[1]]
        counted = target != self.ignore
        padding = padding_of(self.ids)
        if padding is not None:
            counted = counted & (ids != padding)
        pairs = (ids[:, :, None] == ids[:, None, :]) & counted[:, :, None] & counted[:, None, :]
        pairs = pairs.triu(1)
        alike, values = int(pairs.sum()), target[counted]
        if not alike:
            return {}
        shares = torch.unique(values, return_counts=True)[1].double() / values.numel()
        return {
            "alike": alike,
            "alike_differ": round(float((pairs & (target[:, :, None] != target[:, None, :])).sum()) / alike, 4),
            "other_differ": round(1 - float((shares**2).sum()), 4),
        }

    def _first_part(self, ids: torch.Tensor) -> int:
        """Length of the part whose tokens are changed: without padding, and half of the sequence at most."""
        padding = padding_of(ids)
        if padding is None:
            return ids.shape[1] // 2
        return min(ids.shape[1] // 2, int((~tail_of(ids, padding)).sum(1).min()))

    def experiment(
        self, model: nn.Module, call: Callable[[Any, Any], list[torch.Tensor]], capture: Capture
    ) -> dict[str, Any]:
        """Change the second half of the sequences: which outputs change?"""
        ids, target = self.ids, self.target
        assert ids is not None
        assert target is not None
        count, length = min(capture.examples, ids.shape[0]), ids.shape[1]
        ids, target = ids[:count], target[:count]
        generator = torch.Generator().manual_seed(2)
        start = self._middle(target, length)
        other = ids.clone()
        flat = ids.reshape(-1)
        picks = torch.randint(flat.numel(), (count, length - start), generator=generator).to(ids.device)
        other[:, start:] = flat[picks]
        other[:, start] = torch.where(ids[:, start] == flat.max(), flat.min(), flat.max())
        given = (capture.args, capture.kwargs)
        changed = replaced(given, self.position, other)
        with Masks(model, ids, padding_of(ids)) as masks:
            first = self._output(call(*given), count, length)
        again = self._output(call(*given), count, length)
        second = self._output(call(*changed), count, length)
        if first is None or again is None or second is None or first.shape != second.shape:
            raise CannotLookError("its outputs do not lie along the positions of its input")
        counted = target[:, :start] != self.ignore
        scale = float(first.std()) or 1.0
        early = (second - first).abs().amax(-1)[:, :start][:, : counted.shape[1]]
        later = tolist((second - first).abs().amax((0, 2))[start : start + 2] / scale)
        fields: dict[str, Any] = {
            "future": float((early * counted).max()) / scale,
            "noise": float((again - first).abs().max()) / scale,
            "own_change": float((second - first).abs()[:, start:].max()) / scale,
            "first_changes": later,
            "inverted_masks": masks.inverted,
            **self._across(call, given, ids, first),
        }
        if self.shift == 0:
            # Targets that are the input fit along either axis: which one is time?
            other = ids.clone()
            other[:, :start] = flat[torch.randint(flat.numel(), (count, start), generator=generator).to(ids.device)]
            third = self._output(call(*replaced(given, self.position, other)), count, length)
            if third is not None:
                fields["past"] = float((third - first).abs()[:, start:].max()) / scale
        if self.shift == 1 and fields["future"] > max(CHANGE, 10 * fields["noise"]):
            module, kind, embeddings = first_looking_ahead(model, call, given, changed, (count, length, start))
            fields |= {"future_module": module, "future_kind": kind, "embeddings": embeddings}
        return fields

    def _middle(self, target: torch.Tensor, length: int) -> int:
        """Where the later part begins: in the middle, or in that of what the loss counts if it leaves out the first."""
        counted = (target != self.ignore).float().mean(0) > 0
        first = int(counted.long().argmax()) if bool(counted.any()) else 0
        middle = length // 2
        return middle if first < middle else min(length - 1, first + max(1, (length - first) // 2))

    def _across(
        self, call: Callable[[Any, Any], list[torch.Tensor]], given: tuple[Any, Any], ids: torch.Tensor, first: Any
    ) -> dict[str, Any]:
        """Rows of several texts, as positions that begin anew tell, or the token at each start or end: does a text see
        the tokens of the one before it?"""
        known = (texts_begin(tensor, ids) for tensor in tensors_in(given, 4))
        begins = next((found for found in known if found is not None), None)
        marked = None
        if begins is None and self.ids is not None and self.target is not None and self.shift == 1:
            marked = prompts.texts_in(self.ids, self.target, self.ignore, padding_of(self.ids), len(ids))
            begins = marked[2] if marked is not None else None
        if begins is None:
            return {}
        places = torch.arange(ids.shape[1], device=ids.device)
        begins = begins & (places > 0)
        rows = begins.any(1)
        start = torch.where(rows, begins.long().argmax(1), 0)[:, None]
        generator = torch.Generator().manual_seed(4)
        picks = torch.randint(ids.numel(), tuple(ids.shape), generator=generator).to(ids.device)
        # What closes a text stays, or it would not end there.
        last = start - 1 if marked is not None and marked[1] else start
        other = torch.where(places < last, ids.reshape(-1)[picks], ids)
        changed = self._output(call(*replaced(given, self.position, other)), *ids.shape)
        if changed is None:
            return {}
        behind = (changed - first).abs().amax(-1)[(places >= start) & rows[:, None]]
        seen = {"packed": int(rows.sum()), "across": float(behind.max()) / (float(first.std()) or 1.0)}
        if marked is None:
            return seen
        self.alone = prompts.Alone(marked[0], seen, marked[1])
        return {}

    def _output(self, outputs: list[torch.Tensor], count: int, length: int) -> torch.Tensor | None:
        """The scores as (example, position, class); None where the two last axes cannot be told apart."""
        if length == self.classes and not self.flat:
            return None
        for tensor in outputs:
            if not tensor.is_floating_point() or tensor.numel() != count * length * self.classes:
                continue
            if tensor.dim() == 3 and tensor.shape[1] == self.classes != length == tensor.shape[2]:
                tensor = tensor.transpose(1, 2)  # noqa: PLW2901
            if tensor.dim() >= 2 and tensor.shape[-1] == self.classes and tensor.shape[0] in (count, count * length):
                return tensor.detach().float().reshape(count, length, self.classes)
        return None


def _small(tensor: torch.Tensor) -> bool:
    """Of one number for each row, or for each position."""
    return plain(tensor) and tensor.dim() in (1, 2) and tensor.numel() <= NUMBERS


def _shift(ids: torch.Tensor, target: torch.Tensor, ignore: int) -> tuple[int | None, float]:
    """The one shift for which ``target[t] == ids[t + shift]`` nearly everywhere; None if none, or several, fit."""
    length = target.shape[1]
    shares: dict[int, float] = {}
    for shift in SHIFTS:
        low, high = max(0, -shift), min(length, ids.shape[1] - shift)
        if high - low < 2:
            continue
        part, source = target[:, low:high], ids[:, low + shift : high + shift]
        counted = part != ignore
        total = float(counted.sum())
        if total >= COMPARED:
            shares[shift] = float(((part == source) & counted).sum()) / total
    best = max(shares, key=lambda shift: shares[shift], default=None)
    if best is None or shares[best] < FITS or any(share > MISSES for key, share in shares.items() if key != best):
        return None, 0.0
    return best, shares[best]


def _skipped(node: Any) -> dict[int, int]:
    """Size of an axis -> how many of its first places were cut off on the way to the values of `node`."""
    found: dict[int, int] = {}
    for _ in range(VIEWS_LIMIT):
        if node is None or node.name() not in graph.VIEWS:
            break
        if node.name() == "SliceBackward0":
            size = node._saved_self_sym_sizes[node._saved_dim]
            start = node._saved_start
            start = start - 2**64 + size if start >= 2**63 else start
            if node._saved_dim and start > 0:
                found[size] = found.get(size, 0) + min(start, size)
        node = node.next_functions[0][0]
    return found


def replaced(given: tuple[Any, Any], position: int, new: torch.Tensor) -> tuple[Any, Any]:
    """The arguments with another tensor at a position (in the order of `tensors_in`)."""
    left = position

    def change(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal left
        left -= 1
        return new if left == -1 else tensor

    args, kwargs = given
    return mapped(args, change), mapped(kwargs, change)


def _judged(tensor: torch.Tensor, ids: torch.Tensor, per_position: bool) -> bool:
    """An output with the batch first, and along the sequence if each position is judged."""
    if not tensor.is_floating_point() or not tensor.dim() or tensor.shape[0] != ids.shape[0] or tensor.numel() < 2:
        return False
    return not per_position or (tensor.dim() >= 3 and tensor.shape[1] == ids.shape[1])
