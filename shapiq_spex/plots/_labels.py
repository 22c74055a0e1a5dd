"""Where the names of lines go, so that none lies on another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Box = tuple[float, float, float, float]  # left, bottom, right, top
    Place = tuple[float, float]  # a label's left end, and the middle of its height

# all lengths are in points
_BESIDE = 9.0  # from the end of a line to its label
_NEAR = 12.0  # lines that end as near to the rightmost one are named in one column
_INSIDE = 4.0  # how far a label above or below reaches beyond the end, at least
_APART = 1.0  # from one label to the next above
_LINES = 12  # how far up or down a label may go, in steps of half its height
_ON_LINE = 6.0  # how far it goes rather than cover a point of a line
_ON_LABEL = 1e4  # as above, rather than touch a label
_OUTSIDE = 1e3  # as above, rather than leave the axes at the top or bottom


def place_labels(
    ends: ArrayLike, sizes: ArrayLike, points: ArrayLike, extent: tuple[float, float]
) -> list[Place]:
    """Return where labels go: in a column at the right, or beside a line that ends before it.

    Args:
        ends: Where the lines end, shape ``(n, 2)``.
        sizes: Widths and heights of their labels, shape ``(n, 2)``.
        points: Points on the lines, close enough to stand for them, shape ``(m, 2)``.
        extent: The least and the largest height of the middle of a label.
    """
    tips, boxes, dots = (np.asarray(a, dtype=np.float64) for a in (ends, sizes, points))
    boxes = boxes + np.array([0, _APART])
    right = float(tips[:, 0].max())
    last = np.flatnonzero(tips[:, 0] >= right - _NEAR)
    heights = spread(tips[last, 1], float(boxes[:, 1].max()), extent)
    places = {int(i): (right + _BESIDE, y) for i, y in zip(last, heights, strict=True)}
    taken = [_box(places[i], boxes[i]) for i in places]
    for i in map(int, np.argsort(-tips[:, 0], kind="stable")):
        if i not in places:
            places[i] = _find(tips[i], boxes[i], dots, taken, extent)
            taken.append(_box(places[i], boxes[i]))
    return [places[i] for i in range(len(tips))]


def spread(heights: ArrayLike, gap: float, extent: tuple[float, float]) -> list[float]:
    """Return heights in the same order, ``gap`` apart and as near as can be by least squares.

    They stay inside the extent as long as there is room.
    """
    wanted = np.asarray(heights, dtype=np.float64)
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    rest = wanted[order] - steps  # must not fall, which is isotonic regression
    n = len(rest)
    fitted = [
        max(min(rest[j : k + 1].mean() for k in range(i, n)) for j in range(i + 1))
        for i in range(n)
    ]
    low, high = extent[0], max(extent[0], extent[1] - gap * (n - 1))
    found = np.empty(n)
    found[order] = np.clip(fitted, low, high) + steps
    return [float(height) for height in found]


def _find(
    end: FloatArray,
    size: FloatArray,
    points: FloatArray,
    taken: Sequence[Box],
    extent: tuple[float, float],
) -> Place:
    """Return the place near the end of a line that covers least of what is there."""
    width, height = size
    steps = height / 2 * np.arange(-_LINES, _LINES + 1)
    beside = [(end[0] + _BESIDE, end[1] + step) for step in steps]
    around = [
        (end[0] + aside, end[1] + step)
        for step in steps
        if abs(step) >= height
        for aside in (-width / 2, _INSIDE - width, -_INSIDE)
    ]

    def cost(place: Place) -> float:
        box = _box(place, size)
        covered = sum(_overlap(box, other) for other in taken)
        outside = max(0.0, extent[0] - place[1], place[1] - extent[1])
        return (
            abs(place[1] - float(end[1]))
            + _ON_LINE * _count(points, box)
            + _ON_LABEL * covered
            + _OUTSIDE * outside
        )

    return min(beside + around, key=cost)


def _box(place: Place, size: FloatArray) -> Box:
    """Return the room that a label takes."""
    (x, y), (width, height) = place, size
    return x, y - height / 2, x + width, y + height / 2


def _overlap(first: Box, second: Box) -> bool:
    """Say whether two boxes overlap."""
    across = first[0] < second[2] and second[0] < first[2]
    return across and first[1] < second[3] and second[1] < first[3]


def _count(points: FloatArray, box: Box) -> int:
    """Return how many points are in a box."""
    left, bottom, right, top = box
    x, y = points.T
    return int(np.sum((x > left) & (x < right) & (y > bottom) & (y < top)))
