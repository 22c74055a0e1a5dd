"""An explanation with the words of its players."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapiq


def rank(explanation: shapiq.InteractionValues) -> list[tuple[tuple[int, ...], float]]:
    """Return the interactions but that of nobody, the strongest first."""
    found = [(tuple(s), float(v)) for s, v in explanation.interactions.items() if len(s)]
    return sorted(found, key=lambda item: (-abs(item[1]), item[0]))


def to_lines(explanation: shapiq.InteractionValues, names: Sequence[str], count: int) -> list[str]:
    """Return the strongest interactions as ``(never, fails): +2.17``."""
    return [
        f"({', '.join(names[player] for player in players)}): {value:+.2f}"
        for players, value in rank(explanation)[:count]
    ]


def to_table(explanation: shapiq.InteractionValues, names: Sequence[str]) -> pd.DataFrame:
    """Return all interactions, the strongest first."""
    ranked = rank(explanation)
    return pd.DataFrame(
        {
            "parts": [tuple(names[player] for player in players) for players, _ in ranked],
            "players": [players for players, _ in ranked],
            "order": [len(players) for players, _ in ranked],
            "value": [value for _, value in ranked],
        }
    )
