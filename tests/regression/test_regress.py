"""Tests of the whole regression: sparse model, kernel and their blend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._threads import single_threaded
from shapiq_spex.regression import (
    Ablations,
    HierarchicalSearch,
    MaskColumns,
    Regression,
    _regress,
    regress,
)
from shapiq_spex.regression._regress import _add_up, _cut
from shapiq_spex.spectrum import FourierSpectrum, _sets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread, as SPEX does: on a busy machine more would take minutes."""
    with single_threaded():
        yield


def empty_set(n: int) -> np.ndarray:
    """Return the support that holds the empty set alone."""
    return np.full((1, 1), n, dtype=np.int64)


def bought(masks: np.ndarray, values: np.ndarray, seed: int) -> Ablations:
    """Prepare values on masks that no design ties to each other."""
    columns = MaskColumns.from_masks(masks)
    return Ablations.prepare(columns, values, np.arange(len(values)), np.random.default_rng(seed))


def regressed(masks: np.ndarray, values: np.ndarray, seed: int) -> Regression:
    """Run the regression on masks and values, nothing being known."""
    search = HierarchicalSearch(bought(masks, values, seed), 8)
    return regress(search, empty_set(masks.shape[1]))


def true_r2(found: Regression, fresh: np.ndarray, values: np.ndarray, offset: float) -> float:
    """Score a spectrum on fresh masks."""
    spectrum = FourierSpectrum(fresh.shape[1], found.sets, found.coefficients)
    return 1 - ((values - offset - spectrum.evaluate(fresh)) ** 2).mean() / values.var()


@pytest.mark.parametrize(("m", "sizes"), [(10, [2] * 5), (12, [2, 2, 2, 3, 3]), (3, [1, 1, 1])])
def test_folds(m: int, sizes: list[int]) -> None:
    """There are five folds whose sizes differ by at most one, or one mask each."""
    folds = bought(np.eye(m, dtype=bool), np.arange(float(m)), 0).folds
    assert sorted(np.bincount(folds)[np.unique(folds)].tolist()) == sizes


def test_blocks_are_not_divided() -> None:
    """Masks that a design ties to each other share a fold."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(-1, 12, 200)
    columns = MaskColumns.from_masks(rng.random((200, 9)) < 0.5)
    folds = Ablations.prepare(columns, rng.normal(size=200), blocks, rng).folds
    for block in np.unique(blocks):
        assert len(np.unique(folds[blocks == block])) == 1
    assert np.unique(folds).tolist() == [0, 1, 2, 3, 4]


def test_values_are_centred() -> None:
    """The mean is taken off and kept."""
    prepared = bought(np.eye(4, dtype=bool), np.array([1.0, 2.0, 3.0, 10.0]), 0)
    assert prepared.offset == 4
    assert prepared.values.tolist() == [-3, -2, -1, 6]


def test_r_squared() -> None:
    """One for a perfect prediction, zero for the mean, below for worse; one for a constant."""
    masks, values = np.eye(3, dtype=bool), np.array([1.0, 2.0, 3.0])
    prepared = bought(masks, values, 0)
    assert prepared.r_squared(prepared.values) == 1
    assert prepared.r_squared(np.zeros(3)) == 0
    assert prepared.r_squared(-prepared.values) < 0
    for constant in (0.0, 0.1, 7.7, -1e9 - 0.1):
        flat = bought(masks, np.full(3, constant), 0)
        assert flat.constant
        assert flat.r_squared(np.zeros(3)) == 1
    assert not prepared.constant


def test_cut_drops_no_more_than_tolerated() -> None:
    """The smallest coefficients go, as many as the tolerated energy allows."""
    sets = np.arange(4)[:, None]
    coefficients = np.array([0.1, -3.0, 0.2, 1.0])
    total = float((coefficients**2).sum())
    for tolerated, kept in [(0.0, 4), (0.011, 3), (0.049, 3), (0.051, 2), (1.06, 1), (99.0, 1)]:
        left, sizes, dropped = _cut(sets, coefficients, total, tolerated)
        order = [1, 3, 2, 0][:kept]
        assert left[:, 0].tolist() == order, tolerated
        assert sizes.tolist() == coefficients[order].tolist()
        assert dropped == pytest.approx(total - (sizes**2).sum(), abs=1e-12)


def test_cut_counts_what_was_never_listed() -> None:
    """Energy beyond the listed coefficients counts as dropped."""
    _, sizes, dropped = _cut(np.arange(2)[:, None], np.array([1.0, 2.0]), 7.0, 0.0)
    assert len(sizes) == 2
    assert dropped == pytest.approx(2.0)


def test_spectra_add_up() -> None:
    """Coefficients of the same set are added, whatever the width it is padded to."""
    sets, coefficients = _add_up(
        5,
        (_sets.pad_sets([(), (0, 1, 2), (3,)], 5), np.array([1.0, 2.0, 3.0])),
        (_sets.pad_sets([(3,), (4,)], 5), np.array([10.0, 20.0])),
    )
    expected = {(): 1.0, (0, 1, 2): 2.0, (3,): 13.0, (4,): 20.0}
    assert dict(zip(_sets.to_tuples(sets, 5), coefficients, strict=True)) == expected


def smooth(masks: np.ndarray) -> np.ndarray:
    """Evaluate a saturating function of all players: many small interactions."""
    n = masks.shape[1]
    return np.tanh(masks @ np.linspace(-1, 1.5, n))


@pytest.mark.parametrize("seed", range(3))
def test_blend_on_a_smooth_game(seed: int) -> None:
    """The kernel joins in, sets are distinct, and the out-of-fold R^2 is about the true one."""
    rng = np.random.default_rng(seed)
    masks, fresh = rng.random((300, 14)) < 0.5, rng.random((4000, 14)) < 0.5
    found = regressed(masks, smooth(masks), seed)
    listed = _sets.to_tuples(found.sets, 14)
    assert len(set(listed)) == len(listed)
    assert () in listed
    truth = true_r2(found, fresh, smooth(fresh), float(smooth(masks).mean()))
    assert truth > 0.85
    assert found.cv_r2 == pytest.approx(truth, abs=0.05)


def test_the_kernel_is_used_only_where_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that gains nothing changes nothing; one that gains lowers the out-of-fold error."""
    rng = np.random.default_rng(0)
    masks = rng.random((300, 14)) < 0.5
    blended = regressed(masks, smooth(masks), 0)
    monkeypatch.setattr(_regress, "_MIN_GAIN", 1.0)
    alone = regressed(masks, smooth(masks), 0)
    assert alone.cv_r2 < blended.cv_r2
    assert len(alone.sets) < len(blended.sets)


def test_few_masks() -> None:
    """A handful of masks is no obstacle."""
    for m in range(12, 20):
        rng = np.random.default_rng(m)
        masks = rng.random((m, 5)) < 0.5
        found = regressed(masks, rng.normal(size=m), 0)
        assert np.isfinite(found.coefficients).all()
        assert found.cv_r2 <= 1


@pytest.mark.parametrize("n", [10, 60])
def test_noise_is_not_predicted(n: int) -> None:
    """The out-of-fold R^2 of pure noise is not optimistic, on the average over some draws."""
    scores = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        masks = rng.random((150, n)) < 0.5
        scores.append(regressed(masks, rng.normal(size=150), seed).cv_r2)
    assert np.mean(scores) < 0.03
