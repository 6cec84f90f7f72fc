"""The first training call of a model, kept: what it was given, what judges its output, and the same call once more."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from torchward.runtime import images, losses, sequences, terms, trials
from torchward.runtime.copies import EXAMPLES, CannotLookError, cut, duplicate, fresh, mapped
from torchward.runtime.tensors import held_bytes, item, plain, sizes, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.graph import Walk
    from torchward.runtime.models import Root
    from torchward.runtime.overflows import Overflows
    from torchward.runtime.recorder import Recorder

INPUT_BYTES = 64 * 2**20
WHOLE_BYTES = 4 * 2**20
"""Inputs up to this size are kept whole for as long as it is open whether the model takes a part of them; larger ones
where some of them show that they belong together: a matrix of all rows by all rows."""


class Capture:
    """The first training call of a root module, cut down to `EXAMPLES` examples."""

    def __init__(self, recorder: Recorder, root: Root, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self.recorder = recorder
        self.root = root
        self.module = weakref.ref(module)
        self.name = type(module).__name__
        """Kept here: a model that a function holds is gone when the run ends."""
        given = [tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if tensor.dim()]
        self.batch = given[0].shape[0] if given else 0
        self.reason = ""
        self.computed = any(tensor.requires_grad for tensor in given)
        """Its input is what another part made, and is trained together with it."""
        held = sum(map(held_bytes, given))
        self.whole: tuple[Any, Any] | None = None
        """All rows of the input, as long as it is open whether the model can be called with a part of them."""
        self.coupled = False
        """It cannot: its rows belong together, like the nodes of a graph."""
        if next(tensors_in((args, kwargs), 4, nested=True), None) is not None:
            self.reason = "it is given a nested tensor"
        elif held > INPUT_BYTES:
            self.reason = "its inputs are too large to keep"
        elif self.batch < 2:
            self.reason = "its first input holds fewer than two examples"
        else:
            self.args = cut(args, self.batch)
            self.kwargs = cut(kwargs, self.batch)
            if held <= (INPUT_BYTES if _rows_by_rows(given, self.batch) else WHOLE_BYTES) and self.batch > EXAMPLES:
                self.whole = (mapped(args, _copied), mapped(kwargs, _copied))
        self.outputs: list[torch.Tensor] | None = list(tensors_in(result))
        self.output = 0
        self.strides: tuple[Any, Any, Any] | None = None
        self.own_loss = False
        self.kind = ""
        self.target: torch.Tensor | None = None
        self.options: dict[str, Any] = {}
        device = next((tensor.device.type for tensor in given if tensor.device.type != "meta"), "cpu")
        self.autocast: tuple[str, torch.dtype] | None = None
        if torch.is_autocast_enabled(device):
            self.autocast = (device, torch.get_autocast_dtype(device))
        self.axis_is_batch = False
        self.prints: set[float] = set()
        self.lengths: set[int] = set()
        """Of the second axis of its input in several calls."""
        self.images: list[torch.Tensor] = []
        """Of several calls, so that there are enough of them."""
        self.tokens = sequences.Tokens(args, kwargs)
        self.without: list[str] = []
        """Parameters of modules that were called, and that no gradient reached."""
        self.loose = {name: thin(tensor).clone() for name, tensor in trials.loose_tensors(module)}
        """Tensors with gradients that are attributes of the model and not its parameters, as they were."""
        self.copied = trials.copied_tables(module)
        self.modes = [member.training for member in module.modules()]
        self.looks: list[tuple[int, float, float]] = []
        """(step, loss in train mode, loss in eval mode) of the kept batch, as training goes on."""
        self.own_looks: list[tuple[float, float]] = []
        """(loss in eval mode, but for batch norms of several streams, ...; loss in eval mode), at the same steps."""
        self.overflows: Overflows | None = None
        """Operations of a call that overflowed, until they are tried out."""

    @property
    def examples(self) -> int:
        return self.batch if self.coupled else min(self.batch, EXAMPLES)

    @property
    def nodes(self) -> int | None:
        """Rows of an input that belong together."""
        return self.batch if self.coupled else None

    def settle(self, model: nn.Module) -> None:
        """Before any call: where a part of the input is no input, or could do harm, the whole one is taken."""
        if self.batch > EXAMPLES and self._in_doubt(model):
            # On a GPU, a look past the end of a tensor ends the program: tried elsewhere.
            part = self._part_will_do(model, torch.Tensor.cpu)
            if not part and self.whole is None:
                raise CannotLookError("its rows belong together, and are too many to keep")
            self._take(part)

    def keep_whole(self, model: nn.Module) -> bool:
        """The model failed. Was the input cut where it must not be, and is there now the whole one?"""
        if self.whole is None:
            return False
        self._take(self._part_will_do(model, torch.Tensor.clone))
        return self.coupled

    def _take(self, part: bool) -> None:
        whole, self.whole = self.whole, None
        if whole is not None and not part:
            self.args, self.kwargs = whole
            self.coupled = True
            self.target = self.strides = None  # those of a part

    def _in_doubt(self, model: nn.Module) -> bool:
        """There is a sparse matrix; or on a GPU, integers that could be numbers of rows which a part of the input does
        not have: the ends of the edges of a graph."""
        given = list(tensors_in((self.args, self.kwargs), 4))
        if any(one.layout is not torch.strided for one in given):
            return True
        rows = [one for one in given if one.dim() and one.is_floating_point() and one.shape[0] == self.examples]
        if not any(one.device.type == "cuda" for one in rows):
            return False
        kept = [one for part in model.modules() for value in vars(part).values() for one in tensors_in(value)]
        integers = [one for one in (*given, *kept) if plain(one) and one.dtype in (torch.int64, torch.int32)]
        return any(self.examples <= int(one.max()) < self.batch for one in integers)

    def _part_will_do(self, model: nn.Module, moved: Callable[[torch.Tensor], torch.Tensor]) -> bool:
        """The model takes the first examples alone."""
        given = list(tensors_in((self.args, self.kwargs), 4))
        if any(one.layout is not torch.strided and one.shape[0] == self.batch for one in given):
            return False
        model.eval()
        try:
            if moved is torch.Tensor.cpu:
                model = duplicate(model).cpu()
            self.call(model, mapped(self.args, moved), mapped(self.kwargs, moved))
        except Exception:
            return False
        return True

    def saw_input(self, args: Any, kwargs: Any) -> None:
        """The model is called in training, this first time or again."""
        first = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        known = len(self.prints)
        if first is not None and first.dim() > 1:
            self.lengths.add(int(first.shape[1]))
        if first is not None and first.device.type == "cpu":
            self.prints.add(float(item(sizes(first).double().sum())))
        if first is not None and not self.reason and (first.device.type != "cpu" or len(self.prints) > known):
            images.gather(self.images, first)

    def saw_loss(self, loss: torch.Tensor, walked: Walk) -> bool:
        """A backward pass begins. True if this shows that a function of torch's judges one of the outputs."""
        outputs, self.outputs = self.outputs, None
        if not outputs:
            return False
        last = self.recorder.losses.last
        if last is not None and last[3].grad_fn in walked.nodes:
            even = last[3].dim() == 0 or terms.counts_evenly(loss.grad_fn, last[3].grad_fn)
            self.tokens.saw_loss(*last[:3], last[4], even, self.recorder.loaders.handed_over())
        return self._connect(outputs, loss, walked)

    def _connect(self, outputs: list[torch.Tensor], loss: torch.Tensor, walked: Walk) -> bool:
        """Which output is it that the loss judges, and by which function?"""
        for position, output in enumerate(outputs):
            if output is loss and loss.numel() == 1:
                self.output, self.own_loss = position, True
                return False
        last = self.recorder.losses.last
        if last is None:
            return False
        kind, prediction, target, value, options = last
        if (
            kind in losses.LIKELIHOODS
            or value.grad_fn not in walked.nodes
            or not plain(prediction)
            or not plain(target)
        ):
            return False
        for position, output in enumerate(outputs):
            same = output is prediction
            view = (
                plain(output)
                and output.is_contiguous()
                and prediction.numel() == output.numel()
                and prediction.untyped_storage().data_ptr() == output.untyped_storage().data_ptr()
            )
            if not (same or view) or not output.dim() or output.shape[0] != self.batch:
                continue
            self.output, self.kind, self.options = position, kind, dict(options)
            if not same:
                # The same view of fewer examples: sizes along which the batch lies shrink with it.
                if prediction.shape[0] % self.batch or target.shape[0] % self.batch:
                    return False
                per = prediction.shape[0] // self.batch
                size = (self.examples * per, *prediction.shape[1:])
                self.strides = (size, prediction.stride(), prediction.storage_offset())
            per = target.shape[0] // self.batch if target.dim() else 1
            self.target = target.detach()[: self.examples * per].clone()
            self.axis_is_batch = target.dim() >= 1 and target.shape[0] == self.batch
            return True
        return False

    def call(self, model: nn.Module, args: Any, kwargs: Any) -> list[torch.Tensor]:
        """Outputs of a call under the autocast state of the captured one."""
        context: Any = contextlib.nullcontext()
        if self.autocast is not None:
            context = torch.autocast(self.autocast[0], dtype=self.autocast[1])
        with context:
            return list(tensors_in(model(*fresh(args), **fresh(kwargs))))

    def judged(self, model: nn.Module, args: Any, kwargs: Any) -> torch.Tensor:
        """The output that the loss judges, as numbers."""
        return self.chosen(self.call(model, args, kwargs)).detach().float()

    def chosen(self, outputs: list[torch.Tensor]) -> torch.Tensor:
        """Of the outputs of a call, the one that the loss judges, else the first that may be it."""
        floating = [tensor for tensor in outputs if tensor.is_floating_point() and tensor.dim()]
        chosen = outputs[self.output] if self.output < len(outputs) else None
        if chosen is None or not chosen.is_floating_point() or not chosen.dim():
            chosen = floating[0] if floating else None
        if chosen is None:
            raise CannotLookError("the model returns no floating-point tensor besides the loss")
        return chosen

    def loss_of(self, model: nn.Module) -> torch.Tensor:
        """The loss of the kept examples, computed again as the program computes it."""
        outputs = self.call(model, self.args, self.kwargs)
        output = outputs[self.output]
        if self.own_loss:
            return output
        if self.strides is not None:
            output = torch.as_strided(output.contiguous(), *self.strides)
        function = getattr(functional, self.kind)
        options = {key: value for key, value in self.options.items() if key not in ("size_average", "reduce")}
        loss: torch.Tensor = function(output, self.target, **options)
        return loss if loss.numel() == 1 else loss.mean()

    # -- rows

    def found(self, kind: str, seconds: float, **values: Any) -> None:
        """An experiment, or a look, is done."""
        self.recorder.row(
            "probe",
            kind=kind,
            model=self.name,
            site=self.root.site,
            looked=True,
            reason="",
            seconds=round(seconds, 4),
            **values,
        )

    def cannot(self, kind: str, reason: str) -> None:
        """It was not looked at."""
        site = self.root.site
        self.recorder.row("probe", kind=kind, model=self.name, site=site, looked=False, reason=reason, seconds=0.0)


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone()


def _rows_by_rows(given: list[torch.Tensor], batch: int) -> bool:
    return any(one.shape[:2] == (batch, batch) and (one is not given[0] or len(given) > 1) for one in given)
