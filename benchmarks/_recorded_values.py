"""Recorded games of training data: R2 over the whole hypercube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _cells import OURS, PEER, Cell, load, mean_r2, score_all
from _common import is_constant, markdown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from _cells import Score

_KINDS = ("data_valuation", "dataset_valuation")
_MASKS = (100, 300, 1000)
_WORSE = 0.01


def recorded(options: argparse.Namespace) -> str:
    """R2 over the whole hypercube of recorded retrainings, mean of the games and the seeds.

    FBII of order 5 for both; constant games are left out.
    """
    families = [name for name in load(options.games) if name.startswith(_KINDS)]
    cells = [
        Cell(family, game, method, masks, seed)
        for family in families
        for game in _varied(options.games, family, options.per_family)
        for masks in _MASKS
        for method in (OURS, PEER)
        for seed in range(options.seeds)
    ]
    scores = score_all(cells, options.games, options.jobs)
    rows = [
        row
        for family in [*families, "all"]
        for row in _rows({c: s for c, s in scores.items() if family in (c.family, "all")}, family)
    ]
    return f"{markdown(['family', 'masks', OURS, PEER, 'difference', 'worse'], rows)}"


def _varied(folder: Path, family: str, count: int) -> list[str]:
    """Return the first games of a family that are not constant."""
    names = [name for name, table in load(folder)[family].items() if not is_constant(table)]
    return names[:count]


def _rows(scores: dict[Cell, Score | None], family: str) -> Iterator[list[str]]:
    """Yield a row for each number of masks, with the share of runs in which ours is worse."""
    for masks in _MASKS:
        ours, peer = (mean_r2(scores, method, masks) or 0.0 for method in (OURS, PEER))
        pairs = [
            (found, scores[Cell(cell.family, cell.game, PEER, masks, cell.seed)])
            for cell, found in scores.items()
            if (cell.method, cell.budget) == (OURS, masks)
        ]
        worse = sum(bool(a and b and a.r2 < b.r2 - _WORSE) for a, b in pairs)
        numbers = [f"{ours:.3f}", f"{peer:.3f}", f"{ours - peer:+.3f}"]
        yield [family, f"{masks:,}", *numbers, f"{worse} of {len(pairs)}"]
