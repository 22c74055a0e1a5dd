"""Tests of weighing models by their out-of-fold predictions and of adding up their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import nnls

from shapiq_spex.regression import (
    Ablations,
    Companion,
    MaskColumns,
    Regression,
    SparseFit,
    _blend,
    blend,
    keep_terms,
    summarise,
)
from shapiq_spex.regression._blend import _weigh, largest_terms
from shapiq_spex.spectrum import _sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 8
SPARSE = [(), (0,), (1, 2)]
SMALL = [(), (3,), (1, 2), (4, 5), (6,), (0, 7)]
SIZES = np.array([0.2, 0.8, 0.3, 0.5, 0.02, 0.01])


def test_largest_terms() -> None:
    """The smallest coefficients go, as many as the tolerated energy allows."""
    sets = np.arange(4)[:, None]
    coefficients = np.array([0.1, -3.0, 0.2, 1.0])
    total = float((coefficients**2).sum())
    for tolerated, kept in [(-1.0, 4), (0.0, 4), (0.011, 3), (0.049, 3), (0.051, 2), (1.06, 1)]:
        left, dropped = largest_terms(sets, coefficients, 4, tolerated)
        assert left.tolist() == sorted([1, 3, 2, 0][:kept]), tolerated
        assert dropped == pytest.approx(total - (coefficients[left] ** 2).sum(), abs=1e-12)
        assert dropped <= max(tolerated, 0)


def test_the_constant_is_never_dropped() -> None:
    """It stays however small it is, and its energy does not count."""
    sets = _sets.pad_sets([(0, 1), (2,), (), (3,)], 4)
    left, dropped = largest_terms(sets, np.array([0.5, 2.0, 0.0, 1.0]), 4, 99.0)
    assert left.tolist() == [2]
    assert dropped == pytest.approx(5.25, abs=1e-12)
    left, _ = largest_terms(sets, np.array([0.5, 2.0, 1e3, 1.0]), 4, 0.3)
    assert left.tolist() == [1, 2, 3]


def test_weights_are_not_negative() -> None:
    """Even models that are worse than nothing get no less than nothing."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=60)
        noise = rng.normal(size=(60, 4))
        weights = _weigh(noise + values[:, None] * np.array([1.0, 0.3, -0.5, -3.0]), values)
        assert (weights >= 0).all()
        assert weights[3] == 0


def test_weights_of_few_masks_are_about_equal() -> None:
    """A dozen masks do not tell models apart that are about as good."""
    weights, hindsight = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        values = 3 * rng.normal(size=12)
        predictions = values[:, None] + rng.normal(size=(12, 2))
        weights.append(_weigh(predictions, values))
        hindsight.append(nnls(predictions, values)[0])
    deviations = np.abs(np.array(weights) - 0.5)
    assert deviations.max() < 0.25
    assert deviations.mean() < 0.07
    assert deviations.mean() < 0.5 * np.abs(np.array(hindsight) - 0.5).mean()


def test_weights_of_many_masks_are_the_best_in_hindsight() -> None:
    """With many masks, models of any quality get the weights of least squares."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=20_000)
    predictions = values[:, None] + rng.normal(size=(20_000, 3)) * np.array([0.2, 0.5, 2.0])
    weights = _weigh(predictions, values)
    assert weights == pytest.approx(np.linalg.lstsq(predictions, values)[0], rel=0, abs=0.005)
    assert weights[0] > 0.8
    assert weights[2] < 0.02


def test_weights_of_the_same_model_twice() -> None:
    """What no values can tell apart gets equal weights, and a perfect model all there is."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=100)
    model = values + 0.5 * rng.normal(size=100)
    first, second = _weigh(np.stack([model, model], axis=1), values)
    assert first == pytest.approx(second, rel=1e-9)
    perfect = _weigh(np.stack([values, model], axis=1), values)
    assert perfect == pytest.approx([1, 0], rel=0, abs=1e-12)


