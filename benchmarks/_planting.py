"""Real digits in which is planted what should be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _training_data import Data, digits

from shapiq_spex.games import Margin

if TYPE_CHECKING:
    from shapiq_spex.games import Value

    Pair = tuple[int, int]

_NOISE = 0.02  # of near-duplicates, in each pixel; the nearest neighbours differ by about 0.2
_SPREAD = 0.01  # of the test points of the exclusive ors
_CORNERS = ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0))  # a pair on each edge
_FAR = 2.0  # of the two edges from each other, the corners of an edge being 1 apart


@dataclass(frozen=True, eq=False)
class Part(Margin):
    """The mean margin of some of the test points.

    Attributes:
        rows: Their positions.
    """

    rows: tuple[int, ...] = ()

    def values(self, outputs: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        """Return the margins, shape ``(m,)``, of logits, shape ``(m, t, k)``."""
        rows = list(self.rows)
        return Margin(self.X[rows], self.y[rows]).values(outputs[:, rows], classes)


class Planted(NamedTuple):
    """A planted pair, and the value that it should show in."""

    pair: Pair
    value: Value


@dataclass(frozen=True)
class Planting:
    """Training data with planted points.

    Attributes:
        train: The training points.
        copies: Pairs of a point and its exact copy.
        near: Pairs of a point and its copy with noise.
        xors: Pairs of points on an edge of an exclusive or.
        flipped: Points with the wrong label.
        value: The mean margin of all test points that are like the base.
    """

    train: Data
    copies: list[Planted]
    near: list[Planted]
    xors: list[Planted]
    flipped: list[int]
    value: Value

    @property
    def doubled(self) -> list[Planted]:
        """Copies and near-duplicates."""
        return self.copies + self.near


def plant(seed: int, n_base: int, count: int, n_test: int = 150) -> Planting:
    """Plant copies, near-duplicates, wrong labels and exclusive ors among odd and even digits.

    Copied are points that the nearest test point rests on: the point next to it is of the other
    class. Two more features, the same for all digits, are an exclusive or for white and for black
    images: the class is odd where one of the two is 1. One point at each corner is there to train
    on, and the value is the mean margin at both ends of an edge, which needs both its points.

    Args:
        seed: Chooses the digits.
        n_base: How many digits to plant into.
        count: How many copies, near-duplicates and wrong labels there are.
        n_test: How many test points there are for the value of all.
    """
    rng = np.random.default_rng(seed)
    data = digits()
    base, rest = Data(data.X, data.y % 2).split([n_base, len(data) - n_base], rng)
    asked, first, second = _critical(base, rest, 2 * count)
    doubles = base.X[first]
    doubles[count:] += rng.normal(scale=_NOISE, size=doubles[count:].shape)
    free = np.setdiff1d(np.arange(n_base), [*first, *second])
    flipped = rng.choice(free, count, replace=False)
    labels = base.y.copy()
    labels[flipped] = 1 - labels[flipped]
    corners, xor = _corners(rest.X.shape[1])
    train = Data(
        np.concatenate([_widen(base.X), _widen(doubles), corners]),
        np.concatenate([labels, base.y[first], xor]),
    )
    others = np.setdiff1d(np.arange(len(rest)), asked)[:n_test]
    near_corners = corners + rng.normal(scale=_SPREAD, size=corners.shape)
    X = np.concatenate([_widen(rest.X[asked]), near_corners, _widen(rest.X[others])])
    y = np.concatenate([rest.y[asked], xor, rest.y[others]])

    def part(*rows: int) -> Value:
        return Part(X, y, rows=rows)

    pairs = [
        Planted((int(p), n_base + i), Margin(X, y, point=i)) for i, p in enumerate(first.tolist())
    ]
    start = 2 * count
    xors = [
        Planted((n_base + i, n_base + i + 1), part(i, i + 1))
        for i in range(start, start + len(xor), 2)
    ]
    value = part(*range(start + len(xor), len(y)))
    return Planting(train, pairs[:count], pairs[count:], xors, flipped.tolist(), value)


def _critical(base: Data, rest: Data, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return test points whose nearest point is of their class and the next one is not, and these.

    The nearest points are all different.
    """
    distances = ((rest.X[:, None] - base.X) ** 2).sum(axis=2)
    nearest = np.argsort(distances, axis=1)[:, :2]
    right = base.y[nearest] == rest.y[:, None]
    asked = np.flatnonzero(right[:, 0] & ~right[:, 1])
    _, once = np.unique(nearest[asked, 0], return_index=True)
    asked = asked[np.sort(once)][:count]
    return asked, nearest[asked, 0], nearest[asked, 1]


def _widen(X: np.ndarray) -> np.ndarray:
    """Add the two features of the exclusive or, the same for all."""
    return np.hstack([X, np.tile([0.5, 0.5 * _FAR], (len(X), 1))])


def _corners(n_pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of two exclusive ors, one of white images and one of black ones."""
    corners = np.array(_CORNERS)
    features = corners * [1.0, _FAR]
    X = [np.hstack([np.full((len(corners), n_pixels), grey), features]) for grey in (0.0, 1.0)]
    return np.concatenate(X), np.tile(corners.sum(axis=1) % 2, 2).astype(np.int64)
