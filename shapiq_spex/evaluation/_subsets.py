"""The best subset of the players by a spectrum: whom to keep, and whom to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from tqdm.auto import tqdm

from shapiq_spex._numbers import check_integer, is_real
from shapiq_spex.ablations import Masks, check_values
from shapiq_spex.evaluation._checks import check_spectrum
from shapiq_spex.evaluation._choice import search
from shapiq_spex.evaluation._integer import Proven, prove, prove_roughly
from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import add_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]

Method = Literal["auto", "exact", "greedy"]
"""How a subset is searched."""

BLUR = 0.15
"""By default; chosen by the accuracy on test data of nearest neighbours and machines with kernels
that were trained on subsets of digits."""

TRIALS = 32
"""How many subsets are tried in a game by default."""

TIME_LIMIT = 10.0
"""Seconds that the integer program has by default."""

_STRENGTHS = (0.25, 0.5, 1.0)  # of disturbances
_QUIET_SECONDS = 2.0
_EVEN = 0.5  # a blur of which nothing is left


@dataclass(frozen=True)
class Subset:
    """A choice of players.

    Attributes:
        mask: Who is kept, boolean of shape ``(n,)``.
        value: The game's value of them, where it was tried; else what the spectrum predicts,
            without any blur.
        bound: No subset of this size has a larger mean by the spectrum, or a smaller one where the
            least was asked for; without blur the mean is what it predicts. It is no bound on the
            values of a game.
        gap: How far the mean of this subset is from the bound. 0 means that by the spectrum none is
            better. Where a game was tried, another one may have been taken that is worse by the
            spectrum: then the gap is larger.
    """

    mask: BoolArray
    value: float
    bound: float
    gap: float

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
    method: Method = "auto",
    minimize: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Subset:
    """Keep so many players that the predicted value of subsets like theirs is as large as can be.

    The largest of many predictions is mostly one that errs upwards. So what counts is the mean over
    subsets in which each player is, with the probability ``blur``, otherwise than chosen: it keeps
    less of terms the larger they are, which are the less certain ones. For a spectrum that is
    certain, as of a game all of whose values are known, take a blur of 0.

    Of players who stand in for each other one is kept, and those who only do something together are
    kept together. Players are dropped one by one, and taken in one by one, each time the one who
    costs least or adds most given all the others; then players are exchanged as long as that helps.
    By an integer program the result is then shown to be the best, or a better one is found, or
    both; its relaxation bounds what can be reached. That takes less than a second for some hundreds
    of players of whom each interacts with a few, and seconds for thousands of interactions. Where
    these are so many and so strong that it is too hard, the ``gap`` tells how much better another
    subset could be at most.

    For the players without whom the value falls most, ask for the least value of all others: the
    ten to remove are those not in ``best_subset(spectrum, n - 10, minimize=True)``.

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
        method: ``"greedy"`` is without an integer program, and has a rough bound; ``"exact"`` takes
            the time for one, with millions of entries; ``"auto"`` relaxes one with up to 150,000,
            of the largest terms, and solves it where that should end in seconds. Disturbed spectra
            are always searched greedily.
        minimize: Whether to look for the least value instead, of the spectrum and of the game.
        time_limit: Seconds for the integer program, which are rarely needed. HiGHS, which solves
            it, looks at the clock now and then, and may take longer. A result that took all the
            time depends on the machine.

    Returns:
        The choice, its predicted value, and how much better any other could be.

    Raises:
        ValueError: If a parameter is out of range, or the game has no value for any subset.

    Examples:
        >>> from shapiq_spex import FourierSpectrum, best_subset
        >>> # player 0 adds a half, players 1 and 2 together 1
        >>> spectrum = FourierSpectrum.from_values([0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 1.0, 1.5])
        >>> best_subset(spectrum, keep=2).players
        (1, 2)
    """
    check_spectrum(spectrum)
    _check(
        blur=blur,
        trials=trials,
        random_state=random_state,
        method=method,
        time_limit=time_limit,
    )
    size = _size(keep, spectrum.n_players)
    sign = -1.0 if minimize else 1.0
    signed = FourierSpectrum(spectrum.n_players, spectrum.sets, sign * spectrum.coefficients)
    blurred = _blur(signed, blur)
    proven = _solve(blurred, size, method, time_limit)
    if game is None:
        mask, value = proven.mask, float(spectrum.evaluate(proven.mask)[0])
    else:
        disturbed = _disturbed(signed, size, blur, trials, random_state)
        mask, value = _try([proven.mask, *disturbed], game, sign)
    gap = max(0.0, proven.bound - float(blurred.evaluate(mask)[0]))
    return Subset(mask, value, sign * proven.bound, gap)


def _check(
    *, blur: float, trials: int, random_state: int, method: Method, time_limit: float
) -> None:
    """Check parameters."""
    if not (is_real(blur) and 0 <= blur < _EVEN):
        msg = f"blur must be at least 0 and below 0.5, got {blur!r}."
        raise ValueError(msg)
    check_integer("trials", trials, 1)
    check_integer("random_state", random_state, 0)
    if method not in get_args(Method):
        msg = f"method must be one of {', '.join(get_args(Method))}, got {method!r}."
        raise ValueError(msg)
    if not (is_real(time_limit) and time_limit > 0):
        msg = f"time_limit must be more than 0 seconds, got {time_limit!r}."
        raise ValueError(msg)


def _try(
    masks: list[BoolArray], game: Callable[[BoolArray], Any], sign: float
) -> tuple[BoolArray, float]:
    """Evaluate subsets in a game; return the best one and its value."""
    distinct = np.unique(masks, axis=0)
    values = check_values(game(distinct.view(Masks)), distinct, gaps=True)
    if np.isnan(values).all():
        msg = "The game has no value for any of the subsets tried."
        raise ValueError(msg)
    best = int(np.nanargmax(sign * values))
    return distinct[best], float(values[best])


def _disturbed(
    spectrum: FourierSpectrum, size: int, blur: float, trials: int, random_state: int
) -> list[BoolArray]:
    """Search the subset without blur, and those by disturbed spectra: all but the first trial."""
    rng = np.random.default_rng(random_state)
    masks = []
    for trial in tqdm(range(1, trials), desc="Choosing subsets", delay=_QUIET_SECONDS, leave=False):
        strength = _STRENGTHS[trial % len(_STRENGTHS)]
        tried = _blur(_disturb(spectrum, strength, rng), blur) if trial > 1 else spectrum
        masks.append(search(tried, size))
    return masks


def _disturb(
    spectrum: FourierSpectrum, strength: float, rng: np.random.Generator
) -> FourierSpectrum:
    """Add noise to the coefficients of single players, in units of their root mean square."""
    n = spectrum.n_players
    singles = spectrum.coefficients[spectrum.orders == 1]
    noise = strength * np.sqrt((singles**2).sum() / n) * rng.normal(size=n)
    terms = add_up(n, (spectrum.sets, spectrum.coefficients), (np.arange(n)[:, None], noise))
    return FourierSpectrum(n, *terms)


def _blur(spectrum: FourierSpectrum, blur: float) -> FourierSpectrum:
    """Return the means over subsets in which each player is otherwise with a probability."""
    kept = (1 - 2 * blur) ** spectrum.orders
    return FourierSpectrum(spectrum.n_players, spectrum.sets, spectrum.coefficients * kept)


def _solve(spectrum: FourierSpectrum, size: int, method: Method, time_limit: float) -> Proven:
    """Return the best subset found by a spectrum, which is blurred already, and a bound."""
    mask = search(spectrum, size)
    if method == "greedy":
        return prove_roughly(spectrum, mask)
    return prove(spectrum, mask, exact=method == "exact", time_limit=time_limit)


def _size(keep: float, n: int) -> int:
    """Return how many players to keep."""
    whole = isinstance(keep, int | np.integer)
    if not (is_real(keep) and 0 <= keep <= (n if whole else 1)):
        msg = f"keep must be an integer from 0 to {n}, or a share from 0.0 to 1.0, got {keep!r}."
        raise ValueError(msg)
    return int(keep) if whole else round(keep * n)
