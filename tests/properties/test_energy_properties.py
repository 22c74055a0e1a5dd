"""Properties of the shares of energy and of the matrix of interactions, on random spectra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex import FourierSpectrum, energy_shares, interaction_matrix

N = 7
COEFFICIENTS = st.one_of(st.just(0.0), st.floats(1e-3, 1e3), st.floats(-1e3, -1e-3))
SPECTRA = st.dictionaries(st.frozensets(st.integers(0, N - 1)), COEFFICIENTS).map(
    lambda terms: FourierSpectrum(N, list(terms), list(terms.values()))
)
GROUPS = st.lists(st.integers(0, 3), min_size=N, max_size=N)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


@given(SPECTRA, GROUPS)
def test_shares_sum_to_one_and_the_matrix_to_the_interactions(
    spectrum: FourierSpectrum, groups: list[int]
) -> None:
    """Nothing is lost or counted twice, and no part is negative."""
    found = energy_shares(spectrum, groups)
    by_order = spectrum.energy_by_order()
    np.testing.assert_allclose(found.energy, by_order[1:].sum(), **EXACT)
    if found.energy:
        shares = [found.linear, found.within, found.across]
        np.testing.assert_allclose(sum(shares), 1, **EXACT)
        assert min(shares) >= 0
        np.testing.assert_allclose(found.linear * found.energy, by_order[1:2].sum(), **EXACT)
    _, matrix = interaction_matrix(spectrum, groups)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix.min() >= 0
    np.testing.assert_allclose(np.tril(matrix).sum(), by_order[2:].sum(), **EXACT)


@given(SPECTRA, GROUPS, st.permutations(range(4)), st.permutations(range(N)))
def test_names_do_not_matter(
    spectrum: FourierSpectrum, groups: list[int], names: list[int], places: list[int]
) -> None:
    """Groups of other names and players of other numbers give the same."""
    renamed = [0] * N
    for player, place in enumerate(places):
        renamed[place] = names[groups[player]]
    moved = FourierSpectrum(
        N,
        [[places[player] for player in players] for players in spectrum.support],
        spectrum.coefficients,
    )
    first, second = energy_shares(spectrum, groups), energy_shares(moved, renamed)
    for part in ("linear", "within", "across", "energy"):
        np.testing.assert_allclose(getattr(first, part), getattr(second, part), **EXACT)
    labels, matrix = interaction_matrix(spectrum, groups)
    new_labels, new_matrix = interaction_matrix(moved, renamed)
    order = [new_labels.tolist().index(names[label]) for label in labels]
    np.testing.assert_allclose(matrix, new_matrix[np.ix_(order, order)], **EXACT)


@given(SPECTRA, GROUPS, st.sets(st.integers(0, 3), min_size=1))
def test_some_groups_are_as_if_there_were_no_others(
    spectrum: FourierSpectrum, groups: list[int], among: set[int]
) -> None:
    """Leaving out the sets that reach outside beforehand gives the same."""
    if not among <= set(groups):
        with pytest.raises(ValueError, match="No player is of the group"):
            energy_shares(spectrum, groups, among=sorted(among))
        return
    kept = [
        place
        for place, players in enumerate(spectrum.support)
        if {groups[player] for player in players} <= among
    ]
    inside = FourierSpectrum(
        N, [spectrum.support[place] for place in kept], spectrum.coefficients[kept]
    )
    first = energy_shares(spectrum, groups, among=sorted(among))
    second = energy_shares(inside, groups)
    for part in ("linear", "within", "across", "energy"):
        np.testing.assert_allclose(getattr(first, part), getattr(second, part), **EXACT)


@given(SPECTRA)
def test_one_group_and_groups_of_one(spectrum: FourierSpectrum) -> None:
    """With one group nothing lies across, with a group for each player nothing within."""
    interactions = spectrum.energy_by_order()[2:].sum()
    assert energy_shares(spectrum, [0] * N).across in (0, pytest.approx(np.nan, nan_ok=True))
    _, matrix = interaction_matrix(spectrum, [0] * N)
    np.testing.assert_allclose(matrix, [[interactions]], **EXACT)
    assert energy_shares(spectrum, range(N)).within in (0, pytest.approx(np.nan, nan_ok=True))
    _, matrix = interaction_matrix(spectrum, range(N))
    np.testing.assert_array_equal(np.diag(matrix), 0)
