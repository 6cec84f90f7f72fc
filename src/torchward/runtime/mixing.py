"""Experiments on what an output depends on: other examples of the batch, and which of the model's inputs."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from torchward.runtime import sequences, trials
from torchward.runtime.copies import CannotLookError, changed, mapped, same_matrix
from torchward.runtime.tensors import tensors_in

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

INPUTS = 6
"""Input tensors of which each is changed by itself."""
LEAK = 1e-3
"""A change of other examples' outputs by this share of their deviation is looked into: far above float32's rounding."""
NO_CHANGE = 1e-6
"""A change of the outputs of examples that were changed themselves, in the same unit, that is none."""


def leak(model: nn.Module, capture: Capture) -> dict[str, Any]:
    """Does an output depend on other examples of the batch, or on where in it the example stands?"""
    count = capture.examples
    if len(capture.prints) == 1:
        raise CannotLookError("every step uses the same input")
    if count < 4:
        raise CannotLookError("the batch holds fewer than four examples")
    if capture.coupled:
        raise CannotLookError("its rows belong together: the model does not take a part of them")
    columns = _batch_second(capture)
    if columns:
        return _leak_across(model, capture, columns)
    time_first = _time_may_be_first(model, capture)
    if time_first and capture.root.time_first is None:
        # Whether that axis holds examples after all, its rows tell later; see MOD032.
        capture.root.time_first = _reads_along_first(model, capture)
    if not (capture.axis_is_batch or batch_first(capture)) or time_first:
        raise CannotLookError("it is not certain which axis of the input is the batch")
    model.eval()
    if capture.target is None and not capture.own_loss:
        outputs = [one for one in capture.call(model, capture.args, capture.kwargs) if one.is_floating_point()]
        if len(outputs) > 1 and any(not one.dim() or one.shape[0] < count for one in outputs):
            raise CannotLookError("one of its outputs is of all rows together, and may be what the loss judges")
    half = count // 2
    generator = torch.Generator().manual_seed(0)
    # The first half changes: a recurrent layer that takes the batch for time only carries values onwards.
    other_args = changed(capture.args, generator, rows=(half, count))
    other_kwargs = changed(capture.kwargs, generator, rows=(half, count))
    first = capture.judged(model, capture.args, capture.kwargs)
    if first.shape[0] != count:
        raise CannotLookError("the first axis of the output is not the batch")
    if count in first.shape[1:]:
        fewer = [
            mapped(given, lambda t: t[:half] if t.dim() and t.shape[0] == count else t)
            for given in (capture.args, capture.kwargs)
        ]
        if capture.judged(model, *fewer).shape[1:] != first.shape[1:]:
            raise CannotLookError("its outputs compare the examples of the batch with each other")
    again = capture.judged(model, capture.args, capture.kwargs)
    second = capture.judged(model, other_args, other_kwargs)
    scale = float(first.std()) or 1.0
    others_change = float((second[half:] - first[half:]).abs().max()) / scale
    noise = float((again - first).abs().max()) / scale
    own = float((second[:half] - first[:half]).abs().max()) / scale
    module, kind = "", ""
    # A constant output may be one because examples are mixed inside of the model: it tells nothing by itself.
    constant = float(first.abs().max()) > 0 and own < NO_CHANGE
    if constant or (others_change > LEAK and others_change > 10 * noise):

        def kept(t: torch.Tensor) -> torch.Tensor:
            """Of the unchanged examples; nothing where time may come first."""
            return t[half:] if t.dim() < 3 or t.shape[1] != count else t[:0]

        module, kind = _first_differing(model, capture, (other_args, other_kwargs), count, (kept, kept))

    order, order_module, order_kind = None, "", ""
    others = list(tensors_in((capture.args, capture.kwargs), 4))[1:]
    # States of several layers and masks hold the batch along another axis, or none at all.
    if not any(capture.batch in tensor.shape[1:] for tensor in others):
        other = tuple(
            mapped(given, lambda t: t.flip(0) if t.dim() and t.shape[0] == count else t)
            for given in (capture.args, capture.kwargs)
        )
        order = float((capture.judged(model, *other).flip(0) - first).abs().max()) / scale
        if order > LEAK and order > 10 * noise:
            picks = (lambda t: t, lambda t: t.flip(0))
            order_module, order_kind = _first_differing(model, capture, other, count, picks)
    return {
        "examples": count,
        "own_change": own,
        "leak": others_change,
        "noise": noise,
        "batch_axis": 0,
        "leaking_module": module,
        "leaking_kind": kind,
        "order_change": order,
        "order_module": order_module,
        "order_kind": order_kind,
    }


def _batch_second(capture: Capture) -> int:
    """Length of the input's second axis, where that is what loaders count in examples, and the first one is not."""
    first = next((tensor for tensor in (*tensors_in(capture.args), *tensors_in(capture.kwargs))), None)
    if first is None or first.dim() not in (2, 3) or (first.is_floating_point() and first.dim() == 2):
        return 0
    live = capture.recorder.loaders.known.values()
    trained = {one.batch_size for known in live if known.trained and (one := known.ref()) is not None}
    second = int(first.shape[1])
    return second if second >= 4 and trained == {second} and capture.batch not in _loaded_sizes(capture) else 0


