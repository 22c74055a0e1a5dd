"""Linear surrogates are what their definitions say, on ProxySPEX's masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge
from sklearn.preprocessing import StandardScaler

from shapiq_spex import FourierSpectrum
from shapiq_spex.approximators import draw_uniform
from shapiq_spex.comparison import _linear

if TYPE_CHECKING:
    from collections.abc import Callable

    FloatArray = np.ndarray

_FITS = (
    _linear.fit_least_squares,
    _linear.fit_mean_differences,
    _linear.fit_lime,
    _linear.fit_lasso,
    _linear.fit_lasso_cv,
    _linear.fit_ridge,
)
_MASKS = draw_uniform(12, 202, 0)[2:].astype(np.float64)  # as they are fitted
_VALUES = np.random.default_rng(0).normal(size=200) + _MASKS @ np.arange(12.0) + 30


def _all_masks(n: int) -> FloatArray:
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def test_least_squares_are_banzhaf_values() -> None:
    """Over all masks the effects are the Banzhaf values, and the level is the mean."""
    masks = _all_masks(6)
    values = np.random.default_rng(1).normal(size=64)
    effects, empty = _linear.fit_least_squares(masks, values)
    banzhaf = FourierSpectrum.from_values(values).to_interaction_values("BV", 1)
    np.testing.assert_allclose(effects, [banzhaf[(i,)] for i in range(6)], atol=1e-12)
    assert empty + effects.sum() / 2 == pytest.approx(values.mean(), abs=1e-12)


@pytest.mark.parametrize("m", [5, 12, 13, 200])
def test_least_squares_with_few_and_many_masks(m: int) -> None:
    """It is the smallest least squares solution, with a free constant."""
    masks, values = _MASKS[:m], _VALUES[:m]
    effects, empty = _linear.fit_least_squares(masks, values)
    centred = masks - masks.mean(axis=0)
    expected = np.linalg.lstsq(centred, values - values.mean(), rcond=1e-9)[0]
    np.testing.assert_allclose(effects, expected, atol=1e-7)
    assert empty == pytest.approx(values.mean() - masks.mean(axis=0) @ expected, abs=1e-7)


def test_maximum_sample_reuse() -> None:
    """A player's effect is the mean with it less that without it, and 0 where it never changes."""
    masks = _MASKS.copy()
    masks[:, 3], masks[:, 4] = 1.0, 0.0
    effects, empty = _linear.fit_mean_differences(masks, _VALUES)
    for player in set(range(12)) - {3, 4}:
        there = masks[:, player] == 1
        expected = _VALUES[there].mean() - _VALUES[~there].mean()
        assert effects[player] == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(effects[3:5], 0, atol=1e-9)
    assert empty + effects.sum() / 2 == pytest.approx(_VALUES.mean(), abs=1e-10)


def test_lime() -> None:
    """It is a ridge regression, weighted by LIME's kernel of width 25 on 100 times the cosine."""
    cosine = _MASKS.sum(axis=1) / (
        np.maximum(np.linalg.norm(_MASKS, axis=1), 1e-300) * np.sqrt(_MASKS.shape[1])
    )
    weights = np.sqrt(np.exp(-((100 * (1 - cosine)) ** 2) / 25**2))
    expected = Ridge(alpha=1).fit(_MASKS, _VALUES, sample_weight=weights)
    effects, empty = _linear.fit_lime(_MASKS, _VALUES)
    np.testing.assert_allclose(effects, expected.coef_, atol=1e-10)
    assert empty == pytest.approx(expected.intercept_, abs=1e-10)


def test_lasso_of_context_cite() -> None:
    """It predicts what scikit-learn's LASSO does on standardized masks."""
    scaled = StandardScaler().fit_transform(_MASKS)
    expected = Lasso(alpha=0.01).fit(scaled, _VALUES).predict(scaled)
    effects, empty = _linear.fit_lasso(_MASKS, _VALUES)
    np.testing.assert_allclose(_MASKS @ effects + empty, expected, atol=1e-9)


@pytest.mark.parametrize("fit", [_linear.fit_lasso_cv, _linear.fit_ridge])
def test_chosen_penalties(fit: Callable[..., tuple[FloatArray, float]]) -> None:
    """With little noise the effects are close to the truth."""
    effects, _ = fit(_MASKS, _VALUES)
    np.testing.assert_allclose(effects, np.arange(12), atol=0.4)


@pytest.mark.parametrize("fit", _FITS)
def test_spectrum_predicts_as_the_model(
    fit: Callable[[FloatArray, FloatArray], tuple[FloatArray, float]],
) -> None:
    """What the spectrum says of masks is the linear model's prediction."""

    def game(masks: FloatArray) -> FloatArray:
        return masks @ np.arange(12.0) + masks[:, 0] * masks[:, 1]

    spectrum = _linear.explain_linearly(fit, 12, 200, game, 0)
    effects, empty = fit(_MASKS, game(_MASKS))
    np.testing.assert_allclose(spectrum.evaluate(_MASKS > 0), _MASKS @ effects + empty, atol=1e-9)
