"""Watches augmented images and their masks or boxes: is an image mirrored, or turned, and its mask not?

An image is known again however it is mirrored or turned by quarters: a grid of points that lies evenly on both sides
of each middle holds the same values each time. Where these are exactly those of before in another order, it is certain
what became of the image; the same is then asked of the mask. Four numbers are known as a box by what holds for boxes in
a frame, and would not for the same numbers in other rows.
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
EVENTS = 64
"""Images that came again mirrored, with the boxes before and after, that are kept."""
BOXES = 512
FEWEST_BOXES = 64
SHUFFLES = 4
WRONG = 0.02
"""Share of rows that would hold no box in the frame if sizes belonged to other rows: else that all do says nothing."""
CENTRED = 0.02
"""Share of the frame by which a box is to move when it is mirrored."""
NEAR = 0.01
"""... by which it may be off then: some count from 0 to the width less one."""
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
MIRRORED = {1: 0, 2: 1}
"""Number of a turn along one axis -> the axis of a box, x or y, that it mirrors."""


class _Place:
    """Where images and masks meet: batches of a loader, or a model's input and the target of a loss."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Grid, Grid]] = {}
        self.together = self.image_alone = self.mask_alone = 0
        """Images that were met again, mirrored or turned with their masks, or without, or masks without images."""
        self.turn = ""
        self.sent = 0
        self.boxes: list[tuple[list[float], float, float]] = []
        """First box of an example, and the frame's width and height in pixels."""
        self.moves: list[tuple[int, torch.Tensor, torch.Tensor, float, float]] = []
        """Turn of an image, its boxes before and after, the frame."""


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
        described = _described(batch)
        if described is not None:
            self._look("loader", loader.index, *described)
            return
        for tensor in tensors_in(batch):
            if images is None:
                images = tensor if _are_images(tensor) else None
            elif _are_boxes_of(tensor, images):
                self._look("loader", loader.index, list(images), list(tensor.detach().reshape(len(tensor), -1, 4)))
                return
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
        elif images is not None and _are_boxes_of(target, images):
            self._look("loss", loss, list(images), list(target.detach().reshape(len(target), -1, 4)))

    def _look(self, kind: str, index: int, images: Any, targets: Any) -> None:
        """Batches of images and masks; or lists of images, each of a size of its own, and of their boxes."""
        place = self.places.setdefault((kind, index), _Place())
        if isinstance(images, list):
            for image, boxes in list(zip(images, targets, strict=True))[:PER_BATCH]:
                frame = float(image.shape[-1]), float(image.shape[-2])
                if len(place.boxes) < BOXES and len(boxes):
                    place.boxes.append((tolist(boxes[0].double()), *frame))
                self._meet(place, _grid(image[None]), [boxes], frame)
            return
        count = min(PER_BATCH, len(images))
        self._meet(place, _grid(images[:count]), _grid(targets[:count].reshape(count, -1, *targets.shape[-2:])), None)

    def _meet(self, place: _Place, pictures: Grid, targets: Any, frame: tuple[float, float] | None) -> None:
        flat = pictures.reshape(len(pictures), -1).double().sort(1).values
        varied = (flat.diff(dim=1) > 0).sum(1) >= VARIED
        ramp = torch.arange(1, flat.shape[1] + 1, dtype=torch.float64).sqrt()
        keys = tolist((flat * ramp).sum(1))
        for row, (key, enough) in enumerate(zip(keys, tolist(varied), strict=True)):
            name = f"{key:.9g}"
            before = place.known.get(name)
            if before is None:
                if enough and len(place.known) < REMEMBERED:
                    place.known[name] = pictures[row].clone(), targets[row].detach().clone()
            elif frame is None:
                self._compare(place, before, (pictures[row], targets[row]))
            elif len(place.moves) < EVENTS:
                became = _turn(before[0], pictures[row])
                if became in MIRRORED:
                    place.moves.append((became, before[1], targets[row].detach().clone(), *frame))

    @staticmethod
    def _compare(place: _Place, before: tuple[Grid, Grid], now: tuple[Grid, Grid]) -> None:
        turn = _turn(before[0], now[0])
        if turn is None:  # another image, or one that looks the same mirrored
            return
        became, turns = [turn], _turns(before[0])
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
            seen = place.together + place.image_alone + place.mask_alone + len(place.moves)
            if seen != place.sent:
                place.sent = seen
                counts = {"n": place.together, "im": place.image_alone, "ma": place.mask_alone, "t": place.turn}
                if place.moves:
                    counts |= _boxes_moved(place)
                self.recorder.row("fl", kind=kind, i=index, **counts)


