"""Tests of where the energy of a spectrum lies."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from shapiq_spex import EnergyShares, FourierSpectrum, energy_shares, interaction_matrix

LAYERS = [0, 0, 0, 1, 1, 2]
TERMS = {
    (): 100.0,
    (0,): 3.0,
    (5,): -1.0,
    (0, 1): 2.0,
    (3, 4): -1.0,
    (2, 5): 2.0,
    (0, 1, 2): 3.0,
    (1, 3, 4): 3.0,
    (0, 2, 3, 5): 6.0,
}
SPECTRUM = FourierSpectrum(6, list(TERMS), list(TERMS.values()))


def shares_of(found: EnergyShares) -> list[float]:
    """Return the shares alone."""
    return [found.linear, found.within, found.across]


def test_shares_are_of_squares_without_the_constant() -> None:
    """Single players 9 + 1, sets inside a layer 4 + 1 + 9, across layers 4 + 9 + 36."""
    found = energy_shares(SPECTRUM, LAYERS)
    assert found.energy == pytest.approx(73, rel=1e-12)
    np.testing.assert_allclose(shares_of(found), np.array([10, 14, 49]) / 73, rtol=1e-12)


@pytest.mark.parametrize(
    ("among", "energies"),
    [
        ([0], [9, 13, 0]),
        (0, [9, 13, 0]),
        ([1], [0, 1, 0]),
        ([0, 1], [9, 14, 9]),
        ([1, 0, 1], [9, 14, 9]),
        ([2, 0], [10, 13, 4]),
        ([0, 1, 2], [10, 14, 49]),
    ],
)
def test_only_sets_all_of_whose_members_are_among_the_groups_count(
    among: int | list[int], energies: list[int]
) -> None:
    """A set with one member in another layer is left out, in the whole as well."""
    found = energy_shares(SPECTRUM, LAYERS, among=among)
    assert found.energy == pytest.approx(sum(energies), rel=1e-12)
    np.testing.assert_allclose(
        shares_of(found), np.array(energies) / sum(energies), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(
    "spectrum",
    [
        FourierSpectrum(2, [()], [5.0]),
        FourierSpectrum(2, [], []),
        FourierSpectrum(2, [(), (0,), (0, 1)], [1.0, 0.0, 0.0]),
    ],
)
def test_without_energy_there_are_no_shares(spectrum: FourierSpectrum) -> None:
    """Nothing is shared out, and the matrix is empty."""
    found = energy_shares(spectrum, ["a", "b"])
    assert found.energy == 0
    assert all(map(isnan, shares_of(found)))
    labels, matrix = interaction_matrix(spectrum, ["a", "b"])
    assert (labels.tolist(), matrix.tolist()) == (["a", "b"], [[0, 0], [0, 0]])


def test_the_matrix_divides_sets_evenly_over_their_pairs() -> None:
    """(1, 3, 4) has one pair inside layer 1 and two across; (0, 2, 3, 5) has pairs of all kinds."""
    labels, matrix = interaction_matrix(SPECTRUM, LAYERS)
    assert labels.tolist() == [0, 1, 2]
    expected = [
        [4 + 9 + 36 / 6, 9 * 2 / 3 + 36 * 2 / 6, 4 + 36 * 2 / 6],
        [9 * 2 / 3 + 36 * 2 / 6, 1 + 9 / 3, 36 / 6],
        [4 + 36 * 2 / 6, 36 / 6, 0],
    ]
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_groups_come_in_order_and_may_be_names() -> None:
    """The order of the players does not matter, nor what the groups are."""
    spectrum = FourierSpectrum(3, [(0, 1), (0, 2)], [1.0, 2.0])
    labels, matrix = interaction_matrix(spectrum, ["late", "early", "late"])
    assert labels.tolist() == ["early", "late"]
    assert matrix.tolist() == [[0, 1], [1, 4]]
    assert energy_shares(spectrum, ["late", "early", "late"], among="late").energy == 4


def test_bad_arguments_are_refused() -> None:
    """The error says what is wrong."""
    for groups in ([0] * 5, [[0]] * 6, 0):
        with pytest.raises(ValueError, match="Need 6 groups, one for each player"):
            energy_shares(SPECTRUM, groups)
        with pytest.raises(ValueError, match="Need 6 groups, one for each player"):
            interaction_matrix(SPECTRUM, groups)
    with pytest.raises(ValueError, match="No player is of the group 7"):
        energy_shares(SPECTRUM, LAYERS, among=[0, 7])
