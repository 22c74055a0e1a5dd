"""All single players at once, and the pairs that stand out from what they leave."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex import SPEX, FourierSpectrum, ProxySPEX
from shapiq_spex.approximators import draw_uniform
from shapiq_spex.regression import Ablations, MaskColumns, fit_pairs
from shapiq_spex.regression._side_by_side import Fits

_N, _M = 100, 1500


def _dense_game(seed: int, n: int = _N, n_pairs: int = 30) -> FourierSpectrum:
    """Every player matters a little, and some pairs do."""
    rng = np.random.default_rng(seed)
    pairs = {tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(n_pairs)}
    support = [(), *((i,) for i in range(n)), *sorted(pairs)]
    sizes = np.array([0.0] + [0.3] * n + [0.5] * len(pairs))
    return FourierSpectrum(n, support, sizes * rng.choice([-1, 1], len(support)))


def _ablations(values: np.ndarray, masks: np.ndarray) -> Ablations:
    blocks = np.maximum(np.arange(len(masks)) - 2, -1)
    columns = MaskColumns.from_masks(masks)
    return Ablations.prepare(columns, values, blocks, np.random.default_rng(0))


def test_pairs_beside_a_crowd_of_single_players() -> None:
    """Pairs that a hundred players hide from a search one by one are all found."""
    game = _dense_game(0)
    masks = draw_uniform(_N, _M, 0)
    found = fit_pairs(_ablations(game(masks), masks))
    assert found is not None
    sets = {tuple(row[row < _N].tolist()) for row in found.sets}
    assert set(game.support) <= sets
    assert len(sets) == len(found.sets)
    fresh = draw_uniform(_N, 1000, 1)
    spectrum = FourierSpectrum(_N, found.sets, found.coefficients)
    offset = game(masks).mean()
    left = game(fresh) - offset - spectrum(fresh)
    assert 1 - (left**2).mean() / game(fresh).var() > 0.99


def test_out_of_fold_predictions_tell_the_truth() -> None:
    """With noise, the out-of-fold R² is that of fresh masks, not that of those learnt from."""
    game = _dense_game(1)
    masks = draw_uniform(_N, _M, 2)
    rng = np.random.default_rng(3)
    scale = float(game(masks).std())
    ablations = _ablations(game(masks) + scale * rng.normal(size=_M), masks)
    found = fit_pairs(ablations)
    assert found is not None
    fresh = draw_uniform(_N, 4000, 4)
    values = game(fresh) + scale * rng.normal(size=4000) - ablations.offset
    told = FourierSpectrum(_N, found.sets, found.coefficients)(fresh)
    r2 = 1 - ((values - told) ** 2).mean() / values.var()
    assert ablations.r_squared(found.out_of_fold) == pytest.approx(r2, abs=0.05)
    assert r2 < 0.5


def test_pure_noise_is_not_explained() -> None:
    """Of noise the out-of-fold R² is nothing."""
    masks = draw_uniform(_N, _M, 5)
    ablations = _ablations(np.random.default_rng(6).normal(size=_M), masks)
    found = fit_pairs(ablations)
    assert found is not None
    assert ablations.r_squared(found.out_of_fold) < 0.02
    assert len(found.sets) < _N + 10


@pytest.mark.parametrize(("n", "m"), [(40, 1000), (200, 380)])
def test_where_it_does_not_apply(n: int, m: int) -> None:
    """Few players, and more than half as many as masks, are left to the greedy search."""
    masks = draw_uniform(n, m, 0)
    assert fit_pairs(_ablations(masks[:, 0] + 0.0, masks)) is None


@pytest.mark.parametrize("method", [ProxySPEX, SPEX])
def test_approximators_profit(method: type[ProxySPEX | SPEX]) -> None:
    """Both find the pairs of a game in which every player matters a little."""
    game = _dense_game(7, n=80, n_pairs=30)
    rng = np.random.default_rng(8)

    def noisy(masks: np.ndarray) -> np.ndarray:
        return game(masks) + rng.normal(size=len(masks))

    approximator = method(80, max_order=2, index="FBII", random_state=0)
    approximator.approximate(1500, noisy)
    fresh = draw_uniform(80, 2000, 9)
    left = game(fresh) - approximator.spectrum(fresh)
    assert 1 - (left**2).mean() / game(fresh).var() > 0.97


def test_fits_side_by_side_are_those_one_by_one() -> None:
    """Each fit is the ridge regression on its own masks and sets."""
    rng = np.random.default_rng(10)
    masks = draw_uniform(30, 300, 0)
    values = rng.normal(size=300)
    learnt = rng.random((300, 3)) < 0.8
    fits = Fits(MaskColumns.from_masks(masks), values, learnt)
    pairs = [np.array([[0, 1], [3, 9]]), np.array([[3, 9]]), np.empty((0, 2), dtype=np.int64)]
    fits.add(pairs)
    fits.solve(0.05)
    signs = 1.0 - 2.0 * masks
    for fit, own in enumerate(pairs):
        columns = [np.ones(300), *signs.T, *(signs[:, i] * signs[:, j] for i, j in own)]
        design = np.column_stack(columns)[learnt[:, fit]]
        penalty = 0.05 * learnt[:, fit].sum() * np.eye(design.shape[1])
        penalty[0, 0] = 0
        expected = np.linalg.solve(design.T @ design + penalty, design.T @ values[learnt[:, fit]])
        found = fits.coefficients[fits.active[:, fit], fit]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        told = np.column_stack(columns) @ expected
        np.testing.assert_allclose(fits.predictions[:, fit], told, atol=1e-3)


def test_correlations_of_pairs() -> None:
    """The screen's sums are those of the pairs' signs times the weights."""
    rng = np.random.default_rng(11)
    masks = draw_uniform(20, 100, 0)
    fits = Fits(MaskColumns.from_masks(masks), rng.normal(size=100), np.ones((100, 1), dtype=bool))
    weights = rng.normal(size=100)
    signs = 1.0 - 2.0 * masks
    expected = np.einsum("mi,mj,m->ij", signs[:, [2, 5]], signs, weights)
    np.testing.assert_allclose(fits.correlate_pairs(np.array([2, 5]), weights), expected, atol=1e-4)
