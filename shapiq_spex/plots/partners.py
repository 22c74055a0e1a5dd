"""Test images beside the training images that act together on them."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

HEADINGS: Final = (
    "test image",
    "synergistic: together more than each alone",
    "redundant: each stands in for the others",
)

# all lengths are in inches
_TILE = 0.85
_BESIDE = 0.09  # between images of one group
_FRAME = 0.05  # around a test image
_BETWEEN = 0.34  # between groups
_GUTTER = 0.5  # between the columns
_MARGIN = 0.3
_LEAST_HALF = 3.1  # a heading's width
_VALUE = 0.27  # above the images
_LINE = 0.15  # of a caption
_ROW_GAP = 0.24
_HEADING = 0.36
_TITLE = 0.4
_LETTERS = 13  # that fit below an image

_INK, _FAINT = "#1a1a1a", "#666666"
_COLOURS = (_INK, "#c2410c", "#1864ab")  # orange together, blue in each other's place
_DIGITS = 3  # of the largest value


@dataclass(frozen=True, eq=False)
class Partner:
    """Training images that act together.

    Attributes:
        images: The images, each of shape ``(h, w)`` or ``(h, w, 3)``.
        captions: What to write below each.
        value: Their interaction.

    Raises:
        ValueError: If there is no image, a caption is missing or left over, an image is none, or
            the value is not finite.
    """

    images: Sequence[ArrayLike]
    captions: Sequence[str]
    value: float

    def __post_init__(self) -> None:
        """Check all there is."""
        if not 0 < len(self.images) == len(self.captions):
            msg = f"There are {len(self.captions)} captions for {len(self.images)} images."
            raise ValueError(msg)
        if not math.isfinite(self.value):
            msg = f"The value of an interaction must be finite, got {self.value}."
            raise ValueError(msg)
        for image in self.images:
            _check_image(image)


@dataclass(frozen=True, eq=False)
class PartnersRow:
    """A test image, and the training images that act together on the model's answer to it.

    Attributes:
        image: The test image, shape ``(h, w)`` or ``(h, w, 3)``.
        caption: What to write below it.
        synergistic: The groups that count for more together than each alone, strongest first.
        redundant: The groups of which each stands in for the others, strongest first.

    Raises:
        ValueError: If the image is none.
    """

    image: ArrayLike
    caption: str
    synergistic: Sequence[Partner] = ()
    redundant: Sequence[Partner] = ()

    def __post_init__(self) -> None:
        """Check the image."""
        _check_image(self.image)


@dataclass(frozen=True)
class _Layout:
    """Where things lie, in inches from the upper left.

    Attributes:
        halves: The widths of the two columns of groups.
        lines: The most lines of a caption in each row.
        top: Where the first row begins.
    """

    halves: tuple[float, float]
    lines: tuple[int, ...]
    top: float

    @property
    def left(self) -> tuple[float, float, float]:
        """Where the columns begin: the test image, and both of groups."""
        first = _MARGIN + _TILE + _GUTTER
        return _MARGIN, first, first + self.halves[0] + _GUTTER

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all."""
        return self.left[2] + self.halves[1] + _MARGIN, self.row(len(self.lines))

    def row(self, place: int) -> float:
        """Return where the images of a row begin."""
        above = sum(_VALUE + _TILE + _LINE * lines + _ROW_GAP for lines in self.lines[:place])
        return self.top + above + (_VALUE if place < len(self.lines) else 0)


def plot_partners(
    rows: Sequence[PartnersRow], *, title: str | None = None, figure: Figure | None = None
) -> Figure:
    """Draw test images, each beside the groups of training images that act on it together.

    One row for each test image: at its left the image in a frame, then the training images of its
    synergistic groups, then those of its redundant groups. Above each group stands its interaction,
    below each image its caption.

    Grey images of whole numbers from 0 to 255 (``uint8``), or of numbers from 0 to 1, are drawn
    from black to white; those of any other range from their least number to their largest. Colours
    are ``uint8``, or numbers from 0 to 1.

    Args:
        rows: The rows, at least one.
        title: What to write above all.
        figure: A figure to draw into, which gets the size that it takes; by default a new one,
            which ``pyplot`` does not know of.

    Returns:
        The figure; ``figure.savefig("partners.png", dpi=150)`` writes it.

    Raises:
        ValueError: If there is no row.
    """
    if not rows:
        msg = "There is no row to draw."
        raise ValueError(msg)
    layout = _lay_out(rows, title)
    page = _Page(layout, figure, _decimals(rows))
    if title:
        page.write(_MARGIN, _MARGIN, title, size=12, weight="bold", va="top")
    for left, heading, colour in zip(layout.left, HEADINGS, _COLOURS, strict=True):
        page.write(
            left, layout.top - 0.12, heading, size=9, color=colour, weight="bold", va="bottom"
        )
    for place, row in enumerate(rows):
        page.draw_row(place, row)
    return page.figure


def _lay_out(rows: Sequence[PartnersRow], title: str | None) -> _Layout:
    """Return where things lie."""
    sides = zip(*((row.synergistic, row.redundant) for row in rows), strict=True)
    first, second = (max(_LEAST_HALF, *map(_width, side)) for side in sides)
    lines = [
        max(
            len(_wrap(text))
            for text in (
                row.caption,
                *(text for group in (*row.synergistic, *row.redundant) for text in group.captions),
            )
        )
        for row in rows
    ]
    return _Layout((first, second), tuple(lines), _MARGIN + bool(title) * _TITLE + _HEADING)


def _width(groups: Sequence[Partner]) -> float:
    """Return how wide groups are beside each other."""
    return sum(map(_group_width, groups)) + _BETWEEN * (len(groups) - 1)


