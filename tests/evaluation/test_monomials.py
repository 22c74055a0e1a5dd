"""Tests of the expansion of a spectrum to products of players."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.evaluation._monomials import expand

N = 6


def all_masks() -> np.ndarray:
    """List all subsets of the players."""
    return (np.arange(1 << N)[:, None] >> np.arange(N)) & 1 == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_products_sum_up_to_the_spectrum(seed: int) -> None:
    """With the products of the players within each set, listed here one by one."""
    rng = np.random.default_rng(seed)
    sets = {tuple(np.flatnonzero(rng.random(N) < 0.5).tolist()) for _ in range(5)}
    spectrum = FourierSpectrum(N, sorted(sets), rng.normal(size=len(sets)))
    monomials = expand(spectrum)
    inside = {
        tuple(player for bit, player in enumerate(players) if number >> bit & 1)
        for players in (*sets, *((player,) for player in range(N)))
        for number in range(1 << len(players))
    }
    padded = sorted(players + (N,) * (N - len(players)) for players in inside)
    assert len(padded) == len(monomials.coefficients)
    present = np.hstack([all_masks(), np.ones((1 << N, 1), dtype=bool)])
    values = np.stack([present[:, players].all(axis=1) for players in padded], axis=1)
    np.testing.assert_allclose(values @ monomials.coefficients, spectrum.evaluate(all_masks()))
    assert (values[:, monomials.players] == all_masks()).all()
    assert values[:, monomials.empty].all()
    assert (monomials.possible @ values.T >= 0).all()


def test_only_the_products_are_possible() -> None:
    """For players who are there or not, the products follow, within sets that no other holds."""
    spectrum = FourierSpectrum(4, [(0, 1, 2), (1, 2), (2, 3)], [1.0, 2.0, 3.0])
    monomials = expand(spectrum)
    assert monomials.possible.shape == (8 + 4, 1 + 4 + 4 + 1)
    for wrong in (0, 1):  # the first product is that of 0 and 1, in lexicographic order
        present = np.array([1.0, 1.0, 0.0, 0.0])
        values = np.zeros(10)
        values[monomials.players] = present
        values[monomials.empty] = 1.0
        values[1] = float(1 - wrong)
        assert ((monomials.possible @ values) >= 0).all() == (wrong == 0)


@pytest.mark.parametrize("sets", [[], [()], [(2,)], [(), (0,), (1,)]])
def test_without_larger_sets_nothing_needs_to_be_said(sets: list[tuple[int, ...]]) -> None:
    """But each player has a product of its own."""
    monomials = expand(FourierSpectrum(3, sets, np.ones(len(sets))))
    assert monomials.possible.shape == (0, 4)
    assert sorted([*monomials.players, monomials.empty]) == [0, 1, 2, 3]
    expected = FourierSpectrum(3, sets, np.ones(len(sets))).evaluate(np.zeros(3, dtype=bool))
    assert monomials.coefficients[monomials.empty] == expected[0]
