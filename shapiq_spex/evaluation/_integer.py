"""The best subset by integer programming, and bounds on what any subset can reach.

The relaxed program, in which players may be kept in part, bounds what any subset reaches, and says
of many players that no subset as good as the one at hand is without them, or with them. What is
left is solved by branch and bound. Both are done by HiGHS, as SciPy comes with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from shapiq_spex.evaluation._choice import improve
from shapiq_spex.evaluation._monomials import Monomials, expand
from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]

ROUNDING = 1e-9
"""Of the sum of all coefficients: what is less apart counts as equal."""

_MAX_DEGREE = 8  # of terms in a program: the effort is 3^degree for each
_HALF = 0.5  # what is whole is so but for rounding
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


def simple_bound(spectrum: FourierSpectrum, size: int) -> float:
    """Bound the values of subsets: the best single players, and all larger terms for them.

    Args:
        spectrum: What predicts the values.
        size: How many players to keep.
    """
    single = spectrum.orders == 1
    effects = np.zeros(spectrum.n_players)
    effects[spectrum.sets[single, 0] if single.any() else []] = -spectrum.coefficients[single]
    effects.sort()
    split = spectrum.n_players - size
    constant = spectrum.coefficients[spectrum.orders == 0].sum()
    larger = np.abs(spectrum.coefficients[spectrum.orders > 1]).sum()
    return float(constant + larger + effects[split:].sum() - effects[:split].sum())


def prove(
    spectrum: FourierSpectrum, mask: BoolArray, *, effort: float, time_limit: float
) -> Proven:
    """Search better subsets, and bound what any subset of this size can reach.

    Args:
        spectrum: What predicts the values.
        mask: The best subset so far.
        effort: How many entries the program may have.
        time_limit: Seconds.
    """
    size = int(mask.sum())
    best = _better(spectrum, Proven(mask, -np.inf, simple_bound(spectrum, size)), mask)
    if best.value == best.bound:
        return best
    end = time.monotonic() + time_limit
    program = _Program(spectrum, size, effort)
    relaxed = program.relax(time_limit)
    if relaxed is None:
        return best
    shares, costs, bound = relaxed
    rounded = np.argsort(-shares, kind="stable")[:size]
    best = _better(
        spectrum,
        Proven(best.mask, best.value, min(best.bound, bound)),
        np.isin(np.arange(len(mask)), rounded),
    )
    left = end - time.monotonic()
    if best.value == best.bound or left <= 0:
        return best
    slack = bound - best.value + ROUNDING * float(np.abs(spectrum.coefficients).sum())
    found, bound = program.solve(costs > slack, costs < -slack, left)
    bound = min(best.bound, max(best.value, bound))
    return _better(spectrum, Proven(best.mask, best.value, bound), found)


def _better(spectrum: FourierSpectrum, best: Proven, mask: BoolArray | None) -> Proven:
    """Return the better one of the best subset and another, with bounds that are not below it."""
    value = best.value
    chosen = best.mask
    if mask is not None:
        improved = improve(spectrum, mask, int(mask.sum()))
        reached = float(spectrum.evaluate(improved)[0])
        if reached > value:
            value, chosen = reached, improved
    close = best.bound - value <= ROUNDING * float(np.abs(spectrum.coefficients).sum())
    return Proven(chosen, value, value if close else best.bound)


class _Program:
    """An integer program for the best subset.

    Attributes:
        left_out: What the terms that are not in the program may add.
    """

    def __init__(self, spectrum: FourierSpectrum, size: int, effort: float) -> None:
        inside = _affordable(spectrum, effort)
        self.left_out = float(np.abs(spectrum.coefficients[~inside]).sum())
        self._terms: Monomials = expand(
            FourierSpectrum(
                spectrum.n_players, spectrum.sets[inside], spectrum.coefficients[inside]
            )
        )
        self._size = size
        largest = np.abs(self._terms.coefficients).max()
        self._unit = float(largest) / _LARGEST if largest > 0 else 1.0
        self._gains = self._terms.coefficients / self._unit
        m = len(self._gains)
        self._chosen = csr_array(
            (np.ones(spectrum.n_players), (np.zeros(spectrum.n_players, int), self._terms.players)),
            shape=(1, m),
        )
        self._lower, self._upper = np.zeros(m), np.ones(m)
        self._lower[self._terms.empty] = 1.0

    def relax(self, time_limit: float) -> tuple[FloatArray, FloatArray, float] | None:
        """Let players be kept in part.

        Returns:
            How much of each player is kept; what it costs to drop it (or, negative, to take it in);
            and the bound. ``None`` where time ran out.
        """
        found = linprog(  # type: ignore[call-overload]  # its stubs know no sparse matrices
            -self._gains,
            A_ub=-self._terms.possible,
            b_ub=np.zeros(self._terms.possible.shape[0]),
            A_eq=self._chosen,
            b_eq=[self._size],
            bounds=np.stack([self._lower, self._upper], axis=1),
            method="highs",
            options={"time_limit": time_limit},
        )
        if found.x is None or found.status != 0:
            return None
        # any prices that are not negative give a bound, also those that are a little off
        prices = np.maximum(-found.ineqlin.marginals, 0.0)
        level = -float(found.eqlin.marginals[0])
        costs = self._gains + self._terms.possible.T @ prices
        costs[self._terms.players] -= level
        positive = np.maximum(costs, 0.0).sum() + min(0.0, costs[self._terms.empty])
        bound = self._unit * (level * self._size + positive) + self.left_out
        players = self._terms.players
        return found.x[players], self._unit * costs[players], float(bound)

    def solve(
        self, kept: BoolArray, dropped: BoolArray, time_limit: float
    ) -> tuple[BoolArray | None, float]:
        """Branch and bound among the subsets in which some players are kept, and some dropped.

        Returns:
            The best subset found, if any, and a bound for all of them.
        """
        lower, upper = self._lower.copy(), self._upper.copy()
        lower[self._terms.players[kept]] = 1.0
        upper[self._terms.players[dropped]] = 0.0
        whole = np.zeros(len(lower), dtype=np.int64)
        whole[self._terms.players] = 1
        found = milp(
            -self._gains,
            integrality=whole,
            bounds=Bounds(lower, upper),
            constraints=[
                LinearConstraint(self._chosen, self._size, self._size),
                LinearConstraint(self._terms.possible, 0.0, np.inf),
            ],
            options={"time_limit": time_limit, "mip_rel_gap": 0.0},
        )
        reached = None if found.mip_dual_bound is None else -found.mip_dual_bound
        bound = np.inf if reached is None else self._unit * reached + self.left_out
        mask = None if found.x is None else found.x[self._terms.players] > _HALF
        return mask, bound


def _affordable(spectrum: FourierSpectrum, effort: float) -> BoolArray:
    """Choose the terms that go into the program: the largest coefficients."""
    costs = np.where(spectrum.orders > 1, 3.0 ** np.minimum(spectrum.orders, _MAX_DEGREE), 0.0)
    possible = spectrum.orders <= _MAX_DEGREE
    order = np.lexsort((-np.abs(spectrum.coefficients), ~possible, spectrum.orders > 1))
    inside = np.zeros(len(spectrum), dtype=bool)
    inside[order] = np.cumsum(costs[order]) <= effort
    return inside & possible
