"""Running comparisons for the report, and keeping them."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from shapiq_spex import Comparison, compare

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from _report_games import Case


def run_cases(
    part: str,
    cases: Iterable[Case],
    options: argparse.Namespace,
    *,
    methods: Sequence[str],
    budgets: Sequence[int],
    repeats: int = 1,
    n_masks: int = 2000,
    reference: int | None = None,
    extras: bool = False,
    dear: bool = False,
) -> Comparison:
    """Compare methods on games, each once: what is there is read.

    Args:
        part: The part of the report.
        cases: The games.
        options: Where results are kept.
        methods: The methods.
        budgets: The budgets.
        repeats: How often to run each.
        n_masks: How many masks to test on; all of up to 16 players, unless they are dear.
        reference: How many times the largest budget the reference of recall gets.
        extras: Whether to remove players and to cut predictions off, too.
        dear: Whether the game takes long.
    """
    tables = []
    for case in cases:
        file = options.out / "results" / f"{part}-{re.sub(r'[^a-z0-9]+', '_', case.name)}.json"
        if not file.exists():
            start = time.perf_counter()
            game, n = case.make()
            table = compare(
                game,
                methods,
                budgets,
                repeats,
                n_players=n,
                n_masks=max(n_masks, 1 << n) if n <= 16 and not dear else n_masks,
                random_state=0,
                reference=reference,
                terms=(3, 10, 30, 100, 300) if extras else (),
                removals=(0.05, 0.1, 0.2, 0.3) if extras else (),
                name=case.name,
                progress=False,
            )
            partial = file.with_suffix(".part.json")
            table.save(partial)
            partial.replace(file)  # at once, so that a run that is killed leaves no half of it
            print(f"{part}: {case.name}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
        tables.append(Comparison.load(file))
    if not tables:
        return None
    return sum(tables[1:], tables[0])


def family(row: dict[str, object]) -> str:
    """Return the kind of a row's game."""
    return str(row["game"]).rpartition(" ")[0]


def of_family(table: Comparison, name: str) -> Comparison:
    """Return the rows of one kind of game."""
    return Comparison([row for row in table.rows if family(row) == name])


def families(table: Comparison) -> list[str]:
    """Return the kinds of games in the order they came."""
    return list(dict.fromkeys(family(row) for row in table.rows))
