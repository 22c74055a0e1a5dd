"""A subset of the players that changes player by player: greedy choices, and exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_EXCHANGED = 64  # players of each side, the best by themselves, that are tried for an exchange
_MAX_EXCHANGES = 10_000
_LEAST_GAIN = 1e-12  # of the coefficients: less is rounding


def search(spectrum: FourierSpectrum, size: int) -> BoolArray:
    """Search a subset of a size with a large predicted value: greedily from all, and from none.

    Args:
        spectrum: What predicts the values.
        size: How many players to keep.

    Returns:
        Who is kept, of shape ``(n,)``; no exchange of two players that was tried is better.
    """
    n = spectrum.n_players
    starts = (np.ones(n, dtype=bool), np.zeros(n, dtype=bool))
    ends = [improve(spectrum, start, size) for start in starts]
    return ends[int(spectrum.evaluate(np.array(ends)).argmax())]


def improve(spectrum: FourierSpectrum, mask: BoolArray, size: int) -> BoolArray:
    """Bring a subset to a size, one by one, then exchange players as long as that helps.

    Args:
        spectrum: What predicts the values.
        mask: Where to start, of shape ``(n,)``; it is left as it is.
        size: How many players to keep.

    Returns:
        Who is kept, of shape ``(n,)``.
    """
    choice = _Choice(spectrum, mask.copy())
    choice.resize(size)
    choice.exchange()
    return choice.mask


class _Choice:
    """A subset that changes player by player.

    Attributes:
        mask: Who is in.
    """

    def __init__(self, spectrum: FourierSpectrum, mask: BoolArray) -> None:
        self.mask = mask
        n, sets = spectrum.n_players, spectrum.sets
        row, _ = np.nonzero(sets < n)
        column = sets[sets < n]
        entries = np.ones(len(row))
        # which terms each player is in, and which players each term has
        self._terms = csr_array((entries, (column, row)), shape=(n, len(sets)))
        self._signed = np.where(self._terms.T @ mask.astype(np.float64) % 2, -1.0, 1.0) * (
            spectrum.coefficients
        )
        self._least = _LEAST_GAIN * float(np.abs(spectrum.coefficients).sum())

    def resize(self, size: int) -> None:
        """Drop players, or take some in, one by one."""
        while (current := np.count_nonzero(self.mask)) != size:
            gains = np.where(self.mask == (current > size), self._gains(), -np.inf)
            self._flip(int(gains.argmax()))

    def exchange(self) -> None:
        """Exchange players, a present one for an absent one, while that raises the value."""
        for _ in range(_MAX_EXCHANGES):
            gains = self._gains()
            leaving = self._most(gains, self.mask)
            coming = self._most(gains, ~self.mask)
            if len(leaving) == 0 or len(coming) == 0:
                return
            # terms with both players stay as they are
            joint = (self._terms[leaving] * self._signed) @ self._terms[coming].T
            both = gains[leaving][:, None] + gains[coming] + 4 * joint.toarray()
            i, j = np.unravel_index(both.argmax(), both.shape)
            if both[i, j] <= self._least:
                return
            self._flip(int(leaving[i]))
            self._flip(int(coming[j]))

    def _gains(self) -> FloatArray:
        """Return what the value gains if a player comes or goes, shape ``(n,)``."""
        gains: FloatArray = -2 * (self._terms @ self._signed)
        return gains

    def _most(self, gains: FloatArray, among: BoolArray) -> IntArray:
        """Return the players of one side with the largest gains."""
        players = np.flatnonzero(among)
        return players[np.argsort(-gains[players], kind="stable")[:_EXCHANGED]]

    def _flip(self, player: int) -> None:
        """Let a player come or go."""
        start, stop = self._terms.indptr[player : player + 2]
        self._signed[self._terms.indices[start:stop]] *= -1
        self.mask[player] = ~self.mask[player]
