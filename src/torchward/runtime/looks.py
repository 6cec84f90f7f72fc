"""Looks at a model and its captured call that need no copy: nothing is called again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from torchward.runtime import images, losses, prompts, trials
from torchward.runtime.tensors import plain, tensors_in, thin

if TYPE_CHECKING:
    from torchward.runtime.captures import Capture

ALIKE = 0.9
"""Cosine of two weights from which on one was a copy of the other: of two that were drawn apart it is about 0."""
COLUMNS = 64
"""Columns of a table above which they are pixels, or embeddings, rather than quantities of their own."""


def chance(capture: Capture, kind: str, prediction: Any, target: Any, value: torch.Tensor) -> None:
    """The first loss, beside that of guessing."""
    if kind in losses.CLASS_LOSSES and prediction.dim() >= 2 and not target.is_floating_point():
        classes = int(prediction.shape[1])
    elif kind in losses.BINARY_LOSSES:
        classes = 2
    else:
        return
    if capture.options.get("reduction", "mean") != "mean" or capture.options.get("weight") is not None:
        return
    module = capture.module()
    loaded = capture.recorder.parameters.loaded
    pretrained = module is not None and any(part in loaded for part in module.modules())

    def write(values: list[float]) -> None:
        capture.found(
            "ChanceProbe",
            0.0,
            first_loss=values[0],
            chance=math.log(classes),
            loss_kind=kind,
            classes=classes,
            pretrained=pretrained,
            output_std=values[1],
        )

    capture.recorder.reader.read([value.detach(), prediction.detach().float().std(unbiased=False)], write)


def gradients(capture: Capture) -> None:
    """Which parameters did the step just done use without a gradient?"""
    module = capture.module()
    if module is None:
        return
    entered, shut = capture.recorder.layers.entered, capture.recorder.layers.shut
    loaded = {id(part) for top in capture.recorder.parameters.loaded for part in top.modules()}
    names: list[str] = []
    flags: list[torch.Tensor] = []
    without: list[str] = []
    uncalled: list[str] = []
    held = 0
    for path, member in module.named_modules():
        for key, parameter in member._parameters.items():
            if parameter is None or not parameter.requires_grad:
                continue
            held += 1
            name = f"{path}.{key}" if path else key
            if parameter.grad is not None:
                if plain(parameter.grad):
                    names.append(name)
                    flags.append((parameter.grad != 0).any().float())
            elif member is module or id(member) in entered or capture.recorder.models.depth:
                without.append(name)
            elif (
                id(member) in shut - loaded
                and capture.recorder.optimizers.holders(parameter)
                and not _follows(parameter, module)
            ):
                without.append(name)  # drawn at random and given to an optimizer: not frozen on purpose
            else:
                uncalled.append(name)

    def write(values: list[float]) -> None:
        if not any(values):
            return
        zero = [name for name, value in zip(names, values, strict=True) if not value]
        capture.found(
            "GradientProbe",
            0.0,
            parameters=held,
            without=without[:64],
            zero=zero[:64],
            uncalled=uncalled[:64],
        )

    if flags:
        capture.without = without[:64]
        capture.recorder.reader.read(flags, write)


def ends(capture: Capture) -> None:
    """Is the model taught where a text ends? Does the loss leave the prompt out?"""
    model = capture.module()
    found = capture.tokens.end(model) if model is not None else None
    if found is not None:
        capture.found("EndProbe", 0.0, **found)
    tokens = capture.tokens
    if tokens.ids is not None and tokens.target is not None and tokens.batch_first and tokens.shift == 1:
        capture.root.waits_for(prompts.Untaught(tokens.ids, tokens.target, tokens.ignore))
        misled = prompts.by_other_edge(tokens.ids, tokens.target, tokens.ignore)
        if misled:
            capture.found("PromptProbe", 0.0, **misled)
    found = capture.tokens.prompt() if model is not None else None
    if found is not None:
        capture.found("PromptProbe", 0.0, **found)
        if not found.get("prompt"):
            capture.root.waits_for(capture.tokens.separators())


def derived(capture: Capture) -> None:
    """Does the model use what was computed once from a weight that nothing trains?"""
    module = capture.module()
    found = trials.derived_tensors(module, capture.recorder.optimizers.holders) if module is not None else []
    if found:
        capture.found("LeafProbe", 0.0, anew=[], anew_shapes=[], loose=found, copied=[])


def inputs(capture: Capture) -> None:
    """Figures of tables and colour images that their mean and deviation do not tell."""
    given = next(tensors_in(capture.args), None) if not capture.reason else None
    if given is None or not plain(given) or not given.is_floating_point():
        return
    if given.dim() == 2:
        _columns(capture, given.float())
    found = images.scrambled(torch.cat(capture.images)) if capture.images and not capture.computed else None
    if found is not None:
        capture.found("InputProbe", 0.0, shape=list(given.shape), **found)


def _columns(capture: Capture, values: torch.Tensor) -> None:
    """Figures of a table: do its columns lie on scales of their own?"""
    if not 2 <= values.shape[1] <= COLUMNS or values.shape[0] < 8:
        return
    sizes = values.square().mean(0).sqrt().tolist()
    varied = (values.std(0) > 0).tolist()
    used = [column for column, size in enumerate(sizes) if varied[column] and math.isfinite(size)]
    if len(used) < 2:
        return
    least, most = min(used, key=lambda one: sizes[one]), max(used, key=lambda one: sizes[one])
    capture.found(
        "InputProbe",
        0.0,
        shape=list(values.shape),
        smallest_column=least,
        smallest=sizes[least],
        largest_column=most,
        largest=sizes[most],
        small_columns=sum(sizes[one] < 1e-3 * sizes[most] for one in used),
        normalised_first=bool(capture.root.norm_first),
    )


def _follows(parameter: nn.Parameter, module: nn.Module) -> bool:
    """It is much like a parameter that is trained: a copy that takes over its average (BYOL, mean teachers)."""
    own = thin(parameter).float()
    if not bool(own.any()):
        return True  # zeros tell nothing
    return any(
        other is not parameter
        and other.grad is not None
        and other.shape == parameter.shape
        and float(functional.cosine_similarity(own, thin(other).float(), dim=0)) > ALIKE
        for other in module.parameters()
    )
