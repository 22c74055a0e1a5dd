"""From the Fourier spectrum to any interaction index, straight to the wanted order.

A coefficient of degree ``d`` touches only the ``C(d, t)`` interactions of each size ``t`` that is
asked for, never the ``2^d`` subsets that a detour through the Moebius transform visits. Besides the
time this saves, it avoids the factors of up to ``2^d`` by which that detour amplifies errors.
"""

from __future__ import annotations

from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from shapiq.interaction_values import InteractionValues

from shapiq_spex._numbers import check_integer
from shapiq_spex.spectrum._sets import to_tuples, unique_sets
from shapiq_spex.spectrum._weights import VALID_INDICES, SpectrumIndex, weight_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from shapiq_spex.spectrum.fourier import FourierSpectrum

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]

__all__ = ["VALID_INDICES", "SpectrumIndex", "to_interaction_values"]

_CHUNK = 2**22
"""Interactions enumerated at once; 32 MiB per column."""

_ORDER_ONE: dict[str, SpectrumIndex] = {"SII": "SV", "k-SII": "SV", "STII": "SV", "FSII": "SV"}
"""What generalises the Shapley value *is* it at order 1, with its empty interaction too."""


def to_interaction_values(
    spectrum: FourierSpectrum,
    index: SpectrumIndex,
    max_order: int,
    *,
    min_order: int = 0,
    estimated: bool = True,
    estimation_budget: int | None = None,
) -> InteractionValues:
    """Turn a spectrum into an interaction index (Butler et al. 2025, appendix A.1).

    Names, baseline and empty interaction are what ``shapiq.ExactComputer`` gives: at ``max_order``
    1 the generalisations of SV and BV bear those names, SV and BV are of order 1 whatever is asked,
    and the empty interaction of SII, BII, BV and FBII is not the value of the empty coalition.
    The Moebius transform is cut off above ``max_order``.

    Args:
        spectrum: The spectrum.
        index: The index, one of ``VALID_INDICES``.
        max_order: The largest interactions wanted, and the order of the index where it has one.
        min_order: The smallest interactions wanted; the same as ``max_order`` for what shapiq calls
            ``top_order``. It drops interactions, and changes no value.
        estimated: Whether the spectrum is an estimate.
        estimation_budget: The number of ablations it rests on.

    Returns:
        The interactions that are not exactly zero, and the empty one where ``min_order`` is 0, by
        size and then lexicographically.

    Raises:
        ValueError: If the index is unknown or an order is out of range.

    """
    order = _check(index, max_order, min_order, spectrum.n_players)
    kind = _ORDER_ONE.get(index, index) if order == 1 else index
    # ordered as the spectrum is: by degree, so that each degree is one slice
    degrees, starts = np.unique(spectrum.orders, return_index=True)
    bounds = np.append(starts, len(spectrum)).tolist()
    blocks = [
        (spectrum.sets[start:stop, :degree], spectrum.coefficients[start:stop])
        for degree, start, stop in zip(degrees.tolist(), bounds[:-1], bounds[1:], strict=True)
    ]
    weights = weight_table(kind, order, tuple(degrees.tolist()))
    sums = np.array([coefficients.sum() for _, coefficients in blocks])
    empty = float(sums @ weights[:, 0])

    interactions: dict[tuple[int, ...], float] = {(): empty} if min_order == 0 else {}
    for size in range(max(min_order, 1), weights.shape[1]):
        sets, values = collect(blocks, weights[:, size], size)
        interactions.update(zip(to_tuples(sets, spectrum.n_players), values.tolist(), strict=True))
    return InteractionValues(
        interactions,
        index=kind,  # shapiq itself calls BII and FBII of order 1 BV
        max_order=order,
        min_order=min_order,
        n_players=spectrum.n_players,
        baseline_value=empty if kind == "FBII" else float(sums.sum()),
        estimated=estimated,
        estimation_budget=estimation_budget,
    )


def _check(index: SpectrumIndex, max_order: int, min_order: int, n_players: int) -> int:
    """Check what is asked for and return the order of the result."""
    if index not in VALID_INDICES:
        msg = f"Invalid index {index!r}. Valid indices are: {', '.join(VALID_INDICES)}."
        raise ValueError(msg)
    if not 1 <= check_integer("max_order", max_order) <= n_players:
        msg = f"max_order must be between 1 and the {n_players} players. Got {max_order}."
        raise ValueError(msg)
    order = 1 if index in ("SV", "BV") else int(max_order)
    if not 0 <= check_integer("min_order", min_order) <= order:
        msg = f"min_order must be between 0 and the order {order} of {index}. Got {min_order}."
        raise ValueError(msg)
    return order


def collect(
    blocks: list[tuple[IntArray, FloatArray]], weights: FloatArray, size: int
) -> tuple[IntArray, FloatArray]:
    """Sum what every coefficient gives to each interaction of one size, and drop exact zeros.

    Args:
        blocks: Per degree, its sets of shape ``(k, degree)`` and their coefficients.
        weights: Per degree, the share of a coefficient in an interaction of this size.
        size: The size of the interactions, at least 1.

    Returns:
        The interactions of shape ``(u, size)`` in lexicographic order, and their values.

    """
    sets = np.empty((0, size), dtype=np.int64)
    values = np.empty(0)
    pending: list[tuple[IntArray, FloatArray]] = []
    waiting = 0
    for part in _shares(blocks, weights, size):
        pending.append(part)
        waiting += len(part[0])
        # waiting for as many as there are keeps repeated merging linear
        if waiting > max(_CHUNK, len(sets)):
            sets, values = _merge([(sets, values), *pending])
            pending, waiting = [], 0
    sets, values = _merge([(sets, values), *pending])
    kept = values != 0.0
    return sets[kept], values[kept]


def _shares(
    blocks: list[tuple[IntArray, FloatArray]], weights: FloatArray, size: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Enumerate the interactions of one size inside every set, in chunks, with their shares."""
    for (sets, coefficients), weight in zip(blocks, weights.tolist(), strict=True):
        degree = sets.shape[1]
        if weight == 0.0 or degree < size:
            continue
        count = comb(degree, size)
        flat = chain.from_iterable(combinations(range(degree), size))
        columns = np.fromiter(flat, dtype=np.int64, count=count * size).reshape(count, size)
        step = max(1, _CHUNK // count)
        for start in range(0, len(sets), step):
            inside = sets[start : start + step][:, columns].reshape(-1, size)
            yield inside, np.repeat(weight * coefficients[start : start + step], count)


def _merge(parts: list[tuple[IntArray, FloatArray]]) -> tuple[IntArray, FloatArray]:
    """Add up the values of equal sets."""
    sets, inverse = unique_sets(np.concatenate([part for part, _ in parts]))
    values = np.concatenate([part for _, part in parts])
    return sets, np.bincount(inverse, weights=values, minlength=len(sets))
