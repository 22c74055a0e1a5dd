"""Exact transforms, where all masks or at least half of them were evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.regression import MaskColumns

    FloatArray = NDArray[np.float64]

_ROUNDING = 1e-13  # of the largest coefficient


def transform(columns: MaskColumns, values: FloatArray) -> FourierSpectrum:
    """Transform the values of all masks, without what is rounding.

    Args:
        columns: The masks, each of the ``2^n`` at least once.
        values: The values on them, shape ``(m,)``; those on the same mask are averaged.

    Returns:
        The spectrum.
    """
    table = np.empty(1 << columns.n_players)
    _enter(table, columns, values)
    return _transform(table)


def complete(
    columns: MaskColumns, values: FloatArray, spectrum: FourierSpectrum, cv_r2: float
) -> tuple[FourierSpectrum, float]:
    """Transform the values seen and predictions for the few masks that were not.

    Args:
        columns: The masks.
        values: The values on them, shape ``(m,)``; those on the same mask are averaged.
        spectrum: What predicts the others.
        cv_r2: The R^2 of its out-of-fold predictions.

    Returns:
        The spectrum, and its R^2: the error is zero on the masks seen, so it is that of the
        predictions times their share.
    """
    n = columns.n_players
    every = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1
    table = spectrum.evaluate(every)
    n_seen = _enter(table, columns, values)
    unseen = 1 - n_seen / len(table)
    return _transform(table), 1 - unseen * (1 - cv_r2)


def _enter(table: FloatArray, columns: MaskColumns, values: FloatArray) -> int:
    """Put values where their masks stand in a table of all masks; return how many it holds."""
    present = columns.signs(np.arange(columns.n_players)).T < 0
    codes = present @ (1 << np.arange(columns.n_players, dtype=np.int64))
    counts = np.bincount(codes, minlength=len(table))
    sums = np.bincount(codes, weights=values, minlength=len(table))
    np.divide(sums, counts, out=table, where=counts > 0)
    return int(np.count_nonzero(counts))


def _transform(table: FloatArray) -> FourierSpectrum:
    """Transform a table of all values, without what is rounding."""
    spectrum = FourierSpectrum.from_values(table)
    size = np.abs(spectrum.coefficients)
    kept = size > _ROUNDING * size.max(initial=0.0)
    return FourierSpectrum(spectrum.n_players, spectrum.sets[kept], spectrum.coefficients[kept])
