"""Lines of methods, ours before the others, with their names at their ends."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ._labels import place_labels
from ._scales import set_scales, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from numpy.typing import NDArray

    from ._scales import Scale
    from ._styles import Style

    FloatArray = NDArray[np.float64]

_INK, _FAINT = "#1a1a1a", "#666666"

# inches
_SIZE = (4.6, 3.0)  # of the axes
_PAD = 0.1
_ROOM = 3.0  # around them, until it is known how much they take
# points
_NOTE = 7.5  # the size of its letters
_LETTER = 0.52  # their mean width, in sizes
_LEADER = 7.0  # labels that are further up or down have a line to their end
_DODGE = 6.5  # from one triangle to the next, at the same place
_CROWD = 34.0  # at most, of all triangles at one place
_SAMPLE = 2.0  # from one point that stands for a line to the next

_MOST_LABELS = 8
_LEAST_SHOWN = -1000.0


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn of one method: its points from left to right, NaN where it has none.

    Attributes:
        name: The method.
        x: Where the points are.
        y: How high.
        low: Where the band begins.
        high: Where it ends.
        partial: Which of them lack some runs.
    """

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray
    partial: NDArray[np.bool_]

    @property
    def last(self) -> int:
        """The point that the line ends with."""
        return int(np.flatnonzero(np.isfinite(self.y))[-1])


def draw_curves(
    curves: Sequence[Curve],
    styles: Mapping[str, Style],
    across: Scale,
    up: Scale,
    *,
    note: Sequence[str] = (),
    title: str | None = None,
) -> Figure:
    """Draw methods as lines, with their names and a note below.

    With limits, what is lower than the axis is drawn at its lower end, as an open triangle.
    """
    from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415, slow to import

    size = np.array(_SIZE) + 2 * _ROOM
    figure = NewFigure(figsize=(size[0], size[1]), facecolor="white")
    axes = figure.add_axes((*(_ROOM / size), *(_SIZE / size)))
    floor = -math.inf if up.limits is None else up.limits[0]
    # the best of ours above all
    for curve in sorted(curves, key=lambda curve: (styles[curve.name].ours, curve.y[curve.last])):
        _draw_curve(axes, curve, styles[curve.name], floor)
    x = [curve.x[np.isfinite(curve.y)] for curve in curves]
    y = [part for curve in curves for part in (curve.y, curve.low, curve.high)]
    set_scales(axes, across, up, np.concatenate(x), np.concatenate(y))
    _draw_below(axes, curves, styles, floor)
    if len(curves) > _MOST_LABELS:
        _draw_legend(axes, curves)
    else:
        _draw_labels(axes, curves, styles, floor)
    if title:
        axes.set_title(title, fontsize=11, color=_INK, fontweight="bold", loc="left", pad=10)
    _fit(figure, axes, note)
    return figure


def _draw_curve(axes: Axes, curve: Curve, style: Style, floor: float) -> None:
    """Draw the band, the line and the points of one method."""
    above = curve.y >= floor  # not where there is no point
    order = 3.0 if style.ours else 2.0
    alpha = 0.16 if style.ours else 0.1
    low, high = np.maximum(curve.low, floor), np.maximum(curve.high, floor)
    shade: dict[str, Any] = {
        "color": style.colour,
        "alpha": alpha,
        "linewidth": 0,
        "zorder": order - 1,
    }
    near = np.pad(np.isfinite(low), 1)
    alone = near[1:-1] & ~near[:-2] & ~near[2:]  # where a band would have no width
    axes.fill_between(curve.x, low, high, where=~alone, **shade)
    axes.vlines(curve.x[alone], low[alone], high[alone], style.colour, linewidth=1, alpha=0.6)
    looks: dict[str, Any] = {
        "color": style.colour,
        "marker": style.marker,
        "markersize": 5.5 if style.ours else 5,
        "clip_on": False,  # markers at the ends of the axes are whole
        "zorder": order,
    }
    axes.plot(
        curve.x,
        np.maximum(curve.y, floor),
        linewidth=2.2 if style.ours else 1.2,
        linestyle=style.dashes,
        label=curve.name,
        markeredgewidth=0,
        markevery=np.flatnonzero(above & ~curve.partial).tolist(),
        **looks,
    )
    partial = above & curve.partial
    if partial.any():
        open_: dict[str, Any] = {
            "markerfacecolor": "white",
            "linestyle": "none",
            "markeredgewidth": 1.3,
        }
        axes.plot(curve.x[partial], curve.y[partial], **looks, **open_)


def _draw_below(
    axes: Axes, curves: Sequence[Curve], styles: Mapping[str, Style], floor: float
) -> None:
    """Draw open triangles at the lower end for what is below, beside each other."""
    from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415, slow to import

    below: dict[float, list[str]] = {}
    for curve in curves:
        for x in curve.x[curve.y < floor]:
            below.setdefault(float(x), []).append(curve.name)
    for x, names in below.items():
        step = min(_DODGE, _CROWD / max(1, len(names) - 1)) / 72
        for place, name in enumerate(names):
            aside = (place - (len(names) - 1) / 2) * step
            shift = ScaledTranslation(aside, 0, axes.figure.dpi_scale_trans)
            axes.plot(
                [x],
                [floor],
                color=styles[name].colour,
                marker="v",
                markersize=5.5,
                markerfacecolor="white",
                markeredgewidth=1.3,
                linestyle="none",
                clip_on=False,
                zorder=5,
                transform=axes.transData + shift,
            )


