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
    _blend,
    _regress,
    kernel_companion,
    kernel_rows,
    regress,
    with_singles,
)
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


def test_taking_some_ablations() -> None:
    """Masks in any order keep their values, folds and whether they are typical."""
    rng = np.random.default_rng(0)
    masks, values = rng.random((50, 9)) < 0.5, rng.normal(size=50) + 3
    blocks = np.where(np.arange(50) < 2, -1, np.arange(50))
    whole = Ablations.prepare(MaskColumns.from_masks(masks), values, blocks, rng)
    rows = rng.permutation(50)[:30]
    part = whole.take(rows)
    players = np.arange(9)
    expected = MaskColumns.from_masks(masks[rows]).signs(players)
    assert np.array_equal(part.columns.signs(players), expected)
    assert np.array_equal(part.values, whole.values[rows])
    assert np.array_equal(part.folds, whole.folds[rows])
    assert np.array_equal(part.typical, rows >= 2)
    assert (part.offset, part.negligible) == (whole.offset, whole.negligible)


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
    monkeypatch.setattr(_blend, "_MIN_GAIN", 1.0)
    alone = regressed(masks, smooth(masks), 0)
    assert alone.cv_r2 < blended.cv_r2
    assert len(alone.sets) < len(blended.sets)


def test_kernel_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks beyond what a kernel can bear are left out evenly, not at an end."""
    monkeypatch.setattr(_regress, "MAX_MASKS", 100)
    rng = np.random.default_rng(0)
    few, many = [bought(rng.random((m, 5)) < 0.5, rng.normal(size=m), 0) for m in (80, 950)]
    assert kernel_rows(few).tolist() == list(range(80))
    rows = kernel_rows(many)
    assert (len(rows), rows[0], rows[-1]) == (100, 0, 949)
    assert set(np.diff(rows)) == {9, 10}


def test_companion_of_some_masks() -> None:
    """It is the companion of these masks alone, its spectrum being that of the centred values."""
    rng = np.random.default_rng(0)
    masks = rng.random((200, 8)) < 0.5
    whole = bought(masks, smooth(masks) + 100, 0)
    rows = rng.permutation(200)[:120]
    some, alone = kernel_companion(whole, rows), kernel_companion(whole.take(rows), np.arange(120))
    assert np.array_equal(some.out_of_fold, alone.out_of_fold)
    assert some.total_energy == alone.total_energy
    sets, coefficients = some.list_terms()
    assert np.array_equal(coefficients, alone.list_terms()[1])
    assert _sets.to_tuples(sets, 8)[0] == ()
    assert len(sets) == 2**8
    energy = float((coefficients[1:] ** 2).sum())
    assert some.total_energy == pytest.approx(energy, rel=1e-9)
    fitted = FourierSpectrum(8, sets, coefficients).evaluate(masks[rows])
    assert 1 - ((whole.values[rows] - fitted) ** 2).mean() / whole.values.var() > 0.95


@pytest.mark.parametrize("in_order", [False, True])
def test_more_masks_than_the_kernel_bears(
    *, in_order: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the masks do about as well, even where those come in the order of their values."""
    rng = np.random.default_rng(0)
    masks, fresh = rng.random((600, 14)) < 0.5, rng.random((4000, 14)) < 0.5

    def floored(seen: np.ndarray) -> np.ndarray:
        return np.maximum(smooth(seen), 0.3)

    if in_order:
        masks = masks[np.argsort(floored(masks), kind="stable")]
    assert not in_order or np.ptp(floored(masks[:60])) == 0
    offset = float(floored(masks).mean())
    whole = regressed(masks, floored(masks), 0)
    monkeypatch.setattr(_regress, "MAX_MASKS", 300)
    half = regressed(masks, floored(masks), 0)
    assert np.isfinite(half.coefficients).all()
    assert len(half.sets) > 100  # the kernel joined in
    scores = [true_r2(found, fresh, floored(fresh), offset) for found in (whole, half)]
    assert scores[1] == pytest.approx(scores[0], abs=0.05)
    assert half.cv_r2 == pytest.approx(scores[1], abs=0.05)


def test_nothing_varies_on_the_masks_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a kernel sees the same value everywhere, the sparse model stands alone."""
    monkeypatch.setattr(_regress, "MAX_MASKS", 50)
    rng = np.random.default_rng(0)
    masks = rng.random((400, 10)) < 0.5
    values = rng.normal(size=400)
    values[kernel_rows(bought(masks, values, 0))] = 0.5
    found = regressed(masks, values, 0)
    assert np.isfinite(found.coefficients).all()
    assert found.cv_r2 < 0.1


def test_singles_join_the_support() -> None:
    """All players once, the empty set first, unless the masks are too few for so many sets."""
    rng = np.random.default_rng(0)
    support = _sets.pad_sets([(), (1, 2), (4,)], 6)
    joined = with_singles(bought(rng.random((50, 6)) < 0.5, rng.normal(size=50), 0), support)
    assert joined is not None
    listed = _sets.to_tuples(joined, 6)
    assert listed[0] == ()
    assert sorted(listed) == sorted([(), (1, 2), *((player,) for player in range(6))])
    for m, fits in [(11, False), (12, True)]:  # eight sets are 0.7 of 11.4 masks
        few = bought(rng.random((m, 6)) < 0.5, rng.normal(size=m), 0)
        assert (with_singles(few, support) is not None) == fits


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
