"""R² and its bootstrap interval."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.evaluation._r_squared import bootstrap_interval, is_constant, r_squared

_RNG = np.random.default_rng(0)
_VALUES = _RNG.normal(size=400)
_PREDICTIONS = _VALUES + 0.5 * _RNG.normal(size=400)


def test_definition() -> None:
    """It is one less the mean squared error over the variance."""
    expected = 1 - ((_VALUES - _PREDICTIONS) ** 2).mean() / _VALUES.var()
    assert r_squared(_VALUES, _PREDICTIONS) == pytest.approx(expected, abs=1e-12)


def test_best_constant() -> None:
    """With the best constant, a wrong level costs nothing."""
    expected = r_squared(_VALUES, _PREDICTIONS + (_VALUES - _PREDICTIONS).mean())
    assert r_squared(_VALUES, _PREDICTIONS + 100, shift=True) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shift", [False, True])
def test_interval_as_by_resampling_one_by_one(shift: bool) -> None:  # noqa: FBT001 a parameter
    """The interval is that of resamples drawn and judged one by one, up to their chance."""
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(2000):
        rows = rng.integers(len(_VALUES), size=len(_VALUES))
        drawn.append(r_squared(_VALUES[rows], _PREDICTIONS[rows], shift=shift))
    expected = np.quantile(drawn, [0.05, 0.95])
    found = bootstrap_interval(
        _VALUES, _PREDICTIONS, np.random.default_rng(2), confidence=0.9, shift=shift
    )
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_many_masks_are_resampled_in_parts() -> None:
    """Tens of thousands of masks fit into memory, and the interval is as narrow as it should be."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=40_000)
    low, high = bootstrap_interval(values, np.zeros(40_000), rng, confidence=0.95)
    assert -0.01 < low < high <= 0.001


def test_constant_values() -> None:
    """Where values differ by rounding alone, there is no share to tell."""
    values = np.full(10, 0.1) + np.array([0, 1e-17] * 5)
    assert is_constant(values)
    assert is_constant(np.zeros(4))
    assert np.isnan(r_squared(values, values))
    assert np.isnan(bootstrap_interval(values, values, _RNG, confidence=0.9)).all()
