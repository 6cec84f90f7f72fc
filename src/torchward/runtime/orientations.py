"""Watches dense targets, masks or maps, beside the images that a model makes its prediction of: do they lie alike?

What an image shows at a place and what its target says there go together, over pixels and examples, once what all
images share is taken away. If they do so only after the target is mirrored, turned or transposed, it lies otherwise
than its image. The prediction tells where the model itself answers: of the same place, in one that is convolutional.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from torchward.runtime.evaluations import CLASS_LOSSES
from torchward.runtime.tensors import number, plain, tensors_in

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

SMALLEST = 8
"""Pixels along each axis of an image and of a target."""
CHANNELS = 16
"""Of an image; those of more hold something else."""
USED = 4
"""Channels of an image that are looked at, ..."""
CLASSES = 12
"""... and classes or channels of a target, and of a prediction."""
GRID, CELLS = 96, 32
"""Points along each axis that are looked at, and squares of them, of which the means are compared."""
EXAMPLES = 16
"""Of a batch."""
BATCHES = 64
SOON, SOME, PART = 8, 64, 0.6
"""Batches and examples after which no more are looked at, if targets as they are reach this part of the best turn."""
FIRST = 6
"""Batches of which the prediction is looked at: later a model may have learned where its targets lie."""
ENOUGH = 4
"""Batches after which the figures are written down, each time anew."""
CALLS = 4
"""Of models in one step."""
REMEMBERED = 4_096
ROUNDING = 1e-4
"""Of the length of a feature: what is left of less is the rounding of what was taken away."""
CHAIN = 12
"""Operations from a prediction back that may have been applied to what the model returned."""
MOVES = ("Flip", "Roll", "Rot", "Transpose", "TBackward", "Index", "Gather", "Scatter", "GridSampler", "Take", "Sort")
"""Operations that may put values elsewhere."""
LAYERS = ("Convolution", "Addmm", "MmBackward", "Bmm")
CHANNELS_MOVED = ((0, 2, 3, 1), (0, 3, 1, 2))


class _Place:
    """One loss. Tensors hold sums over examples, by (turn, feature of the image, feature of the target)."""

    def __init__(self, index: int, shape: tuple[int, ...]) -> None:
        self.index = index
        self.shape = shape
        self.batches = self.examples = 0
        self.sums: torch.Tensor | None = None
        self.squares: torch.Tensor | None = None
        self.counts: torch.Tensor | None = None
        self.own: torch.Tensor | None = None
        """... of the first predictions, in place of targets."""
        self.own_counts: torch.Tensor | None = None
        self.seen: set[str] = set()
        """Marks of targets: one that comes again says nothing new."""
        self.alike = False
        """They lie as their images do, or nothing tells."""
        self.row: dict[str, Any] = {}
        self.sent: dict[str, Any] = {}


class Orientations:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.places: dict[int, _Place] = {}
        self.calls: list[tuple[torch.Tensor, list[tuple[int, tuple[int, ...], tuple[int, ...]]]]] = []
        """Of models in this sampled step: the image; memory, shape and strides of what was returned."""
        self.called = recorder.guarded("orientations", self._called)
        self.compared = recorder.guarded("orientations", self._compared)
        self.write_counts = recorder.guarded("orientations", self._write_counts)

    def end_step(self) -> None:
        self.calls.clear()

    def _called(self, args: Any, kwargs: Any, returned: list[torch.Tensor]) -> None:
        """A model was called in training, in a sampled step."""
        if len(self.calls) >= CALLS:
            del self.calls[0]
        image = next((one for one in tensors_in((args, kwargs)) if _is_image(one)), None)
        if image is not None:
            made = [one for one in returned if plain(one)]
            described = [(one.untyped_storage().data_ptr(), tuple(one.shape), one.stride()) for one in made]
            self.calls.append((image, described))

    def _compared(self, index: int, kind: str, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """A loss was told what a model should have made of its input."""
        place = self.places.get(index)
        if not self.calls or target.requires_grad or (place is not None and (place.alike or place.batches >= BATCHES)):
            return
        image, size = self._input_of(prediction, target)
        if image is None or image.device != target.device or target.is_complex() or prediction.is_complex():
            return
        values = _laid_out(target, image, size)
        if values is None:
            return
        if place is None:
            place = self.places[index] = _Place(index, tuple(values.shape[-2:]))
        if place.shape == tuple(values.shape[-2:]):
            self._look(place, image, values, prediction, kind, size)

    def _input_of(self, prediction: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor | None, tuple[int, ...]]:
        """What the model was given that made this prediction, and height and width of what it made."""
        memory = prediction.untyped_storage().data_ptr()
        for image, made in reversed(self.calls):  # memory may be used again
            for where, shape, strides in made:
                if where == memory and len(shape) >= 3 and target.shape[0] in (shape[0], target.numel()):
                    straight = prediction.dim() < 3 or prediction.stride()[-2:] == strides[-2:]
                    return (image if straight else None), shape[-2:]
        if len(self.calls) > 1 or _moved(prediction):
            return None, ()
        image, made = self.calls[0]
        sizes = [shape[-2:] for _, shape, _ in made if len(shape) >= 3]
        return image, sizes[0] if sizes else ()

    def _look(
        self,
        place: _Place,
        image: torch.Tensor,
        values: torch.Tensor,
        prediction: torch.Tensor,
        kind: str,
        size: tuple[int, ...],
    ) -> None:
        count = min(len(image), EXAMPLES)
        cells = _cells(image.shape[2], values.shape[2]), _cells(image.shape[3], values.shape[3])
        pictures = _features(image[:count, :USED], cells)
        classes = prediction.shape[1] if kind in CLASS_LOSSES and prediction.dim() > 1 else 0
        sums, squares, counts = _correlations(pictures, _described(values[:count], cells, classes))
        if place.sums is None or place.squares is None or place.counts is None:
            place.sums, place.squares, place.counts = sums, squares, counts
        elif place.sums.shape == sums.shape and place.sums.device == sums.device:
            place.sums += sums
            place.squares += squares
            place.counts = place.counts + counts
        else:
            return
        made = _prediction(prediction.detach(), image, size) if place.batches < FIRST else None
        if made is not None and (made.shape[2] == made.shape[3]) == (place.shape[0] == place.shape[1]):
            own, _, own_counts = _correlations(pictures, _described(made[:count], cells))
            if place.own is None or place.own_counts is None:
                place.own, place.own_counts = own, own_counts
            elif place.own.shape == own.shape:
                place.own += own
                place.own_counts = place.own_counts + own_counts
        place.examples += count
        place.batches += 1
        self._write(place, values[:count], classes)

    def _write(self, place: _Place, values: torch.Tensor, classes: int) -> None:
        """Marks of these targets, and for each turn the largest mean correlation, with its error."""
        few = _sampled(values).flatten(1)
        ramp = torch.arange(1, few.shape[1] + 1, device=few.device, dtype=torch.float32).sqrt()
        marks = (few.float() * ramp).sum(1)
        scalars = list(marks.unbind())
        sums, squares, counts = place.sums, place.squares, place.counts
        if sums is None or squares is None or counts is None:
            return
        mean = sums / counts.clamp(min=1)
        deviation = (squares / counts.clamp(min=1) - mean.square()).clamp(min=1e-12).sqrt()
        size = mean.abs() * (counts >= counts.max() / 4)  # a class that hardly occurs says little
        best, where = size.flatten(1).max(1)
        spread = deviation.flatten(1).gather(1, where[:, None])[:, 0]
        many = counts.flatten(1).gather(1, where[:, None])[:, 0]
        turns = len(best)
        scalars += [*best.unbind(), *spread.unbind(), *many.unbind()]
        if place.own is not None and place.own_counts is not None:
            own = (place.own / place.own_counts.clamp(min=1)).abs() * (place.own_counts > 0)
            scalars += list(own.flatten(1).amax(1).unbind())
        batches, examples, square = place.batches, place.examples, place.shape[0] == place.shape[1]

        def write(read: list[float]) -> None:
            if len(place.seen) < REMEMBERED:
                place.seen.update(f"{one:.7g}" for one in read[: len(marks)])
            rest = read[len(marks) :]
            parts = [list(map(number, rest[at : at + turns])) for at in range(0, len(rest), turns)]
            place.alike = batches >= SOON and examples >= SOME and parts[0][0] >= PART * max(parts[0])
            if batches >= ENOUGH:
                place.row = {"b": batches, "n": len(place.seen), "e": examples, "sq": square, "cl": classes}
                place.row |= {"c": parts[0], "sd": parts[1], "nb": parts[2], "own": parts[3] if len(parts) > 3 else []}

        self.recorder.reader.read(scalars, write)

    def _write_counts(self) -> None:
        for place in self.places.values():
            if place.row != place.sent:
                place.sent = place.row
                self.recorder.row("dt", i=place.index, **place.row)


def _is_image(tensor: Any) -> bool:
    return (
        plain(tensor)
        and tensor.dim() == 4
        and not tensor.requires_grad
        and not tensor.is_complex()
        and tensor.shape[0] > 1
        and tensor.shape[1] <= CHANNELS
        and min(tensor.shape[2:]) >= SMALLEST
    )


def _moved(prediction: torch.Tensor) -> bool:
    """Something may have put its values elsewhere after a layer had made them."""
    node: Any = prediction.grad_fn
    for _ in range(CHAIN):
        if node is None:
            return True
        name = node.name()
        if any(layer in name for layer in LAYERS):
            return False
        if name == "PermuteBackward0":
            if tuple(axis % 4 for axis in map(_signed, node._saved_dims)) not in CHANNELS_MOVED:
                return True
        elif any(move in name for move in MOVES):
            return True
        node = next((one for one, _ in node.next_functions if one is not None), None)
    return True


def _signed(axis: int) -> int:
    return axis - 2**64 if axis >= 2**63 else axis


def _laid_out(target: torch.Tensor, image: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor | None:
    """(example, channel, row, column) of targets that are maps of the image, on the same or another scale."""
    target, count = target.detach(), len(image)
    if target.dim() in (3, 4) and target.shape[0] == count:
        values = target[:, None] if target.dim() == 3 else target
    elif target.dim() in (1, 2) and len(size) == 2 and target.numel() == count * size[0] * size[1]:
        values = target.reshape(count, 1, *size)
    else:
        return None
    height, width = values.shape[-2:]
    if min(height, width) < SMALLEST or image.shape[2] * width != image.shape[3] * height:
        return None
    larger, smaller = max(height, image.shape[2]), min(height, image.shape[2])
    return values if larger % smaller == 0 else None


def _prediction(made: torch.Tensor, image: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor | None:
    if made.dim() == 2 and len(size) == 2 and len(made) == len(image) * size[0] * size[1]:
        return made.reshape(len(image), *size, -1).movedim(-1, 1)
    return _laid_out(made, image, size)


def _described(maps: torch.Tensor, cells: tuple[int, int], classes: int = 0) -> list[torch.Tensor]:
    """Features of a batch of maps with each turn that `facts.dense` names undone, in that order."""
    of_classes = bool(classes) and not maps.is_floating_point() and maps.dtype != torch.bool and maps.shape[1] == 1
    maps = maps if of_classes else maps[:, :CLASSES]
    numbers = torch.arange(min(classes, CLASSES), device=maps.device)[None, :, None, None]

    def features(maps: torch.Tensor) -> torch.Tensor:
        maps = _sampled(maps)
        return _features((maps == numbers).float() if of_classes else maps, cells)

    plain = features(maps)
    found = [plain, plain.flip(-1), plain.flip(-2), plain.flip((-2, -1))]
    height, width = maps.shape[-2:]
    if height == width:
        across = plain.transpose(-2, -1)
        return [*found, plain.rot90(3, (-2, -1)), plain.rot90(1, (-2, -1)), across, across.flip((-2, -1))]
    by_columns = maps.reshape(*maps.shape[:-2], width, height).transpose(-2, -1)
    by_rows = maps.transpose(-2, -1).reshape(maps.shape)
    return [*found, features(by_columns), features(by_rows)]


def _cells(one: int, other: int) -> int:
    size = min(one, other)
    return min(CELLS, max(SMALLEST, size // 2))  # a mean takes out the noise of single pixels


def _sampled(maps: torch.Tensor) -> torch.Tensor:
    """At most `GRID` rows and columns of them, that lie evenly on both sides of each middle."""
    for axis in (-2, -1):
        size = maps.shape[axis]
        if size > GRID:
            half = ((torch.arange(GRID // 2, device=maps.device) + 0.5) * (size / GRID)).long()
            maps = maps.index_select(axis, torch.cat([half, size - 1 - half.flip(0)]))
    return maps


def _features(maps: torch.Tensor, cells: tuple[int, int]) -> torch.Tensor:
    """(example, feature, row, column): means of each channel over squares, and how much all channels vary around them;
    each of length 1, or 0 where an image has nothing of its own."""
    maps = torch.nan_to_num(_sampled(maps).float(), 0.0, 0.0, 0.0)
    means = functional.adaptive_avg_pool2d(maps, cells)
    within = (functional.adaptive_avg_pool2d(maps.square(), cells) - means.square()).clamp(min=0)
    padded = functional.pad(means, (1, 1, 1, 1), mode="replicate")
    steps = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).square()
    steps = steps + (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).square()
    edges = (within + steps).sum(1, keepdim=True).sqrt()
    features = torch.cat([means, edges], 1)
    whole = _length(features)
    features = features - features.mean(0)  # what all images share
    features = features - features.mean((2, 3), keepdim=True)
    length = _length(features)
    return torch.where(length > ROUNDING * whole, features / length.clamp(min=1e-30), 0.0)


def _length(features: torch.Tensor) -> torch.Tensor:
    return features.square().sum((2, 3), keepdim=True).sqrt()


def _correlations(
    pictures: torch.Tensor, versions: list[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sums over examples of correlations, of their squares, and how many there are, by (turn, feature of the image,
    feature of the other)."""
    # No matrix product: nothing that follows the user's autocast, or the libraries that their own program loads.
    found = torch.stack([(pictures[:, :, None] * one[:, None]).sum((3, 4)) for one in versions])
    one, other = (_length(features)[:, :, 0, 0].round() for features in (pictures, versions[0]))
    there = (one[:, :, None] * other[:, None]).sum(0)
    return found.sum(1), found.square().sum(1), there.expand(len(versions), -1, -1)
