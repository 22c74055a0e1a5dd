"""Properties of the spectrum and of its conversions, on random games."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapiq import ExactComputer

from shapiq_spex.spectrum import VALID_INDICES, FourierSpectrum, SpectrumIndex

TOLERANCE = 1e-9
EXACT = [index for index in VALID_INDICES if index != "FSII"]
VALUES = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)


def games(max_players: int) -> st.SearchStrategy[np.ndarray]:
    """Full tables of values, also constant ones, sparse ones and ones of wildly mixed scale."""
    sizes = st.integers(1, max_players)
    return sizes.flatmap(lambda n: arrays(np.float64, 2**n, elements=VALUES))


def table_of(values: np.ndarray) -> dict[tuple[int, ...], float]:
    """Give the value of every coalition by its players."""
    n = players_of(values)
    return {
        players: float(values[sum(1 << player for player in players)])
        for size in range(n + 1)
        for players in combinations(range(n), size)
    }


def players_of(values: np.ndarray) -> int:
    """Give the number of players of a table of values."""
    return len(values).bit_length() - 1


def scale_of(values: np.ndarray) -> float:
    """Give the size of a game's values, which errors are measured against."""
    return float(np.abs(values).max())


def assert_equals_exact_computer(values: np.ndarray, index: SpectrumIndex, order: int) -> None:
    """Compare all interactions of a game with ExactComputer's."""
    n = players_of(values)
    theirs = ExactComputer(lambda masks: values[masks @ (1 << np.arange(n))], n)(index, order)
    ours = FourierSpectrum.from_values(values).to_interaction_values(index, order)
    assert ours.index == theirs.index
    limit = TOLERANCE * scale_of(values)
    assert ours.baseline_value == pytest.approx(float(theirs.baseline_value), rel=0, abs=limit)
    for players, value in theirs.interactions.items():
        if len(players) <= order:  # ExactComputer's Moebius transform ignores the order
            assert ours[players] == pytest.approx(value, rel=0, abs=limit), players
    assert set(ours.interactions) <= set(theirs.interactions)


@pytest.mark.parametrize("index", EXACT)
@given(values=games(6), data=st.data())
def test_every_order_against_exact_computer(
    index: SpectrumIndex, values: np.ndarray, data: st.DataObject
) -> None:
    """Every index but FSII is what shapiq computes from the whole table, at any order."""
    order = data.draw(st.integers(1, players_of(values)), label="order")
    assert_equals_exact_computer(values, index, order)


@pytest.mark.parametrize("index", EXACT)
@pytest.mark.parametrize("n_players", [6, 7, 8])
def test_all_orders_of_larger_games(index: SpectrumIndex, n_players: int) -> None:
    """The same for every order of one game each of six to eight players."""
    values = np.random.default_rng(n_players).normal(size=2**n_players)
    for order in range(1, n_players + 1):
        assert_equals_exact_computer(values, index, order)


@cache
def fsii_weight(order: int, m: int, t: int) -> Fraction:
    """Share of a Moebius coefficient of size m in FSII at size t (Tsai et al. 2023, theorem 19)."""
    if m <= order:
        return Fraction(m == t)
    return Fraction(
        (-1) ** (order - t) * t * comb(order, t) * comb(m - 1, order),
        (order + t) * comb(m + order - 1, order + t),
    )


def moebius(values: np.ndarray) -> dict[tuple[int, ...], Fraction]:
    """Give the Moebius transform in rationals."""
    table = [Fraction(value) for value in values.tolist()]
    for player in range(players_of(values)):
        for mask in range(len(table)):
            if mask >> player & 1:
                table[mask] -= table[mask ^ (1 << player)]
    return {
        tuple(player for player in range(players_of(values)) if mask >> player & 1): value
        for mask, value in enumerate(table)
    }


def assert_equals_rational_fsii(values: np.ndarray, order: int) -> None:
    """Compare FSII with its closed form, summed over the Moebius transform in rationals."""
    expected: dict[tuple[int, ...], Fraction] = {}
    for players, value in moebius(values).items():
        for size in range(1, min(order, len(players)) + 1):
            share = value * fsii_weight(order, len(players), size)
            for inside in combinations(players, size):
                expected[inside] = expected.get(inside, Fraction(0)) + share
    ours = FourierSpectrum.from_values(values).to_interaction_values("FSII", order)
    limit = TOLERANCE * scale_of(values)
    assert ours[()] == pytest.approx(values[0], rel=0, abs=limit)
    for players, exact in expected.items():
        assert ours[players] == pytest.approx(float(exact), rel=0, abs=limit), players
    assert set(ours.interactions) <= {(), *expected}


@given(values=games(6), data=st.data())
def test_fsii_against_rationals(values: np.ndarray, data: st.DataObject) -> None:
    """FSII is its closed form; ExactComputer's regression with big-M weights is no reference."""
    order = data.draw(st.integers(1, players_of(values)), label="order")
    assert_equals_rational_fsii(values, order)


