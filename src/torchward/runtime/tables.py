"""Watches embedding tables: rows that an evaluation looks up, and that are still what they were before training.

A few columns of every table are kept as they were when its model was first called. What training never looked up stays
as it was drawn, to the last bit, or but for a factor where weight decay shrinks it.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime.codes import Codes
from torchward.runtime.cuts import Cuts
from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

KINDS = (nn.Embedding, nn.EmbeddingBag)
LIMIT = 8
"""Tables of one model."""
ROWS = 262_144
FEWEST = 8
"""Rows, and positions of a sequence."""
NARROWEST = 3
"""Columns of an embedding layer: of two, a row that moved points where it did once in a hundred thousand times."""
COLUMNS = 8
PARALLEL = 1e-5
"""Ten thousand roundings of float32, of random sign."""
EVALUATED = 20
"""Evaluations are looked into after the steps so far divided by this."""
MIDDLE = 0.05
"""Distance from the mean row, as a share of the usual one: transformers draws new rows with 3e-5 of the deviation, and
who does it by hand with a few percent of it."""
NEAR = 0.25
"""... of the mean of some of the rows from that of all."""
ADDED_ROWS = 16
ENOUGH, CALLS = 2_000, 4
"""Lookups of one evaluation, and calls at least: it may begin with all of the training data."""
DEVIATIONS = 6.0
"""Up to here, means of columns and products of neighbouring rows are those of independent draws."""
SPREAD = 3.0
"""... and the norms of rows, in deviations of those that normal numbers give."""


FIELDS, ASKED = 32, 64
"""Columns of what a table is asked for, at most, and lookups of training that are looked at for them."""


class Table:
    """One embedding layer, or a parameter that may hold a row for each position."""

    def __init__(self, name: str, module: nn.Module, key: str) -> None:
        self.name, self.key = name, key
        self.module = weakref.ref(module)
        self.layer = isinstance(module, KINDS)
        self.padding = getattr(module, "padding_idx", None)
        self.fresh = False
        self.frozen = False
        self.added = self.added_told = 0
        """Rows at the end of a frozen table that were added and never trained; how often their use was told."""
        self.longest = 0
        self.fields: list[tuple[int, int]] = []
        """Of each column of what it is asked for, the least and the largest number, where there are a few columns."""
        self.sent: list[tuple[int, int]] = []
        self.asked = 0
        """Lookups in sampled steps of training."""
        self.places: torch.Tensor | None = None
        """Did training ask for 0, 1, 2, ... only?"""
        self.seen: tuple[int, torch.Tensor] | None = None
        """The step at which it was last looked at, and which rows were unmoved."""
        weight = getattr(module, key)
        with torch.inference_mode(False):
            rows = _rows(weight)
            self.begun = rows[:, :COLUMNS].clone()
            self.met = torch.zeros(len(rows), dtype=torch.bool, device=weight.device)
            """Rows that were looked up in sampled steps of training."""

    def follow(self) -> torch.Tensor | None:
        """Its rows, if it has another number of them, or lies on another device, than when it was last looked at.

        What is known of rows that were there before stays: whoever adds tokens copies the old rows.
        """
        module = self.module()
        weight = getattr(module, self.key, None) if module is not None else None
        if weight is None or not plain(weight) or weight.dim() < 2:
            return None
        with torch.inference_mode(False):
            rows = _rows(weight)
            now = rows[:, :COLUMNS]
            if now.shape == self.begun.shape and now.device == self.begun.device:
                return None
            wide = now.shape[1] == self.begun.shape[1] and now.dtype == self.begun.dtype
            kept = min(len(now), len(self.begun)) if wide else 0
            begun, met = now.clone(), torch.zeros(len(now), dtype=torch.bool, device=now.device)
            if kept:
                begun[:kept], met[:kept] = self.begun[:kept].to(now.device), self.met[:kept].to(now.device)
            self.begun, self.met, self.seen = begun, met, None
            if self.places is not None:
                self.places = self.places.to(now.device)
        return rows

    def weight(self) -> torch.Tensor | None:
        module = self.module()
        weight = getattr(module, self.key, None) if module is not None else None
        if weight is None or not plain(weight) or weight.device != self.begun.device:
            return None
        return weight if _rows(weight)[:, :COLUMNS].shape == self.begun.shape else None

    def unmoved(self, weight: torch.Tensor) -> torch.Tensor:
        """Which rows are what they were at the beginning?"""
        now, begun = _rows(weight)[:, :COLUMNS], self.begun
        same = (now == begun).all(1)
        now, begun = now.float(), begun.float()
        factor = (now * begun).sum(1) / begun.square().sum(1).clamp(min=1e-30)
        apart = (now - factor[:, None] * begun).abs().amax(1)
        decayed = apart <= PARALLEL * now.abs().amax(1)
        return torch.where((same & (begun != 0).any(1)).any(), same, decayed)


class Tables:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.cuts = Cuts(recorder)
        self.codes = Codes(recorder)
        self.known: dict[int, dict[int, Table]] = {}
        """Number of the model -> identity of the layer -> table."""
        self.looked: list[tuple[Table, torch.Tensor]] = []
        """In the root call under way: what its tables were asked for."""
        self.step = self.lookups = self.calls = 0
        """Of the last evaluation that was looked into, and how many it has made."""

    def begin(self, root: Root, module: nn.Module) -> None:
        """A model is called for the first time, or with parts that were put in since."""
        found = self.known.get(root.index, {})
        loaded = self._loaded(module)
        partly = any(parameter.requires_grad for parameter in module.parameters())
        for name, member in module.named_modules():
            if id(member) in found and found[id(member)].module() is member:
                continue
            layer = isinstance(member, KINDS)
            for key, weight in member._parameters.items():
                if layer and partly and plain(weight) and not weight.requires_grad and _has_rows(weight):
                    table = found[id(member)] = Table(name, member, key)
                    self._added(table, _rows(weight))
                # Another layer's `weight` is a matrix to multiply with, and so are all that torch's own layers hold.
                skip = key == "weight" or type(member).__module__.startswith("torch.")
                if id(member) in loaded or (skip and not layer) or len(found) >= LIMIT:
                    continue
                if _may_be_table(weight, layer):
                    table = found[id(member) if layer else id(weight)] = Table(name or key, member, key)
                    self._fresh(table, _rows(weight))
        if found:
            self.known[root.index] = found

    def _loaded(self, module: nn.Module) -> set[int]:
        """Identities of parts that a state dict was loaded into, or that transformers has read from a folder."""
        loaded = self.recorder.parameters.loaded
        tops = [
            member
            for member in module.modules()
            if member in loaded or getattr(vars(member).get("config"), "_name_or_path", False)
        ]
        return {id(member) for top in tops for member in top.modules()}

    def _added(self, table: Table, rows: torch.Tensor) -> None:
        """How many rows at the end of a frozen table lie in the middle of all, where transformers puts new tokens?"""
        table.frozen = True
        values = rows[:, :COLUMNS].float()
        apart = (values - values.mean(0)).norm(dim=1)
        usual = apart.mean()
        # The mean may have been taken of a part of the rows: several that are nearly one may lie a little off it.
        beside = ((values - values[-1]).norm(dim=1) < MIDDLE * usual) & (apart < NEAR * usual)
        alike = (apart < MIDDLE * usual) | (beside & (beside.sum() > 1))

        def write(read: list[float]) -> None:
            table.added = int(read[0]) if read[0] < len(rows) / 2 else 0

        self.recorder.reader.read([alike.flip(0).long().cumprod(0).sum()], write)

    def _fresh(self, table: Table, rows: torch.Tensor) -> None:
        """Does it look like numbers drawn independently of each other, or all alike? Learned tables do not."""
        values = rows[:4_096, :64].float()
        width = values.shape[1]
        filled = (values != 0).any(1).float()
        count, size = filled.sum().clamp(min=1), values.square().mean(1)
        mean = size.sum() / count
        column = (values.sum(0) / count).abs().max() * (count / mean.clamp(min=1e-30)).sqrt()
        spread = (((size - mean) * filled).square().sum() / count).sqrt() / mean.clamp(min=1e-30)
        neighbours = (values[1:] * values[:-1]).mean() / mean.clamp(min=1e-30) * (count * width).sqrt()

        def write(read: list[float]) -> None:
            column, spread, neighbours = read
            table.fresh = column < DEVIATIONS and spread < SPREAD * math.sqrt(2 / width) and neighbours < DEVIATIONS

        self.recorder.reader.read([column, spread, neighbours.abs()], write)

    def curious(self, root: Root) -> bool:
        """An evaluation of a trained model begins that is to be looked into."""
        step = self.recorder.step
        if root.index not in self.known or not step or torch.is_grad_enabled():
            return False
        if step == self.step:
            return self.lookups < ENOUGH or self.calls < CALLS
        return step >= self.step + step // EVALUATED

    def looked_up(self, root: Root, module: Any, args: Any) -> None:
        table = self.known.get(root.index, {}).get(id(module))
        rows: Any = args[0] if args else None
        if self.codes.columns and self.recorder.step and not torch.is_grad_enabled():
            self.codes.looked_up(root, module, rows)
        if self.cuts.made:
            asked, met = (table.asked, table.met) if table is not None else (0, None)
            last = met[-1] if met is not None and len(met) == module.num_embeddings else None
            name = table.name if table is not None else type(module).__name__
            self.cuts.looked_up(root, name, rows, int(module.num_embeddings), asked, last)
        if table is None or not plain(rows) or rows.dtype not in (torch.int64, torch.int32) or not rows.numel():
            return
        if len(self.looked) < LIMIT:
            self.looked.append((table, rows.detach()))

    def _fields(self, root: Root, table: Table, rows: torch.Tensor, site: int) -> None:
        """Several kinds of things may share a table, each with rows of its own."""
        if rows.dim() != 2 or not 2 <= rows.shape[1] <= FIELDS or not rows.is_cpu or table.asked > ASKED:
            return
        found = list(zip(tolist(rows.amin(0)), tolist(rows.amax(0)), strict=True))
        known = table.fields if len(table.fields) == len(found) else found
        table.fields = [
            (min(low, least), max(high, most)) for (low, high), (least, most) in zip(known, found, strict=True)
        ]
        if table.fields != table.sent and table.asked in (ASKED // 4, ASKED // 2, ASKED):
            table.sent = table.fields
            row = {"site": site, "name": table.name, "n": len(table.met), "f": [list(one) for one in table.fields]}
            self.recorder.row("fields", m=root.index, s=self.recorder.step, **row)

    def called(self, root: Root, args: Any, kwargs: Any, result: Any, training: bool, site: int) -> None:
        """The end of a root call."""
        looked, self.looked = self.looked, []
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)]
        for table in self.known[root.index].values():
            grown = table.follow()
            if grown is not None and table.frozen:
                self._added(table, grown)
        if training:
            for table, rows in looked:
                if table.added and table.added_told < ADDED_ROWS:
                    self._asked_for_added(root, table, rows, site)
                table.asked += 1
                self._fields(root, table, rows, site)
                table.met = table.met.index_fill(0, rows.reshape(-1).long(), True)
                table.longest = max(table.longest, rows.shape[-1] if rows.dim() else 1)
                table.places = _counts(rows) if table.places is None else table.places & _counts(rows)
            length = _length(given, result)
            for table in self.known[root.index].values():
                if not table.layer:
                    table.longest = max(table.longest, length)
        elif self.curious(root):
            if self.recorder.step != self.step:
                self.lookups = self.calls = 0
            self.lookups += sum(rows.numel() for _, rows in looked)
            self.calls += 1
            self.step = self.recorder.step
            for table, rows in looked:
                self._evaluated(root, table, rows, given, site)
            length = _length(given, result)
            for table in self.known[root.index].values():
                if not table.layer and 0 < length <= len(table.met) and table.longest <= length:
                    places = torch.arange(length, device=table.met.device)
                    self._evaluated(root, table, places, given, site)

    def _asked_for_added(self, root: Root, table: Table, rows: torch.Tensor, site: int) -> None:
        weight = table.weight()
        if weight is None or weight.requires_grad:
            return
        table.added_told += 1
        count = len(table.met)
        row = {"m": root.index, "mod": table.name, "s": self.recorder.step, "site": site, "rows": count}
        row |= {"add": table.added, "n": rows.numel()}

        def write(values: list[float]) -> None:
            self.recorder.row("nt", **row, use=int(values[0]))

        self.recorder.reader.read([(rows >= count - table.added).sum()], write)

    def _evaluated(self, root: Root, table: Table, rows: torch.Tensor, given: list[torch.Tensor], site: int) -> None:
        weight = table.weight()
        if weight is None or not self.recorder.optimizers.holders(weight):
            return
        if table.seen is None or table.seen[0] != self.recorder.step:
            table.seen = self.recorder.step, table.unmoved(weight)
        unmoved = table.seen[1]
        moved = ~unmoved
        places = _counts(rows) if table.places is None else _counts(rows) & table.places
        inner = _inner(rows)
        for other in given:
            if other.shape == rows.shape and other is not rows:  # a mask of zeros and ones hides some
                inner = inner & ((other != 0) | (other > 1).any())
        if table.padding is not None:
            inner = inner & (rows != table.padding)
        flat = rows.reshape(-1).long()
        alone = (unmoved & ~table.met)[flat] & inner.reshape(-1)
        often = flat[alone].bincount() if flat.is_cpu else flat.new_zeros(0)
        top = int(often.argmax()) if len(often) else None
        row: dict[str, Any] = {
            "m": root.index,
            "mod": table.name,
            "s": self.recorder.step,
            "site": site,
            "len": rows.shape[-1] if rows.dim() else 1,
            "rows": len(unmoved),
            "long": table.longest,
            "top": top,
            "topn": int(often[top]) if top is not None else 0,
            "fresh": table.fresh,
        }
        scalars = [inner.sum(), alone.sum(), (unmoved & table.met).sum(), table.met.sum(), moved.sum()]
        scalars += [places, moved.long().cumprod(0).sum() == moved.sum()]

        def write(values: list[float]) -> None:
            if not table.layer and values[4] == row["rows"]:  # all of it is trained
                table.longest = ROWS
                return
            names = ("n", "un", "still", "met", "moved", "places", "prefix")
            self.recorder.row("tb", **row, **dict(zip(names, map(int, values), strict=True)))

        self.recorder.reader.read(scalars, write)


def _rows(weight: torch.Tensor) -> torch.Tensor:
    weight = weight.detach()
    return weight[0] if weight.dim() == 3 else weight


def _may_be_table(weight: Any, layer: bool) -> bool:
    """A matrix of rows that are trained; a parameter of the user's own, perhaps with an axis in front."""
    if not plain(weight) or not weight.requires_grad or not weight.is_floating_point():
        return False
    if not layer and not (weight.dim() == 3 and weight.shape[0] == 1) and weight.dim() != 2:
        return False
    return _has_rows(weight, NARROWEST if layer else FEWEST)


