"""From the values on coded masks to the sets whose coefficients may stand behind them.

Every bin of every group is decoded at once: the signs of its transform at the delays, relative to
the zero delay, are the parities of the set that dominates it. Where several coefficients share a
bin some signs are wrong, most likely those of the smallest magnitude; so the patterns with these
flipped are decoded as well (Chase 1972, second algorithm). What is decoded is only proposed: it is
weighed by the bins of the other groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import characters, resize
from shapiq_spex.spectrum._walsh import walsh_hadamard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._design import Group
    from ._galois import IntArray

    FloatArray = NDArray[np.float64]

_MAX_FLIPPED = 10
_NEGLIGIBLE = 1e-20  # of the strongest bin's energy: what is left of a bin that was peeled


def transform_bins(group: Group, residual: FloatArray) -> FloatArray:
    """Return the bins' values at the delays, ``sum_{T in bin} F(T) (-1)^<d + s, T>``.

    Args:
        group: A complete group of a design.
        residual: Values on the masks, shape ``(n_masks,)``.

    Returns:
        Array of shape ``(n_delays, 2**b)``.
    """
    bins: FloatArray = walsh_hadamard(residual[group.rows]) / group.rows.shape[1]
    return bins


def propose_sets(group: Group, bins: FloatArray, *, max_patterns: int) -> IntArray:
    """Decode all bins of a group.

    Args:
        group: A complete group of a design.
        bins: What the coefficients found so far leave in its bins, shape ``(n_delays, 2**b)``.
        max_patterns: How many sign patterns may be decoded, hard decisions included.

    Returns:
        Sets of players that fall into the bin they were decoded from, shape ``(n_sets, t)``, padded
        with ``n``; a set may appear more than once.
    """
    energy = (bins**2).mean(axis=0)
    filled = np.flatnonzero(energy > _NEGLIGIBLE * max(float(energy.max()), np.finfo(float).tiny))
    if len(filled) == 0:
        return np.empty((0, group.t), dtype=np.int64)
    n_flipped = int(np.clip(np.log2(max_patterns / len(filled)), 0, _MAX_FLIPPED))
    proposals = []
    for t in range(min(2, group.t), group.t + 1):
        # a smaller set asks for fewer delays, of which fewer are wrong
        n_delays = 1 + int(group.code.rows_per_t[t])
        parities = _chase_patterns(bins[:n_delays, filled].T, n_flipped)
        sets, decoded = group.code.decode(parities.reshape(-1, n_delays - 1), t)
        origin = np.repeat(filled, parities.shape[1])[decoded]
        sets = resize(sets[decoded], group.t, group.code.n)
        proposals.append(sets[_bin_of(group, sets) == origin])
    return np.concatenate(proposals)


def weigh_sets(groups: Sequence[Group], bins: Sequence[FloatArray], sets: IntArray) -> FloatArray:
    """Return how well sets explain the bins they fall into, as a likelihood ratio.

    One coefficient is estimated for each set from its bins in all groups, whose energies are their
    variances; so a set that shares a bin with a large coefficient is not mistaken for it. The
    statistic is twice the gain in log-likelihood of taking the set out of its bins.

    Args:
        groups: Groups; for decoded sets those that they were not decoded from.
        bins: What the coefficients found so far leave in their bins.
        sets: Shape ``(k, width)``, padded.

    Returns:
        Array of shape ``(k,)``, about chi-squared with one degree of freedom for sets of no effect.
    """
    floor = _NEGLIGIBLE * max(float((values**2).mean()) for values in bins)
    if floor == 0:
        return np.zeros(len(sets))
    aligned = [
        values[:, _bin_of(group, sets)] * _delay_signs(group, sets)
        for group, values in zip(groups, bins, strict=True)
    ]
    energies = [np.maximum((own**2).mean(axis=0), floor) for own in aligned]
    precisions = [len(own) / energy for own, energy in zip(aligned, energies, strict=True)]
    weighted = [own.mean(axis=0) * p for own, p in zip(aligned, precisions, strict=True)]
    coefficients = np.sum(weighted, axis=0) / np.sum(precisions, axis=0)
    scores = np.zeros(len(sets))
    for own, energy in zip(aligned, energies, strict=True):
        left = ((own - coefficients) ** 2).mean(axis=0)
        # few delays can agree by accident: no bin is trusted to have been explained completely
        explained = np.log(energy / np.maximum(left, energy / len(own) ** 2))
        scores += _effective_delays(len(own)) * explained
    return scores


def _effective_delays(n_delays: int) -> float:
    """Return the factor that makes a log-ratio of few squares chi-squared (Wallace 1959)."""
    freedom = n_delays - 1
    return freedom * ((8 * freedom + 1) / (8 * freedom + 3)) ** 2


def _delay_signs(group: Group, sets: IntArray) -> NDArray[np.int8]:
    """Return ``(-1)^<d + s, T>`` at each delay of a group, shape ``(n_delays, k)``."""
    none = np.zeros((1, group.code.n), dtype=bool)
    delays = np.concatenate([none, group.code.rows[: len(group.rows) - 1]]) ^ group.offset
    return characters(delays, sets).T


def _chase_patterns(transform: FloatArray, n_flipped: int) -> NDArray[np.bool_]:
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
