"""Tests of the kernel ridge regression and of its Fourier spectrum."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._threads import single_threaded
from shapiq_spex.regression import MaskColumns, _kernel
from shapiq_spex.regression._kernel import KernelFit, fit_kernel, list_terms
from shapiq_spex.spectrum import _sets
from shapiq_spex.spectrum._walsh import walsh_hadamard

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread, as SPEX does: on a busy machine more would take minutes."""
    with single_threaded():
        yield


def case(m: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw masks, values that depend on pairs, with some noise, and folds."""
    rng = np.random.default_rng(seed)
    masks = rng.random((m, n)) < 0.5
    signs = 1.0 - 2.0 * masks
    weights = np.geomspace(1, 0.05, n)
    values = 4 + (signs @ weights) ** 2 + signs @ weights + 0.2 * rng.normal(size=m)
    return masks, values, rng.permutation(m) % 5


def every_mask(n: int) -> np.ndarray:
    """Return all masks, player i being bit i of the position."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def kernel_by_definition(left: np.ndarray, right: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Compare masks player by player."""
    different = left[:, None, :] != right[None, :, :]
    return np.exp(-2.0 * (different * scales).sum(axis=2))


def predicted(fit: KernelFit, masks: np.ndarray, fresh: np.ndarray, mean: float) -> np.ndarray:
    """Predict fresh masks from the dual weights."""
    return mean + kernel_by_definition(fresh, masks, fit.scales) @ fit.dual


def ridge_of(fit: KernelFit, masks: np.ndarray, centred: np.ndarray) -> float:
    """Recover the ridge from the dual weights, which solve (K + ridge) a = y."""
    left = centred - kernel_by_definition(masks, masks, fit.scales) @ fit.dual
    ridge = float(left @ fit.dual / (fit.dual @ fit.dual))
    assert left == pytest.approx(ridge * fit.dual, rel=0, abs=1e-8)
    return ridge


@pytest.mark.parametrize(("m", "n"), [(60, 4), (150, 10), (120, 40), (700, 12)])
def test_dual_weights(m: int, n: int) -> None:
    """They solve the ridge regression on all masks, for one of the ridges."""
    masks, values, folds = case(m, n)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds)
    assert ridge_of(fit, masks, values - values.mean()) > 0


def fix_choices(monkeypatch: pytest.MonkeyPatch, rounds: int, total: float, ridge: float) -> None:
    """Leave the cross-validation nothing to choose."""
    monkeypatch.setattr(_kernel, "_TOTAL_SCALES", np.array([total]))
    monkeypatch.setattr(_kernel, "_RIDGES", (ridge,))
    monkeypatch.setattr(_kernel, "_RIDGE_FACTORS", (1.0,))
    monkeypatch.setattr(_kernel, "_SCALE_FACTORS", (1.0,))
    monkeypatch.setattr(_kernel, "_TUNING_ROUNDS", rounds)
    monkeypatch.setattr(_kernel, "_MIN_GAIN", -np.inf)


@pytest.mark.parametrize(("m", "n"), [(60, 4), (150, 10), (120, 40), (700, 12)])
def test_out_of_fold_predictions_are_those_of_refits(
    m: int, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are what fitting without each fold gives, scales and ridge being equal."""
    fix_choices(monkeypatch, rounds=1, total=1.4, ridge=0.1)
    masks, values, folds = case(m, n)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds)
    centred = values - values.mean()
    assert fit.scales == pytest.approx(np.full(n, 1.4 / n))
    assert ridge_of(fit, masks, centred) == pytest.approx(0.1)
    kernel = kernel_by_definition(masks, masks, fit.scales)
    for fold in range(5):
        train = folds != fold
        dual = np.linalg.solve(
            kernel[np.ix_(train, train)] + 0.1 * np.eye(train.sum()), centred[train]
        )
        expected = values.mean() + kernel[np.ix_(~train, train)] @ dual
        assert fit.out_of_fold[~train] == pytest.approx(expected, rel=0, abs=1e-8)


@pytest.mark.parametrize("n", [6, 200])
def test_held_out_values_do_not_matter(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is predicted for a fold rests on the others alone, the players' scales included.

    But for the mean, and for the total scale and ridge, which are held fixed.
    """
    fix_choices(monkeypatch, rounds=3, total=2.8, ridge=0.03)
    masks, values, folds = case(120, n)
    held_out = folds == 2
    changed = values.copy()
    changed[held_out] = values[held_out][::-1] + 50 * np.sign(np.arange(held_out.sum()) % 2 - 0.5)
    signs = 1.0 - 2.0 * masks
    before, after = [fit_kernel(signs, seen, folds) for seen in (values, changed)]
    assert before.out_of_fold[held_out] == pytest.approx(
        after.out_of_fold[held_out], rel=0, abs=1e-8
    )
    assert not np.allclose(before.out_of_fold[~held_out], after.out_of_fold[~held_out])


@pytest.mark.parametrize("n", [2, 3, 5, 8, 11])
def test_terms_are_the_transform_of_the_predictions(n: int) -> None:
    """All coefficients are those of the Walsh transform of the predictions on all 2^n masks."""
    masks, values, folds = case(min(5 * 2**n, 90), n)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds)
    table = predicted(fit, masks, every_mask(n), values.mean())
    exact = walsh_hadamard(table) / 2**n
    sets, coefficients = list_terms(fit, MaskColumns.from_masks(masks))
    codes = np.append(1 << np.arange(n), 0)[sets].sum(axis=1)
    assert np.array_equal(np.sort(codes), np.arange(1, 2**n))
    assert coefficients == pytest.approx(exact[codes], rel=0, abs=1e-9)
    assert fit.constant == pytest.approx(exact[0], rel=0, abs=1e-9)
    assert fit.total_energy == pytest.approx(float((exact[1:] ** 2).sum()), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("n", "limit"), [(10, 50), (12, 300)])
