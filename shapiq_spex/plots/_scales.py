"""Axes with round numbers, linear and logarithmic ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

_INK, _FAINT, _GRID = "#1a1a1a", "#666666", "#ececec"
_MOST_TICKS = 8
_LEAST_GAP = 0.085  # between ticks, of the axis
_LEAST_FACTOR = 6.0  # that a logarithmic axis spans, to have at least two ticks
_MARGIN = 0.06  # at both ends, of the axis


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        label: What it shows.
        log: Whether it is logarithmic.
        ticks: Where to write what; by default it finds out by itself.
        limits: Where it begins and ends; by default around what is drawn.
    """

    label: str
    log: bool = False
    ticks: Mapping[float, str] | None = None
    limits: tuple[float, float] | None = None


def write(number: float) -> str:
    """Return a number as people write it."""
    digits = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:g}"  # noqa: PLR2004 a comma
    return digits.replace("-", "\N{MINUS SIGN}")


def log_ticks(low: float, high: float) -> dict[float, str]:
    """Return round numbers inside limits, such as 100, 300 and 1,000."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    step = math.ceil(len(ticks) / _MOST_TICKS)
    return {tick: write(tick) for tick in ticks[::step]}


def set_scales(axes: Axes, across: Scale, up: Scale, x: FloatArray, y: FloatArray) -> None:
    """Set both axes up around what is shown, which may be NaN."""
    _set_scale(axes.xaxis, across, x[np.isfinite(x)])
    _set_scale(axes.yaxis, up, y[np.isfinite(y)])
    axes.set_xlabel(across.label, fontsize=9.5, color=_INK, labelpad=5)
    axes.set_ylabel(up.label, fontsize=9.5, color=_INK, labelpad=5)
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=_FAINT, linewidth=0.8)
    axes.tick_params(labelsize=8.5, color=_FAINT, labelcolor=_INK, width=0.8, length=3)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _set_scale(axis: Axis, scale: Scale, shown: FloatArray) -> None:
    """Set one axis up."""
    low, high = scale.limits or _limits(shown, log=scale.log)
    kind = "log" if scale.log else "linear"
    if axis is axis.axes.xaxis:
        axis.axes.set(xscale=kind, xlim=(low, high))
    else:
        axis.axes.set(yscale=kind, ylim=(low, high))
    ticks = scale.ticks
    if ticks is None and scale.log:
        ticks = log_ticks(low, high)
    if ticks is not None:
        kept = _thin(ticks, (low, high), log=scale.log)
        axis.set_ticks(kept, [ticks[tick] for tick in kept])


def _limits(shown: FloatArray, *, log: bool) -> tuple[float, float]:
    """Return limits around what is shown."""
    numbers = np.log(shown) if log else shown
    low, high = float(numbers.min()), float(numbers.max())
    least = math.log(_LEAST_FACTOR) if log else 1e-3 * max(abs(low), abs(high)) or 1.0
    lack = max(0.0, least - (high - low)) / 2
    margin = lack or _MARGIN * (high - low)
    low, high = low - margin, high + margin
    return (math.exp(low), math.exp(high)) if log else (low, high)


def _thin(ticks: Mapping[float, str], limits: tuple[float, float], *, log: bool) -> list[float]:
    """Return the ticks that are not too near to the one before."""
    change = math.log if log else float
    least = _LEAST_GAP * (change(limits[1]) - change(limits[0]))
    kept: list[float] = []
    for tick in sorted(ticks):
        if not kept or change(tick) - change(kept[-1]) >= least:
            kept.append(tick)
    return kept
