"""Watches augmented images and their masks: is an image mirrored, or turned, and its mask not?

An image is known again however it is mirrored or turned by quarters: a grid of points that lies evenly on both sides
of each middle holds the same values each time. Where these are exactly those of before in another order, it is certain
what became of the image; the same is then asked of the mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.tensors import plain, tensors_in, tolist

if TYPE_CHECKING:
    from torchward.runtime.loaders import Loader
    from torchward.runtime.recorder import Recorder

GRID = 16
"""Points along each axis, less one where the number is odd."""
CHANNELS = 4
"""Of an image; those of more hold something else, or only some of them are taken."""
SMALLEST = 8
PER_BATCH = 32
REMEMBERED = 1_024
VARIED = 32
"""Different values in the grid: an image of few values may look like another one, mirrored, by chance."""
LABELS = 32
"""Different values in a batch of masks, at most, where nothing else tells that they are masks."""

Grid = torch.Tensor
TURNS: tuple[tuple[str, Callable[[Grid], Grid]], ...] = (
    ("", lambda grid: grid),
    ("left-right", lambda grid: grid.flip(-1)),
    ("up-down", lambda grid: grid.flip(-2)),
    ("half turn", lambda grid: grid.flip((-2, -1))),
    ("quarter turn", lambda grid: grid.rot90(1, (-2, -1))),
    ("quarter turn", lambda grid: grid.rot90(3, (-2, -1))),
    ("transposed", lambda grid: grid.transpose(-2, -1)),
    ("transposed", lambda grid: grid.rot90(2, (-2, -1)).transpose(-2, -1)),
)
"""What may become of a grid; those from the fifth on only of a square."""


class _Place:
    """Where images and masks meet: batches of a loader, or a model's input and the target of a loss."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Grid, Grid]] = {}
        self.together = self.image_alone = self.mask_alone = 0
        """Images that were met again, mirrored or turned with their masks, or without, or masks without images."""
        self.turn = ""
        self.sent = 0


class Mirrors:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.places: dict[tuple[str, int], _Place] = {}
        self.given: torch.Tensor | None = None
        """What a model was given last, in this sampled step."""

    def handed(self, loader: Loader | None, batch: Any) -> None:
        """A loader's batch in a sampled step. Masks are known by their few values."""
        if loader is None:
            return
        images = None
        for tensor in tensors_in(batch):
            if images is None:
                images = tensor if _are_images(tensor) else None
            elif _are_masks_of(tensor, images):
                few = not tensor.is_floating_point() or tensor[:2].unique().numel() <= LABELS
                if few and tensor.shape[1:] != images.shape[1:]:
                    self._look("loader", loader.index, images, tensor)
                return

    def called(self, args: Any, kwargs: Any) -> None:
        """A model was called in training, in a sampled step."""
        first = next((tensor for tensor in (*tensors_in(args), *tensors_in(kwargs)) if plain(tensor)), None)
        self.given = first if _are_images(first) else None

    def compared(self, loss: int, target: torch.Tensor) -> None:
        """A loss was told what a model should have made of its last input."""
        images, self.given = self.given, None
        if images is not None and _are_masks_of(target, images):
            self._look("loss", loss, images, target)

    def _look(self, kind: str, index: int, images: torch.Tensor, masks: torch.Tensor) -> None:
        place = self.places.setdefault((kind, index), _Place())
        count = min(PER_BATCH, len(images))
        pictures = _grid(images[:count])
        targets = _grid(masks[:count].reshape(count, -1, *masks.shape[-2:]))
        flat = pictures.reshape(count, -1).double().sort(1).values
        varied = (flat.diff(dim=1) > 0).sum(1) >= VARIED
        ramp = torch.arange(1, flat.shape[1] + 1, dtype=torch.float64).sqrt()
        keys = tolist((flat * ramp).sum(1))
        for row, (key, enough) in enumerate(zip(keys, tolist(varied), strict=True)):
            name = f"{key:.9g}"
            before = place.known.get(name)
            if before is not None:
                self._compare(place, before, (pictures[row], targets[row]))
            elif enough and len(place.known) < REMEMBERED:
                place.known[name] = pictures[row].clone(), targets[row].clone()

    @staticmethod
    def _compare(place: _Place, before: tuple[Grid, Grid], now: tuple[Grid, Grid]) -> None:
        turns = TURNS if before[0].shape[-1] == before[0].shape[-2] else TURNS[:4]
        became = [number for number, (_, turn) in enumerate(turns) if torch.equal(turn(before[0]), now[0])]
        if len(became) != 1:  # another image, or one that looks the same mirrored
            return
        masks = [number for number, (_, turn) in enumerate(turns) if torch.equal(turn(before[1]), now[1])]
        if not masks or (len(masks) > 1 and became[0] in masks):
            return  # a mask that is another one, or that looks the same mirrored, says nothing
        if masks == became:
            place.together += bool(became[0])
        elif became[0]:
            place.image_alone += 1
            place.turn = turns[became[0]][0]
        else:
            place.mask_alone += 1
            place.turn = turns[masks[0]][0]

    def write_counts(self) -> None:
        for (kind, index), place in self.places.items():
            seen = place.together + place.image_alone + place.mask_alone
            if seen != place.sent:
                place.sent = seen
                counts = {"n": place.together, "im": place.image_alone, "ma": place.mask_alone, "t": place.turn}
                self.recorder.row("fl", kind=kind, i=index, **counts)


def _are_images(tensor: Any) -> bool:
    return (
        plain(tensor)
        and tensor.is_cpu
        and tensor.dim() == 4
        and not tensor.requires_grad
        and not tensor.is_complex()
        and min(tensor.shape[2:]) >= SMALLEST
    )


def _are_masks_of(tensor: Any, images: torch.Tensor) -> bool:
    return (
        plain(tensor)
        and tensor.is_cpu
        and not tensor.requires_grad
        and tensor.dim() in (3, 4)
        and tensor.shape[0] == images.shape[0]
        and tensor.shape[-2:] == images.shape[-2:]
    )


def _grid(pictures: torch.Tensor) -> Grid:
    """Some points of each, as many on either side of the middle."""
    pictures = pictures.detach()[:, :CHANNELS]
    for axis in (-2, -1):
        size = pictures.shape[axis]
        half = [int((place + 0.5) * (size // 2) / (GRID // 2)) for place in range(GRID // 2)]
        if size // 2 < GRID // 2:
            half = list(range(size // 2))
        pictures = pictures.index_select(axis, torch.tensor([*half, *(size - 1 - place for place in reversed(half))]))
    return pictures
