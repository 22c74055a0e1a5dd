"""An explanation with the words of its players."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from shapiq_spex._names import distinct
from shapiq_spex._numbers import check_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import shapiq


def rank(explanation: shapiq.InteractionValues) -> list[tuple[tuple[int, ...], float]]:
    """Return the interactions but that of nobody, the strongest first."""
    found = [(tuple(s), float(v)) for s, v in explanation.interactions.items() if len(s)]
    return sorted(found, key=lambda item: (-abs(item[1]), item[0]))


def to_lines(explanation: shapiq.InteractionValues, names: Sequence[str], count: int) -> list[str]:
    """Return the strongest interactions as ``(never, fails): +2.17``."""
    names, ranked = distinct(names), rank(explanation)[: check_integer("count", count, 0)]
    places = count_places(value for _, value in ranked)
    return [
        f"({', '.join(names[player] for player in players)}): {value:+.{places}f}"
        for players, value in ranked
    ]


def count_places(values: Iterable[float], least: int = 2) -> int:
    """Return how many places to show of values: enough for two digits of the largest."""
    largest = max(map(abs, values), default=0.0)
    return max(least, 1 - math.floor(math.log10(largest))) if largest else least


def to_table(explanation: shapiq.InteractionValues, names: Sequence[str]) -> pd.DataFrame:
    """Return all interactions, the strongest first."""
    ranked, names = rank(explanation), distinct(names)
    return pd.DataFrame(
        {
            "parts": [tuple(names[player] for player in players) for players, _ in ranked],
            "players": [players for players, _ in ranked],
            "order": [len(players) for players, _ in ranked],
            "value": [value for _, value in ranked],
        }
    )


class NamedPlayers:
    """A game whose results show its players by their names.

    Attributes:
        player_names: The names of the players.
    """

    player_names: list[str]

    def top(self, explanation: shapiq.InteractionValues, count: int = 10) -> list[str]:
        """Return the strongest interactions by the names of their players, as ``(a, b): +2.17``.

        Names that come more than once are numbered, as ``but#2``.

        Args:
            explanation: What an approximator found of this game.
            count: How many, single players among them.

        Returns:
            One text for each interaction.
        """
        return to_lines(explanation, self.player_names, count)

    def to_dataframe(self, explanation: shapiq.InteractionValues) -> pd.DataFrame:
        """Return all interactions as a table, the strongest first.

        Args:
            explanation: What an approximator found of this game.

        Returns:
            The columns ``parts`` and ``players``, tuples of names and of numbers, ``order`` and
            ``value``.
        """
        return to_table(explanation, self.player_names)
