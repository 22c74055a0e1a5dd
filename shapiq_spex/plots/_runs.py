"""Runs of explanation methods, and their means over games and repeats."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ._lines import Curve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Row = Mapping[str, Any]
Game = tuple[str, int]  # its name, and how many players it has
Band = Literal["interval", "games", "repeats"]
Cells = Mapping[str, Mapping[float, "Cell"]]  # for each method, for each number across

_KEYS: Final = ("game", "n_players", "method", "budget", "repeat")
_MOST_ERRORS = 3
_ERROR_LETTERS = 120


@dataclass(frozen=True)
class Cell:
    """What there is of one method at one place.

    Attributes:
        rows: Its runs.
        metric: The key of their values.
    """

    rows: Sequence[Row]
    metric: str

    def mean(self, key: str | None = None) -> float:
        """Return the mean over games of the mean over repeats; of the metric, if no other."""
        games = _means(self._good, _game, key or self.metric).values()
        return _mean(games)

    def band(self, kind: Band) -> tuple[float, float]:
        """Return where the band begins and ends, NaN where there is none."""
        nothing = (math.nan, math.nan)
        if not self._good:
            return nothing
        if kind == "interval":
            return (self.mean("r2_low"), self.mean("r2_high")) if self.metric == "r2" else nothing
        if kind == "games":
            means = list(_means(self._good, _game, self.metric).values())
            return min(means), max(means)
        repeats = _split(self._good, lambda row: row["repeat"])
        # a mean of other games would say nothing of chance
        most = max(len(games_of(rows)) for rows in repeats.values())
        means = [
            _mean(_means(rows, _game, self.metric).values())
            for rows in repeats.values()
            if len(games_of(rows)) == most
        ]
        return min(means), max(means)

    def state(self, games: int) -> str:
        """Return what is missing, where the other methods have so many games."""
        failed = sum(map(has_failed, self.rows))
        if failed == len(self.rows):
            return "failed"
        if not self._good:
            return "none"
        if failed:
            return "some"
        whole = len(self._good) == len(self.rows) and len(games_of(self.rows)) == games
        return "whole" if whole else "part"

    @property
    def _good(self) -> list[Row]:
        """The runs that have a value."""
        return [row for row in self.rows if math.isfinite(number(row, self.metric))]


def has_failed(row: Row) -> bool:
    """Say whether a run has an error; an empty one in a file may be read as NaN."""
    error = row.get("error")
    return isinstance(error, str) and bool(error)


def number(row: Row, key: str) -> float:
    """Return what a run has under a key, NaN if it failed or has nothing there."""
    value = row.get(key)
    return math.nan if value is None or has_failed(row) else float(value)


def check_rows(rows: Sequence[Row], methods: Sequence[str] | None) -> list[Row]:
    """Return the runs of the methods, of all by default.

    Raises:
        ValueError: If there is no row, one lacks a key, or a method has no rows.
    """
    if not rows:
        msg = "There are no rows to draw."
        raise ValueError(msg)
    for place, row in enumerate(rows):
        missing = [key for key in _KEYS if key not in row]
        if missing:
            msg = f"Row {place} has no {', '.join(missing)}."
            raise ValueError(msg)
    names = methods_of(rows)
    unknown = [name for name in methods or () if name not in names]
    if unknown or (methods is not None and not methods):
        msg = f"There are no methods {unknown}; there are {', '.join(names)}."
        raise ValueError(msg)
    return [row for row in rows if methods is None or row["method"] in methods]


def check_metric(rows: Sequence[Row], metric: str) -> None:
    """Refuse a metric that no row has.

    Raises:
        ValueError: If none has it; it says which there are.
    """
    numbers = {key for row in rows for key, value in row.items() if isinstance(value, Real)}
    metrics = sorted(numbers - {*_KEYS, "error"})
    if metric not in metrics:
        msg = f"There is no metric {metric!r}; there are {', '.join(metrics)}."
        raise ValueError(msg)


def choose_budget(rows: Sequence[Row], budget: int | None) -> tuple[list[Row], int]:
    """Return the runs with a budget, by default the largest, and the budget.

    Raises:
        ValueError: If there are none.
    """
    budgets = sorted({row["budget"] for row in rows})
    chosen = budgets[-1] if budget is None else budget
    if chosen not in budgets:
        msg = f"There is no budget {chosen}; there are {', '.join(map(str, budgets))}."
        raise ValueError(msg)
    return [row for row in rows if row["budget"] == chosen], chosen


def methods_of(rows: Iterable[Row]) -> list[str]:
    """Return the methods in order of their first rows."""
    return list(dict.fromkeys(row["method"] for row in rows))


def cells_by(rows: Sequence[Row], key: str, metric: str) -> dict[str, dict[float, Cell]]:
    """Return what there is of one metric, for each method and each number under a key."""
    return {
        method: {
            x: Cell(at, metric)
            for x, at in sorted(_split(runs, lambda row: float(row[key])).items())
        }
        for method, runs in _split(rows, lambda row: str(row["method"])).items()
    }


def cells_of(rows: Sequence[Row], metrics: Mapping[float, str]) -> dict[str, dict[float, Cell]]:
    """Return what there is of several metrics, for each method and each metric's number."""
    return {
        method: {x: Cell(runs, metrics[x]) for x in sorted(metrics)}
        for method, runs in _split(rows, lambda row: str(row["method"])).items()
    }


