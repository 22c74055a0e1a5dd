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
        replacements: What stands for each of them, None where it was masked.
        prompt: The prompt without them.
        change: The change of the value that the model showed: that of the changed prompt minus that
            of the whole one.
        predicted: The change that the explanation predicts of their absence, whatever stands for
            them.
    """

    words: tuple[str, ...]
    replacements: tuple[str | None, ...]
    prompt: Prompt
    change: float
    predicted: float

    def __str__(self) -> str:
        """Say it in a line."""
        others = ""
        if any(other is not None for other in self.replacements):
            others = f" as ({', '.join(other or 'nothing' for other in self.replacements)})"
        return (
            f"({', '.join(self.words)}){others}: {self.change:+.2f}, "
            f"predicted without them {self.predicted:+.2f}"
        )


def check(players: Sequence[object], replacements: Iterable[object], n: int) -> None:
    """Refuse positions that are none.

    Raises:
        ValueError: If a position is out of range or comes twice, there is none, or something is to
            replace another word than these.
    """
    if not players or len(set(players)) < len(players) or not _in_range(players, n):
        msg = f"players must be different positions below {n}, got {tuple(players)}."
        raise ValueError(msg)
    if not set(replacements) <= set(players):
        msg = f"replacements must be for some of the players {tuple(players)}."
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


def _in_range(positions: Iterable[object], n: int) -> bool:
    return all(
        isinstance(each, int | np.integer) and not isinstance(each, bool) and 0 <= each < n
        for each in positions
    )