def _leak_across(model: nn.Module, capture: Capture, count: int) -> dict[str, Any]:
    """The same for a batch that lies along the second axis: a layer that was told `batch_first` reads along it."""

    def turned(given: Any) -> Any:
        return mapped(given, lambda t: t.transpose(0, 1) if t.dim() > 1 and count in t.shape[:2] else t)

    model.eval()
    half = count // 2
    generator = torch.Generator().manual_seed(0)
    other = [turned(changed(turned(given), generator, rows=(half, count))) for given in (capture.args, capture.kwargs)]
    first = capture.judged(model, capture.args, capture.kwargs)
    if first.dim() < 2 or first.shape[1] != count:
        raise CannotLookError("the first axis of the output is not the batch")
    again = capture.judged(model, capture.args, capture.kwargs)
    second = capture.judged(model, *other)
    scale = float(first.std()) or 1.0
    change = (second - first).abs() / scale
    told = (nn.RNNBase, nn.MultiheadAttention)
    reads = [(name, one) for name, one in model.named_modules() if isinstance(one, told) and one.batch_first]
    name, kind = (reads[0][0], type(reads[0][1]).__name__) if reads else ("", "")
    leaks = float(change[:, half:].max())
    return {
        "examples": count,
        "own_change": float(change[:, :half].max()),
        "leak": leaks,
        "noise": float((again - first).abs().max()) / scale,
        "batch_axis": 1,
        "leaking_module": name if leaks > LEAK else "",
        "leaking_kind": kind if leaks > LEAK else "",
    }


def _loaded_sizes(capture: Capture) -> set[int | None]:
    live = [known.ref() for known in capture.recorder.loaders.known.values()]
    return {loader.batch_size for loader in live if loader is not None}


def batch_first(capture: Capture) -> bool:
    """Images and plain rows of features have their batch first; sequences need a loader that says so."""
    first = next((tensor for tensor in (*tensors_in(capture.args), *tensors_in(capture.kwargs))), None)
    if first is None:
        return False
    if first.is_floating_point() and first.dim() in (2, 4):
        return True
    return capture.batch in _loaded_sizes(capture) and (first.dim() < 2 or first.shape[1] != capture.batch)


def _first_differing(
    model: nn.Module,
    capture: Capture,
    other: tuple[Any, Any],
    count: int,
    picks: tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]],
) -> tuple[str, str]:
    """The first module to return whose output for an example is another one when the `other` batch is given.

    `picks` choose the outputs to compare, from the call as it was and from the other one.
    """
    names = {id(module): (name, type(module).__name__) for name, module in model.named_modules()}
    seen: list[list[tuple[int, torch.Tensor]]] = [[], []]
    calls = ((capture.args, capture.kwargs), other)
    for record, (args, kwargs), pick in zip(seen, calls, picks, strict=True):

        def keep(module: nn.Module, _args: Any, output: Any, record: Any = record, pick: Any = pick) -> None:
            tensor = next((t for t in tensors_in(output) if t.is_floating_point()), None)
            if tensor is not None and tensor.dim() and tensor.shape[0] == count and len(record) < 2_000:
                record.append((id(module), pick(tensor.detach()).clone()))

        handles = [module.register_forward_hook(keep) for module in model.modules()]
        try:
            capture.call(model, args, kwargs)
        finally:
            for handle in handles:
                handle.remove()
    for (key, first), (other_key, second) in zip(*seen, strict=False):
        if key == other_key and first.shape == second.shape and first.numel():
            scale = float(first.float().std()) if first.numel() > 1 else 1.0
            if float((first.float() - second.float()).abs().max()) > LEAK * (scale or 1.0):
                return names[key]
    return "", ""


