"""Tests of least squares and ridge regression on signs."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.regression import _least_squares
from shapiq_spex.regression._least_squares import fit_ridge, gram, predict, project, solve_normal


def random_signs(k: int, m: int, seed: int = 0) -> np.ndarray:
    """Draw signs, the first family being the constant."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (k, m)).astype(np.float32)
    signs[0] = 1
    return signs


@pytest.mark.parametrize("limit", [3, 100, 1 << 24])
def test_gram_is_exact(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner products of signs are integers, in pieces of any size."""
    monkeypatch.setattr(_least_squares, "_MAX_EXACT_COUNT", limit)
    left, right = random_signs(5, 1000), random_signs(7, 1000, 1)
    left[2] *= np.arange(1000) % 2  # zeros, as on masks that are held out
    expected = left.astype(np.int64) @ right.astype(np.int64).T
    products = gram(left, right)
    assert products.dtype == np.float64
    assert np.array_equal(products, expected)


def test_gram_beyond_the_integers_of_single_precision() -> None:
    """A sum above 2^24 is not rounded."""
    ones = np.ones((1, (1 << 24) + 3), dtype=np.float32)
    assert gram(ones, ones)[0, 0] == (1 << 24) + 3


@pytest.mark.parametrize("chunk", [1, 7, 1 << 14])
def test_projection_and_prediction(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both products are those of double precision, in pieces of any size."""
    monkeypatch.setattr(_least_squares, "_ROW_CHUNK", chunk)
    rng = np.random.default_rng(0)
    signs = random_signs(6, 50)
    values, coefficients = rng.normal(size=50), rng.normal(size=6)
    exact = signs.astype(np.float64)
    assert project(signs, values) == pytest.approx(exact @ values, rel=0, abs=1e-13)
    assert predict(signs, coefficients) == pytest.approx(coefficients @ exact, rel=0, abs=1e-13)


def test_normal_equations() -> None:
    """A well-conditioned system is solved as numpy solves it."""
    signs = random_signs(20, 200).astype(np.float64)
    values = np.random.default_rng(0).normal(size=200)
    expected = np.linalg.lstsq(signs.T, values, rcond=None)[0]
    solution = solve_normal(signs @ signs.T, signs @ values)
    assert solution == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_singular_normal_equations(sign: int) -> None:
    """Sets that no mask tells apart share their coefficient, and predict as well as any."""
    signs = random_signs(6, 40).astype(np.float64)
    signs[5] = sign * signs[4]
    values = np.random.default_rng(0).normal(size=40)
    solution = solve_normal(signs @ signs.T, signs @ values)
    expected = np.linalg.lstsq(signs.T, values, rcond=None)[0]
    assert np.isfinite(solution).all()
    assert solution @ signs == pytest.approx(expected @ signs, rel=0, abs=1e-5)


def test_more_sets_than_masks() -> None:
    """Coefficients stay finite and moderate where they are not determined."""
    signs = random_signs(60, 30).astype(np.float64)
    values = np.random.default_rng(0).normal(size=30)
    solution = solve_normal(signs @ signs.T, signs @ values)
    assert np.abs(solution).max() < 100


def ridge_by_definition(signs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Fit with an unpenalised constant for every strength, and choose by the hat matrix."""
    k, m = signs.shape
    penalised = np.diag(np.append(0.0, np.ones(k - 1)))
    best = (np.inf, np.empty(k))
    for ridge in m * _least_squares._RIDGES:
        inverse = np.linalg.inv(signs @ signs.T + ridge * penalised)
        coefficients = inverse @ signs @ values
        degrees = np.trace(inverse @ signs @ signs.T)
        residual = values - coefficients @ signs
        score = (residual @ residual) / max(1 - degrees / m, 1e-3) ** 2
        if score < best[0]:
            best = (score, coefficients)
    return best[1]


@pytest.mark.parametrize("noise", [0.01, 0.5, 20.0])
@pytest.mark.parametrize("k", [2, 10, 60])
def test_ridge_against_its_definition(k: int, noise: float) -> None:
    """Coefficients and strength are those of generalised cross-validation."""
    rng = np.random.default_rng(k)
    signs = random_signs(k, 120, k).astype(np.float64)
    values = rng.normal(size=k) @ signs + noise * rng.normal(size=120) + 30
    ours = fit_ridge(signs @ signs.T, signs @ values, float(values @ values), 120.0)
    assert ours == pytest.approx(ridge_by_definition(signs, values), rel=0, abs=1e-9)


def test_ridge_of_the_constant_alone() -> None:
    """Without other sets it is the mean."""
    assert fit_ridge(np.array([[4.0]]), np.array([10.0]), 30.0, 4.0).tolist() == [2.5]


def test_ridge_does_not_shrink_the_constant() -> None:
    """Adding a constant to the values adds it to the constant's coefficient, and nothing else."""
    rng = np.random.default_rng(0)
    signs = random_signs(10, 100).astype(np.float64)
    values = rng.normal(size=100)
    fits = [
        fit_ridge(signs @ signs.T, signs @ shifted, float(shifted @ shifted), 100.0)
        for shifted in (values, values + 8)
    ]
    assert fits[1] - fits[0] == pytest.approx([8.0] + [0.0] * 9, rel=0, abs=1e-9)


def test_ridge_with_more_sets_than_masks() -> None:
    """It stays finite, and predicts no worse than the mean on the masks it saw."""
    rng = np.random.default_rng(0)
    signs = random_signs(80, 40).astype(np.float64)
    values = rng.normal(size=40)
    fit = fit_ridge(signs @ signs.T, signs @ values, float(values @ values), 40.0)
    assert np.isfinite(fit).all()
    assert ((values - fit @ signs) ** 2).mean() <= values.var() + 1e-12