def _turns(grid: Grid) -> tuple[tuple[str, Callable[[Grid], Grid]], ...]:
    return TURNS if grid.shape[-1] == grid.shape[-2] else TURNS[:4]


def _turn(before: Grid, now: Grid) -> int | None:
    """Number of what became of a grid; None for another one, or where it cannot be told."""
    became = [number for number, (_, turn) in enumerate(_turns(before)) if torch.equal(turn(before), now)]
    return became[0] if len(became) == 1 else None


def _boxes_moved(place: _Place) -> dict[str, Any]:
    """Where images were mirrored: did their boxes move, or stay? Nothing where four numbers may be something else."""
    kind = _kind_of_boxes([box for box, _, _ in place.boxes], [frame for _, *frame in place.boxes])
    moved = stayed = 0
    turn = ""
    for became, before, after, *pixels in place.moves if kind is not None else ():
        axis = MIRRORED[became]
        size = pixels[axis] if kind is not None and kind[1] else 1.0
        if before.shape != after.shape or not len(before):
            continue
        wanted = before.double().clone()
        if kind is not None and kind[0] == "corners":
            wanted[:, axis], wanted[:, axis + 2] = size - before[:, axis + 2].double(), size - before[:, axis].double()
        else:
            wanted[:, axis] = size - before[:, axis].double()
            if kind is not None and kind[0] == "corner and size":
                wanted[:, axis] -= before[:, axis + 2].double()
        if float((wanted - before).abs().max()) <= CENTRED * size:
            continue
        if torch.equal(before, after):
            stayed += 1
            turn = TURNS[became][0]
        elif float((wanted - after).abs().max()) <= max(NEAR * size, 1.0 if kind is not None and kind[1] else 0.0):
            moved += 1
    return {"n": moved, "im": stayed, "ma": 0, "t": turn, "box": kind[0] if kind is not None else ""}


def _kind_of_boxes(rows: list[list[float]], frames: list[list[float]]) -> tuple[str, bool] | None:
    """(how they are written, in pixels) of boxes that all lie in their frames, and would not with other rows' sizes."""
    if len(rows) < FEWEST_BOXES:
        return None
    boxes, frame = torch.tensor(rows, dtype=torch.float64), torch.tensor(frames, dtype=torch.float64)
    pixels = float(boxes.max()) > 1.5
    limit = frame if pixels else torch.ones_like(frame)
    slack = 1e-3 * limit

    def share_wrong(one: torch.Tensor, two: torch.Tensor, kind: str) -> float:
        if kind == "corners":
            wrong = (one < -slack) | (two > limit + slack) | (two <= one)
        elif kind == "corner and size":
            wrong = (one < -slack) | (one + two > limit + slack) | (two <= 0)
        else:
            wrong = (one - two / 2 < -slack) | (one + two / 2 > limit + slack) | (two <= 0)
        return float(wrong.any(1).double().mean())

    one, two = boxes[:, :2], boxes[:, 2:]
    for kind in ("corners", "centre and size", "corner and size"):
        others = (share_wrong(one, two.roll(by, 0), kind) for by in range(1, SHUFFLES + 1))
        if share_wrong(one, two, kind) == 0 and sum(others) / SHUFFLES >= WRONG:
            return kind, pixels
    return None


def _described(batch: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]] | None:
    """(images, their boxes) of a batch as detectors take it: images, and a mapping with `boxes` for each."""
    parts = list(batch) if isinstance(batch, (list, tuple)) and len(batch) == 2 else []
    if len(parts) != 2 or not isinstance(parts[0], (list, tuple, torch.Tensor)):
        return None
    images, notes = list(parts[0]), parts[1]
    if not isinstance(notes, (list, tuple)) or len(notes) != len(images) or not images:
        return None
    if not all(isinstance(note, dict) and _are_boxes(note.get("boxes")) for note in notes):
        return None
    if not all(isinstance(image, torch.Tensor) and image.dim() == 3 and _are_images(image[None]) for image in images):
        return None
    return images, [note["boxes"].detach() for note in notes]


def _are_boxes(boxes: Any) -> bool:
    # Those of torchvision are a subclass of tensors.
    return isinstance(boxes, torch.Tensor) and boxes.is_cpu and boxes.dim() == 2 and boxes.shape[1] == 4


def _are_boxes_of(tensor: torch.Tensor, images: torch.Tensor) -> bool:
    return (
        plain(tensor)
        and tensor.is_cpu
        and not tensor.requires_grad
        and tensor.is_floating_point()
        and tensor.dim() in (2, 3)
        and tensor.shape[0] == images.shape[0]
        and tensor.shape[-1] == 4
    )


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
