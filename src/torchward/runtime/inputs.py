"""Watches what models are given in sampled steps, and what they make of it."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from torchward.runtime import groups
from torchward.runtime.graph import producer
from torchward.runtime.sweeps import Denoiser
from torchward.runtime.tensors import number, plain, sizes, tensors_in, thin, tolist

if TYPE_CHECKING:
    from torchward.runtime.models import Root
    from torchward.runtime.recorder import Recorder

LIMIT = 4_096
"""Inputs of one model that are looked at."""
ANSWERS = 8
ASKED = 100_000
"""Values of an input up to which it is kept until the end of the step."""
BESIDE = 4
"""Examples in a batch from which on as many numbers beside it may be one for each of them."""
COMPARED, FEWEST, WIDEST = 128, 24, 1_024
"""Examples of a batch, data and generated, whose distances are compared; those that this takes; values of each."""
AXES = 256
"""Values of an example of which the directions are counted that examples differ in."""
SLACK = 0.02
"""By which values may lie outside of 0 to 1, or -1 to 1, and pass for such: rounding, a little noise."""


class Inputs:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.made: tuple[Root, torch.Tensor] | None = None
        """What a model made of its input in this sampled step, until a backward pass begins."""
        self.valued: tuple[Root, torch.Tensor] | None = None
        """... and one that made one number for each row of a table."""
        self.given: torch.Tensor | None = None
        """... and that input."""
        self.columns: list[torch.Tensor] = []
        """Inputs since the last backward pass of one whole number for each row."""
        self.values: list[torch.Tensor] = []
        """... of one number for each row, in calls that build a graph."""
        self.answers: list[torch.Tensor] = []
        """What models made in this sampled step of as many rows and columns as values of actions may have, ..."""
        self.asked: list[torch.Tensor | None] = []
        """... and of what, if that is small."""
        self.rewards: list[tuple[int, Any, Any]] = []
        """(environment, rewards, episodes over) of each step in this sampled step: arrays, one value for each copy."""
        self.noised: tuple[Root, torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        """... of one that makes the shape of its input anew, beside one number per example: it, what it made, the input
        and these numbers; ..."""
        self.denoiser: Denoiser | None = None
        """... and which module that is."""
        self.shown: dict[int, dict[int | None, torch.Tensor]] = {}
        """Of a model that is given data (None) and what another model made, this one by its number: rows of either."""
        self.outputs: dict[StorageWeakRef, int] = {}
        """Memory of what models returned in this sampled step -> which model; `detach` shares it."""

    def end_step(self) -> None:
        self.made = self.valued = self.given = self.noised = self.denoiser = None
        self._compare()
        self.columns = []
        self.outputs.clear()
        self.answers.clear()
        self.asked.clear()
        self.values.clear()
        self.rewards.clear()

    def returned(self, root: Root, made: list[torch.Tensor], given: torch.Tensor | None) -> None:
        """A model returned these, of what it was given first."""
        self.outputs |= {StorageWeakRef(tensor.untyped_storage()): root.index for tensor in made if plain(tensor)}
        few = [one for one in made if one.requires_grad and plain(one) and one.dim() and one.numel() == one.shape[0]]
        self.values = [*self.values, *(one.detach() for one in few)][-ANSWERS:]  # no graph is kept alive
        if made and plain(made[0]) and made[0].dim() == 2 and len(self.answers) < ANSWERS:
            self.answers.append(made[0].detach())
            small = given is not None and plain(given) and given.is_cpu and given.numel() <= ASKED
            self.asked.append(given.detach() if small and given is not None else None)

    def saw(
        self,
        root: Root,
        module: nn.Module,
        args: Any,
        kwargs: Any,
        result: Any,
        site: int,
        layer: torch.Tensor | None,
        alone: bool,
    ) -> None:
        """A training call: with what, and what came of it. `layer`: what the first module with a matrix was given;
        `alone`: there is but one."""
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)]
        if not given or root.inputs >= LIMIT:
            return
        root.inputs += 1
        first = given[0]
        few = sizes(first).to(torch.float32)
        ramp = torch.arange(1, few.numel() + 1, dtype=torch.float32, device=few.device)
        scalars = [few.sum(), (few * ramp).sum(), few.square().sum()]
        measured = next((tensor for tensor in given if tensor.is_floating_point()), None)
        names = []
        if measured is not None and measured.device == first.device:
            many = thin(measured, 65_536).to(torch.float32)
            finite = torch.where(torch.isfinite(many), many, torch.zeros_like(many))
            names = ["mean", "std", "lo", "hi", "nf"]
            broken = (~torch.isfinite(measured.detach())).sum().float()
            scalars += [finite.mean(), finite.std(unbiased=False), finite.min(), finite.max(), broken]
            layer = measured if alone else layer
            if layer is not None and layer.device == first.device:
                names += ["rms", "rsd"]
                values = thin(layer, 65_536).float()
                scalars += [values.square().mean().sqrt(), values.std(unbiased=False)]
        made = next((tensor for tensor in tensors_in(result) if plain(tensor)), None)
        for name, tensor in (("sp", measured), ("osp", made)):
            if tensor is not None and rows_differ(tensor) and tensor.device == first.device:
                names.append(name)
                scalars.append(between_rows(tensor))
                if name == "osp":
                    names.append("od")
                    scalars.append(between_directions(tensor))
        if "od" in names and "sp" in names and measured is not None and made is not None and made.dim() == 2:
            names += ["ax", "oax"]
            scalars += [axes(measured), axes(made)]
        beside = _beside(given)
        if beside is not None and beside.device == first.device:
            names += ["blo", "bhi"]
            scalars += [beside.min().float(), beside.max().float()]
        made_by, made_with = self._made(root, measured) if measured is not None else (None, None)
        root.judges_made = root.judges_made or made_with is not None
        if measured is not None and root.judges_made and measured.device == first.device:
            self._shows(root, measured, made_by, made_with is not None)
            few = thin(measured, 65_536)
            names += ["bm", "bz", "ao"]
            scalars += [
                (few < -1 - SLACK).float().mean(),
                (few < -SLACK).float().mean(),
                (few > 1 + SLACK).float().mean(),
            ]
        last, root.last_input = root.last_input, weakref.ref(given[0])
        loader = self.recorder.loaders.feeding()
        base = first._base
        row: dict[str, Any] = {
            "m": root.index,
            "s": self.recorder.step,
            "win": base is not None and base.numel() > first.numel() and base.dim() > 0,
            "share": round(first.numel() / base.numel(), 4) if base is not None and base.numel() else None,
            "new": last is not None and last() is not given[0],
            "ld": loader,
            "site": site,
        }
        if made_with is not None:
            row |= {"by": made_by, "mw": made_with}
        if made is not None:
            self.made, self.given = (root, made), first
            if first.dim() == 1 and len(self.columns) < groups.COLUMNS and groups.of_ids(first):
                self.columns.append(first.detach())
            if made.dim() == 2 and made.shape[1] == 1:
                self.valued = root, made
            self.may_denoise(root, module, given, made)
            row["os"] = list(made.shape)
        if measured is not None:
            row |= {"shape": list(measured.shape), "dt": str(measured.dtype).removeprefix("torch.")}

        def write(values: list[float]) -> None:
            row["fp"] = f"{values[0]:.9g}:{values[1]:.9g}:{values[2]:.9g}"
            self.recorder.row("in", **row, **dict(zip(names, map(number, values[3:]), strict=False)))

        self.recorder.reader.read(scalars, write)

    def may_denoise(self, root: Root, module: nn.Module, given: list[torch.Tensor], made: torch.Tensor) -> None:
        """It made the shape of its input anew, and was given numbers beside it, one for each example: time steps?"""
        if made.dim() < 2:
            return
        alike = next((one for one in given if one.shape == made.shape and one.is_floating_point()), None)
        numbers = [one.detach() for one in given if one.shape[:1] == made.shape[:1] and one.numel() == made.shape[0]]
        if alike is None or alike.numel() == made.shape[0] or not numbers or made.shape[0] < BESIDE:
            return
        if len(numbers) > 1 and made.is_cpu:  # classes have fewer values
            numbers.sort(key=lambda one: len(set(tolist(one.flatten()[:256]))), reverse=True)
        self.noised = root, made, alike.detach(), numbers[0]
        place = next(place for place, one in enumerate(given) if one.data_ptr() == numbers[0].data_ptr())
        self.denoiser = Denoiser(root.index, module, place, len(given))

    def _shows(self, root: Root, measured: torch.Tensor, maker: int | None, made: bool) -> None:
        """Keep some rows of the first data, and of the first generated examples, of this step."""
        if measured.dim() > 1 and len(measured) >= FEWEST and (maker is not None or not made):
            rows = measured.detach()[:COMPARED].flatten(1)
            kept = self.shown.setdefault(root.index, {})
            kept.setdefault(maker if made else None, rows[:, :: -(-rows.shape[1] // WIDEST)].float().clone())

    def _compare(self) -> None:
        """How far apart are generated examples, and how far are data from the nearest of them?"""
        for model, kept in self.shown.items():
            data = kept.pop(None, None)
            for maker, rows in kept.items():
                if data is None or rows.shape[1] != data.shape[1] or rows.device != data.device:
                    continue
                count = min(len(data), len(rows))
                real, made = data[:count], rows[:count]
                among, between, others = torch.cdist(real, real), torch.cdist(real, made), torch.cdist(made, made)
                own = among + torch.diag(torch.full((count,), torch.inf, device=real.device))
                pairs = count * (count - 1)
                nearest = [own.min(1).values.mean(), between.min(1).values.mean()]
                row = {"m": model, "by": maker, "s": self.recorder.step, "n": count}

                def write(values: list[float], row: dict[str, Any] = row) -> None:
                    if all(map(math.isfinite, values)):
                        self.recorder.row("gc", **row, **dict(zip("dgar", map(number, values), strict=True)))

                self.recorder.reader.read([among.sum() / pairs, others.sum() / pairs, *nearest], write)
        self.shown.clear()

    def _made(self, root: Root, given: torch.Tensor) -> tuple[int | None, str | None]:
        """(the other model that made it, the operation by which, empty if it was detached since); None for data."""
        maker = self.outputs.get(StorageWeakRef(given.untyped_storage()))
        if maker == root.index:
            return None, None
        node = producer(given.grad_fn)
        return maker, node.name() if node is not None else "" if maker is not None else None


def rows_differ(tensor: torch.Tensor) -> bool:
    """There are rows enough to be compared."""
    return tensor.is_floating_point() and tensor.dim() >= 2 and tensor.shape[0] >= 8


def between_rows(tensor: torch.Tensor) -> torch.Tensor:
    """Deviation of a feature over the rows of a batch: root mean square over (a sample of) the features."""
    rows = tensor.detach()[:64].flatten(1)
    return rows[:, :: -(-rows.shape[1] // 1_024)].float().var(0, unbiased=False).mean().sqrt()


def between_directions(tensor: torch.Tensor) -> torch.Tensor:
    """The same of the rows' directions: 0 when all point the same way, 1 when they point everywhere."""
    rows = nn.functional.normalize(tensor.detach()[:64].flatten(1).float(), dim=1)
    return (rows - rows.mean(0)).square().sum(1).mean().sqrt()


def axes(tensor: torch.Tensor) -> torch.Tensor:
    """How many directions rows differ in: 1 on one line. Participation ratio of the covariance C: (tr C)^2 / tr C^2."""
    rows = tensor.detach()[:64].flatten(1)
    rows = rows[:, :: -(-rows.shape[1] // AXES)].float()
    rows = rows - rows.mean(0)
    with torch.autocast(rows.device.type, enabled=False):
        products = rows @ rows.T
    return products.diagonal().sum().square() / products.square().sum()


def _beside(given: list[torch.Tensor]) -> torch.Tensor | None:
    """The tensor of one number per example that a model is given beside its batch: a time step, a length, a class."""
    rows = next((tensor.shape[0] for tensor in given if tensor.dim() >= 2 and tensor.shape[0] >= 4), None)
    for tensor in given:
        if tensor.numel() == rows and tensor.shape[0] == rows and len(given) > 1:
            return tensor.detach()
    return None
