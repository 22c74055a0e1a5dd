"""Peeling: decode the bins, fit what was found, subtract it, and decode what is left."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.regression import log_choices
from shapiq_spex.regression._least_squares import gram, predict, project, solve_normal
from shapiq_spex.spectrum._sets import orders, resize, unique_sets

from ._decoder import propose_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shapiq_spex.regression import MaskColumns

    from ._design import Group

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

HARD = 1
SOFT = (1 << 8, 1 << 11, 1 << 14)
_EXACT = 1e-20  # of the values' variance: nothing is left but rounding
_MARGIN = 4.0  # of a squared z-score, beyond what the best of all sets of a size has by chance
_LARGEST_SHARE = 0.5  # of the masks, for the number of sets


def peel(
    groups: Sequence[Group],
    columns: MaskColumns,
    values: FloatArray,
    support: IntArray,
    efforts: Sequence[int],
) -> IntArray:
    """Decode, fit and subtract until nothing more is found.

    A decoded set is kept if its correlation with the residual, on all masks, is larger than chance
    would give for the best of all sets of its size. So what noise decodes to is not taken up.

    Args:
        groups: The complete groups of the design.
        columns: All masks.
        values: The values on them, shape ``(m,)``.
        support: Sets known so far, the empty one first, shape ``(k, width)``, padded.
        efforts: How many sign patterns to decode in each group, in increasing order; the next
            effort is made once the one before finds nothing.

    Returns:
        The support with what was found, shape ``(l, width)``.
    """
    if not groups:
        return support
    state = _Fit(columns, values, support)
    level = 0
    while level < len(efforts) and not state.exact and len(state.sets) < state.limit:
        proposed = propose_sets(groups, state.residual, max_patterns=efforts[level])
        level = 0 if state.accept(proposed) else level + 1
    return state.sets


class _Fit:
    """The least-squares fit of a growing support."""

    def __init__(self, columns: MaskColumns, values: FloatArray, support: IntArray) -> None:
        self._columns = columns
        self._values = values
        self.limit = int(_LARGEST_SHARE * columns.n_masks)
        self.sets = support
        self._signs = columns.characters(support)
        self._gram = gram(self._signs, self._signs)
        self._fit()

    @property
    def exact(self) -> bool:
        """Whether nothing is left of the values but rounding."""
        return bool(self.residual.var() <= _EXACT * self._values.var())

    def _fit(self) -> None:
        coefficients = solve_normal(self._gram, project(self._signs, self._values))
        self.residual = self._values - predict(self._signs, coefficients)

    def accept(self, proposed: IntArray) -> bool:
        """Take up the significant ones among proposed sets; say whether there were any."""
        taken = self._take(proposed)
        if len(taken):  # where there is a hierarchy the subsets are worth a look
            self._take(_subsets(taken, self._columns.n_players))
        return len(taken) > 0

    def _take(self, proposed: IntArray) -> IntArray:
        n = self._columns.n_players
        width = max(proposed.shape[1], self.sets.shape[1])
        self.sets = resize(self.sets, width, n)
        fresh, _ = unique_sets(resize(proposed, width, n))
        known = set(map(tuple, self.sets.tolist()))
        fresh = fresh[[tuple(row) not in known for row in fresh.tolist()]]
        if len(fresh) == 0:
            return fresh
        signs = self._columns.characters(fresh)
        scores = project(signs, self.residual) ** 2 / (self.residual @ self.residual)
        threshold = 2 * log_choices(n, orders(fresh, n)) + _MARGIN
        chosen = np.argsort(-(scores - threshold), kind="stable")
        chosen = chosen[scores[chosen] > threshold[chosen]][: self.limit - len(self.sets)]
        if len(chosen):
            cross = gram(signs[chosen], self._signs)
            corner = gram(signs[chosen], signs[chosen])
            self._gram = np.block([[self._gram, cross.T], [cross, corner]])
            self._signs = np.concatenate([self._signs, signs[chosen]])
            self.sets = np.concatenate([self.sets, fresh[chosen]])
            self._fit()
        return fresh[chosen]


def _subsets(sets: IntArray, n: int) -> IntArray:
    """Return the subsets of all sizes of each set."""
    width = int(orders(sets, n).max())  # of these, rather than of all sets known so far
    sets = sets[:, :width]
    parts = [
        np.where(np.isin(np.arange(width), columns), sets, n)
        for size in range(1, width)
        for columns in combinations(range(width), size)
    ]
    if not parts:
        return sets
    subsets: IntArray = np.concatenate(parts)
    subsets.sort(axis=1)
    return subsets
