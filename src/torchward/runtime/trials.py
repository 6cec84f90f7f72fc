"""More experiments on a copy of the model: what its output is made of, what it reads, what it keeps between calls."""

from __future__ import annotations

import linecache
import random
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from torchward.runtime import digits, graph, sequences, shifts
from torchward.runtime.copies import CannotLookError, changed, duplicate, mapped, undisturbed
from torchward.runtime.padding import empty_tail, padding_of, tail_of
from torchward.runtime.tensors import of_user, plain, tensors_in, thin, user_frame

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
FEWEST_ROWS = 3
LAYERS = 64
COPIED = 0.5
"""Share of the elements of two tables that are equal: two that were drawn apart have none."""


def loose_tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Leaves that require gradients and are attributes of a module, alone or in a list or dict."""
    for path, member in model.named_modules():
        for name, value in list(vars(member).items()):
            if name in ("_parameters", "_buffers", "_modules"):
                continue
            where = f"{path}.{name}" if path else name
            named: list[tuple[str, Any]] = [(where, value)]
            if type(value) in (list, tuple):
                named = [(f"{where}[{place}]", one) for place, one in enumerate(value[:32])]
            elif type(value) is dict:
                named = [(f"{where}[{key!r}]", one) for key, one in list(value.items())[:32]]
            for full, one in named:
                if type(one) in (torch.Tensor, nn.Parameter) and one.is_leaf and one.requires_grad and plain(one):
                    yield full, one


def derived_tensors(model: nn.Module, held: Callable[[torch.Tensor], Any]) -> list[str]:
    """Attributes that were computed from a leaf with gradients which the model does not have and nothing holds, such as
    `nn.Parameter(...).unsqueeze(0)`. A model with such a one cannot be copied."""
    own = {id(parameter) for parameter in model.parameters()}
    found = []
    for path, member in model.named_modules():
        for name, value in list(vars(member).items()):
            if type(value) is torch.Tensor and value.grad_fn is not None and plain(value):
                leaves = graph.walk(value.grad_fn).leaves
                if leaves and not any(id(leaf) in own or held(leaf) for leaf in leaves):
                    found.append(f"{path}.{name}" if path else name)
    return found[:LAYERS]


def called_by_user(model: nn.Module, path: str) -> bool:
    """The module at `path` is called by a class of the user's own; containers of torch pass the question on."""
    while path:
        path = path.rpartition(".")[0]
        forward = type(model.get_submodule(path)).forward
        code = getattr(forward, "__code__", None)
        if code is None:
            return False
        owned = of_user(code.co_filename)
        if owned is not None:
            return owned
    return False


def copied_tables(model: nn.Module) -> list[tuple[str, str]]:
    """(embedding, linear layer) whose weights hold the same values in different memory, or did before rows were added:
    copied where they were to be shared."""
    # Not `one.weight`: to ask a layer with a parametrisation for it may change what that keeps, as spectral norm does.
    held = [(name, one, one._parameters.get("weight")) for name, one in model.named_modules()]
    tables = [(name, weight) for name, one, weight in held if isinstance(one, nn.Embedding) and plain(weight)]
    found = []
    for name, layer, own in held:
        if own is None or not isinstance(layer, nn.Linear) or not plain(own) or not own.requires_grad:
            continue
        for table, weight in tables:
            apart = weight is not None and weight.shape == own.shape and weight.data_ptr() != own.data_ptr()
            if weight is not None and apart and weight.requires_grad and _mostly_equal(thin(weight), thin(own)):
                found.append((table, name))
    return found


def _mostly_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    same = one == other
    return bool(same.float().mean() >= COPIED) and bool((one[same] != one[same][0]).any())


