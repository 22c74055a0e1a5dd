"""Tests of the kernel ridge regression and of its Fourier spectrum."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._threads import single_threaded
from shapiq_spex.regression import EVERY_FOLD, MaskColumns, _columns, _kernel
from shapiq_spex.regression._kernel import (
    KernelFit,
    _descend,
    fit_kernel,
    list_terms,
    spread,
)
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
    monkeypatch.setattr(_kernel, "_START", (total, ridge))
    monkeypatch.setattr(_kernel, "_MAX_STEPS", (0, 0))
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


def some_influences(n: int, seed: int = 0) -> dict[int, np.ndarray]:
    """Draw influences for each fold, and for all masks."""
    rng = np.random.default_rng(seed)
    return {fold: rng.uniform(0.1, 2, n) for fold in (EVERY_FOLD, *range(5))}


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("n", [6, 200])
def test_held_out_values_do_not_matter(
    n: int, *, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is predicted for a fold rests on the others alone, the players' scales included.

    But for the mean, and for the total scale and ridge, which are held fixed.
    """
    fix_choices(monkeypatch, rounds=3, total=2.8, ridge=0.03)
    masks, values, folds = case(120, n)
    held_out = folds == 2
    changed = values.copy()
    changed[held_out] = values[held_out][::-1] + 50 * np.sign(np.arange(held_out.sum()) % 2 - 0.5)
    signs = 1.0 - 2.0 * masks
    influences = some_influences(n) if given else None
    before, after = [fit_kernel(signs, seen, folds, influences) for seen in (values, changed)]
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
    monkeypatch.setattr(_columns, "_CHUNK", 700)
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


