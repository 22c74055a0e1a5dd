"""The best subset of the players by a spectrum: whom to keep, and whom to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from tqdm.auto import tqdm

from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import add_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

BLUR = 0.15
"""By default; chosen by the accuracy on test data of nearest neighbours and machines with kernels
that were trained on subsets of digits."""

TRIALS = 32
"""How many subsets are tried in a game by default."""

_STRENGTHS = (0.25, 0.5, 1.0)  # of disturbances
_QUIET_SECONDS = 2.0
_EVEN = 0.5  # a blur of which nothing is left
_EXCHANGED = 64  # players of each side, the best by themselves, that are tried for an exchange
_MAX_EXCHANGES = 10_000
_LEAST_GAIN = 1e-12  # of the coefficients: less is rounding


@dataclass(frozen=True)
class Subset:
    """A choice of players.

    Attributes:
        mask: Who is kept, boolean of shape ``(n,)``.
        value: The game's value of them, where it was tried; else what the spectrum predicts,
            without any blur.
    """

    mask: BoolArray
    value: float

    @property
    def players(self) -> tuple[int, ...]:
        """The numbers of those who are kept."""
        return tuple(np.flatnonzero(self.mask).tolist())


def best_subset(
    spectrum: FourierSpectrum,
    keep: float,
    *,
    blur: float = BLUR,
    game: Callable[[BoolArray], Any] | None = None,
    trials: int = TRIALS,
    random_state: int = 0,
) -> Subset:
    """Keep so many players that the predicted value of subsets like theirs is as large as can be.

    The largest of many predictions is mostly one that errs upwards. So what counts is the mean over
    subsets in which each player is, with the probability ``blur``, otherwise than chosen: it keeps
    less of terms the larger they are, which are the less certain ones. For a spectrum that is
    certain, as of a game all of whose values are known, take a blur of 0.

    Of players who stand in for each other one is kept, and those who only do something together are
    kept together. Players are dropped one by one, and taken in one by one, each time the one who
    costs least or adds most given all the others; then players are exchanged as long as that helps.
    The result is as good as any that differs by one exchange of these, but need not be the best.

    Far from what a spectrum was learnt from, as with half of the players chosen for their effects,
    its predictions fail. Where a few more evaluations are affordable, give the game: the subset
    with blur, that without, and those by spectra whose effects of single players are disturbed more
    and more are tried in it, and the best is taken.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        keep: How many players, if it is an integer; else which share of them, up to 1.
        blur: From 0, no blur, to below 0.5.
        game: The game, to try subsets in.
        trials: How many subsets to try in it, at most; some may be the same.
        random_state: The seed of the disturbances.

    Raises:
        ValueError: If a parameter is out of range, or the game has no value for any subset.
    """
    if not 0 <= blur < _EVEN:
        msg = f"blur must be at least 0 and below 0.5, got {blur!r}."
        raise ValueError(msg)
    if trials < 1:
        msg = f"trials must be at least 1, got {trials!r}."
        raise ValueError(msg)
    size = _size(keep, spectrum.n_players)
    mask = _search(spectrum, size, blur)
    if game is None:
        return Subset(mask, float(spectrum.evaluate(mask)[0]))
    masks = [mask]
    rng = np.random.default_rng(random_state)
    for trial in tqdm(range(1, trials), desc="Choosing subsets", delay=_QUIET_SECONDS, leave=False):
        strength = _STRENGTHS[trial % len(_STRENGTHS)]
        disturbed = _disturb(spectrum, strength, rng) if trial > 1 else spectrum
        masks.append(_search(disturbed, size, blur if trial > 1 else 0.0))
    distinct = np.unique(masks, axis=0)
    values = np.asarray(game(distinct), dtype=np.float64)
    if np.isnan(values).all():
        msg = "The game has no value for any of the subsets tried."
        raise ValueError(msg)
    best = int(np.nanargmax(values))
    return Subset(distinct[best], float(values[best]))


def _disturb(
    spectrum: FourierSpectrum, strength: float, rng: np.random.Generator
) -> FourierSpectrum:
    """Add noise to the coefficients of single players, in units of their root mean square."""
    n = spectrum.n_players
    singles = spectrum.coefficients[spectrum.orders == 1]
    noise = strength * np.sqrt((singles**2).sum() / n) * rng.normal(size=n)
    terms = add_up(n, (spectrum.sets, spectrum.coefficients), (np.arange(n)[:, None], noise))
    return FourierSpectrum(n, *terms)


def _search(spectrum: FourierSpectrum, size: int, blur: float) -> BoolArray:
    """Return the best subset found by a blurred spectrum."""
    n = spectrum.n_players
    # of a term of one player nothing is taken away: a common factor changes no choice
    smaller = (1 - 2 * blur) ** np.maximum(spectrum.orders - 1.0, 0.0)
    blurred = FourierSpectrum(n, spectrum.sets, spectrum.coefficients * smaller)
    starts = [_Choice(blurred, np.ones(n, dtype=bool)), _Choice(blurred, np.zeros(n, dtype=bool))]
    for choice in starts:
        choice.resize(size)
        choice.exchange()
    return max(starts, key=lambda choice: choice.value).mask


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