def _kept_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Numbers that a module keeps outside of its parameters and buffers."""
    return {
        f"{path}.{name}" if path else name: value
        for path, member in model.named_modules()
        for name, value in list(vars(member).items())
        if type(value) is torch.Tensor and value.is_floating_point() and value.grad_fn is None and plain(value)
    }


def leaves(model: nn.Module, capture: Capture) -> dict[str, Any]:
    """Leaves with gradients that the output comes from, besides the model's parameters, in two calls."""
    model.eval()
    own = {id(parameter) for parameter in model.parameters()}
    reached: list[dict[int, torch.Tensor]] = []
    for _ in range(2):
        with torch.enable_grad():
            outputs = capture.call(model, capture.args, capture.kwargs)
        found: dict[int, torch.Tensor] = {}
        for output in outputs:
            if output.grad_fn is not None:
                found |= {id(leaf): leaf for leaf in graph.walk(output.grad_fn).leaves if id(leaf) not in own}
        reached.append(found)
    first, second = reached
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    anew = [leaf for key, leaf in second.items() if key not in first and isinstance(leaf, nn.Parameter)]
    return {
        "anew": [names.get(id(leaf), "") for leaf in anew][:LAYERS],
        "anew_shapes": [str(tuple(leaf.shape)) for leaf in anew][:LAYERS],
        "loose": _never_trained(model, capture, first.keys() & second.keys()),
        "copied": [f"{table}, {layer}" for table, layer in capture.copied],
    }


def _never_trained(model: nn.Module, capture: Capture, reached: set[int]) -> list[str]:
    """Of the loose tensors that the output comes from, those that no optimizer holds and that are as they were."""
    original = capture.module()
    found = []
    now = dict(loose_tensors(original)) if original is not None else {}
    for name, tensor in loose_tensors(model):
        mine, before = now.get(name), capture.loose.get(name)
        if id(tensor) not in reached or mine is None or before is None:
            continue
        if torch.equal(thin(mine), before) and not capture.recorder.optimizers.holders(mine):
            found.append(name)
    return found


class _Dropouts(TorchFunctionMode):
    """Notes calls of dropout that drop something, and the innermost module of the model that makes them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names = {id(module): name for name, module in model.named_modules()}
        self.inside: list[nn.Module] = []
        self.found: dict[str, float] = {}
        self.added_masks: list[str] = []
        self.asked_for = False
        """The line that calls it says so in words: `training=True`."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in DROPOUTS:
            share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            on = kwargs.get("training", args[2] if len(args) > 2 else True)
        elif name == "scaled_dot_product_attention":
            self._look_at_mask(kwargs.get("attn_mask", args[3] if len(args) > 3 else None))
            share, on = kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0), True
        else:
            share, on = 0.0, False
        if on and share:
            frame = user_frame(sys._getframe(1))
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno or 0) if frame is not None else ""
            self.asked_for |= "training=True" in line.replace(" ", "")
            module = self.inside[-1] if self.inside else None
            self.found.setdefault(self.names.get(id(module), ""), float(share))
        return func(*args, **kwargs)

    def _look_at_mask(self, mask: Any) -> None:
        """Numbers are added to the scores, where True and False show and hide: 1 and 0 were meant as those."""
        if isinstance(mask, torch.Tensor) and mask.is_floating_point() and len(self.added_masks) < LAYERS:
            values = mask.detach().unique()
            if len(values) == 2 and bool(values[0] == 0) and bool(values[1] == 1):
                self.added_masks.append(self.names.get(id(self.inside[-1]), "") if self.inside else "")

    def watching(self, model: nn.Module, call: Callable[[], torch.Tensor]) -> torch.Tensor:
        def enter(module: nn.Module, _args: Any) -> None:
            self.inside.append(module)

        def leave(_module: nn.Module, _args: Any, _output: Any) -> None:
            self.inside.pop()

        handles = [module.register_forward_pre_hook(enter) for module in model.modules()]
        handles += [module.register_forward_hook(leave) for module in model.modules()]
        try:
            with self:
                return call()
        finally:
            for handle in handles:
                handle.remove()