def dependence(model: nn.Module, capture: Capture) -> dict[str, Any]:
    model.eval()
    generator = torch.Generator().manual_seed(1)
    first = capture.judged(model, capture.args, capture.kwargs)
    size = float(first.abs().max()) or 1.0
    count = len(list(tensors_in(capture.args))) + len(list(tensors_in(capture.kwargs)))
    other = [changed(given, generator, nodes=capture.nodes) for given in (capture.args, capture.kwargs)]
    before, after = (list(tensors_in(given, 4)) for given in ((capture.args, capture.kwargs), other))
    alike = [_alike(one, another) for one, another in zip(before, after, strict=True)]
    if all(alike):
        raise CannotLookError("all values of its input are one and the same")
    everything = capture.judged(model, *other)
    if everything.shape != first.shape:
        raise CannotLookError("the shape of the output depends on the values of the input")
    change = float((everything - first).abs().max()) / size
    if change < LEAK:
        change = max(change, _change_by_batch_statistics(model, capture, generator))
    if change < LEAK and any(same and one.layout is not torch.strided for one, same in zip(before, alike, strict=True)):
        raise CannotLookError("an input is sparse, and no other values are known for it")
    ignored = _ignored(model, capture, generator) if change > 0 and 1 < count <= INPUTS else []
    return {
        "change": change,
        "inputs": count,
        "ignored": ignored,
        "names": [_argument(model, capture.args, capture.kwargs, place) for place in ignored],
        "outputs": _outputs(model, capture) if capture.without else 0,
        "without": capture.without,
        "without_own": _left_unused(model, capture),
        "without_change": _influence(model, capture, first, generator) / size if capture.without else 0.0,
    }


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one, other) if one.layout is torch.strided else same_matrix(one, other)


def _outputs(model: nn.Module, capture: Capture) -> int:
    """Tensors that the model returns, besides a loss."""
    return sum(tensor.dim() > 0 for tensor in capture.call(model, capture.args, capture.kwargs))


def _change_by_batch_statistics(model: nn.Module, capture: Capture, generator: torch.Generator) -> float:
    """The same in the units of the batch: at the start, running statistics are those of no data, and what
    is normalised by them, layer by layer, may shrink to nothing."""
    norms = [
        one for one in model.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm) and one.track_running_stats
    ]
    if not norms or capture.examples < 2:
        return 0.0
    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # they are not updated
    first = capture.judged(model, capture.args, capture.kwargs)
    other = capture.judged(model, changed(capture.args, generator), changed(capture.kwargs, generator))
    model.eval()
    for norm in norms:
        norm.track_running_stats = True
    return float((other - first).abs().max()) / (float(first.abs().max()) or 1.0)


def _left_unused(model: nn.Module, capture: Capture) -> list[str]:
    """Those of the weights without a gradient whose layers the user's code calls, and whose output could have been
    meant for this model. What lies in a part that returns several tensors may be there for another user of it."""
    found = [name for name in capture.without if trials.called_by_user(model, name.rpartition(".")[0])]
    parts = {name: module for name, module in model.named_modules() if name}
    several: set[str] = set()

    def saw(name: str) -> Callable[..., None]:
        def hook(_module: Any, _args: Any, output: Any) -> None:
            if len(list(tensors_in(output))) > 1:
                several.add(name)

        return hook

    around = {part for name in found for part in parts if name.rpartition(".")[0].startswith(part + ".")}
    handles = [parts[part].register_forward_hook(saw(part)) for part in around]
    try:
        if around:
            capture.call(model, capture.args, capture.kwargs)
    finally:
        for handle in handles:
            handle.remove()
    return [name for name in found if not any(name.startswith(part + ".") for part in several)]


def _ignored(model: nn.Module, capture: Capture, generator: torch.Generator) -> list[int]:
    """Positions of input tensors without which every output is the same, in train and in eval mode, and with any
    weights: a zero-initialised layer is no reason."""
    if capture.own_loss:
        return []  # what it is given may be targets
    given = list(tensors_in((capture.args, capture.kwargs), 4))
    target = capture.target
    found = []
    for place, tensor in enumerate(given):
        if tensor.dtype == torch.bool or tensor.is_complex() or not tensor.dim():
            continue
        if tensor.layout is torch.strided and bool((tensor == tensor[0]).all()):
            continue
        if (
            target is not None
            and tensor.layout is torch.strided
            and target.numel() == tensor.numel()
            and bool((target.flatten() == tensor.flatten()).all())
        ):
            continue
        if tensor.layout is torch.strided and _are_lengths(tensor, given):
            continue
        new = changed(tensor, generator, nodes=capture.nodes)
        if tensor.layout is not torch.strided and same_matrix(new, tensor):
            continue
        other = sequences.replaced((capture.args, capture.kwargs), place, new)
        if _same_outputs(model, capture, other):
            found.append(place)
    if found:
        kept = [parameter.data.clone() for parameter in model.parameters()]
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device, parameter.dtype)
            parameter.data.add_(0.1 * noise)
        found = [
            place
            for place in found
            if _same_outputs(
                model,
                capture,
                sequences.replaced(
                    (capture.args, capture.kwargs), place, changed(given[place], generator, nodes=capture.nodes)
                ),
            )
        ]
        for parameter, before in zip(model.parameters(), kept, strict=True):
            parameter.data.copy_(before)
    model.eval()
    return found