def _group_width(group: Partner) -> float:
    """Return how wide a group is."""
    return len(group.images) * (_TILE + _BESIDE) - _BESIDE


def _decimals(rows: Sequence[PartnersRow]) -> int:
    """Return how many decimals all values get: as many as show three digits of the largest."""
    values = [abs(group.value) for row in rows for group in (*row.synergistic, *row.redundant)]
    largest = max(values, default=0.0)
    return max(0, _DIGITS - 1 - math.floor(math.log10(largest))) if largest else 1


class _Page:
    """A figure on which one draws in inches from the upper left."""

    def __init__(self, layout: _Layout, figure: Figure | None, decimals: int) -> None:
        from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415, slow to import

        self.figure = NewFigure(facecolor="white") if figure is None else figure
        self._layout = layout
        self._decimals = decimals
        self._width, self._height = layout.size
        self.figure.set_size_inches(self._width, self._height)

    def write(self, left: float, top: float, text: str, **style: Any) -> None:  # noqa: ANN401 matplotlib's
        """Write a text."""
        x, y = self._place(left, top)
        self.figure.text(x, y, text, **({"color": _INK} | style))

    def draw_row(self, place: int, row: PartnersRow) -> None:
        """Draw a test image and its groups."""
        top = self._layout.row(place)
        left = self._layout.left[0]
        axes = self._draw_image(left, top, row.image, row.caption)
        axes.set_xlabel(axes.get_xlabel(), color=_INK, weight="bold", labelpad=7)
        self._draw_frame(left - _FRAME, top - _FRAME, _TILE + 2 * _FRAME)
        for side, groups in enumerate((row.synergistic, row.redundant), start=1):
            self._draw_groups(self._layout.left[side], top, groups, _COLOURS[side])

    def _draw_groups(self, left: float, top: float, groups: Sequence[Partner], colour: str) -> None:
        """Draw groups beside each other."""
        if not groups:
            style = {"size": 9, "color": _FAINT, "style": "italic", "va": "center"}
            self.write(left, top + _TILE / 2, "none found", **style)
        for group in groups:
            width = _group_width(group)
            value = f"{group.value:+.{self._decimals}f}".replace("-", "\N{MINUS SIGN}")
            self.write(left, top - 0.09, value, size=9, color=colour, va="bottom")
            self._draw_line(left, top - 0.05, width, colour)
            for image, caption in zip(group.images, group.captions, strict=True):
                self._draw_image(left, top, image, caption)
                left += _TILE + _BESIDE
            left += _BETWEEN - _BESIDE

    def _draw_image(self, left: float, top: float, image: ArrayLike, caption: str) -> Axes:
        """Draw an image with its caption below."""
        x, y = self._place(left, top + _TILE)
        axes = self.figure.add_axes((x, y, _TILE / self._width, _TILE / self._height))
        pixels, black, white = _to_pixels(image)
        axes.imshow(pixels, cmap="gray", vmin=black, vmax=white, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel("\n".join(_wrap(caption)), fontsize=8, color=_FAINT, labelpad=3)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def _draw_line(self, left: float, top: float, width: float, colour: str) -> None:
        """Draw a level line."""
        from matplotlib.lines import Line2D  # noqa: PLC0415, slow to import

        (x, y), (end, _) = self._place(left, top), self._place(left + width, top)
        self.figure.add_artist(Line2D([x, end], [y, y], color=colour, linewidth=1.6))

    def _draw_frame(self, left: float, top: float, side: float) -> None:
        """Draw the outline of a square."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415, slow to import

        (x, y), (end, low) = self._place(left, top), self._place(left + side, top + side)
        frame = Rectangle((x, low), end - x, y - low, fill=False, edgecolor=_INK, linewidth=1.8)
        self.figure.add_artist(frame)

    def _place(self, left: float, top: float) -> tuple[float, float]:
        """Return a place as matplotlib counts it: in shares of the figure, from the lower left."""
        return left / self._width, 1 - top / self._height


def _wrap(caption: str) -> list[str]:
    """Return the lines of a caption, at least one."""
    return textwrap.wrap(caption, _LETTERS) or [""]


def _check_image(image: ArrayLike) -> NDArray[Any]:
    """Return an image as an array.

    Raises:
        ValueError: If its shape, type or range is not an image's.
    """
    pixels = np.asarray(image)
    grey = pixels.ndim == 2  # noqa: PLR2004 rows and columns
    if not (grey or (pixels.ndim == 3 and pixels.shape[2] == 3)) or not pixels.size:  # noqa: PLR2004 the colours
        msg = f"An image has the shape (h, w) or (h, w, 3), got {pixels.shape}."
        raise ValueError(msg)
    if pixels.dtype.kind not in "biuf" or not np.isfinite(pixels).all():
        msg = f"An image holds finite numbers, got {pixels.dtype} with others."
        raise ValueError(msg)
    if not grey and pixels.dtype != np.uint8 and not _is_share(pixels):
        msg = f"Colours are uint8 or from 0 to 1, got {pixels.min()} to {pixels.max()}."
        raise ValueError(msg)
    return pixels


def _to_pixels(image: ArrayLike) -> tuple[NDArray[Any], float, float]:
    """Return an image as matplotlib draws it, and what is black and white in it."""
    pixels = _check_image(image)
    if pixels.dtype == np.uint8:
        return pixels, 0, 255
    pixels = pixels.astype(np.float64)
    if _is_share(pixels):
        return pixels, 0, 1
    return pixels, float(pixels.min()), float(pixels.max())


def _is_share(pixels: NDArray[Any]) -> bool:
    """Say whether all numbers are from 0 to 1."""
    return bool(pixels.min() >= 0 and pixels.max() <= 1)