def _has_rows(weight: torch.Tensor, columns: int = FEWEST) -> bool:
    return FEWEST <= weight.shape[-2] <= ROWS and weight.shape[-1] >= columns


def _counts(rows: torch.Tensor) -> torch.Tensor:
    """Are they 0, 1, 2, ...?"""
    line = rows.reshape(-1, rows.shape[-1] if rows.dim() else 1)[0]
    return (line == torch.arange(len(line), device=line.device)).all()


def _inner(rows: torch.Tensor) -> torch.Tensor:
    """Which positions are no filling: neither end of a row is counted, as far as the same number goes on."""
    if rows.dim() != 2:
        return torch.ones_like(rows, dtype=torch.bool)
    head = (rows == rows[:, :1]).long().cumprod(1)
    tail = (rows == rows[:, -1:]).long().flip(1).cumprod(1).flip(1)
    return (head + tail) == 0


def _length(given: list[torch.Tensor], result: Any) -> int:
    """Positions of the sequences of a call that gives an output for each; 0 if there are none."""
    first = given[0] if given else None
    made = next((tensor for tensor in tensors_in(result) if tensor.dim() == 3), None)
    if first is None or made is None or first.dim() < 2 or made.shape[:2] != first.shape[:2]:
        return 0
    return int(first.shape[1])
