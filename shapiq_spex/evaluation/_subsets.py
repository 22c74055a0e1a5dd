"""The best subset of the players by a spectrum: whom to keep, and whom to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

BLUR = 0.15
"""By default; chosen by the accuracy on test data of nearest neighbours and machines with kernels
that were trained on subsets of digits."""

_EVEN = 0.5  # a blur of which nothing is left
_EXCHANGED = 64  # players of each side, the best by themselves, that are tried for an exchange
_MAX_EXCHANGES = 10_000
_LEAST_GAIN = 1e-12  # of the coefficients: less is rounding


@dataclass(frozen=True)
class Subset:
    """A choice of players.

    Attributes:
        mask: Who is kept, boolean of shape ``(n,)``.
        value: The value that the spectrum predicts for them, without any blur.
    """

    mask: BoolArray
    value: float

    @property
    def players(self) -> tuple[int, ...]:
        """The numbers of those who are kept."""
        return tuple(np.flatnonzero(self.mask).tolist())


def best_subset(spectrum: FourierSpectrum, keep: float, *, blur: float = BLUR) -> Subset:
    """Keep so many players that the predicted value of subsets like theirs is as large as can be.

    The largest of many predictions is mostly one that errs upwards. So what counts is the mean over
    subsets in which each player is, with the probability ``blur``, otherwise than chosen: it keeps
    less of terms the larger they are, which are the less certain ones. For a spectrum that is
    certain, as of a game all of whose values are known, take a blur of 0.

    Of players who stand in for each other one is kept, and those who only do something together are
    kept together. Players are dropped one by one, and taken in one by one, each time the one who
    costs least or adds most given all the others; then players are exchanged as long as that helps.
    The result is as good as any that differs by one exchange of these, but need not be the best.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        keep: How many players, if it is an integer; else which share of them, up to 1.
        blur: From 0, no blur, to below 0.5.

    Raises:
        ValueError: If a parameter is out of range.
    """
    if not 0 <= blur < _EVEN:
        msg = f"blur must be at least 0 and below 0.5, got {blur!r}."
        raise ValueError(msg)
    n = spectrum.n_players
    size = _size(keep, n)
    # of a term of one player nothing is taken away: a common factor changes no choice
    smaller = (1 - 2 * blur) ** np.maximum(spectrum.orders - 1.0, 0.0)
    blurred = FourierSpectrum(n, spectrum.sets, spectrum.coefficients * smaller)
    starts = [_Choice(blurred, np.ones(n, dtype=bool)), _Choice(blurred, np.zeros(n, dtype=bool))]
    for choice in starts:
        choice.resize(size)
        choice.exchange()
    best = max(starts, key=lambda choice: choice.value)
    return Subset(best.mask, float(spectrum.evaluate(best.mask)[0]))


def _size(keep: float, n: int) -> int:
    """Return how many players to keep."""
    whole = isinstance(keep, int | np.integer) and not isinstance(keep, bool)
    if isinstance(keep, bool) or not 0 <= keep <= (n if whole else 1):
        msg = f"keep must be an integer from 0 to {n}, or a share from 0.0 to 1.0, got {keep!r}."
        raise ValueError(msg)
    return int(keep) if whole else round(keep * n)


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

    @property
    def value(self) -> float:
        """The predicted value."""
        return float(self._signed.sum())

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
