"""The share of a game's ups and downs that is predicted, and how sure that figure is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

N_RESAMPLES = 1000
_ROUNDING = 1e-12  # of the largest value: below, values are the same
_COUNTS = 1 << 24  # counts of masks in resamples held at once


def is_constant(values: FloatArray) -> bool:
    """Return whether values differ by rounding alone, so that no share of that can be predicted."""
    return len(values) == 0 or bool(np.ptp(values) <= _ROUNDING * np.abs(values).max())


def r_squared(values: FloatArray, predictions: FloatArray, *, shift: bool = False) -> float:
    """Return ``1 - mean squared error / variance``.

    Args:
        values: The values, shape ``(m,)``.
        predictions: What is predicted for them, shape ``(m,)``.
        shift: Whether to add the best constant to the predictions first.

    Returns:
        At most 1; below 0 where the mean of the values predicts better. NaN where all are the same.
    """
    if is_constant(values):
        return float("nan")
    values, predictions = _in_units(values, predictions)
    errors = _errors(values, predictions, shift=shift)
    return float(1 - np.mean(errors**2) / values.var())


def bootstrap_interval(
    values: FloatArray,
    predictions: FloatArray,
    rng: np.random.Generator,
    *,
    confidence: float,
    shift: bool = False,
) -> tuple[float, float]:
    """Return an interval of :func:`r_squared`, by resampling masks (Efron's percentiles).

    Args:
        values: The values, shape ``(m,)``.
        predictions: What is predicted for them, shape ``(m,)``.
        rng: Draws the resamples.
        confidence: The interval's probability.
        shift: As in :func:`r_squared`; the constant is chosen anew in each resample.
    """
    if is_constant(values):
        return float("nan"), float("nan")
    values, predictions = _in_units(values, predictions)
    centred = values - values.mean()  # no digits are lost in squares of a common level
    errors = _errors(values, predictions, shift=shift)
    moments = np.stack([errors**2, errors, centred**2, centred], axis=1)
    m = len(values)
    shares = np.full(m, 1 / m)
    step = max(1, _COUNTS // m)
    means = np.concatenate(
        [
            rng.multinomial(m, shares, size=min(step, N_RESAMPLES - start)) @ moments / m
            for start in range(0, N_RESAMPLES, step)
        ]
    )
    squared, error, square, mean = means.T
    lost = squared - error**2 if shift else squared
    variance = square - mean**2
    drawn = 1 - lost[variance > 0] / variance[variance > 0]
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _errors(values: FloatArray, predictions: FloatArray, *, shift: bool) -> FloatArray:
    errors = values - predictions
    return errors - errors.mean() if shift else errors


def _in_units(values: FloatArray, predictions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Divide by the power of two next to the largest value, which changes no digit.

    So squares of huge and tiny values are numbers, too.
    """
    _, exponent = np.frexp(np.abs(values).max())
    return np.ldexp(values, -exponent), np.ldexp(predictions, -exponent)
