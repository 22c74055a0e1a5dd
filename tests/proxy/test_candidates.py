"""Tests of the fit that starts from an ensemble's largest terms."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.proxy import close_downwards, fit_booster, fit_candidates, read_parameters
from shapiq_spex.regression import Ablations, HierarchicalSearch, MaskColumns, SparseFit, fit_fixed
from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import to_tuples

N = 9
TREES = {"num_iterations": 60, "early_stopping_round": 0, "learning_rate": 0.3}


def subsets(players: tuple[int, ...]) -> set[tuple[int, ...]]:
    """List all subsets."""
    every = chain.from_iterable(combinations(players, size) for size in range(len(players) + 1))
    return set(every)


def ablate(masks: np.ndarray, values: np.ndarray) -> Ablations:
    """Prepare masks, each of which may be held out alone."""
    columns = MaskColumns(np.packbits(masks, axis=1), masks.shape[1])
    rng = np.random.default_rng(0)
    return Ablations.prepare(columns, values, np.arange(len(masks)), rng)


def constant_fit(ablations: Ablations) -> SparseFit:
    """Fit the constant alone: a rival that anything beats."""
    return fit_fixed(ablations, np.full((1, 1), ablations.columns.n_players))


terms_of_sets = st.dictionaries(
    st.lists(st.integers(0, N - 1), max_size=8, unique=True).map(sorted).map(tuple),
    st.floats(-5, 5).filter(bool),
    max_size=12,
)


@given(terms=terms_of_sets, size=st.integers(0, 14))
def test_every_subset_is_there(terms: dict[tuple[int, ...], float], size: int) -> None:
    """The sets are the subsets of the largest terms, the empty one first, each once."""
    spectrum = FourierSpectrum(N, list(terms), list(terms.values()))
    found = close_downwards((spectrum.sets, spectrum.coefficients), N, size)
    listed = list(to_tuples(found, N))
    assert listed[0] == ()
    assert len(set(listed)) == len(listed)
    assert [len(players) for players in listed] == sorted(len(players) for players in listed)
    allowed = [
        (players, abs(value))
        for players, value in zip(spectrum.support, spectrum.coefficients, strict=True)
        if 0 < len(players) <= 6
    ]
    chosen = [players for players, _ in sorted(allowed, key=lambda term: -term[1])[:size]]
    assert set(listed) == {()}.union(*map(subsets, chosen))


def test_no_terms() -> None:
    """An ensemble without a split leaves the constant alone."""
    found = close_downwards((np.empty((1, 0), dtype=np.int64), np.ones(1)), N, 10)
    assert found.tolist() == [[N]]
    found = close_downwards((np.empty((0, 0), dtype=np.int64), np.empty(0)), N, 10)
    assert found.tolist() == [[N]]


def test_each_fold_starts_from_its_own_ensemble() -> None:
    """Pure noise is not predicted; it seems to be where folds start from all masks' terms."""
    rng = np.random.default_rng(5)
    ablations = ablate(rng.random((300, 20)) < 0.5, rng.normal(size=300))
    booster = fit_booster(ablations, read_parameters(TREES), 0)
    honest = fit_candidates(HierarchicalSearch(ablations, 8), booster, constant_fit(ablations))
    peeking = fit_fixed(ablations, close_downwards(booster.terms, 20, 30))
    assert ablations.r_squared(honest.out_of_fold) < 0.02
    assert ablations.r_squared(peeking.out_of_fold) > 0.04


def test_interactions_are_found() -> None:
    """A sparse game comes out exactly."""
    masks = np.random.default_rng(1).random((200, N)) < 0.5
    values = 2.0 * masks[:, 0] + 3.0 * masks[:, [1, 2, 3]].all(axis=1)
    ablations = ablate(masks, values)
    booster = fit_booster(ablations, read_parameters(TREES), 0)
    found = fit_candidates(HierarchicalSearch(ablations, 8), booster, constant_fit(ablations))
    predicted = FourierSpectrum(N, found.sets, found.coefficients).evaluate(masks)
    np.testing.assert_allclose(predicted, ablations.values, rtol=0, atol=0.05)
    assert ablations.r_squared(found.out_of_fold) == pytest.approx(1.0, rel=0, abs=1e-3)


def test_a_better_rival_stays() -> None:
    """Where the ensemble's terms predict worse than what is there, that is returned as it is."""
    masks = np.random.default_rng(1).random((200, N)) < 0.5
    ablations = ablate(masks, 3.0 * masks[:, [1, 2, 3]].all(axis=1))
    exact = fit_fixed(ablations, close_downwards((np.array([[1, 2, 3]]), np.ones(1)), N, 1))
    booster = fit_booster(ablations, read_parameters({**TREES, "num_iterations": 2}), 0)
    assert fit_candidates(HierarchicalSearch(ablations, 8), booster, exact) is exact
