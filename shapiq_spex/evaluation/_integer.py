"""The best subset by integer programming, and bounds on what any subset can reach.

The relaxed program, in which players may be kept in part, bounds what any subset reaches, and says
of many players that no subset as good as the one at hand is without them, or with them. What is
left is solved by branch and bound. Both are done by HiGHS, as SciPy comes with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from shapiq_spex.evaluation._choice import improve
from shapiq_spex.evaluation._monomials import Monomials, expand
from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import add_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]

_ROUNDING = 1e-9  # of the sum of all coefficients: what is less apart counts as equal
_EFFORT = {"auto": 1.5e5, "exact": 2e6}  # entries of a program, at most
_MAX_DEGREE = 8  # of terms in a program: each has 3^degree entries
_SPARSE = 6.0  # products for each player: with no more, branch and bound ends soon
_PROMISING = ((0.8, 2500), (0.6, np.inf))  # so it does with such shares of uncertain players
_LEFT_OUT = 0.1  # of larger terms: with more than that, the bound is hardly better than without
_WHOLE, _HALF = 1e-6, 0.5  # whole numbers are so but for rounding
_LARGEST = 1e3  # coefficient in a program: HiGHS stops at a gap of 1e-6 whatever the units


@dataclass(frozen=True)
class Proven:
    """A subset, and what no subset of its size exceeds.

    Attributes:
        mask: Who is kept, of shape ``(n,)``.
        value: Its predicted value.
        bound: No subset of this size has a larger one.
    """

    mask: BoolArray
    value: float
    bound: float


def prove_roughly(spectrum: FourierSpectrum, mask: BoolArray) -> Proven:
    """Bound what any subset can reach: the best single players, and all larger terms for them.

    Args:
        spectrum: What predicts the values.
        mask: The best subset so far, of shape ``(n,)``.
    """
    single = spectrum.orders == 1
    effects = np.zeros(spectrum.n_players)
    effects[spectrum.sets[single, :1].ravel()] = -spectrum.coefficients[single]
    effects.sort()
    dropped = np.count_nonzero(~mask)
    constant = spectrum.coefficients[spectrum.orders == 0].sum()
    larger = np.abs(spectrum.coefficients[spectrum.orders > 1]).sum()
    bound = constant + larger + effects[dropped:].sum() - effects[:dropped].sum()
    return _settle(spectrum, Proven(mask, float(spectrum.evaluate(mask)[0]), float(bound)))


def prove(spectrum: FourierSpectrum, mask: BoolArray, *, exact: bool, time_limit: float) -> Proven:
    """Search better subsets, and bound what any subset of this size can reach.

    Args:
        spectrum: What predicts the values.
        mask: The best subset so far.
        exact: Whether to take the time, also where it is unlikely to be enough.
        time_limit: Seconds.
    """
    size = int(mask.sum())
    best = prove_roughly(spectrum, mask)
    if best.value == best.bound:
        return best
    end = time.monotonic() + time_limit
    effort = _EFFORT["exact" if exact else "auto"]
    program = _Program(spectrum, size, effort)
    relaxed = program.relax(time_limit) if exact or program.covers(spectrum) else None
    if relaxed is None:
        return best
    shares, costs, bound = relaxed
    best = Proven(best.mask, best.value, min(best.bound, bound))
    best = _better(spectrum, best, _largest(shares, size))
    slack = bound - best.value + _rounding(spectrum)  # of the bound that the costs belong to
    kept, dropped = costs > slack, costs < -slack
    free = ~(kept | dropped)
    if best.value == best.bound or not free.any():
        return replace(best, bound=best.value)
    rest = _Program(_restrict(spectrum, kept, free), size - int(kept.sum()), effort)
    left = end - time.monotonic()
    if left <= 0 or not (exact or rest.promising(n_before=len(mask))):
        return best
    found, bound = rest.solve(left)
    # subsets that were left out of the search have no larger values than the best so far
    best = Proven(best.mask, best.value, min(best.bound, max(best.value, bound)))
    if found is None:
        return best
    kept[free] = found
    return _better(spectrum, best, kept)


def _restrict(spectrum: FourierSpectrum, kept: BoolArray, free: BoolArray) -> FourierSpectrum:
    """Return the spectrum over free players, with some others there and the rest not."""
    n, n_free = spectrum.n_players, int(free.sum())
    signs = np.append(np.where(kept, -1.0, 1.0), 1.0)
    numbers = np.full(n + 1, n_free)
    numbers[:n][free] = np.arange(n_free)
    values = spectrum.coefficients * signs[spectrum.sets].prod(axis=1)
    sets = np.sort(numbers[spectrum.sets], axis=1)
    return FourierSpectrum(n_free, *add_up(n_free, (sets, values)))


def _better(spectrum: FourierSpectrum, best: Proven, mask: BoolArray) -> Proven:
    """Return the better one of the best subset and another one, after exchanges."""
    mask = improve(spectrum, mask, int(mask.sum()))
    value = float(spectrum.evaluate(mask)[0])
    if value <= best.value:
        return _settle(spectrum, best)
    return _settle(spectrum, Proven(mask, value, best.bound))


def _settle(spectrum: FourierSpectrum, best: Proven) -> Proven:
    """Take a bound that is no more than rounding away, or below, for the value itself."""
    proven = best.bound - best.value <= _rounding(spectrum)
    return replace(best, bound=best.value) if proven else best


def _largest(shares: FloatArray, size: int) -> BoolArray:
    """Keep the players with the largest shares."""
    mask = np.zeros(len(shares), dtype=bool)
    mask[np.argsort(-shares, kind="stable")[:size]] = True
    return mask


def _rounding(spectrum: FourierSpectrum) -> float:
    """Return what counts as nothing."""
    return _ROUNDING * float(np.abs(spectrum.coefficients).sum())


class _Program:
    """An integer program for the best subset.

    Its variables are the products of players of a spectrum.
    """

    def __init__(self, spectrum: FourierSpectrum, size: int, effort: float) -> None:
        inside = _affordable(spectrum, effort)
        n, sets, coefficients = spectrum.n_players, spectrum.sets, spectrum.coefficients
        self._size = size
        self._spectrum = FourierSpectrum(n, sets[inside], coefficients[inside])
        self._left_out = float(np.abs(coefficients[~inside]).sum())
        terms: Monomials = expand(self._spectrum)
        self._players, self._empty, self._possible = terms.players, terms.empty, terms.possible
        self._unit = (float(np.abs(terms.coefficients).max()) or 1.0) / _LARGEST
        self._gains = terms.coefficients / self._unit
        counted = (np.ones(n), (np.zeros(n, dtype=np.int64), terms.players))
        self._count = csr_array(counted, shape=(1, len(self._gains)))
        self._lower, self._upper = np.zeros(len(self._gains)), np.ones(len(self._gains))
        self._lower[terms.empty] = 1.0

    def covers(self, spectrum: FourierSpectrum) -> bool:
        """Say whether little of a spectrum is left out, so that bounds say something."""
        larger = np.abs(spectrum.coefficients[spectrum.orders > 1]).sum()
        return bool(self._left_out <= _LEFT_OUT * larger)

    def relax(self, time_limit: float) -> tuple[FloatArray, FloatArray, float] | None:
        """Let players be kept in part.

        Returns:
            How much of each player is kept; what it costs to drop it (or, negative, to take it in);
            and the bound. ``None`` where time ran out.
        """
        found = linprog(  # type: ignore[call-overload]  # its stubs know no sparse matrices
            -self._gains,
            A_ub=-self._possible,
            b_ub=np.zeros(self._possible.shape[0]),
            A_eq=self._count,
            b_eq=[self._size],
            bounds=np.stack([self._lower, self._upper], axis=1),
            method="highs",
            options={"time_limit": time_limit},
        )
        if found.status != 0:
            return None
        shares = found.x[self._players]
        level = -float(found.eqlin.marginals[0])
        costs, bound = self._price(np.maximum(-found.ineqlin.marginals, 0.0), level)
        if np.abs(shares - shares.round()).max() <= _WHOLE:
            bound = min(bound, self._reach(shares > _HALF))
        return shares, costs, bound

    def _price(self, prices: FloatArray, level: float) -> tuple[FloatArray, float]:
        """Return what players cost if what is possible has prices, and the bound by these.

        Any prices that are not negative give a bound, also those that are a little off.
        """
        costs = self._gains + self._possible.T @ prices
        costs[self._players] -= level
        most = np.maximum(self._lower * costs, self._upper * costs).sum()
        bound = self._unit * (level * self._size + most) + self._left_out
        return self._unit * costs[self._players], float(bound)

    def promising(self, n_before: int) -> bool:
        """Say whether branch and bound should end in seconds, from the players there were before.

        The more of them are certain, the more products of the others are no matter.
        """
        n, products = len(self._players), len(self._gains)
        sparse = products <= _SPARSE * n
        return sparse or any(
            n <= share * n_before and products <= most for share, most in _PROMISING
        )

    def solve(self, time_limit: float) -> tuple[BoolArray | None, float]:
        """Branch and bound.

        Returns:
            The best subset found, if any, and a bound for all of them.
        """
        whole = np.zeros(len(self._gains), dtype=np.int64)
        whole[self._players] = 1
        found = milp(
            -self._gains,
            integrality=whole,
            bounds=Bounds(self._lower, self._upper),
            constraints=[
                LinearConstraint(self._count, self._size, self._size),
                LinearConstraint(self._possible, 0.0, np.inf),
            ],
            options={"time_limit": time_limit, "mip_rel_gap": 0.0},
        )
        mask = None if found.x is None else found.x[self._players] > _HALF
        if mask is not None and found.status == 0:
            return mask, self._reach(mask)
        reached = found.mip_dual_bound
        bound = np.inf if reached is None else self._left_out - self._unit * reached
        return mask, float(bound)

    def _reach(self, mask: BoolArray) -> float:
        """Return the bound if a subset is the best one of the program."""
        return float(self._spectrum.evaluate(mask)[0]) + self._left_out


def _affordable(spectrum: FourierSpectrum, effort: float) -> BoolArray:
    """Choose the terms that go into the program: the largest coefficients."""
    costs = np.where(spectrum.orders > 1, 3.0 ** np.minimum(spectrum.orders, _MAX_DEGREE), 0.0)
    possible = spectrum.orders <= _MAX_DEGREE
    order = np.lexsort((-np.abs(spectrum.coefficients), ~possible, spectrum.orders > 1))
    inside = np.zeros(len(spectrum), dtype=bool)
    inside[order] = np.cumsum(costs[order]) <= effort
    return inside & possible
