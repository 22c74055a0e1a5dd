"""What stands below a comparison: what points and bands are, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ._runs import everywhere, games_of, runs_at
from ._scales import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._lines import Curve
    from ._runs import Band, Cells

_BANDS: Final[Mapping[Band, str]] = {
    "interval": "Bands: 95% intervals of R².",
    "games": "Bands: lowest to highest game.",
    "repeats": "Bands: lowest to highest repeat.",
}
_STATES: Final = {
    "failed": "fails{}: {}",
    "some": "open markers: mean without the runs that failed,{}: {}",
    "part": "open markers: mean of the runs that have a value,{}: {}",
    "none": "no value{}: {}",
}
_MOST_NAMES = 6


@dataclass(frozen=True)
class Places:
    """How a note says where something is missing.

    Attributes:
        one: Where that is one number, "budget".
        every: At all of them.
    """

    one: str = ""
    every: str = ""

    def phrase(self, where: Sequence[float], every: Sequence[float]) -> str:
        """Return some of all places in words, with a space before."""
        if len(where) == len(every):
            return f" at {self.every}" if self.every and len(every) > 1 else ""
        names = [write(x) for x in where]
        sign = " = " if len(self.one) == 1 else " "
        if len(where) == 1:
            return f" at {self.one}{sign}{names[0]}"
        if list(where) == list(every[-len(where) :]):
            return f" at {self.one} ≥ {names[0]}"
        if list(where) == list(every[: len(where)]):
            return f" at {self.one} ≤ {names[-1]}"
        return f" at {self.one}{sign}{_join(names)}"


def describe(cells: Cells, curves: Sequence[Curve], band: Band) -> list[str]:
    """Return what points and bands are, in sentences."""
    together = [runs_at(cells, x) for x in everywhere(cells)]
    counts = {
        "games": max(len(games_of(rows)) for rows in together),
        "repeats": max(len({row["repeat"] for row in rows}) for rows in together),
    }
    several = [f"{count} {name}" for name, count in counts.items() if count > 1]
    sentences = [f"Means of {' and '.join(several)}."] if several else []
    if any((curve.high > curve.low).any() for curve in curves):
        sentences.append(_BANDS[band])
    return sentences


def describe_missing(cells: Cells, places: Places) -> list[str]:
    """Return which methods lack points or runs, and where: a line for each kind."""
    numbers = everywhere(cells)
    games = {x: len(games_of(runs_at(cells, x))) for x in numbers}
    states = {
        method: {x: cell.state(games[x]) for x, cell in row.items()}
        for method, row in cells.items()
    }
    lines = []
    for state, form in _STATES.items():
        groups: dict[tuple[float, ...], list[str]] = {}
        for method, found in states.items():
            where = tuple(x for x in found if found[x] == state)
            if where:
                groups.setdefault(where, []).append(method)
        parts = [
            form.format(places.phrase(where, numbers), _join(groups[where], _MOST_NAMES))
            for where in sorted(groups)
        ]
        if parts:
            # what is said once holds for all parts
            shared = form.split("{}")[0]
            rest = [part.removeprefix(shared).lstrip() for part in parts[1:]]
            line = "; ".join([parts[0].replace(",:", ":"), *rest])
            lines.append(line[0].upper() + line[1:] + ".")
    return lines


def _join(names: Sequence[str], most: int | None = None) -> str:
    """Return names as people list them, the first ones if there are many."""
    if most is not None and len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
