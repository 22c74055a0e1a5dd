"""Screens: which sets correlate with a residual, among those a hierarchy suggests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import orders, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._columns import MaskColumns

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    SignArray = NDArray[np.float32]

_MAX_DENSE = 1 << 27  # signs of the screened players held at once (512 MiB)
_MAX_PAIR_WORK = 2e9  # multiplications for a screen of pairs
_MAX_EXTENDED = 256  # found sets that are extended in one round


@dataclass(frozen=True)
class Candidates:
    """Sets and how strongly a residual calls for them.

    Attributes:
        sets: Shape ``(k, width)``, padded.
        scores: Squared z-scores of their correlations with the residual, shape ``(k,)``.
        penalties: What the best of as many sets reaches by chance, shape ``(k,)``.
    """

    sets: IntArray
    scores: FloatArray
    penalties: FloatArray


@dataclass(frozen=True)
class Residual:
    """What is left of the values, ready for screening.

    Attributes:
        weighted: The residual in units of its standard deviation, zero on held-out masks, shape
            ``(m,)``.
        n_masks: The number of masks that are not held out.
        lenience: The share of its penalty that a candidate must reach.
    """

    weighted: NDArray[np.float32]
    n_masks: float
    lenience: float

    def squared_z(self, sums: NDArray[np.floating]) -> FloatArray:
        """Turn sums of signs times the residual into squared z-scores."""
        return np.asarray(sums, dtype=np.float64) ** 2 / self.n_masks


class Screen:
    """Scores single players, pairs, and found sets extended by one player.

    Attributes:
        n: The number of players.
        players: Those that are screened, ascending, shape ``(p,)``: all, unless their signs would
            not fit into memory.
    """

    def __init__(self, columns: MaskColumns, values: FloatArray) -> None:
        """Choose the players to screen: all, or those that matter most one by one.

        That choice sees the values on all masks, those of a held-out fold included.

        Args:
            columns: The masks.
            values: The values on them, shape ``(m,)``.
        """
        self.n = columns.n_players
        self.players: IntArray = np.arange(self.n)
        size = max(1, _MAX_DENSE // max(1, columns.n_masks))
        if self.n > size:
            centred = (values - values.mean()).astype(np.float32)
            strength = np.abs(columns.correlate_players(centred[None])[0])
            self.players = np.sort(np.argsort(-strength)[:size])
        self._signs = columns.signs(self.players)
        self._max_heads = 1 + int(_MAX_PAIR_WORK / (len(self.players) * max(1, columns.n_masks)))

    def hierarchical(
        self, residual: Residual, sets: IntArray, signs: SignArray, max_order: int
    ) -> list[Candidates]:
        """Score single players, pairs with a found player, and extensions of found sets.

        Args:
            residual: What is left of the values.
            sets: The sets found so far, shape ``(k, width)``, padded.
            signs: Their signs, shape ``(k, m)``.
            max_order: The size of the largest set to consider.
        """
        found, counts = np.unique(sets[sets < self.n], return_counts=True)
        heads = found[np.argsort(-counts, kind="stable")[: self._max_heads]]
        positions = np.flatnonzero(np.isin(self.players, heads))
        weighted = self._signs * residual.weighted
        candidates = [self._singles(residual)]
        if max_order > 1:
            candidates.append(self._pairs(residual, weighted, positions, sets))
        candidates.append(self._extensions(residual, weighted, sets, signs, max_order))
        return candidates

    def all_pairs(self, residual: Residual, sets: IntArray) -> list[Candidates]:
        """Score all pairs, or those with one of the strongest players if all are too many."""
        positions = np.arange(len(self.players))
        if len(positions) > self._max_heads:
            strength = np.abs(self._signs @ residual.weighted)
            positions = np.sort(np.argsort(-strength, kind="stable")[: self._max_heads])
        return [self._pairs(residual, self._signs * residual.weighted, positions, sets)]

    def _singles(self, residual: Residual) -> Candidates:
        scores = residual.squared_z(self._signs @ residual.weighted)
        penalties = np.full(len(scores), _penalty(self.n))
        kept = scores > residual.lenience * penalties
        return Candidates(self.players[kept][:, None], scores[kept], penalties[kept])

    def _pairs(
        self, residual: Residual, weighted: SignArray, positions: IntArray, sets: IntArray
    ) -> Candidates:
        """Score the pairs of some players with all others; ``weighted`` are all players' signs."""
        scores = residual.squared_z(weighted[positions] @ self._signs.T)
        involved = np.isin(self.players, sets)
        n_involved = int(np.count_nonzero(involved))
        penalties = np.full(scores.shape, _penalty(self.n * (self.n - 1) / 2))
        penalties[involved[positions]] = _penalty(n_involved * len(self.players))
        both = np.ix_(involved[positions], involved)
        penalties[both] = _penalty(n_involved * (n_involved - 1) / 2)
        different = positions[:, None] != np.arange(len(self.players))
        row, column = np.nonzero(different & (scores > residual.lenience * penalties))
        pairs = np.stack([self.players[positions[row]], self.players[column]], axis=1)
        pairs.sort(axis=1)
        return Candidates(pairs, scores[row, column], penalties[row, column])

    def _extensions(
        self,
        residual: Residual,
        weighted: SignArray,
        sets: IntArray,
        signs: SignArray,
        max_order: int,
    ) -> Candidates:
        """Score the found sets of two and more players, extended by one."""
        sizes = orders(sets, self.n)
        heads = np.flatnonzero((sizes > 1) & (sizes < max_order))[-_MAX_EXTENDED:]
        scores = residual.squared_z(signs[heads] @ weighted.T)
        involved = np.isin(self.players, sets)
        n_involved = int(np.count_nonzero(involved))
        choices = len(heads) * np.where(involved, n_involved, len(self.players))
        penalties = np.broadcast_to(2 * np.log(np.maximum(2.0, choices)), scores.shape)
        inside = (sets[heads][:, :, None] == self.players).any(axis=1)
        row, column = np.nonzero(~inside & (scores > residual.lenience * penalties))
        extended = resize(sets, sets.shape[1] + 1, self.n)[heads[row]]
        extended[:, -1] = self.players[column]
        extended.sort(axis=1)
        return Candidates(extended, scores[row, column], penalties[row, column])


def _penalty(choices: float) -> float:
    """Return about the largest of many squared z-scores of noise."""
    return float(2 * np.log(max(2.0, choices)))
