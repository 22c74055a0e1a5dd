"""Changing the words of an interaction, to see whether a model does what was predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shapiq_spex.spectrum import FourierSpectrum

    from .models import Prompt


@dataclass(frozen=True)
class Intervention:
    """What became of a value when words were changed.

    Attributes:
        words: The words that were masked or replaced.
        prompt: The prompt without them.
        change: The change of the value that the model showed.
        predicted: The change that the explanation predicts of their absence.
    """

    words: tuple[str, ...]
    prompt: Prompt
    change: float
    predicted: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"({', '.join(self.words)}): {self.change:+.2f}, predicted {self.predicted:+.2f}"


def check(players: Sequence[int], replacements: Iterable[int], n: int) -> None:
    """Refuse positions that are none.

    Raises:
        ValueError: If a position is out of range or comes twice, or there is none.
    """
    if not players or len(set(players)) < len(players) or not _in_range(players, n):
        msg = f"players must be different positions below {n}, got {tuple(players)}."
        raise ValueError(msg)
    if not _in_range(replacements, n):
        msg = f"replacements must be for positions below {n}, got {list(replacements)}."
        raise ValueError(msg)


def strongest(spectrum: FourierSpectrum, count: int) -> tuple[int, ...]:
    """Return the players that count most on their own, in their order."""
    alone = [abs(spectrum[(player,)]) for player in range(spectrum.n_players)]
    return tuple(sorted(np.argsort(alone)[::-1][:count].tolist()))


def predict(spectrum: FourierSpectrum, rows: Sequence[Sequence[int]]) -> list[float]:
    """Return the change of the value that a spectrum predicts of players' absence."""
    masks = np.ones((1 + len(rows), spectrum.n_players), dtype=np.bool_)
    for mask, row in zip(masks[1:], rows, strict=True):
        mask[list(row)] = False
    values = spectrum.evaluate(masks)
    return [float(value - values[0]) for value in values[1:]]


def choose(players: Sequence[int], others: Mapping[int, str]) -> dict[int, str | None]:
    """Return what to put in the place of players, None to mask them."""
    return {player: others.get(player) for player in players}


def _in_range(positions: Iterable[int], n: int) -> bool:
    return all(0 <= position < n for position in positions)