def band_of(cells: Cells) -> Band:
    """Return what bands show: repeats, games if each has one, or how sure R² is in a single run."""
    together = [runs_at(cells, x) for x in everywhere(cells)]
    if any(len({row["repeat"] for row in rows}) > 1 for rows in together):
        return "repeats"
    return "games" if any(len(games_of(rows)) > 1 for rows in together) else "interval"


def curves_of(
    cells: Cells, band: Band, place: Callable[[float, Cell], float] | None = None
) -> list[Curve]:
    """Return the methods that have something to draw.

    Args:
        cells: What there is.
        band: What bands show.
        place: Where across a cell is drawn; by default at its number.

    Raises:
        ValueError: If none has.
    """
    games = {x: len(games_of(runs_at(cells, x))) for x in everywhere(cells)}
    curves = []
    for method, row in cells.items():
        where = np.array([x if place is None else place(x, cell) for x, cell in row.items()])
        spans = [(cell.mean(), *cell.band(band)) for cell in row.values()]
        means, low, high = np.where(np.isfinite(where), np.transpose(spans), math.nan)
        partial = [cell.state(games[x]) in {"some", "part"} for x, cell in row.items()]
        curve = Curve(method, where, means, low, high, np.array(partial))
        if np.isfinite(curve.y).any():
            curves.append(curve)
    if not curves:
        _refuse(cells)
    return curves


def _refuse(cells: Cells) -> None:
    """Say why there is nothing to draw."""
    at = [cell for row in cells.values() for cell in row.values()]
    rows = {id(row): row for cell in at for row in cell.rows}.values()
    errors = Counter(f"{row['method']}: {row['error']}" for row in rows if has_failed(row))
    if not errors:
        metrics = sorted({cell.metric for cell in at})
        msg = f"There is nothing to draw: no run has a value of {', '.join(metrics)}."
        raise ValueError(msg)
    shown = [error[:_ERROR_LETTERS] for error, _ in errors.most_common(_MOST_ERRORS)]
    more = f" and {len(errors) - len(shown)} other errors" if len(errors) > len(shown) else ""
    msg = f"There is nothing to draw, as runs failed by {'; '.join(shown)}{more}."
    raise ValueError(msg)


def everywhere(cells: Cells) -> list[float]:
    """Return all numbers across."""
    return sorted({x for row in cells.values() for x in row})


def runs_at(cells: Cells, x: float) -> list[Row]:
    """Return the runs of all methods at one place."""
    return [run for row in cells.values() if x in row for run in row[x].rows]


def _game(row: Row) -> Game:
    """Return which game a run is of."""
    return row["game"], row["n_players"]


def games_of(rows: Iterable[Row]) -> set[Game]:
    """Return which games runs are of."""
    return {_game(row) for row in rows}


def _split[Key](rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Return runs in groups."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _means[Key](rows: Iterable[Row], key: Callable[[Row], Key], metric: str) -> dict[Key, float]:
    """Return the mean of a metric in each group."""
    return {
        name: _mean(number(row, metric) for row in group)
        for name, group in _split(rows, key).items()
    }


def _mean(numbers: Iterable[float]) -> float:
    """Return the mean of what is finite, NaN if nothing is."""
    finite = [number for number in numbers if math.isfinite(number)]
    return sum(finite) / len(finite) if finite else math.nan
