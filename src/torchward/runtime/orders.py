"""Do the columns of one batch of numbers stand in another order than those of the batches before it?

A column (a feature of a table, a channel) is known by statistics of its values, and by how it goes with the others;
the order is another one if several columns are far from what stood in their place, and each is near what stood in one
other place, none of these taken twice. Columns that are alike say nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import torch

from torchward.runtime.tensors import tolist

STATISTICS = 8
MEAN, DEVIATION, SKEW, AT_LEAST, AT_MOST, AT_MEDIAN, LEAST, MOST = range(STATISTICS)
FLOORS = (0.15, 0.15, 0.1, 0.07, 0.07, 0.07, 0.07)
"""What is no difference, for each of features: deviations of a column, logarithms, shares, correlations. Random
parts of the same data differ by less; other days' and places' data by more, but not so that they fit another order."""
COLOURS = (0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05)
"""... of channels of images, compared with the mean of all channels, so that bright and dark images are one."""
COLOUR_NOISE = 0.25
"""Deviation from image to image of a channel less the mean of all, in deviations of pixels (photographs: 0.2)."""
FAR, NEAR, WORST = 5.0, 2.0, 5.0
"""In units of what is no difference and what varies between batches: a column is far from its place; it is near another
(root mean square over the statistics, and the largest of these)."""
CLEARLY = 0.1
"""Sum of squares that are left in the other order, as a share of those as it stands."""
FURTHER = 0.05
"""Share of the distance from its place that a column may be away from the other: of raw tables, whose columns differ by
orders of magnitude, other days' data fit as well."""
MOVED, TWO_VALUED = 2, 4
"""Columns that are far from their place, and of those with two values (yes and no) alone: the shares of a few may be
exchanged by what is measured, as where one site is trained on and another one is held out."""
RELATED = 0.15
"""Change of the correlations, root mean square, from which on these tell which order it is ..."""
STANDARDISED_MOVED = 3
"""... and alone, whatever each column was shifted and scaled by, if so many columns have moved."""
AGREED = 0.5
"""Share of the columns that moved in either of two batches that stand for the same ones in both."""
SWEEPS = 6
NEIGHBOURS, OVER_ALL = 0.5, 1.5
"""Mean absolute correlation of columns side by side, and times that of all, from which on columns are places along
something (hours, wavelengths, pixels), which may be shifted or turned on purpose."""
MIRRORED = 0.5
"""Share of the moved columns that lie so; neighbours, and those that are always blank, may be mistaken."""
SMOOTH = 0.5
"""... and so are those whose means differ from one to the next by less than this share of the mean difference of two.
In no order of their own it is 1; the hours of a day have 0.25."""
LONG = 6
"""Columns from which on that is no coincidence."""
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation that photographs are normalised with in torchvision: an order of colours after it is seen before
it."""


@dataclass(frozen=True)
class Look:
    """What is kept of a batch."""

    rows: int
    statistics: torch.Tensor
    """(statistic, column)."""
    related: torch.Tensor
    """Correlations of the columns."""
    image: bool
    features: torch.Tensor
    """(statistic, column) that go where the column goes."""

    @property
    def two_valued(self) -> torch.Tensor:
        return self.statistics[AT_LEAST] + self.statistics[AT_MOST] > 0.999


def summary(values: torch.Tensor) -> torch.Tensor:
    """Statistics and correlations of (row, column), as one vector."""
    ordered = values.T.contiguous().sort(1).values
    least, most, median = ordered[:, 0], ordered[:, -1], ordered[:, len(values) // 2]
    mean, deviation = values.mean(0), values.std(0, unbiased=False)
    scale = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    shares = [(values == one).to(values.dtype).mean(0) for one in (least, most, median)]
    standard = (values - mean) / scale
    if values.device.type == "cpu":
        related = standard.T @ standard / len(values)
    else:  # no matrix product, which may be computed in half precision where the program says so
        related = (standard[:, :, None] * standard[:, None, :]).mean(0)
    parts = [mean, deviation, (mean - median) / scale, *shares, least, most]
    return torch.cat([torch.stack(parts).flatten(), related.flatten()])


def look(rows: int, vector: list[float], columns: int, image: bool) -> Look | None:
    """From the numbers of `summary`; None where they are not finite."""
    if not all(map(math.isfinite, vector)):
        return None
    cut = STATISTICS * columns
    numbers = torch.tensor(vector, dtype=torch.float64)
    return _look(rows, numbers[:cut].view(STATISTICS, columns), numbers[cut:].view(columns, columns), image)


@dataclass(frozen=True)
class Turned:
    """The columns of a batch fit another order: column `first` is what is else in the place `then`."""

    moved: int
    columns: int
    first: int
    then: int
    pairs: tuple[int, ...] = ()
    """Place in training of each column."""

    def agrees(self, other: Turned) -> bool:
        """It is the same order, as it is of each batch where columns were mixed up; parts of the data (one class, one
        site) that happen to fit another order fit each a different one."""
        both = list(enumerate(zip(self.pairs, other.pairs, strict=True)))
        moved = [one == two for place, (one, two) in both if not one == two == place]
        return sum(moved) >= AGREED * len(moved)


class Trained:
    """Statistics of the training batches so far, or of those as they were before they were normalised."""

    def __init__(self, looks: list[Look]) -> None:
        self.image = looks[0].image
        self.rows = sorted(one.rows for one in looks)[len(looks) // 2]
        self.looks = looks
        features = torch.stack([one.features for one in looks])
        self.mean, self.between = features.mean(0), features.std(0)
        self.lowest, self.highest = features.amin(0), features.amax(0)
        deviations = torch.stack([one.statistics[DEVIATION] for one in looks])
        self.unit = deviations.mean(0)
        if self.image:
            self.unit = self.unit.mean().expand_as(self.unit)
        self.related = torch.stack([one.related for one in looks]).mean(0)
        self.two_valued = torch.stack([one.two_valued for one in looks]).all(0)
        self.constant = (deviations == 0).all(0)

    def along_something(self) -> bool:
        """Columns side by side are more alike than others: places, not features."""
        sizes = self.related.abs()
        columns = len(sizes)
        if columns < LONG:
            return False
        means = self.mean[0]
        steps = float((means - means.roll(1)).abs().mean())
        apart = float((means[:, None] - means).abs().sum()) / (columns * (columns - 1))
        if steps <= SMOOTH * apart and not bool(self.two_valued.any()):
            return True
        side_by_side = float(sizes.diagonal(1).mean())
        mean = float((sizes.sum() - sizes.diagonal().sum()) / (columns * (columns - 1)))
        return side_by_side >= NEIGHBOURS and side_by_side >= OVER_ALL * mean

    def units(self, rows: int) -> torch.Tensor:
        floors = torch.tensor(COLOURS if self.image else FLOORS, dtype=torch.float64)[:, None]
        own = (COLOUR_NOISE if self.image else 1.0) ** 2 / rows
        fixed = (floors.square() + own).expand_as(self.mean).clone()
        fixed[0] *= self.unit.square()
        units = (fixed + self.between.square() * max(1.0, self.rows / rows)).sqrt().clamp(min=1e-12)
        # Of two values, a rare one may be missing in a batch: the shares say all.
        units[DEVIATION : SKEW + 1, self.two_valued] = math.inf
        return units

    def off(self, features: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """How far each statistic is from those of the training batches at its own place, (statistic, column)."""
        return (features - self.highest).maximum(self.lowest - features).clamp(min=0) / units

    def fits(self, one: Look) -> bool:
        return not bool((self.off(one.features, self.units(one.rows)) > FAR).any())

    def goes_with(self, one: Look) -> bool:
        """The batch stands in the order of these, as far as the correlations tell, too."""
        return self.fits(one) and _change(self.related, one.related, None) < _noise(min(one.rows, self.rows))


def _noise(rows: int) -> float:
    return RELATED + 2 / math.sqrt(rows)


def _look(rows: int, statistics: torch.Tensor, correlations: torch.Tensor, image: bool) -> Look:
    related = correlations - torch.diag(correlations.diagonal())
    others = max(1, len(related) - 1)
    features = torch.stack(
        [
            statistics[MEAN],
            (statistics[DEVIATION] + 1e-6).log(),
            statistics[SKEW],
            statistics[AT_LEAST],
            statistics[AT_MEDIAN],
            related.sum(1) / others,
            related.square().sum(1) / others - 1 / rows,
        ]
    )
    if image:
        features[:2] -= features[:2].mean(1, keepdim=True)
        features[5] -= features[5].mean()
    return Look(rows, statistics, correlations, image, features)


def turned(trained: Trained, asked: Look) -> Turned | None:
    """In what order the columns of a batch stand, seen from the training batches before it; None if it is theirs, or
    not sure."""
    if trained.along_something():
        return None
    found = _by_all(trained, asked)
    if found is None and trained.image:
        before = _before_normalising([*trained.looks, asked])
        found = _by_all(Trained(before[:-1]), before[-1]) if before else None
    if found is None and not trained.image:
        found = _by_relations(trained, asked)
    return found if found is None or not _mirrored(found) else None


def _mirrored(found: Turned) -> bool:
    """The columns are the pixels of a small square picture, which was mirrored or turned round."""
    side = math.isqrt(len(found.pairs))
    if side < 4 or side**2 != len(found.pairs):
        return False
    picture, pairs = torch.arange(side**2).view(side, side), torch.tensor(found.pairs)
    ways = [one.rot90(times).flatten() for one in (picture, picture.T) for times in range(4)]
    moved = pairs != picture.flatten()
    return any(float((pairs == way)[moved].double().mean()) >= MIRRORED for way in ways[1:])


def _before_normalising(looks: list[Look]) -> list[Look]:
    """Photographs as they were from 0 to 1, if they were normalised with the numbers of ImageNet."""
    if looks[0].statistics.shape[1] != 3:
        return []
    mean, scale = (torch.tensor(numbers, dtype=torch.float64) for numbers in IMAGENET)
    least = min(float((one.statistics[LEAST] * scale + mean).min()) for one in looks)
    most = max(float((one.statistics[MOST] * scale + mean).max()) for one in looks)
    if not (-0.01 <= least <= 0.1 and 0.9 <= most <= 1.01):
        return []
    found = []
    for one in looks:
        statistics = one.statistics.clone()
        statistics[DEVIATION] *= scale
        for row in (MEAN, LEAST, MOST):
            statistics[row] = statistics[row] * scale + mean
        found.append(_look(one.rows, statistics, one.related, True))
    return found


def _by_all(trained: Trained, asked: Look) -> Turned | None:
    features, units = asked.features, trained.units(asked.rows)
    off = trained.off(features, units)
    away = (features - trained.mean) / units
    varied = ~(trained.constant | (asked.statistics[DEVIATION] == 0))
    moved = (off.amax(0) > FAR) & varied
    if int(moved.sum()) < MOVED:
        return None
    distances = (features[:, :, None] - trained.mean[:, None, :]) / units[:, None, :]
    squares = distances.square().mean(0)
    order = _assigned(squares.clamp(max=1e6))
    places = torch.arange(len(order))
    here = torch.tensor(order)
    left, at_first = squares[places, here], away.square().mean(0)
    typical = float(at_first[moved].sqrt().median())
    near = max(NEAR, FURTHER * typical)
    if bool((left.sqrt() > near).any()) or float(left.sum()) > CLEARLY * float(at_first.sum()):
        return None
    if bool((distances.abs().amax(0)[places, here] > WORST * near / NEAR).any()):
        return None
    moved &= here != places
    two_valued = trained.two_valued & asked.two_valued
    if int((moved & ~two_valued).sum()) < MOVED and int(moved.sum()) < TWO_VALUED:
        return None
    if trained.image and bool((trained.constant | (asked.statistics[DEVIATION] == 0)).any()):
        return None
    stays, goes = _change(trained.related, asked.related, None), _change(trained.related, asked.related, here)
    if max(stays, goes) >= _noise(asked.rows) and goes > stays / 2:
        return None  # how they go together says that each is in its place: other data, not another order
    return _told(moved, here, at_first)


def _by_relations(trained: Trained, asked: Look) -> Turned | None:
    """Whatever each column was shifted and scaled by: by the form of its distribution and its correlations alone."""
    columns = len(trained.related)
    noise = _noise(asked.rows)
    stays = _change(trained.related, asked.related, None)
    if columns < STANDARDISED_MOVED + 1 or stays < noise:
        return None
    features, units = asked.features[SKEW:], trained.units(asked.rows)[SKEW:]
    distances = (features[:, :, None] - trained.mean[SKEW:][:, None, :]) / units[:, None, :]
    order = _assigned(distances.square().mean(0).clamp(max=1e6))
    order = _refined(order, trained.related, asked.related, distances.square().mean(0) / columns)
    places, here = torch.arange(columns), torch.tensor(order)
    goes = _change(trained.related, asked.related, here)
    if goes**2 > CLEARLY * stays**2 or goes > noise / 2:
        return None
    left = distances.square().mean(0)[places, here].sqrt()
    if bool((left > NEAR).any()) or bool((distances.abs().amax(0)[places, here] > WORST).any()):
        return None
    # A column has moved if it goes with others otherwise than what stood in its place.
    change = (asked.related - trained.related).square().mean(1).sqrt()
    moved = (here != places) & (change >= noise)
    return _told(moved, here, change) if int(moved.sum()) >= STANDARDISED_MOVED else None


def _told(moved: torch.Tensor, here: torch.Tensor, away: torch.Tensor) -> Turned:
    first = int((away * moved).argmax())
    return Turned(int(moved.sum()), len(here), first, int(here[first]), tuple(tolist(here)))


def _change(trained: torch.Tensor, asked: torch.Tensor, here: torch.Tensor | None) -> float:
    """Root mean square of the differences of two matrices of correlations."""
    if here is not None:
        trained = trained[here][:, here]
    pairs = len(trained) * (len(trained) - 1)
    change = (trained - asked).square()
    return math.sqrt(float(change.sum() - change.diagonal().sum()) / pairs)


def _refined(order: list[int], trained: torch.Tensor, asked: torch.Tensor, costs: torch.Tensor) -> list[int]:
    """Exchange two as long as the correlations then fit better: columns that look alike differ in what they go with."""
    places = torch.arange(len(order))

    def left(here: torch.Tensor) -> float:
        return _change(trained, asked, here) + 1e-3 * float(costs[places, here].clamp(max=1e3).sum())

    here = torch.tensor(order)
    best = left(here)
    for _ in range(SWEEPS):
        before = best
        for one, other in combinations(range(len(order)), 2):
            trial = here.clone()
            trial[one], trial[other] = here[other], here[one]
            value = left(trial)
            if value < best:
                here, best = trial, value
        if best >= before:
            break
    return [int(place) for place in here]


def _assigned(costs: torch.Tensor) -> list[int]:
    """The column for each row by which the sum is least (the Hungarian method, Kuhn 1955). By hand: what
    watches a script brings no library along, and SciPy need not be there."""
    table = tolist(costs)
    size = len(table)
    row_price, column_price = [0.0] * (size + 1), [0.0] * (size + 1)
    row_of, way = [0] * (size + 1), [0] * (size + 1)
    for row in range(1, size + 1):
        row_of[0], column = row, 0
        least, used = [math.inf] * (size + 1), [False] * (size + 1)
        while row_of[column]:
            used[column] = True
            current, step, following = row_of[column], math.inf, 0
            costs_here, price = table[current - 1], row_price[current]
            for other in range(1, size + 1):
                if used[other]:
                    continue
                value = costs_here[other - 1] - price - column_price[other]
                if value < least[other]:
                    least[other], way[other] = value, column
                if least[other] < step:
                    step, following = least[other], other
            for other in range(size + 1):
                if used[other]:
                    row_price[row_of[other]] += step
                    column_price[other] -= step
                else:
                    least[other] -= step
            column = following
        while column:
            before = way[column]
            row_of[column] = row_of[before]
            column = before
    order = [0] * size
    for column in range(1, size + 1):
        order[row_of[column] - 1] = column - 1
    return order