def _draw_legend(axes: Axes, curves: Sequence[Curve]) -> None:
    """Name methods at the right, in the order in which their lines end."""
    lines = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    names = [c.name for c in sorted(curves, key=lambda curve: -curve.y[curve.last])]
    axes.legend(
        [lines[name] for name in names],
        names,
        frameon=False,
        fontsize=8.5,
        loc="center left",
        bbox_to_anchor=(1.02, 0.5),
        handlelength=3.2,
        labelspacing=0.6,
        borderaxespad=0,
    )


def _draw_labels(
    axes: Axes, curves: Sequence[Curve], styles: Mapping[str, Style], floor: float
) -> None:
    """Name each line at its end."""
    texts = [_draw_label(axes, curve, styles[curve.name], floor) for curve in curves]
    points = 72 / axes.figure.dpi
    ends = points * axes.transData.transform([text.xy for text in texts])
    sizes = points * np.array([text.get_window_extent().size for text in texts])
    box = axes.get_window_extent()
    # the lowest stays above the axis below, rather than on it
    extent = (points * box.y0 + sizes[:, 1].max() / 2, points * box.y1)
    places = place_labels(ends, sizes, _sample(axes, curves, floor), extent)
    for text, end, place in zip(texts, ends, places, strict=True):
        aside, up = (float(step) for step in place - end)
        text.set_position((aside, up))
        if abs(up) >= (_LEADER if aside > 0 else 2 * _LEADER):
            # to the beginning of a label at the right, and to the middle of one above or below
            to = (aside - 1, up) if aside > 0 else (0, up - math.copysign(0.4 * sizes[0, 1], up))
            leader = {"arrowstyle": "-", "color": text.get_color(), "linewidth": 0.6}
            leader |= {"shrinkA": 0, "shrinkB": 3}
            axes.annotate(
                "", text.xy, to, textcoords="offset points", arrowprops=leader, zorder=2
            ).set_annotation_clip(False)


def _draw_label(axes: Axes, curve: Curve, style: Style, floor: float) -> Annotation:
    """Name a line where it ends."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415, slow to import

    label = axes.annotate(
        _name(curve, floor),
        (float(curve.x[curve.last]), max(float(curve.y[curve.last]), floor)),
        (0, 0),
        textcoords="offset points",
        color=style.colour,
        fontsize=9,
        fontweight="bold" if style.ours else "normal",
        verticalalignment="center",
        zorder=6,
        annotation_clip=False,
    )
    label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    return label


def _name(curve: Curve, floor: float) -> str:
    """Return a method's label, with the number that its line ends with if it is below."""
    end = float(curve.y[curve.last])
    if end >= floor:
        return curve.name
    if end < _LEAST_SHOWN:
        return f"{curve.name} (< {write(_LEAST_SHOWN)})"
    return f"{curve.name} ({write(float(f'{end:.2g}'))})"


def _sample(axes: Axes, curves: Sequence[Curve], floor: float) -> FloatArray:
    """Return points along all lines, in points of the page."""
    parts = [np.empty((0, 2))]
    for curve in curves:
        corners = axes.transData.transform(np.c_[curve.x, np.maximum(curve.y, floor)])
        corners *= 72 / axes.figure.dpi
        corners = corners[np.isfinite(corners).all(axis=1)]
        for begin, end in pairwise(corners):
            count = 2 + int(np.hypot(*(end - begin)) / _SAMPLE)
            parts.append(np.linspace(begin, end, count))
    return np.concatenate(parts)


def _fit(figure: Figure, axes: Axes, note: Sequence[str]) -> None:
    """Write the note below, and make the figure as large as all it has."""
    inner, outer = axes.get_window_extent(), axes.get_tightbbox()
    assert outer is not None  # noqa: S101, only of axes that are hidden
    left, below, right, above = (
        np.array(
            [inner.x0 - outer.x0, inner.y0 - outer.y0, outer.x1 - inner.x1, outer.y1 - inner.y1]
        )
        / figure.dpi
        + _PAD
    )
    width, height = _SIZE[0] + left + right, _SIZE[1] + below + above
    letters = int(72 * (width - 2 * _PAD) / (_NOTE * _LETTER))
    lines = [line for part in note for line in textwrap.wrap(part, letters)]
    added = 1.4 * _NOTE / 72 * len(lines) + _PAD * bool(lines)
    height, below = height + added, below + added
    figure.set_size_inches(width, height)
    axes.set_position((left / width, below / height, _SIZE[0] / width, _SIZE[1] / height))
    if lines:
        figure.text(
            _PAD / width,
            (added - 0.02) / height,
            "\n".join(lines),
            fontsize=_NOTE,
            color=_FAINT,
            linespacing=1.3,
            verticalalignment="top",
        )
