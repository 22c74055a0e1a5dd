"""Tests of fitting sparse models, exact and by cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._threads import single_threaded
from shapiq_spex.regression import (
    Ablations,
    HierarchicalSearch,
    MaskColumns,
    fit_fixed,
    fit_support,
)
from shapiq_spex.regression._least_squares import fit_ridge
from shapiq_spex.regression._sparse import fit_sparse
from shapiq_spex.spectrum import _sets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread, as SPEX does: on a busy machine more would take minutes."""
    with single_threaded():
        yield


N, M = 12, 200
SUPPORT = [(), (0,), (3,), (1, 2), (4, 5, 6)]
SPURIOUS = [(7,), (0, 8), (2, 9, 11)]
COEFFICIENTS = np.array([2.0, -1.0, 0.5, 0.25, -3.0])


@pytest.fixture
def masks() -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(0).random((M, N)) < 0.5


def bought(masks: np.ndarray, values: np.ndarray) -> Ablations:
    """Prepare values on masks that no design ties to each other."""
    columns = MaskColumns.from_masks(masks)
    return Ablations.prepare(columns, values, np.arange(len(values)), np.random.default_rng(1))


def values_on(masks: np.ndarray) -> np.ndarray:
    """Evaluate the sparse spectrum."""
    return COEFFICIENTS @ _sets.characters(masks, _sets.pad_sets(SUPPORT, N)).astype(np.float64)


def test_exact_fit_drops_spurious_sets(masks: np.ndarray) -> None:
    """Sets of no effect are dropped, and the others' coefficients are exact."""
    sets = _sets.pad_sets([*SUPPORT[:3], *SPURIOUS, *SUPPORT[3:]], N)
    fit = fit_support(bought(masks, values_on(masks)), sets)
    assert fit is not None
    offset = values_on(masks).mean()
    assert _sets.to_tuples(fit.sets, N) == SUPPORT
    assert fit.coefficients[0] == pytest.approx(COEFFICIENTS[0] - offset, rel=0, abs=1e-12)
    assert fit.coefficients[1:] == pytest.approx(COEFFICIENTS[1:], rel=0, abs=1e-12)
    assert fit.out_of_fold == pytest.approx(values_on(masks) - offset, rel=0, abs=1e-9)


def test_a_missing_set_is_no_exact_fit(masks: np.ndarray) -> None:
    """Where something is left there is no such fit."""
    for missing in range(1, len(SUPPORT)):
        sets = _sets.pad_sets([*SUPPORT[:missing], *SUPPORT[missing + 1 :], *SPURIOUS], N)
        assert fit_support(bought(masks, values_on(masks)), sets) is None


def test_noise_is_no_exact_fit(masks: np.ndarray) -> None:
    """A billionth of noise is too much for it, and so are as many sets as masks."""
    values = values_on(masks) + 1e-9 * np.random.default_rng(0).normal(size=M)
    sets = _sets.pad_sets(SUPPORT, N)
    assert fit_support(bought(masks, values), sets) is None


def test_the_empty_set_is_kept(masks: np.ndarray) -> None:
    """The constant stays, even at zero."""
    sets = _sets.pad_sets([(), (0,)], N)
    values = 1.0 - 2.0 * masks[:, 0]
    fit = fit_support(bought(masks, values), sets)
    assert fit is not None
    assert _sets.to_tuples(fit.sets, N) == [(), (0,)]
    assert fit.coefficients == pytest.approx([-values.mean(), 1.0], rel=0, abs=1e-14)


@pytest.mark.parametrize("value", [0.0, 5.5])
def test_constant_values(value: float, masks: np.ndarray) -> None:
    """A constant is fitted exactly by the empty set."""
    sets = _sets.pad_sets([()], N)
    fit = fit_support(bought(masks, np.full(M, value)), sets)
    assert fit is not None
    assert fit.coefficients == pytest.approx([0.0], abs=1e-14)


