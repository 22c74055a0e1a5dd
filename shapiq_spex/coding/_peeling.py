"""Peeling: decode the bins, fit what was found, subtract it, and decode what is left."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.regression._least_squares import gram, predict, project, solve_normal
from shapiq_spex.spectrum._sets import orders, resize, unique_sets

from ._decoder import propose_sets, transform_bins, weigh_sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shapiq_spex.regression import Ablations

    from ._design import Group

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

HARD = 1
SOFT = (1 << 8, 1 << 11, 1 << 14)
_MARGIN = 8.0  # of a likelihood ratio, beyond what the best of all proposed sets has by chance
_LARGEST_SHARE = 0.5  # of the masks, for the number of sets


def peel(
    groups: Sequence[Group],
    ablations: Ablations,
    support: IntArray,
    efforts: Sequence[int],
) -> IntArray:
    """Decode, fit and subtract until nothing more is found.

    A set that was decoded from one group is kept if it explains its bins in the other groups better
    than chance would have it for the best of all sets proposed. So what noise decodes to is not
    taken up.

    Args:
        groups: The complete groups of the design.
        ablations: The masks and the values on them.
        support: Sets known so far, the empty one first, shape ``(k, width)``, padded.
        efforts: How many sign patterns to decode in each group, in increasing order; the next
            effort is made once the one before finds nothing.

    Returns:
        The support with what was found, shape ``(l, width)``.
    """
    state = _Fit(ablations, support)
    level = 0
    while groups and level < len(efforts) and not state.exact and state.room > 0:
        found = 0
        for i, group in enumerate(groups):
            bins = [transform_bins(other, state.spread) for other in groups]
            sets = state.fresh(propose_sets(group, bins[i], max_patterns=efforts[level]))
            witnesses = [j for j in range(len(groups)) if j != i] or [i]
            scores = weigh_sets([groups[j] for j in witnesses], [bins[j] for j in witnesses], sets)
            taken = state.take(sets, scores)
            # where there is a hierarchy the subsets are worth a look
            subsets = state.fresh(_subsets(taken, group.code.n))
            bins = [transform_bins(other, state.spread) for other in groups]
            state.take(subsets, weigh_sets(groups, bins, subsets))
            found += len(taken)
        level = 0 if found else level + 1
    return state.sets


class _Fit:
    """The least-squares fit of a growing support."""

    def __init__(self, ablations: Ablations, support: IntArray) -> None:
        self._ablations = ablations
        self._columns = ablations.columns
        self.sets = support
        self._signs = self._columns.characters(support)
        self._gram = gram(self._signs, self._signs)
        self._fit()

    @property
    def exact(self) -> bool:
        """Whether nothing is left of the values but rounding."""
        return self._ablations.is_explained(self.residual)

    @property
    def room(self) -> int:
        """How many more sets these masks can bear."""
        return int(_LARGEST_SHARE * self._columns.n_masks) - len(self.sets)

    @property
    def spread(self) -> FloatArray:
        """The residual, and at its end a zero for masks without a value: as the fit predicts."""
        return np.append(self.residual, 0.0)

    def _fit(self) -> None:
        values = self._ablations.values
        coefficients = solve_normal(self._gram, project(self._signs, values))
        self.residual = values - predict(self._signs, coefficients)

    def take(self, sets: IntArray, scores: FloatArray) -> IntArray:
        """Take up the significant ones among new sets, and return them.

        Args:
            sets: The sets, shape ``(k, width)``, padded.
            scores: Their likelihood ratios, shape ``(k,)``.
        """
        threshold = 2 * np.log(max(2, len(sets))) + _MARGIN
        chosen = np.argsort(-scores, kind="stable")
        chosen = chosen[scores[chosen] > threshold][: max(0, self.room)]
        if self.exact or len(chosen) == 0:
            return np.empty((0, sets.shape[1]), dtype=np.int64)
        signs = self._columns.characters(sets[chosen])
        cross = gram(signs, self._signs)
        self._gram = np.block([[self._gram, cross.T], [cross, gram(signs, signs)]])
        self._signs = np.concatenate([self._signs, signs])
        self.sets = np.concatenate([self.sets, sets[chosen]])
        self._fit()
        taken: IntArray = sets[chosen]
        return taken

    def fresh(self, proposed: IntArray) -> IntArray:
        """Return the distinct sets that are not in the model, as wide as its own."""
        n = self._columns.n_players
        width = max(proposed.shape[1], self.sets.shape[1])
        self.sets = resize(self.sets, width, n)
        distinct, position = unique_sets(np.concatenate([self.sets, resize(proposed, width, n)]))
        known = np.zeros(len(distinct), dtype=bool)
        known[position[: len(self.sets)]] = True
        new: IntArray = distinct[~known]
        return new


def _subsets(sets: IntArray, n: int) -> IntArray:
    """Return the subsets of all sizes of each set."""
    width = int(orders(sets, n).max(initial=0))  # of these, rather than of all sets known so far
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