def _same_outputs(model: nn.Module, capture: Capture, other: tuple[Any, Any]) -> bool:
    for training in (False, True):
        model.train(training)
        outputs = []
        for args, kwargs in ((capture.args, capture.kwargs), other):
            torch.manual_seed(0)
            random.seed(0)
            outputs.append([tensor for tensor in capture.call(model, args, kwargs) if tensor.numel()])
        if not outputs[0] or len(outputs[0]) != len(outputs[1]):
            return False
        if not all(one.shape == two.shape and torch.equal(one, two) for one, two in zip(*outputs, strict=True)):
            return False
    return True


def _influence(model: nn.Module, capture: Capture, first: torch.Tensor, generator: torch.Generator) -> float:
    """Change of the output when the parameters that got no gradient take other values: is the output made of them?

    The head of another task, or a pooling layer that nobody uses, gets no gradient either, and rightly.
    """
    again = capture.judged(model, capture.args, capture.kwargs)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    try:
        for name in capture.without:
            parameter = model.get_parameter(name).data
            kept.append((parameter, parameter.clone()))
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device, parameter.dtype)
            parameter.add_(noise * (float(parameter.float().abs().max()) or 1.0))
        other = capture.judged(model, capture.args, capture.kwargs)
    finally:
        for parameter, before in kept:
            parameter.copy_(before)
    change, chance = float((other - first).abs().max()), float((again - first).abs().max())
    return change if change > 10 * chance else 0.0


def _time_may_be_first(model: nn.Module, capture: Capture) -> bool:
    """A part of the model takes the first axis for time, and nothing tells it from the batch: the two first axes are
    equally long, or the targets have both of them as well and no loader says which one is counted in examples."""
    first = next((tensor for tensor in (*tensors_in(capture.args), *tensors_in(capture.kwargs))), None)
    if first is None or first.dim() < 2:
        return False
    target = capture.target
    both = first.dim() > 2 and target is not None and target.dim() > 1 and target.shape[1] == first.shape[1]
    if first.shape[1] != capture.batch and (not both or batch_first(capture)):
        return False
    reads = [part for part in model.modules() if isinstance(part, nn.RNNCellBase) or _is_time_first(part)]
    if first.shape[1] == capture.batch or not reads:
        return bool(reads)
    # A model that turns the axes before it hands them on says which one is which.
    half, second = capture.examples // 2, int(first.shape[1])
    shapes = _given_half(model, capture, reads)
    return not shapes or any(shape[:2] != (second, half) for _, shape in shapes)


def _reads_along_first(model: nn.Module, capture: Capture) -> tuple[str, str] | None:
    """(path, kind) of the layer that takes the first axis of the model's input for time, whatever lies between: given
    half as many rows along that axis, it is given half as much along its own first one."""
    half = capture.examples // 2
    given = _given_half(model, capture, [part for part in model.modules() if _is_time_first(part)])
    found = [part for part, shape in given if len(shape) == 3 and shape[:2] == (half, capture.batch)]
    paths = {id(part): path for path, part in model.named_modules()}
    return (paths[id(found[0])], type(found[0]).__name__) if found else None


def _given_half(model: nn.Module, capture: Capture, parts: list[nn.Module]) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """What these parts are given when the model is given half as many rows: the shapes; none if it needs all."""
    half, found = capture.examples // 2, []

    def look(module: nn.Module, args: Any, kwargs: Any) -> None:
        given = next(tensors_in((args, kwargs)), None)
        if given is not None:
            found.append((module, tuple(given.shape)))

    handles = [part.register_forward_pre_hook(look, with_kwargs=True) for part in parts]
    try:
        capture.call(
            model,
            *(
                mapped(given, lambda t: t[:half] if t.dim() and t.shape[0] == capture.examples else t)
                for given in (capture.args, capture.kwargs)
            ),
        )
    except Exception:  # it needs all of them
        return []
    finally:
        for handle in handles:
            handle.remove()
    return found


def _is_time_first(part: nn.Module) -> bool:
    """A layer of torch's that was told nothing of `batch_first`."""
    if isinstance(part, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        part = part.self_attn
    return isinstance(part, (nn.RNNBase, nn.MultiheadAttention)) and not part.batch_first


def _are_lengths(tensor: torch.Tensor, given: list[torch.Tensor]) -> bool:
    """Whole numbers, one for each example, none larger than an axis of another input."""
    if tensor.is_floating_point() or tensor.dim() != 1:
        return False
    longest = max((max(other.shape[1:], default=0) for other in given if other is not tensor), default=0)
    return int(tensor.max()) <= longest


def _argument(model: nn.Module, args: Any, kwargs: Any, place: int) -> str:
    """Name under which `forward` takes the input tensor at a position; its number where that cannot be told."""
    names = list(inspect.signature(model.forward).parameters)
    seen = 0
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        seen += len(list(tensors_in(value)))
        if place < seen:
            return str(name)
    return str(place)