def ridge_by_hand(signs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Fit given signs on the masks that they come with."""
    return fit_ridge(signs @ signs.T, signs @ values, float(values @ values), float(signs.shape[1]))


def test_ridge_fit_of_given_sets(masks: np.ndarray) -> None:
    """The fit is ridge regression on all masks, and out of fold that on the other folds."""
    values = values_on(masks) + np.random.default_rng(2).normal(size=M)
    sets = _sets.pad_sets([*SUPPORT, *SPURIOUS], N)
    signs = _sets.characters(masks, sets).astype(np.float64)
    ablations = bought(masks, values)
    values, folds = ablations.values, ablations.folds
    fit = fit_fixed(ablations, sets)
    assert fit.coefficients == pytest.approx(ridge_by_hand(signs, values), rel=0, abs=1e-9)
    for fold in range(5):
        train = folds != fold
        expected = ridge_by_hand(signs[:, train], values[train]) @ signs[:, ~train]
        assert fit.out_of_fold[~train] == pytest.approx(expected, rel=0, abs=1e-9)


def test_search_with_cross_validation(masks: np.ndarray) -> None:
    """Under some noise the sets are found, with a fair estimate of what they predict."""
    rng = np.random.default_rng(3)
    values = values_on(masks) + 0.5 * rng.normal(size=M)
    ablations = bought(masks, values)
    search = HierarchicalSearch(ablations, 8)
    # a parity of three is given, as no hierarchy leads to it
    fit = fit_sparse(search, _sets.pad_sets([(), (4, 5, 6)], N))
    assert {(0,), (3,), (4, 5, 6)} <= set(_sets.to_tuples(fit.sets, N))
    fresh = rng.random((4000, N)) < 0.5
    signs = _sets.characters(fresh, fit.sets).astype(np.float64)
    predicted = ablations.offset + fit.coefficients @ signs
    truth = 1 - ((values_on(fresh) - predicted) ** 2).mean() / values_on(fresh).var()
    noise_free = (
        1 - (((ablations.values - fit.out_of_fold) ** 2).mean() - 0.25) / values_on(fresh).var()
    )
    assert noise_free == pytest.approx(truth, abs=0.05)


def test_out_of_fold_predictions_know_nothing_of_their_fold() -> None:
    """Changing the values of one fold beyond recognition leaves its own predictions alone."""
    rng = np.random.default_rng(4)
    masks = rng.random((M, N)) < 0.5
    sets = _sets.pad_sets(SUPPORT, N)
    ablations = bought(masks, values_on(masks) + rng.normal(size=M))
    folds = ablations.folds
    changed = np.where(folds == 2, 1e3 * rng.normal(size=M), ablations.values)
    before = fit_fixed(ablations, sets).out_of_fold
    after = fit_fixed(replace(ablations, values=changed), sets).out_of_fold
    assert np.array_equal(before[folds == 2], after[folds == 2])
    assert not np.allclose(before[folds != 2], after[folds != 2])


def test_each_fold_has_its_own_sets(masks: np.ndarray) -> None:
    """Predictions for a fold are those of the sets found without it, the fit that of all."""
    values = values_on(masks) + np.random.default_rng(2).normal(size=M)
    ablations = bought(masks, values)
    sets = _sets.pad_sets(SUPPORT, N)
    fold_sets = {fold: _sets.pad_sets([(), *SPURIOUS[:fold], (fold,)], N) for fold in range(5)}
    fit = fit_fixed(ablations, sets, fold_sets)
    default = fit_fixed(ablations, sets)
    assert np.array_equal(fit.sets, sets)
    assert np.array_equal(fit.coefficients, default.coefficients)
    for fold, own in fold_sets.items():
        train = ablations.folds != fold
        signs = _sets.characters(masks, own).astype(np.float64)
        expected = ridge_by_hand(signs[:, train], ablations.values[train]) @ signs[:, ~train]
        assert fit.out_of_fold[~train] == pytest.approx(expected, rel=0, abs=1e-9)
    same = fit_fixed(ablations, sets, dict.fromkeys(range(5), sets))
    assert np.array_equal(same.out_of_fold, default.out_of_fold)


def test_each_fold_starts_from_its_own_sets(masks: np.ndarray) -> None:
    """A parity that no hierarchy leads to is predicted in those folds alone that start with it."""
    values = values_on(masks) + 0.1 * np.random.default_rng(2).normal(size=M)
    ablations = bought(masks, values)
    search = HierarchicalSearch(ablations, 8)
    plain, informed = _sets.pad_sets([()], N), _sets.pad_sets([(), (4, 5, 6)], N)
    mixed = {fold: informed if fold in (1, 3) else plain for fold in range(5)}
    fit = fit_sparse(search, informed, mixed)
    errors = (ablations.values - fit.out_of_fold) ** 2
    for fold, start in mixed.items():
        error = errors[ablations.folds == fold].mean()
        # the parity has an energy of nine
        assert error < 2 if start is informed else error > 7
    assert (4, 5, 6) in _sets.to_tuples(fit.sets, N)
    # the sets on all masks come from their own start
    fit = fit_sparse(search, plain, dict.fromkeys(range(5), informed))
    assert ablations.r_squared(fit.out_of_fold) > 0.9
    assert (4, 5, 6) not in _sets.to_tuples(fit.sets, N)
    default, same = [
        fit_sparse(search, informed, starts) for starts in (None, dict.fromkeys(range(5), informed))
    ]
    assert np.array_equal(default.sets, same.sets)
    assert np.array_equal(default.out_of_fold, same.out_of_fold)


def test_noise_is_not_predicted() -> None:
    """Out of fold, a search in pure noise is worth nothing, on the average over some draws."""
    scores = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        masks = rng.random((150, 20)) < 0.5
        values = rng.normal(size=150)
        ablations = bought(masks, values)
        fit = fit_sparse(HierarchicalSearch(ablations, 8), _sets.pad_sets([()], 20))
        scores.append(ablations.r_squared(fit.out_of_fold))
    assert np.mean(scores) < 0.03


def test_a_fold_that_alone_holds_a_mask_is_not_extrapolated() -> None:
    """What other folds leave open is predicted mildly, not by the rounding of a singular matrix."""
    n = 7
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.arange(1 << n), rng.integers((1 << n) - 1, size=672)])
    masks = (codes[:, None] >> np.arange(n)) & 1 == 1  # the full one occurs once
    values = rng.normal(size=1 << n)[codes]
    columns = MaskColumns.from_masks(masks)
    ablations = Ablations.prepare(columns, values, np.arange(800), rng)
    seen_without = [len(np.unique(codes[ablations.folds != fold])) for fold in range(5)]
    assert min(seen_without) < 1 << n
    sets = np.where((np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1, np.arange(n), n)
    sets.sort(axis=1)
    fit = fit_support(ablations, sets)
    assert fit is not None
    assert 0.9 < ablations.r_squared(fit.out_of_fold) < 1