def repeat(model: nn.Module, capture: Capture) -> dict[str, Any]:
    """The same call three times in eval mode: twice from the same random state, with another call in between, and once
    from another state."""
    model.eval()
    dropouts = _Dropouts(model)

    def call() -> torch.Tensor:
        return capture.judged(model, capture.args, capture.kwargs)

    with undisturbed():
        first = dropouts.watching(model, call)
    generator = torch.Generator().manual_seed(6)
    with undisturbed():
        capture.judged(model, changed(capture.args, generator), changed(capture.kwargs, generator))
    with undisturbed():
        same = call()
    with undisturbed():
        _other_random_state()
        other = call()
    if first.shape != same.shape or first.shape != other.shape:
        raise CannotLookError("the shape of the output differs from call to call")
    scale = float(first.std()) if first.numel() > 1 else 1.0
    return {
        "carried": float((same - first).abs().max()) / (scale or 1.0),
        "random": float((other - first).abs().max()) / (scale or 1.0),
        "added_masks": dropouts.added_masks,
        "dropouts": list(dropouts.found)[:LAYERS],
        "dropout": max(dropouts.found.values(), default=0.0),
        "asked_for": dropouts.asked_for,
    }


def _other_random_state() -> None:
    """Only of generators that exist: seeding a device that is not in use yet would be felt later."""
    torch.default_generator.manual_seed(5)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(5)
    random.seed(5)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(5)


def positions(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """Does a gradient of the output reach each place of a sequence? None for inputs that are none."""
    given = next(tensors_in((capture.args, capture.kwargs), 4), None)
    if given is None or not plain(given) or given.shape[0] != capture.examples:
        return None
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.RNNBase):  # cuDNN has no backward pass for them in eval mode
            module.train()
    if given.is_floating_point() and given.dim() == 3:
        leaf = given.clone().requires_grad_()
        output = _output(model, capture, sequences.replaced((capture.args, capture.kwargs), 0, leaf))
        axes = {axis: (given - given[:1]).abs().amax([0, 3 - axis]) > 0 for axis in (1, 2)}
    elif given.dtype in (torch.int64, torch.int32) and given.dim() == 2:
        rows: list[torch.Tensor] = []

        def cut(_module: nn.Module, args: Any, made: torch.Tensor) -> torch.Tensor | None:
            if rows or not args or args[0].shape != given.shape:
                return None
            rows.append(made.detach().requires_grad_())
            return rows[0]

        tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
        handles = [module.register_forward_hook(cut) for module in tables]
        try:
            output = _output(model, capture, (capture.args, capture.kwargs))
        finally:
            for handle in handles:
                handle.remove()
        if not rows:
            return None
        leaf, axes = rows[0], {1: (given != given[:1]).any(0)}
    else:
        return None
    kinds = (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)
    sequence = given.dim() == 2 or any(isinstance(module, kinds) for module in model.modules())
    generator = torch.Generator().manual_seed(4)
    weights = torch.randn(output.shape, generator=generator).to(output.device)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad((output.float() * weights).sum(), leaf, allow_unused=True)
    if gradient is None or not bool((gradient != 0).any()):
        return None  # nothing of it is read: the probe of dependence says so
    best: dict[str, Any] = {}
    for axis, varied in axes.items():
        read = gradient.abs().amax([0, 3 - axis]) > 0
        places = read.nonzero().flatten()
        ignored = int((varied & ~read).sum())
        if not best or ignored / max(1, int(varied.sum())) > best["ignored"] / max(1, best["varied"]):
            best = {
                "axis": axis,
                "length": len(read),
                "varied": int(varied.sum()),
                "ignored": ignored,
                "sequence": sequence,
                "first_read": int(places[0]),
                "last_read": int(places[-1]),
            }
    return best


def _output(model: nn.Module, capture: Capture, given: tuple[Any, Any]) -> torch.Tensor:
    with torch.enable_grad():
        outputs = capture.call(model, *given)
    chosen = capture.chosen(outputs)
    if chosen.grad_fn is None:
        raise CannotLookError("its output has no gradient")
    return chosen