@pytest.mark.parametrize("max_table", [3, 16])
def test_terms_of_some_of_the_masks(max_table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel fitted on some of the masks reads these alone, in the order that it saw."""
    monkeypatch.setattr(_kernel, "_MAX_TABLE", max_table)
    masks, values, folds = case(100, 6)
    rows = np.random.default_rng(1).permutation(100)[:60]
    fit = fit_kernel(1.0 - 2.0 * masks[rows], values[rows], folds[rows])
    taken = list_terms(fit, MaskColumns.from_masks(masks).take(rows))
    alone = list_terms(fit, MaskColumns.from_masks(masks[rows]))
    assert np.array_equal(taken[0], alone[0])
    assert np.array_equal(taken[1], alone[1])


def test_energy_beside_a_large_dual() -> None:
    """With small scales the dual weights are large, which costs the energy no digits."""
    masks, _, _ = case(90, 5)
    dual = 1e4 * np.random.default_rng(0).normal(size=90)
    scales = np.geomspace(3e-3, 1e-3, 5)
    fit = KernelFit(0.0, scales, dual, np.zeros(90), 0.0)
    _, coefficients = list_terms(fit, MaskColumns.from_masks(masks))
    energy = _kernel._total_energy(1.0 - 2.0 * masks, scales, dual)
    assert energy == pytest.approx(float((coefficients**2).sum()), rel=1e-11, abs=0)


def test_influences_set_the_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another model says of the players is taken over as the scales' proportions."""
    fix_choices(monkeypatch, rounds=1, total=1.4, ridge=0.1)
    masks, values, folds = case(150, 10)
    influences = some_influences(10)
    fit = fit_kernel(1.0 - 2.0 * masks, values, folds, influences)
    roots = {fold: np.sqrt(influence) for fold, influence in influences.items()}
    assert fit.scales == pytest.approx(1.4 * roots[EVERY_FOLD] / roots[EVERY_FOLD].sum(), rel=1e-12)
    for fold in range(5):
        train = folds != fold
        scales = 1.4 * roots[fold] / roots[fold].sum()
        kernel = kernel_by_definition(masks, masks[train], scales)
        dual = np.linalg.solve(
            kernel[train] + 0.1 * np.eye(train.sum()), (values - values.mean())[train]
        )
        expected = values.mean() + kernel[~train] @ dual
        assert fit.out_of_fold[~train] == pytest.approx(expected, rel=0, abs=1e-8)


def test_influences_of_a_fold_are_for_that_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those found without a fold have a say in its predictions and in nothing else."""
    fix_choices(monkeypatch, rounds=3, total=1.4, ridge=0.1)
    masks, values, folds = case(150, 10)
    signs, influences = 1.0 - 2.0 * masks, some_influences(10)
    before = fit_kernel(signs, values, folds, influences)
    other = some_influences(10, seed=1)
    after = fit_kernel(signs, values, folds, influences | {2: other[2]})
    assert np.array_equal(before.scales, after.scales)
    assert np.array_equal(before.out_of_fold[folds != 2], after.out_of_fold[folds != 2])
    assert not np.allclose(before.out_of_fold[folds == 2], after.out_of_fold[folds == 2])
    everywhere = fit_kernel(signs, values, folds, influences | {EVERY_FOLD: other[EVERY_FOLD]})
    assert np.array_equal(before.out_of_fold, everywhere.out_of_fold)
    assert not np.allclose(before.scales, everywhere.scales)


def test_equal_influences_are_the_default() -> None:
    """Without a word on the players, all are alike at first."""
    masks, values, folds = case(150, 10)
    signs = 1.0 - 2.0 * masks
    default = fit_kernel(signs, values, folds)
    alike = fit_kernel(signs, values, folds, {fold: np.full(10, 7.0) for fold in range(-1, 5)})
    assert np.allclose(default.scales, alike.scales, rtol=1e-9, atol=0)
    assert np.allclose(default.out_of_fold, alike.out_of_fold, rtol=0, atol=1e-9)


def test_true_influences_help() -> None:
    """With many players and few masks, knowing who matters lowers the out-of-fold error."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        signs = rng.choice([-1.0, 1.0], (150, 200))
        values = (signs[:, :4] @ np.array([1.0, 0.8, 0.6, 0.4])) ** 2 + 0.1 * rng.normal(size=150)
        folds = rng.permutation(150) % 5
        known = dict.fromkeys((EVERY_FOLD, *range(5)), np.arange(200) < 4)
        errors = [
            ((values - fit_kernel(signs, values, folds, influences).out_of_fold) ** 2).mean()
            for influences in (None, {fold: who.astype(float) for fold, who in known.items()})
        ]
        assert errors[1] < 0.5 * errors[0]


class Bowl:
    """A convex function of the logarithms that records where it is evaluated."""

    def __init__(self, lowest: tuple[float, float], start: tuple[float, float]) -> None:
        """Place it, its lowest point being given in steps from the start."""
        self.lowest, self.start = lowest, start
        self.places: list[tuple[int, int]] = []

    def __call__(self, factor: float, ridge: float) -> float:
        """Return the height."""
        steps = np.log([factor / self.start[0], ridge / self.start[1]]) / np.log(_kernel._STEPS)
        assert steps == pytest.approx(np.round(steps), rel=0, abs=1e-9)
        self.places.append((round(steps[0]), round(steps[1])))
        i, j = steps - np.array(self.lowest)
        return float(i**2 + 0.5 * j**2 + 0.2 * i * j)


@pytest.mark.parametrize("start", [(2.8, 0.1), (1.0, 1e-4)])
def test_descent_into_a_bowl(start: tuple[float, float]) -> None:
    """The lowest point within bounds is found, no point is evaluated twice, none lies beyond."""
    rng = np.random.default_rng(0)
    widest = np.array(_kernel._MAX_STEPS)
    grid = [
        (i, j) for i in range(-widest[0], widest[0] + 1) for j in range(-widest[1], widest[1] + 1)
    ]
    for _ in range(50):
        bowl = Bowl(tuple(rng.uniform(-1.3, 1.3, 2) * widest), start)
        point, least = _descend(bowl, start)
        visited = list(bowl.places)
        assert visited[0] == (0, 0)
        assert len(set(visited)) == len(visited) < len(grid) / 2
        assert set(visited) <= set(grid)
        points = [tuple(np.multiply(start, np.power(_kernel._STEPS, place))) for place in grid]
        heights = [bowl(*each) for each in points]
        assert least == pytest.approx(min(heights), rel=1e-9)
        assert point == pytest.approx(points[int(np.argmin(heights))], rel=1e-9)


def test_descent_stays_on_a_plain() -> None:
    """Where nothing is better than the start, it is kept."""
    assert _descend(lambda *_: 3.0, (2.8, 0.1)) == ((2.8, 0.1), 3.0)


@pytest.mark.parametrize(("m", "count"), [(1, 5), (5, 5), (80, 100), (950, 100), (101, 100)])
def test_spread_masks(m: int, count: int) -> None:
    """Distinct masks from the first to the last, at even distances; all where there are few."""
    rows = spread(m, count)
    assert len(rows) == min(m, count)
    assert (rows[0], rows[-1]) == (0, m - 1)
    gaps = np.diff(rows)
    assert gaps.max(initial=1) - gaps.min(initial=m) <= 1


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
