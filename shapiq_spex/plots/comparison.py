"""Explanation methods beside each other: how well they do, and what that takes."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from ._lines import draw_curves
from ._notes import Places, describe, describe_missing
from ._runs import (
    band_of,
    cells_by,
    cells_of,
    check_metric,
    check_rows,
    choose_budget,
    curves_of,
    methods_of,
    number,
)
from ._scales import Scale, write
from ._styles import styles_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.figure import Figure

    from ._runs import Cell, Cells, Row

    Across = Literal["budget", "n_players", "cpu_seconds"]

_ACROSS: Final = {
    "budget": "budget (ablations)",
    "n_players": "players",
    "cpu_seconds": "CPU seconds, a point for each budget",
}
_LABELS: Final = {
    "r2": "R²",
    "r2_low": "R², low estimate",
    "r2_high": "R², high estimate",
    "r2_shifted": "R² with the best constant",
    "seconds": "seconds",
    "cpu_seconds": "CPU seconds",
    "peak_mib": "peak memory (MiB)",
    "terms": "Fourier terms",
}
_LOG: Final = ("seconds", "cpu_seconds", "peak_mib")
_TOP: Final = re.compile(r"r2_top_(\d+)")
_REMOVAL: Final = re.compile(r"removal_(\d*\.?\d+)")
_STEP = 3.0  # from a single number of terms to all of them


def plot_comparison(
    rows: Sequence[Row],
    metric: str = "r2",
    x: Across = "budget",
    *,
    methods: Sequence[str] | None = None,
    bands: bool = True,
    title: str | None = None,
) -> Figure:
    """Draw how well methods do, or what they take, one line for each.

    Points are means over games and repeats. Bands reach from the lowest to the highest repeat,
    each a mean over games; over games if there is one repeat; and if there is also one game, from
    ``r2_low`` to ``r2_high``. R² is drawn from 0 to 1, and as an open triangle where it is below.
    Where all runs of a method failed it has no point, where some did an open marker; a note below
    says which.

    Args:
        rows: One mapping for each run, with ``game``, ``n_players``, ``method``, ``budget``,
            ``repeat``, ``error`` (empty where it succeeded), and metrics, NaN where it has none.
        metric: The key of what to draw.
        x: What to draw it against: the budget; the number of players, for each the largest budget
            that it has; or the mean CPU seconds, a point for each budget.
        methods: The methods to draw, by default all.
        bands: Whether to draw bands, which say little of games that differ much.
        title: What to write above.

    Returns:
        The figure, which ``pyplot`` does not know of; ``figure.savefig("comparison.pdf")`` writes
        it.

    Raises:
        ValueError: If there are no rows, no such metric or methods, or nothing to draw.
    """
    chosen = check_rows(rows, methods)
    check_metric(rows, metric)
    if x not in _ACROSS:
        msg = f"x must be one of {', '.join(_ACROSS)}, got {x!r}."
        raise ValueError(msg)
    label = _ACROSS[x]
    if x == "n_players":
        chosen, budgets = _largest_budgets(chosen)
        label = f"{label} ({budgets})"
    key = "n_players" if x == "n_players" else "budget"
    cells = cells_by(chosen, key, metric)
    places = Places("n", "every n") if x == "n_players" else Places("budget", "every budget")
    if x == "cpu_seconds":
        across = Scale(label, log=True)
        return _draw(
            rows,
            cells,
            across,
            _up(metric),
            places,
            bands=bands,
            title=title,
            place=lambda _, cell: cell.mean(x),
        )
    ticks = {at: write(at) for row in cells.values() for at in row}
    across = Scale(label, log=True, ticks=ticks)
    return _draw(rows, cells, across, _up(metric), places, bands=bands, title=title)


def plot_sparsity(
    rows: Sequence[Row],
    *,
    budget: int | None = None,
    methods: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw how good the strongest Fourier terms of each method are, one line for each.

    Points are R² with so many terms, from the keys ``r2_top_10`` and so on, and with all of them at
    the right, from ``r2_shifted``. Bands and what is missing are as in :func:`plot_comparison`.

    Args:
        rows: The runs, as in :func:`plot_comparison`.
        budget: That of the runs to draw, by default the largest.
        methods: The methods to draw, by default all.
        title: What to write above.

    Returns:
        The figure, which ``pyplot`` does not know of; ``figure.savefig("sparsity.pdf")`` writes it.

    Raises:
        ValueError: If there are no rows, no such budget or methods, or nothing to draw.
    """
    chosen, budget = choose_budget(check_rows(rows, methods), budget)
    metrics = _numbered(rows, _TOP)
    if not metrics:
        msg = "No row has R² for a number of terms, such as r2_top_10."
        raise ValueError(msg)
    ticks = {k: write(k) for k in metrics}
    if any(math.isfinite(number(row, "r2_shifted")) for row in chosen):
        least, most = min(metrics), max(metrics)
        step = (most / least) ** (1 / (len(metrics) - 1)) if len(metrics) > 1 else _STEP
        metrics[most * step] = "r2_shifted"
        ticks[most * step] = "all"
    across = Scale("strongest Fourier terms kept, k", log=True, ticks=ticks)
    cells = cells_of(chosen, metrics)
    return _draw(rows, cells, across, _up("r2"), Places("k"), title=title, budget=budget)


