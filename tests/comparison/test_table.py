"""The table can be kept, put together, averaged and read."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from shapiq_spex import Comparison

if TYPE_CHECKING:
    from pathlib import Path

_UGLY = 'ValueError: a, "b"\nnext; line\r\nR² ≥ 0, naïve'


def _row(method: str = "a", budget: int = 100, r2: float = 0.5, **other: Any) -> dict[str, Any]:  # noqa: ANN401 any column
    row = {"game": "g", "n_players": 10, "method": method, "budget": budget, "repeat": 0}
    row |= {"r2": r2, "ablations": budget, "seconds": 0.1, "error": "", "test_masks": 900}
    return row | other


def _failed(method: str, budget: int = 100) -> dict[str, Any]:
    row = _row(method, budget, math.nan, error=_UGLY)
    del row["test_masks"]
    return row


_TABLE = Comparison([_row(), _row(budget=1000, r2=1 / 3, repeat=1), _failed("b"), _row("b", 1000)])


@pytest.mark.parametrize("ending", ["csv", "json", "CSV"])
def test_kept_and_read_again(ending: str, tmp_path: Path) -> None:
    """Nothing is lost: NaN, integers, every digit, and texts of any kind."""
    file = tmp_path / f"table.{ending}"
    _TABLE.save(file)
    read = Comparison.load(str(file))
    assert read == _TABLE
    assert read.columns == _TABLE.columns
    assert read.rows[2]["error"] == _UGLY
    assert math.isnan(read.rows[2]["r2"])
    for name in ("n_players", "budget", "repeat", "ablations", "test_masks"):
        assert type(read.rows[1][name]) is int
    read.save(file)
    assert Comparison.load(file) == _TABLE


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "x,y\n1,2\n"),
        ("b.csv", ""),
        ("a.json", "{"),
        ("b.json", "[1]"),
        ("c.json", "{}"),
        ("d.json", json.dumps({"format": "other", "version": 1, "rows": []})),
        ("e.json", json.dumps({"format": "shapiq-spex comparison", "version": 2, "rows": []})),
        ("f.json", json.dumps({"format": "shapiq-spex comparison", "version": 1, "rows": [1]})),
        ("g.txt", ""),
    ],
)
def test_files_of_other_things(name: str, content: str, tmp_path: Path) -> None:
    """They are refused by their name."""
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(ValueError, match=f"{name} is no comparison"):
        Comparison.load(file)


def test_other_endings(tmp_path: Path) -> None:
    """There are two kinds of files, and nothing is written for another one."""
    with pytest.raises(ValueError, match=r"kept as .csv or .json, got 'a.txt'"):
        _TABLE.save(tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_sum_of_two() -> None:
    """Rows come one after the other; columns that one lacks are NaN there."""
    other = Comparison([_row("c", removal_2=0.5)])
    both = _TABLE + other
    assert len(both) == 5
    assert math.isnan(both.rows[0]["removal_2"])
    assert both.rows[4]["removal_2"] == 0.5
    assert both != _TABLE
    with pytest.raises(TypeError):
        _TABLE + 3  # type: ignore[operator]


def test_means() -> None:
    """Over games and repeats, of those that have a value."""
    table = _TABLE + Comparison([_row(r2=0.7, game="h"), _row("b", r2=0.2, game="h")])
    found = table.mean()
    assert found["a", 100] == pytest.approx(0.6)
    assert found["b", 100] == pytest.approx(0.2)
    assert math.isnan(_TABLE.mean()["b", 100])
    for name in ("nothing", "error", "method"):
        for ask in (table.mean, table.summary, lambda m: table.budgets_for(0.5, metric=m)):
            with pytest.raises(ValueError, match=f"no column of numbers '{name}'; .*r2, r2_low"):
                ask(name)


def test_summary() -> None:
    """A line a method, a column a budget, and below why methods failed."""
    lines = str(_TABLE).splitlines()
    assert lines[0] == "| method | 100    | 1,000 |"
    assert lines[2] == "| a      | 0.500  | 0.333 |"
    assert lines[5].startswith('b failed at 100: ValueError: a, "b"')
    assert repr(_TABLE) == "Comparison(4 rows, methods=['a', 'b'], budgets=[100, 1000])"


def test_budgets_for() -> None:
    """Halfway between the values is halfway on a logarithmic axis."""
    table = Comparison(
        [
            _row(r2=0.2),
            _row(budget=10_000, r2=0.8),
            _failed("b"),
            _row("b", 1000, 0.9),
            _failed("c"),
        ]
    )
    assert table.budgets_for(0.5) == pytest.approx({"a": 1000.0, "b": 1000.0, "c": math.inf})
    assert table.budgets_for(0.1)["a"] == 100.0
    assert table.budgets_for(0.8)["a"] == pytest.approx(10_000)
    assert table.budgets_for(0.95)["a"] == math.inf


def test_data_frame() -> None:
    """It has the same columns and rows."""
    frame = _TABLE.to_dataframe()
    assert tuple(frame.columns) == _TABLE.columns
    assert frame["budget"].tolist() == [100, 1000, 100, 1000]
    assert frame["r2"].isna().sum() == 1


def test_rows_that_lack_something() -> None:
    """A row says who, at what, and whether it failed; there is at least one."""
    row = _row()
    del row["method"], row["error"]
    with pytest.raises(ValueError, match="lacks method, error"):
        Comparison([row])
    with pytest.raises(ValueError, match="at least one row"):
        Comparison([])