def test_weights_in_another_unit() -> None:
    """Weights have no unit."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=30)
    predictions = values[:, None] + rng.normal(size=(30, 3))
    expected = _weigh(predictions, values)
    for unit in (1e-8, 1e8):
        assert _weigh(unit * predictions, unit * values) == pytest.approx(expected, rel=1e-6)


def spectrum_on(
    masks: NDArray[np.bool_], sets: list[tuple[int, ...]], sizes: list[float]
) -> NDArray[np.float64]:
    """Evaluate a spectrum."""
    return np.array(sizes) @ _sets.characters(masks, _sets.pad_sets(sets, N)).astype(np.float64)


class Case:
    """Values with a sparse part and one of smaller terms, and a model of each."""

    def __init__(
        self, seed: int = 0, m: int = 400, unlisted: float = 0.0, *, only_sparse: bool = False
    ) -> None:
        """Draw masks and noise; the sparse model may be all there is to learn."""
        rng = np.random.default_rng(seed)
        masks = rng.random((m, N)) < 0.5
        sparse = spectrum_on(masks, SPARSE, [1.0, 2.0, -1.0])
        small = 0.0 if only_sparse else spectrum_on(masks, SMALL, SIZES.tolist())
        values = sparse + small + 0.3 * rng.normal(size=m)
        # the empty and the full mask are not typical
        masks[0], masks[1], values[0], values[1] = False, True, 99.0, -99.0
        blocks = np.where(np.arange(m) < 2, -1, np.arange(m))
        self.ablations = Ablations.prepare(MaskColumns.from_masks(masks), values, blocks, rng)
        offset = self.ablations.offset
        self.sparse = SparseFit(
            _sets.pad_sets(SPARSE, N),
            np.array([1.0 - offset, 2.0, -1.0]),
            sparse - offset + (0.0 if only_sparse else 0.1 * rng.normal(size=m)),
        )
        sets, sizes = _sets.add_up(
            N,
            (self.sparse.sets, self.sparse.coefficients),
            (_sets.pad_sets(SMALL, N), SIZES),
        )
        inner = (sets < N).any(axis=1)
        self.companion = Companion(
            sparse + small - offset + 0.4 * rng.normal(size=m),
            lambda: (sets, sizes),
            float((sizes[inner] ** 2).sum()) + unlisted,
        )
        self.rows = np.arange(m)


def blended_by_hand(
    case: Case, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float, float, dict[tuple[int, ...], float]]:
    """Return the weights, out-of-fold error, variance, and spectrum before anything is dropped."""
    typical = rows >= 2
    seen = case.ablations.values[rows][typical]
    matrix = np.stack([case.sparse.out_of_fold[rows], case.companion.out_of_fold], axis=1)[typical]
    weights = _weigh(matrix, seen)
    spectrum: dict[tuple[int, ...], float] = {}
    parts = [(case.sparse.sets, case.sparse.coefficients), case.companion.list_terms()]
    for weight, (sets, sizes) in zip(weights, parts, strict=True):
        for players, size in zip(_sets.to_tuples(sets, N), sizes, strict=True):
            spectrum[players] = spectrum.get(players, 0.0) + weight * size
    error = float(((seen - matrix @ weights) ** 2).mean())
    return weights, error, float(seen.var()), spectrum


@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("share", [None, 0.0, 0.3])
def test_blend_drops_little_and_counts_it(
    *, some: bool, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spectra are averaged; small terms go, adding 0.2% to the error at most, and count."""
    if share is not None:
        monkeypatch.setattr(_blend, "_DROPPED_SHARE", share)
    case = Case()
    rows = np.random.default_rng(1).permutation(400)[:250] if some else case.rows
    case.companion = Companion(
        case.companion.out_of_fold[rows], case.companion.list_terms, case.companion.total_energy
    )
    found = blend(case.ablations, case.sparse, rows, [case.companion])
    weights, error, variance, spectrum = blended_by_hand(case, rows)
    assert (weights > 0.05).all()
    listed = dict(zip(_sets.to_tuples(found.sets, N), found.coefficients, strict=True))
    assert len(listed) == len(found.sets)
    assert () in listed
    for players, size in listed.items():
        assert size == pytest.approx(spectrum[players], rel=0, abs=1e-12)
    gone = [size**2 for players, size in spectrum.items() if players not in listed]
    assert (len(gone) > 0) == (share != 0)
    assert sum(gone) <= (0.002 if share is None else share) * error
    assert max(gone, default=0.0) <= min(size**2 for players, size in listed.items() if players)
    assert found.cv_r2 == pytest.approx(1 - (error + sum(gone)) / variance, rel=0, abs=1e-12)
    assert found.cv_r2 > case.ablations.take(rows).r_squared(case.sparse.out_of_fold[rows])