def test_listed_terms_of_many_players(n: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not all sets are listed, those that are have their exact coefficients."""
    masks, values, folds = case(100, n)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds)
    columns = MaskColumns.from_masks(masks)
    all_sets, all_coefficients = list_terms(fit, columns)
    exact = dict(zip(_sets.to_tuples(all_sets, n), all_coefficients, strict=True))
    monkeypatch.setattr(_kernel, "_MAX_TABLE", 3)
    monkeypatch.setattr(_kernel, "_MAX_LISTED", limit)
    monkeypatch.setattr(_kernel, "_CHUNK", 700)
    sets, coefficients = list_terms(fit, columns)
    found = _sets.to_tuples(sets, n)
    assert len(set(found)) == len(found) == limit
    scale = float(np.abs(all_coefficients).max())
    expected = [exact[players] for players in found]
    assert coefficients == pytest.approx(expected, rel=0, abs=1e-6 * scale)
    # the likeliest ones: no other set has a larger product of rates
    rates = np.tanh(fit.scales)
    products = {players: prod(rates[list(players)]) for players in exact}
    worst = min(products[players] for players in found)
    left_out = [product for players, product in products.items() if players not in set(found)]
    assert max(left_out) <= worst * (1 + 1e-9)


def test_terms_of_fewer_masks_than_columns() -> None:
    """A kernel fitted on the first masks alone reads these alone."""
    masks, values, folds = case(100, 6)
    fit = fit_kernel(1.0 - 2.0 * masks[:60], values[:60], folds[:60])
    everything = list_terms(fit, MaskColumns.from_masks(masks))
    alone = list_terms(fit, MaskColumns.from_masks(masks[:60]))
    assert np.array_equal(everything[0], alone[0])
    assert np.array_equal(everything[1], alone[1])


def test_a_smooth_function_is_learnt() -> None:
    """Out of fold, most of a function of many small interactions is predicted."""
    masks, values, folds = case(400, 12)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds)
    assert 1 - ((values - fit.out_of_fold) ** 2).mean() / values.var() > 0.9
    assert fit.scales[0] > fit.scales[-1]  # who matters more gets a larger scale


def test_noise_is_not_learnt() -> None:
    """Out of fold, noise is not predicted, on the average over some draws."""
    scores = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        signs = rng.choice([-1.0, 1.0], (150, 20))
        values = rng.normal(size=150)
        fit = fit_kernel(signs, values, rng.permutation(150) % 5)
        scores.append(1 - ((values - fit.out_of_fold) ** 2).mean() / values.var())
    assert np.mean(scores) < 0.03


@pytest.mark.parametrize("value", [0.0, -2.5])
def test_constant_values(value: float) -> None:
    """A constant is the constant, without other terms."""
    masks, _, folds = case(50, 6)
    fit = fit_kernel(1.0 - 2.0 * masks, np.full(50, value), folds)
    assert fit.constant == pytest.approx(value, rel=0, abs=1e-12)
    assert fit.total_energy == 0
    assert np.allclose(fit.out_of_fold, value, rtol=0, atol=1e-12)


def test_scaling_the_values() -> None:
    """Another unit of the values changes nothing but the unit."""
    masks, values, folds = case(120, 8)
    small, large = [fit_kernel(1.0 - 2.0 * masks, scale * values, folds) for scale in (1e-6, 1e6)]
    assert small.scales == pytest.approx(large.scales, rel=1e-6)
    assert 1e12 * small.out_of_fold == pytest.approx(large.out_of_fold, rel=1e-6)
