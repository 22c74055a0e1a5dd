"""From the values on coded masks to the sets whose coefficients may stand behind them.

Every bin of every group is decoded at once: the signs of its transform at the delays, relative to
the zero delay, are the parities of the set that dominates it. Where several coefficients share a
bin some signs are wrong, most likely those of the smallest magnitude; so the patterns with these
flipped are decoded as well (Chase 1972, second algorithm). What is decoded is only proposed: the
caller weighs it by its correlation on all masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._walsh import walsh_hadamard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._design import Group
    from ._galois import IntArray

_MAX_FLIPPED = 10
_NEGLIGIBLE = 1e-20  # of the strongest bin's energy: what is left of a bin that was peeled


def propose_sets(
    groups: Sequence[Group], residual: NDArray[np.float64], *, max_patterns: int
) -> IntArray:
    """Decode all bins of all groups.

    Args:
        groups: The complete groups of a design.
        residual: What the coefficients found so far leave of the values, shape ``(n_masks,)``.
        max_patterns: How many sign patterns may be decoded in each group, hard decisions included.

    Returns:
        Sets of players, shape ``(n_sets, t)``, padded with ``n``; a set may appear more than once.
    """
    proposals = [_propose_from_group(group, residual, max_patterns) for group in groups]
    width = max(sets.shape[1] for sets in proposals)
    n = groups[0].code.n
    padded = [
        np.pad(sets, ((0, 0), (0, width - sets.shape[1])), constant_values=n) for sets in proposals
    ]
    return np.concatenate(padded)


def _propose_from_group(group: Group, residual: NDArray[np.float64], max_patterns: int) -> IntArray:
    """Return the sets decoded in one group that fall into the bin they were decoded from."""
    transform = walsh_hadamard(residual[group.rows])
    energy = (transform**2).mean(axis=0)
    bins = np.flatnonzero(energy > _NEGLIGIBLE * max(float(energy.max()), np.finfo(float).tiny))
    if len(bins) == 0:
        return np.empty((0, group.t), dtype=np.int64)
    n_flipped = int(np.clip(np.log2(max_patterns / len(bins)), 0, _MAX_FLIPPED))
    parities = _chase_patterns(transform[:, bins].T, n_flipped)
    sets, decoded = group.code.decode(parities.reshape(-1, parities.shape[2]), group.t)
    origin = np.repeat(bins, parities.shape[1])
    sets, origin = sets[decoded], origin[decoded]
    consistent: IntArray = sets[_bin_of(group, sets) == origin]
    return consistent


def _chase_patterns(transform: NDArray[np.float64], n_flipped: int) -> NDArray[np.bool_]:
    """Return the parities of each bin under all flips of its least reliable signs.

    Args:
        transform: The bins' values at the delays, shape ``(n_bins, n_delays)``.
        n_flipped: How many signs are in doubt.

    Returns:
        Boolean array of shape ``(n_bins, 2**n_flipped, n_delays - 1)``; the first pattern of a bin
        is its hard decision.
    """
    n_bins, n_delays = transform.shape
    n_flipped = min(n_flipped, n_delays)
    doubtful = np.argsort(np.abs(transform), axis=1, kind="stable")[:, :n_flipped]
    flips = (np.arange(1 << n_flipped)[:, None] >> np.arange(n_flipped)) & 1 == 1
    negative = np.repeat((transform < 0)[:, None], len(flips), axis=1)
    rows = np.arange(n_bins)[:, None, None]
    patterns = np.arange(len(flips))[:, None]
    negative[rows, patterns, doubtful[:, None, :]] ^= flips
    return negative[:, :, 1:] ^ negative[:, :, :1]


def _bin_of(group: Group, sets: IntArray) -> IntArray:
    """Return the bin ``M^T T`` of each set, as an integer."""
    weights = 1 << np.arange(group.b, dtype=np.int64)
    labels = np.append(group.matrix @ weights, 0)
    bins: IntArray = np.bitwise_xor.reduce(labels[sets], axis=1, initial=0)
    return bins