def test_energy_that_was_never_listed_counts_as_dropped() -> None:
    """It lowers the R^2 by its share, and where it exceeds what is tolerated nothing else goes."""
    case = Case(unlisted=0.05)
    found = blend(case.ablations, case.sparse, case.rows, [case.companion])
    weights, error, variance, spectrum = blended_by_hand(case, case.rows)
    assert set(_sets.to_tuples(found.sets, N)) == set(spectrum)
    lost = weights[1] ** 2 * 0.05
    assert lost > 0.01 * error
    assert found.cv_r2 == pytest.approx(1 - (error + lost) / variance, rel=0, abs=1e-12)


def test_too_much_energy_that_was_never_listed() -> None:
    """A companion whose listed terms are but a small part of it is no help."""
    case = Case(unlisted=50.0)
    found = blend(case.ablations, case.sparse, case.rows, [case.companion])
    assert same(found, summarise(case.sparse, case.ablations))


def same(found: Regression, expected: Regression) -> bool:
    """Compare two fits."""
    return (
        np.array_equal(found.sets, expected.sets)
        and np.array_equal(found.coefficients, expected.coefficients)
        and found.cv_r2 == expected.cv_r2
    )


def unlistable() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Stand for terms that nobody should ask for."""
    pytest.fail("the terms of a companion of no use were listed")


@pytest.mark.parametrize("m", [1500, 3000])
@pytest.mark.parametrize("scale", [0.1, 2.0])
def test_a_companion_that_predicts_noise(m: int, scale: float) -> None:
    """The sparse model stands alone, as it is, where masks are too many for chance to gain 1%."""
    for seed in range(20):
        case = Case(seed, m, only_sparse=True)
        noise = scale * np.random.default_rng(100 + seed).normal(size=m)
        companion = Companion(noise, unlistable, 1.0)
        found = blend(case.ablations, case.sparse, case.rows, [companion])
        assert same(found, summarise(case.sparse, case.ablations))


def test_a_companion_of_no_weight_is_left_out() -> None:
    """A companion that is worse than nothing is not listed, whatever the others gain."""
    case = Case()
    wrong = Companion(-case.ablations.values, unlistable, 1.0)
    found = blend(case.ablations, case.sparse, case.rows, [case.companion, wrong])
    assert found.cv_r2 > summarise(case.sparse, case.ablations).cv_r2 + 0.05


def test_rows_on_which_nothing_varies() -> None:
    """Where the companions have seen one value only, the sparse model stands alone."""
    case = Case()
    values = case.ablations.values
    rows = np.arange(2, 60)
    values[rows] = 1.5
    constant = Companion(np.full(58, 1.5), unlistable, 0.0)
    found = blend(case.ablations, case.sparse, rows, [constant])
    assert same(found, summarise(case.sparse, case.ablations))


@pytest.mark.parametrize("max_terms", [0, 1, 3, 4])
def test_keep_terms(max_terms: int) -> None:
    """The largest stay with the constant, and the R^2 falls by the others' share of the energy."""
    case = Case()
    listed = [(0, 1), (), (2,), (3, 4, 5), (6,)]
    sizes = np.array([0.3, 0.001, -2.0, 0.5, -0.4])
    found = Regression(_sets.pad_sets(listed, N), sizes, 0.9)
    kept = keep_terms(found, case.ablations, max_terms)
    by_size = [(2,), (3, 4, 5), (6,), (0, 1)]
    assert len(kept.sets) == max_terms + 1
    assert set(_sets.to_tuples(kept.sets, N)) == {(), *by_size[:max_terms]}
    for players, size in zip(_sets.to_tuples(kept.sets, N), kept.coefficients, strict=True):
        assert size == sizes[listed.index(players)]
    lost = sum(sizes[listed.index(players)] ** 2 for players in by_size[max_terms:])
    variance = case.ablations.values[2:].var()
    assert kept.cv_r2 == pytest.approx(0.9 - lost / variance, rel=0, abs=1e-12)


def test_keeping_more_terms_than_there_are() -> None:
    """A fit that is small enough is left as it is."""
    case = Case()
    found = summarise(case.sparse, case.ablations)
    for max_terms in (2, 3, 100):
        assert keep_terms(found, case.ablations, max_terms) is found
