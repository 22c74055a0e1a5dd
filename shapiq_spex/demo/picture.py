"""The demo's picture: the digit, what single pixels do, and which pixels act together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from shapiq_spex.demo.digits import SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from shapiq import InteractionValues

    from shapiq_spex.demo.digits import Task

_FOR, _AGAINST, _INK = "#d1495b", "#2a6f97", "#333333"
_PAIRS = 9
_LARGER = 3
_STAR = 3


def draw(
    task: Task,
    explanation: InteractionValues,
    interactions: Sequence[tuple[tuple[int, ...], float]],
    *,
    title: str,
    output: Path,
) -> None:
    """Write the picture to a file.

    Args:
        task: The network and the image.
        explanation: The explanation, for the effects of single pixels.
        interactions: Groups of pixels with their values, the strongest first.
        title: What stands above.
        output: The file; its ending names the format.
    """
    groups = _choose(interactions)
    # No pyplot: its figures and backend are global state that belongs to the caller.
    figure = Figure(figsize=(12, 4.9), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=14)
    left, middle, right = figure.subplots(1, 3)
    singles = [(i, float(explanation[(i,)])) for i in range(SIDE * SIDE)]
    _draw_digit(left, task, opacity=1.0, title="The image")
    _draw_digit(middle, task, opacity=0.25, title="Each pixel on its own")
    _draw_singles(middle, singles)
    _draw_digit(right, task, opacity=0.25, title="The strongest groups acting together")
    _draw_groups(right, groups)
    _draw_legend(figure, task.digit, largest=max((len(pixels) for pixels, _ in groups), default=0))
    figure.savefig(output, dpi=100)


def _choose(
    interactions: Sequence[tuple[tuple[int, ...], float]],
) -> list[tuple[tuple[int, ...], float]]:
    """Keep the strongest of each order: pairs alone would mostly crowd out larger groups."""
    left: dict[int, int] = {2: _PAIRS}
    chosen = []
    for pixels, value in interactions:
        order = len(pixels)
        if left.setdefault(order, _LARGER) > 0:
            left[order] -= 1
            chosen.append((pixels, value))
    return chosen


def _draw_digit(axes: Axes, task: Task, *, opacity: float, title: str) -> None:
    axes.imshow(
        task.image.reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=1, alpha=opacity, origin="upper"
    )
    axes.set_title(title)
    axes.set_xticks(range(SIDE), labels=[str(i + 1) for i in range(SIDE)])
    axes.set_yticks(range(SIDE), labels=[str(i + 1) for i in range(SIDE)])
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    axes.set_xticks(np.arange(0.5, SIDE - 1), minor=True)
    axes.set_yticks(np.arange(0.5, SIDE - 1), minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelsize=8)


def _place(pixel: int) -> tuple[float, float]:
    """Return where a pixel lies in the axes of an image: column, then row."""
    row, column = divmod(pixel, SIDE)
    return float(column), float(row)


def _colour(value: float) -> str:
    return _FOR if value > 0 else _AGAINST


def _draw_singles(axes: Axes, singles: Sequence[tuple[int, float]]) -> None:
    largest = max((abs(value) for _, value in singles), default=0.0) or 1.0
    places = np.array([_place(pixel) for pixel, _ in singles])
    axes.scatter(
        places[:, 0],
        places[:, 1],
        s=[600 * abs(value) / largest for _, value in singles],
        c=[_colour(value) for _, value in singles],
        alpha=0.85,
        linewidths=0,
    )


def _draw_groups(axes: Axes, groups: Sequence[tuple[tuple[int, ...], float]]) -> None:
    largest = max((abs(value) for _, value in groups), default=0.0) or 1.0
    # The strongest are drawn last, on top.
    for pixels, value in reversed(groups):
        corners = np.array([_place(pixel) for pixel in pixels])
        # A star from the middle: for two pixels a line, and visible where three lie on a line.
        for corner in corners:
            axes.plot(
                *np.stack([corners.mean(axis=0), corner]).T,
                color=_colour(value),
                linewidth=1 + 5 * abs(value) / largest,
                solid_capstyle="round",
            )
        axes.scatter(corners[:, 0], corners[:, 1], s=30, c=_INK, zorder=3)


def _draw_legend(figure: Figure, digit: int, largest: int) -> None:
    handles = [
        Line2D([], [], color=_FOR, linewidth=4, label=f"speaks for {digit}"),
        Line2D([], [], color=_AGAINST, linewidth=4, label=f"speaks against {digit}"),
        Line2D([], [], color=_INK, marker="o", label="line: two pixels"),
    ]
    if largest >= _STAR:
        label = "star: three" if largest == _STAR else "star: three or more"
        # matplotlib's name for an asterisk of three strokes
        handles.append(
            Line2D([], [], color=_INK, marker=(3, 2, 0), ms=12, mew=2, ls="", label=label)
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