def plot_removal(
    rows: Sequence[Row],
    *,
    budget: int | None = None,
    methods: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw what the removal of the players that methods find does, one line for each.

    Points are the change of the game's value, from the keys ``removal_0.1`` and so on, which are
    shares of the players; or from ``removal_5`` and so on, which are numbers of players, where
    there are no shares. Bands and what is missing are as in :func:`plot_comparison`.

    Args:
        rows: The runs, as in :func:`plot_comparison`.
        budget: That of the runs to draw, by default the largest.
        methods: The methods to draw, by default all.
        title: What to write above.

    Returns:
        The figure, which ``pyplot`` does not know of; ``figure.savefig("removal.pdf")`` writes it.

    Raises:
        ValueError: If there are no rows, no such budget or methods, or nothing to draw.
    """
    chosen, budget = choose_budget(check_rows(rows, methods), budget)
    metrics = _numbered(rows, _REMOVAL)
    shares = {share: key for share, key in metrics.items() if "." in key}
    if not metrics:
        msg = "No row has the change by a removal, such as removal_0.1."
        raise ValueError(msg)
    if shares:
        ticks = {share: _percent(share) for share in shares}
        across = Scale("players removed, r", ticks=ticks)
    else:
        ticks = {count: write(count) for count in metrics}
        across = Scale("number of players removed, r", log=min(metrics) > 0, ticks=ticks)
    up = Scale("Δ(r), higher is better")
    cells = cells_of(chosen, shares or metrics)
    return _draw(rows, cells, across, up, Places("r"), title=title, budget=budget)


def _draw(
    rows: Sequence[Row],
    cells: Cells,
    across: Scale,
    up: Scale,
    places: Places,
    *,
    title: str | None,
    bands: bool = True,
    place: Callable[[float, Cell], float] | None = None,
    budget: int | None = None,
) -> Figure:
    """Draw cells, looking as their methods do in all figures of the rows."""
    band = band_of(cells)
    curves = curves_of(cells, band, place)
    if not bands:
        curves = [replace(curve, low=curve.y, high=curve.y) for curve in curves]
    y = [float(part) for curve in curves for part in (*curve.y, *curve.low)]
    if up.log and not _are_positive(y):
        up = replace(up, log=False)
    if across.log and not _are_positive(float(x) for curve in curves for x in curve.x):
        across = replace(across, log=False)
    sentences = [] if budget is None else [f"Budget {write(budget)}."]
    sentences += describe(cells, curves, band)
    if up.limits and any((curve.y < up.limits[0]).any() for curve in curves):
        sentences.append("Triangles on the axis: below 0.")
    note = [" ".join(sentences), *describe_missing(cells, places)]
    return draw_curves(curves, styles_of(methods_of(rows)), across, up, note=note, title=title)


def _largest_budgets(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Return the runs with the largest budget of their number of players, and what to call it."""
    largest: dict[int, int] = {}
    for row in rows:
        largest[row["n_players"]] = max(row["budget"], largest.get(row["n_players"], 0))
    chosen = [row for row in rows if row["budget"] == largest[row["n_players"]]]
    low, high = (write(bound(largest.values())) for bound in (min, max))
    return chosen, f"{low} ablations" if low == high else f"{low} to {high} ablations"


def _numbered(rows: Iterable[Row], form: re.Pattern[str]) -> dict[float, str]:
    """Return the keys of one form by the number in them, in order."""
    keys = {key for row in rows for key in row}
    found = {float(match[1]): key for key in keys if (match := form.fullmatch(key))}
    return dict(sorted(found.items()))


def _up(metric: str) -> Scale:
    """Return the axis of a metric."""
    top = _TOP.fullmatch(metric)
    removal = _REMOVAL.fullmatch(metric)
    label = _LABELS.get(metric, metric.replace("_", " "))
    if top:
        label = f"R² of the {top[1]} strongest terms"
    elif removal:
        share = "." in removal[1]
        label = f"Δ({_percent(float(removal[1])) if share else removal[1]})"
    limits = (0.0, 1.0) if metric.startswith("r2") else None
    return Scale(label, log=metric in _LOG, limits=limits)


def _percent(share: float) -> str:
    """Return a share in percent."""
    return f"{write(round(100 * share, 10))}%"


def _are_positive(numbers: Iterable[float]) -> bool:
    """Say whether all numbers that are there are above 0."""
    return not any(number <= 0 for number in numbers)
