"""Tests of the greedy hierarchical search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.approximators._threads import single_threaded
from shapiq_spex.regression import Ablations, HierarchicalSearch, MaskColumns
from shapiq_spex.spectrum import FourierSpectrum, _sets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Run linear algebra on one thread, as SPEX does: on a busy machine more would take minutes."""
    with single_threaded():
        yield


def random_masks(m: int, n: int, seed: int) -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(seed).random((m, n)) < 0.5


def and_values(masks: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Evaluate random AND-interactions of order up to three with normal coefficients."""
    rng = np.random.default_rng(seed)
    values = np.zeros(len(masks))
    for _ in range(count):
        players = rng.choice(masks.shape[1], rng.integers(1, 4), replace=False)
        values += rng.normal() * masks[:, players].all(axis=1)
    return values


def search_of(masks: np.ndarray, values: np.ndarray, max_order: int = 8) -> HierarchicalSearch:
    """Prepare a search."""
    columns = MaskColumns.from_masks(masks)
    rng = np.random.default_rng(0)
    ablations = Ablations.prepare(columns, values, np.arange(len(values)), rng)
    return HierarchicalSearch(ablations, max_order)


def empty_set(n: int) -> np.ndarray:
    """Return the support that holds the empty set alone."""
    return np.full((1, 1), n, dtype=np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_hierarchical_games_are_found_exactly(seed: int) -> None:
    """Thirty AND-interactions among 64 players come out of 500 uniform masks, to rounding."""
    masks = random_masks(500, 64, seed)
    values = and_values(masks, 30, seed + 100)
    search = search_of(masks, values)
    path = search.run(empty_set(64), max_terms=search.largest_size, significant=True)
    signs = _sets.characters(masks, path.sets).astype(np.float64)
    coefficients = np.linalg.lstsq(signs.T, values, rcond=None)[0]
    fresh = random_masks(1000, 64, seed + 1000)
    predicted = FourierSpectrum(64, path.sets, coefficients).evaluate(fresh)
    assert np.abs(predicted - and_values(fresh, 30, seed + 100)).max() < 1e-9


def test_path_starts_with_what_is_given() -> None:
    """The start stays in front, in its order, and nothing comes twice."""
    masks = random_masks(200, 20, 0)
    start = _sets.pad_sets([(), (1, 2, 3), (4,)], 20)
    search = search_of(masks, and_values(masks, 6, 1))
    path = search.run(start, max_terms=40)
    found = _sets.to_tuples(path.sets, 20)
    assert found[:3] == _sets.to_tuples(start, 20)
    assert len(set(found)) == len(found)
    assert path.sizes[0] == 3
    assert path.sizes[-1] == len(found)
    assert path.sizes == sorted(path.sizes)


@pytest.mark.parametrize("max_terms", [1, 2, 5, 17, 50])
def test_number_of_terms_is_bounded(max_terms: int) -> None:
    """It stops at the number asked for, and reaches it where there is noise enough to fit."""
    masks = random_masks(200, 20, 0)
    search = search_of(masks, np.random.default_rng(0).normal(size=200))
    assert len(search.run(empty_set(20), max_terms=max_terms).sets) == max_terms


def test_order_is_bounded() -> None:
    """No set is larger than asked for."""
    masks = random_masks(300, 10, 0)
    values = 5.0 * masks[:, :6].all(axis=1)
    for max_order in (1, 2, 3):
        search = search_of(masks, values, max_order)
        path = search.run(empty_set(10), max_terms=search.largest_size)
        assert _sets.orders(path.sets, 10).max() == max_order


def test_noise_is_not_significant() -> None:
    """Of pure noise next to nothing is taken up where sets must be significant."""
    sizes = []
    for seed in range(10):
        masks = random_masks(300, 30, seed)
        search = search_of(masks, np.random.default_rng(seed).normal(size=300))
        path = search.run(empty_set(30), max_terms=search.largest_size, significant=True)
        sizes.append(len(path.sets))
    assert np.mean(sizes) < 4


def test_constant_values() -> None:
    """A constant needs no set but the empty one."""
    masks = random_masks(50, 8, 0)
    for value in (0.0, 3.3, 1e12):
        path = search_of(masks, np.full(50, value)).run(empty_set(8), max_terms=10)
        assert len(path.sets) == 1


@pytest.mark.parametrize("seed", range(3))
def test_held_out_values_do_not_matter(seed: int) -> None:
    """Which sets a fold's search adds, and in which order, is up to its training masks alone."""
    rng = np.random.default_rng(seed)
    masks = random_masks(240, 16, seed)
    values = and_values(masks, 8, seed) + 0.3 * rng.normal(size=240)
    train = rng.random(240) < 0.8
    # as large as before and of the same mean: values come with their mean taken off
    changed = values.copy()
    changed[~train] = rng.permutation(values[~train])
    paths = [
        search_of(masks, seen).run(empty_set(16), train=train, max_terms=60)
        for seen in (values, changed)
    ]
    # the validation errors say when to stop, no more
    rounds = min(len(path.sizes) for path in paths)
    size = paths[0].sizes[rounds - 1]
    assert rounds > 5
    assert paths[0].sizes[:rounds] == paths[1].sizes[:rounds]
    first, second = [_sets.to_tuples(path.sets, 16)[:size] for path in paths]
    assert first == second


def test_validation_errors() -> None:
    """The errors are those of a least-squares fit of the training masks on the others."""
    masks = random_masks(240, 16, 0)
    values = and_values(masks, 8, 0) + 0.3 * np.random.default_rng(0).normal(size=240)
    train = np.arange(240) % 5 != 0
    path = search_of(masks, values).run(empty_set(16), train=train, max_terms=40)
    assert len(path.errors) == len(path.sizes)
    for size, error in zip(path.sizes, path.errors, strict=True):
        signs = _sets.characters(masks, path.sets[:size]).T.astype(np.float64)
        coefficients = np.linalg.lstsq(signs[train], values[train], rcond=None)[0]
        residual = (values - signs @ coefficients)[~train]
        assert error == pytest.approx((residual**2).mean(), rel=1e-8)


def test_training_fold_without_players() -> None:
    """One player is no obstacle."""
    masks = np.array([[False], [True]] * 10)
    path = search_of(masks, 2.0 * masks[:, 0]).run(empty_set(1), max_terms=5)
    assert _sets.to_tuples(path.sets, 1) == [(), (0,)]