@pytest.mark.parametrize("order", range(1, 9))
def test_fsii_of_eight_players(order: int) -> None:
    """The same for every order of one game of eight players."""
    assert_equals_rational_fsii(np.random.default_rng(order).normal(size=2**8), order)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_fsii_is_what_exact_computer_approximates(order: int) -> None:
    """The rational closed form is the index shapiq means, to ExactComputer's own error."""
    values = np.random.default_rng(5).normal(size=2**5)
    theirs = ExactComputer(lambda masks: values[masks @ (1 << np.arange(5))], 5)("FSII", order)
    ours = FourierSpectrum.from_values(values).to_interaction_values("FSII", order)
    for players, value in theirs.interactions.items():
        assert ours[players] == pytest.approx(value, rel=0, abs=1e-5)


@given(values=games(8))
def test_round_trip_through_values(values: np.ndarray) -> None:
    """Transforming a table and evaluating every mask gives the table back."""
    n = players_of(values)
    masks = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(bool)
    again = FourierSpectrum.from_values(values).evaluate(masks)
    np.testing.assert_allclose(again, values, rtol=0, atol=1e-12 * scale_of(values))


@given(values=games(6))
def test_round_trip_through_a_file_and_a_dict(values: np.ndarray) -> None:
    """Saving and loading is exact."""
    spectrum = FourierSpectrum.from_values(values)
    with TemporaryDirectory() as folder:
        spectrum.save(f"{folder}/spectrum.npz")
        assert FourierSpectrum.load(f"{folder}/spectrum.npz") == spectrum
    assert FourierSpectrum.from_dict(spectrum.to_dict()) == spectrum


@given(values=games(7))
def test_energy_is_the_mean_square(values: np.ndarray) -> None:
    """The characters are orthonormal: energies add up to the mean of the squared values."""
    energy = FourierSpectrum.from_values(values).energy_by_order().sum()
    mean_square = float(np.mean(values**2))
    assert energy == pytest.approx(mean_square, rel=TOLERANCE, abs=1e-300)


@given(values=games(7))
def test_moebius_of_full_order_rebuilds_the_game(values: np.ndarray) -> None:
    """Summing the Moebius transform inside a coalition gives the coalition's value."""
    n = players_of(values)
    transform = FourierSpectrum.from_values(values).to_interaction_values("Moebius", n)
    for coalition, value in table_of(values).items():
        inside = [v for players, v in transform.interactions.items() if {*players} <= {*coalition}]
        assert sum(inside) == pytest.approx(value, rel=0, abs=TOLERANCE * scale_of(values))


@pytest.mark.parametrize("index", VALID_INDICES)
@given(data=st.data())
@settings(max_examples=20)
def test_linearity(index: SpectrumIndex, data: st.DataObject) -> None:
    """The index of a weighted sum of games is the weighted sum of their indices."""
    n = data.draw(st.integers(1, 7), label="n")
    table = arrays(np.float64, 2**n, elements=VALUES)
    first, second = data.draw(table, label="first"), data.draw(table, label="second")
    factor = data.draw(st.floats(-3, 3), label="factor")
    order = data.draw(st.integers(1, n), label="order")
    one, two, both = (
        FourierSpectrum.from_values(values).to_interaction_values(index, order)
        for values in (first, second, first + factor * second)
    )
    limit = TOLERANCE * (scale_of(first) + 3 * scale_of(second))
    for players in {*one.interactions, *two.interactions, *both.interactions}:
        expected = one[players] + factor * two[players]
        assert both[players] == pytest.approx(expected, rel=0, abs=limit)


@pytest.mark.parametrize("index", ["SV", "k-SII", "STII", "FSII"])
@given(values=games(8), data=st.data())
@settings(max_examples=30)
def test_efficiency(index: SpectrumIndex, values: np.ndarray, data: st.DataObject) -> None:
    """All interactions together, the empty one included, are the value of the full mask."""
    order = data.draw(st.integers(1, players_of(values)), label="order")
    result = FourierSpectrum.from_values(values).to_interaction_values(index, order)
    limit = TOLERANCE * scale_of(values)
    assert result.values.sum() == pytest.approx(values[-1], rel=0, abs=limit)


@given(values=games(6), data=st.data())
@settings(max_examples=30)
def test_faith_banzhaf_is_the_truncated_spectrum(values: np.ndarray, data: st.DataObject) -> None:
    """FBII of order l predicts what the spectrum cut at degree l does: the best such fit."""
    order = data.draw(st.integers(1, players_of(values)), label="order")
    spectrum = FourierSpectrum.from_values(values)
    cut = spectrum.truncate(max_order=order).to_interaction_values("Moebius", order)
    faithful = spectrum.to_interaction_values("FBII", order)
    limit = TOLERANCE * scale_of(values)
    for players in {*cut.interactions, *faithful.interactions}:
        assert faithful[players] == pytest.approx(cut[players], rel=0, abs=limit)