def padding(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """Sequences that end in padding, given again with less of it. None for inputs without."""
    tokens, count = capture.tokens, capture.examples
    fill: int | None = 0
    numbers = tokens.ids is None
    if tokens.ids is None:
        tail = _padding_of_numbers(capture)
    else:
        if tokens.target is not None and not tokens.batch_first:
            return None
        fill = padding_of(tokens.ids)
        tail = tail_of(tokens.ids[:count], fill) if fill is not None else None
    if tail is None or tail.shape[0] != count:
        return None
    length = tail.shape[1]
    spare = tail.sum(1)
    rows = (spare > 0).nonzero().flatten()
    if len(rows) < FEWEST_ROWS:
        return None
    if numbers:  # those with the most of it
        rows = spare.argsort(descending=True)[: max(FEWEST_ROWS, len(rows) // 2)]
    shorter = length - int(spare[rows].min())
    model.eval()

    def part(tensor: torch.Tensor, keep: int) -> torch.Tensor:
        if tensor.dim() and tensor.shape[0] == count:
            tensor = tensor[rows]
        for axis, size in enumerate(tensor.shape):
            if size == length and (axis or tensor.dim() == 2):
                tensor = tensor.narrow(axis, 0, keep)
        return tensor

    def call(keep: int) -> torch.Tensor:
        args, kwargs = (mapped(value, lambda t: part(t, keep)) for value in (capture.args, capture.kwargs))
        return capture.judged(model, args, kwargs)

    whole, again, cut = call(length), call(length), call(shorter)
    if whole.shape != cut.shape:
        if whole.dim() < 2 or whole.shape[1] != length or cut.shape[1] != shorter:
            raise CannotLookError("its outputs lie along the positions of its input in an unknown way")
        real = ~tail[rows][:, :shorter]
        whole, again, cut = whole[:, :shorter][real], again[:, :shorter][real], cut[real]
    scale = float(whole.std()) or 1.0
    change = (cut - whole).abs()
    # What is packed is padded anew, up to the longest of those that are there: beside longer ones.
    beside = capture.judged(model, capture.args, capture.kwargs)
    if beside.dim() and beside.shape[0] == count and beside[rows].shape == whole.shape:
        change = torch.maximum(change, (beside[rows] - whole).abs())
    if numbers:
        # What reaches the end of one sequence alone is the edge of a convolution; an average reaches all of them.
        change = change.reshape(len(change), -1).amax(1).median()
    return {
        "id": fill,
        "rows": len(rows),
        "removed": length - shorter,
        "length": length,
        "change": float(change.max()) / scale,
        "noise": float((again - whole).abs().max()) / scale,
    }


def _padding_of_numbers(capture: Capture) -> torch.Tensor | None:
    """Where sequences of numbers, (example, position, feature), hold padding. Zeros alone may be silence, or the edge
    of a picture: the model is given their lengths or a mask, too, or batches are of different lengths."""
    given = list(tensors_in((capture.args, capture.kwargs), 4))
    first = given[0] if given else None
    if first is None or not plain(first) or not first.is_floating_point() or first.dim() != 3:
        return None
    empty = empty_tail(first)
    if empty is None:
        return None
    count, length = first.shape[:2]
    tail = torch.arange(length, device=first.device) >= (length - empty)[:, None]
    for other in given[1:]:
        if not plain(other) or other.is_complex() or other.device != first.device:
            continue
        lengths = other.shape == (count,) and bool((other == length - empty).all())
        mask = other.shape == (count, length) and bool(((other != 0) == tail).all() or ((other != 0) == ~tail).all())
        if lengths or mask:
            return tail
    return tail if capture.axis_is_batch and len(capture.lengths) > 1 else None


def scales(model: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """Root mean square of what each layer with a weight matrix returns, in the order of the calls."""
    model.eval()
    names = {id(module): name for name, module in model.named_modules()}
    seen: list[tuple[str, torch.Tensor]] = []

    def keep(module: nn.Module, _args: Any, made: Any) -> None:
        tensor = next((t for t in tensors_in(made) if t.is_floating_point()), None)
        if tensor is not None and len(seen) < LAYERS:
            seen.append((names[id(module)], tensor.detach().float().square().mean().sqrt()))

    layers = [one for one in model.modules() if any(p.dim() > 1 for p in one.parameters(recurse=False))]
    handles = [one.register_forward_hook(keep) for one in layers if not isinstance(one, nn.Embedding)]
    try:
        capture.call(model, capture.args, capture.kwargs)
    finally:
        for handle in handles:
            handle.remove()
    if len(seen) < 2:
        return None
    return {"layers": [name for name, _ in seen], "scales": [float(scale) for _, scale in seen]}


def modes(early: nn.Module, capture: Capture) -> dict[str, Any] | None:
    """The model as it is by now: its loss on the kept batch in train mode (dropout off) and in eval mode, and what a
    copy of its first days says once it is given the state dict. None when the model is gone."""
    original = capture.module()
    if original is None:
        return None
    model = duplicate(original)
    before, now = _kept_tensors(early), _kept_tensors(model)
    moved = [
        name
        for name, one in now.items()
        if name in before and not torch.equal(thin(one).cpu(), thin(before[name]).cpu())
    ]
    unset = _unset(early, model)
    fields: dict[str, Any] = {"kept": moved[:LAYERS]}
    model.eval()
    first = capture.judged(model, capture.args, capture.kwargs)
    behind = shifts.behind_dropout(model, lambda: capture.call(model, capture.args, capture.kwargs))
    if behind:
        fields["behind_dropout"] = [list(one) for one in behind]
    fields |= capture.tokens.guessing(lambda: capture.call(model, capture.args, capture.kwargs), capture.examples)
    # Another input in between: what a model carries from call to call is noise here.
    generator = torch.Generator().manual_seed(7)
    capture.judged(model, changed(capture.args, generator), changed(capture.kwargs, generator))
    again = capture.judged(model, capture.args, capture.kwargs)
    early.load_state_dict(model.state_dict())
    early.eval()
    restored = capture.judged(early, capture.args, capture.kwargs)
    if restored.shape == first.shape:
        scale = float(first.std()) if first.numel() > 1 else 1.0
        fields["outside"] = float((restored - first).abs().max()) / (scale or 1.0)
        fields["noise"] = float((again - first).abs().max()) / (scale or 1.0)
    members = list(model.modules())
    digits_lost = digits.lost(duplicate(model), capture)
    if digits_lost is not None:
        fields["digits_lost"], fields["digits_in"] = digits_lost
    if len(members) == len(capture.modes) and (capture.own_loss or capture.target is not None):
        evaluation, mixed = shifts.evaluation(model, capture)
        fields |= mixed
        for module, training in zip(members, capture.modes, strict=True):
            module.training = training and not isinstance(module, nn.modules.dropout._DropoutNd)
        training_loss = float(capture.loss_of(model))
        capture.looks.append((capture.recorder.step, training_loss, evaluation))
        fields |= {
            "steps": [step for step, _, _ in capture.looks],
            "training": [value for _, value, _ in capture.looks],
            "evaluation": [value for _, _, value in capture.looks],
        }
        if unset:
            for one in unset.values():
                one.add_(1.0)
            alike = float(capture.loss_of(model)) == training_loss
            model.eval()
            if alike and float(capture.loss_of(model)) != evaluation:
                fields["unset"] = list(unset)[:LAYERS]
    return fields


def _unset(early: nn.Module, model: nn.Module) -> dict[str, torch.Tensor]:
    """What the user's modules keep besides parameters, and that has been one and the same value since the start."""
    own = {path for path, member in model.named_modules() if not type(member).__module__.startswith("torch.")}
    before, now = (_kept_tensors(one) | dict(one.named_buffers()) for one in (early, model))
    return {
        name: value
        for name, value in now.items()
        if name.rpartition(".")[0] in own
        and value.is_floating_point()
        and value.numel() > 1
        and value.is_contiguous()
        and not value.requires_grad
        and name in before
        and bool((value == value.flatten()[0]).all())
        and torch.equal(thin(value).cpu(), thin(before[name]).cpu())
    }
