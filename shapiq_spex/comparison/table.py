"""The result of a comparison: a tidy table that can be kept, read and drawn."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    Row = Mapping[str, Any]

_FORMAT = "shapiq-spex comparison"
_VERSION = 1
_NAN = float("nan")
_TEXTS = ("game", "method", "error")
_WHOLE = ("n_players", "budget", "repeat", "ablations", "test_masks", "terms")
_FIRST = (
    "game",
    "n_players",
    "method",
    "budget",
    "repeat",
    "r2",
    "r2_low",
    "r2_high",
    "ablations",
    "seconds",
    "cpu_seconds",
    "peak_mib",
    "error",
    "cv_r2",
    "r2_shifted",
    "r2_all",
)
_NEEDED = ("game", "n_players", "method", "budget", "repeat", "ablations", "error")


class Comparison:
    """Methods side by side: a row for each method, budget and repeat.

    =====================  =======================================================================
    column                 what it is
    =====================  =======================================================================
    game, n_players        the game and its number of players
    method, budget         how it was explained, and with how many masks at most
    repeat                 the number of the repeat, from 0
    r2, r2_low, r2_high    faithfulness on test masks that the method has not asked for, and its
                           95% interval; on all of them where nine in ten were asked for; NaN
                           where it failed
    ablations              the distinct masks it asked for
    seconds, cpu_seconds   the time it took without the game, and that of all its threads
    peak_mib               the most memory it took beyond what was taken before, without the game;
                           NaN where the system does not tell (it does on Linux)
    error                  why it failed, else empty
    cv_r2                  the faithfulness that the method itself claims; NaN where it claims none
    r2_shifted             r2 with the best constant added
    r2_all                 r2 on all test masks, those among them that it asked for, too
    test_masks             how many masks r2 rests on
    terms                  how many Fourier terms the prediction has besides the constant
    r2_top_10, ...         r2_shifted of its 10 (...) largest Fourier terms alone
    removal_0.1, ...       ``|f(all) - f(others)| / |f(all)|`` without the tenth (...) of players
                           that should matter most (Butler et al. 2025); an integer counts them
    recall                 the share of a reference's largest Fourier terms among its own largest
    stability              how its predictions correlate with those of its other repeats
    noise                  the share of the variance that is chance, where the game tells it
    =====================  =======================================================================

    Attributes:
        rows: The rows.
        columns: The names of all columns.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take rows; what a row lacks of others' columns is NaN.

        Args:
            rows: The rows.

        Raises:
            ValueError: If there is none, or one lacks what every row has.
        """
        given = [dict(row) for row in rows]
        if not given:
            msg = "A comparison has at least one row."
            raise ValueError(msg)
        for row in given:
            missing = [name for name in _NEEDED if name not in row]
            if missing:
                msg = f"A row of a comparison lacks {', '.join(missing)}."
                raise ValueError(msg)
        there = dict.fromkeys(name for row in given for name in row)
        self.columns: tuple[str, ...] = (*_FIRST, *(name for name in there if name not in _FIRST))
        self.rows: tuple[dict[str, Any], ...] = tuple(
            {name: row.get(name, _NAN) for name in self.columns} for row in given
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __add__(self, other: object) -> Comparison:
        """Put the rows of two comparisons together, as those of several games."""
        if not isinstance(other, Comparison):
            return NotImplemented
        return Comparison([*self.rows, *other.rows])

    def __eq__(self, other: object) -> bool:
        """Compare all rows; NaN equals NaN."""
        if not isinstance(other, Comparison):
            return NotImplemented
        return self._to_plain() == other._to_plain()

    __hash__ = None  # type: ignore[assignment]  # rows can be changed

    def __repr__(self) -> str:
        """Summarize the comparison."""
        methods, budgets = self._values("method"), self._values("budget")
        return f"{type(self).__name__}({len(self)} rows, methods={methods}, budgets={budgets})"

    def __str__(self) -> str:
        """Show R² by method and budget."""
        return self.summary()

    def to_dataframe(self) -> pd.DataFrame:
        """Return the table as a data frame.

        Returns:
            A row for each method, budget and repeat; the columns are those of :class:`Comparison`.
        """
        import pandas as pd  # noqa: PLC0415, slow to import and rarely needed

        return pd.DataFrame(list(self.rows), columns=list(self.columns))

    def mean(self, metric: str = "r2") -> dict[tuple[str, int], float]:
        """Average a column over games and repeats.

        Args:
            metric: The column.

        Returns:
            For each method and budget the mean of those that have a value, NaN where none has.

        Raises:
            ValueError: If there is no such column of numbers.
        """
        if metric not in self.columns or metric in _TEXTS:
            numbers = [name for name in self.columns if name not in _TEXTS]
            msg = (
                f"There is no column of numbers {metric!r}; these there are: {', '.join(numbers)}."
            )
            raise ValueError(msg)
        found: dict[tuple[str, int], list[float]] = {}
        for row in self.rows:
            found.setdefault((row["method"], row["budget"]), []).append(row[metric])
        kept = {cell: [v for v in values if not math.isnan(v)] for cell, values in found.items()}
        return {cell: float(np.mean(v)) if v else _NAN for cell, v in kept.items()}

    def summary(self, metric: str = "r2") -> str:
        """Show a column by method and budget, as a table in Markdown.

        Args:
            metric: The column, averaged over games and repeats.

        Returns:
            The table, and below it why methods failed.

        Raises:
            ValueError: If there is no such column of numbers.
        """
        means = self.mean(metric)
        budgets = self._values("budget")
        lines = [
            ["method", *(f"{budget:,}" for budget in budgets)],
            ["---"] + ["---:"] * len(budgets),
        ]
        lines += [
            [method, *(_show(means.get((method, budget), _NAN)) for budget in budgets)]
            for method in self._values("method")
        ]
        width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        table = [
            "| " + " | ".join(text.ljust(w) for text, w in zip(line, width, strict=True)) + " |"
            for line in lines
        ]
        return "\n".join([*table, *self._failures()])

    def budgets_for(self, r2: float, *, metric: str = "r2") -> dict[str, float]:
        """Estimate the budget at which each method reaches some faithfulness.

        It is the first crossing of the means over games and repeats, interpolated on a logarithmic
        axis.

        Args:
            r2: The faithfulness wanted.
            metric: The column to look at.

        Returns:
            For each method the budget; the smallest one where that is enough, infinite where none
            is.

        Raises:
            ValueError: If there is no such column of numbers.
        """
        means = self.mean(metric)
        found = {}
        for method in self._values("method"):
            curve = sorted(
                (budget, mean)
                for (name, budget), mean in means.items()
                if name == method and not math.isnan(mean)
            )
            found[method] = _crossing(curve, r2)
        return found

    def plot(
        self,
        metric: str = "r2",
        x: Literal["budget", "n_players", "cpu_seconds"] = "budget",
        **options: Any,  # noqa: ANN401 passed on
    ) -> Figure:
        """Draw a line for each method: :func:`shapiq_spex.plots.plot_comparison`.

        Args:
            metric: The column to draw.
            x: What it is drawn against.
            **options: What else that function takes.

        Returns:
            The figure.
        """
        from shapiq_spex.plots import plot_comparison  # noqa: PLC0415, slow to import

        return plot_comparison(self.rows, metric, x, **options)

    def plot_sparsity(self, **options: Any) -> Figure:  # noqa: ANN401 passed on
        """Draw R² against the terms kept: :func:`shapiq_spex.plots.plot_sparsity`.

        Args:
            **options: What that function takes.

        Returns:
            The figure.
        """
        from shapiq_spex.plots import plot_sparsity  # noqa: PLC0415, slow to import

        return plot_sparsity(self.rows, **options)

    def plot_removal(self, **options: Any) -> Figure:  # noqa: ANN401 passed on
        """Draw the removal test: :func:`shapiq_spex.plots.plot_removal`.

        Args:
            **options: What that function takes.

        Returns:
            The figure.
        """
        from shapiq_spex.plots import plot_removal  # noqa: PLC0415, slow to import

        return plot_removal(self.rows, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a file, by its ending CSV or JSON.

        Args:
            path: The file, ``.csv`` or ``.json``.

        Raises:
            ValueError: If the ending is another one.
        """
        target = Path(path)
        if _kind(target) == "csv":
            with target.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, self.columns)
                writer.writeheader()
                writer.writerows(
                    {name: "" if value is None else value for name, value in row.items()}
                    for row in self._to_plain()
                )
        else:
            content = {"format": _FORMAT, "version": _VERSION, "rows": self._to_plain()}
            target.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a table that :meth:`save` wrote.

        Args:
            path: The file, by its ending CSV or JSON.

        Returns:
            The table.

        Raises:
            ValueError: If the file holds something else.
        """
        source = Path(path)
        try:
            read = _read_csv if _kind(source) == "csv" else _read_json
            return cls(_from_plain(row) for row in read(source))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            msg = f"{source} is no comparison that this version reads: {error}"
            raise ValueError(msg) from error

    def _values(self, column: str) -> list[Any]:
        """Return the different values of a column; numbers in order, texts as they came."""
        found = list(dict.fromkeys(row[column] for row in self.rows))
        return found if column in _TEXTS else sorted(found)

    def _failures(self) -> list[str]:
        """Say why methods failed, each reason once."""
        reasons: dict[tuple[str, str], list[int]] = {}
        for row in self.rows:
            if row["error"]:
                reasons.setdefault((row["method"], row["error"]), []).append(row["budget"])
        lines = [
            f"{method} failed at {', '.join(f'{b:,}' for b in sorted(set(budgets)))}: {error}"
            for (method, error), budgets in reasons.items()
        ]
        return ["", *lines] if lines else []

    def _to_plain(self) -> list[dict[str, Any]]:
        """Return the rows with None for NaN, as JSON holds them."""
        return [
            {name: None if _is_nan(value) else value for name, value in row.items()}
            for row in self.rows
        ]


def _kind(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("csv", "json"):
        msg = f"A comparison is kept as .csv or .json, got {path.name!r}."
        raise ValueError(msg)
    return kind


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_json(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["format"] != _FORMAT or content["version"] > _VERSION:
        msg = f"it is {content['format']!r}, version {content['version']}"
        raise ValueError(msg)
    rows: list[dict[str, Any]] = content["rows"]
    return rows


def _from_plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row from texts, or from what JSON holds."""
    return {name: _read(name, value) for name, value in row.items()}


def _read(name: str, value: Any) -> Any:  # noqa: ANN401 a cell
    if name in _TEXTS:
        return value or ""
    if value is None or value == "":
        return _NAN
    number = float(value)
    return int(number) if name in _WHOLE or isinstance(value, int) else number


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _show(value: float) -> str:
    return "failed" if math.isnan(value) else f"{value:.3f}"


def _crossing(curve: Sequence[tuple[int, float]], level: float) -> float:
    """Return where a curve over budgets first reaches a level."""
    for place, (budget, value) in enumerate(curve):
        if value >= level:
            if place == 0:
                return float(budget)
            before, lower = curve[place - 1]
            share = (level - lower) / (value - lower)
            return float(before * (budget / before) ** share)
    return math.inf
