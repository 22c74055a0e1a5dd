"""Tests of the choice of players by a spectrum."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex import FourierSpectrum, best_subset

N = 8


def random_spectrum(seed: int, n_terms: int = 20) -> FourierSpectrum:
    """Draw a spectrum of sets of up to three players."""
    rng = np.random.default_rng(seed)
    sets = {tuple(sorted(rng.choice(N, rng.integers(1, 4), replace=False))) for _ in range(n_terms)}
    return FourierSpectrum(N, [(), *sets], rng.normal(size=len(sets) + 1))


@given(st.integers(0, 500), st.integers(0, N))
def test_the_value_is_that_of_the_subset(seed: int, size: int) -> None:
    """Which has the size that was asked for."""
    spectrum = random_spectrum(seed)
    found = best_subset(spectrum, size, blur=0)
    assert len(found.players) == found.mask.sum() == size
    np.testing.assert_allclose(found.value, spectrum.evaluate(found.mask)[0], atol=1e-9)


@given(st.integers(0, 300), st.integers(1, N - 1))
def test_no_exchange_of_two_players_is_better(seed: int, size: int) -> None:
    """A local optimum, at least."""
    spectrum = random_spectrum(seed)
    found = best_subset(spectrum, size, blur=0)
    for inside in found.players:
        for outside in set(range(N)) - set(found.players):
            mask = found.mask.copy()
            mask[[inside, outside]] = False, True
            assert spectrum.evaluate(mask)[0] <= found.value + 1e-9


def test_it_is_mostly_the_best() -> None:
    """Of 100 random spectra, against all subsets."""
    short = []
    for seed in range(100):
        spectrum = random_spectrum(seed)
        every = np.array([np.isin(range(N), chosen) for chosen in combinations(range(N), 4)])
        values = spectrum.evaluate(every)
        short.append((values.max() - best_subset(spectrum, 4, blur=0).value) / np.ptp(values))
    assert np.mean(np.array(short) < 1e-9) >= 0.75
    assert np.mean(short) < 0.02


def test_the_redundant_go_and_synergies_stay() -> None:
    """Of two copies one is dropped first, of a pair that works together none."""

    def game(masks: np.ndarray) -> np.ndarray:
        return 1.0 * (masks[:, 0] | masks[:, 1]) + 2.0 * (masks[:, 2] & masks[:, 3])

    every = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    spectrum = FourierSpectrum.from_values(game(every))
    assert best_subset(spectrum, 3).players in {(0, 2, 3), (1, 2, 3)}
    assert best_subset(spectrum, 2).players == (2, 3)
    assert best_subset(spectrum, 0.75).value == pytest.approx(3.0)


def test_shares_and_numbers_are_told_apart() -> None:
    """1 is one player, 1.0 all of them."""
    spectrum = random_spectrum(0)
    assert len(best_subset(spectrum, 1).players) == 1
    assert len(best_subset(spectrum, 1.0).players) == N
    for wrong in (9, 1.5, -1, True):
        with pytest.raises(ValueError, match="keep must be an integer from 0 to 8, or a share"):
            best_subset(spectrum, wrong)


def test_blur_trusts_interactions_less() -> None:
    """Two players are kept apart only by a redundancy that is strong, the stronger the more blur.

    The value that comes with it is that of the spectrum as it is.
    """
    spectrum = FourierSpectrum(3, [(0,), (1,), (0, 1)], [-1.0, -1.0, -1.2])
    assert best_subset(spectrum, 2, blur=0.0).players in {(0, 2), (1, 2)}
    blurred = best_subset(spectrum, 2, blur=0.25)
    assert blurred.players == (0, 1)
    assert blurred.value == pytest.approx(0.8)
    for wrong in (-0.1, 0.5):
        with pytest.raises(ValueError, match="blur must be at least 0 and below"):
            best_subset(spectrum, 2, blur=wrong)


def test_blur_is_a_mean_over_subsets_like_it() -> None:
    """As it says: each player is otherwise with that probability."""
    spectrum = random_spectrum(0, 6)
    every = (np.arange(1 << N)[:, None] >> np.arange(N)) & 1 == 1
    values = spectrum.evaluate(every)
    flips = (every[:, None] != every).sum(axis=2)
    means = (0.2**flips * 0.8 ** (N - flips)) @ values
    means[every.sum(axis=1) != 4] = -np.inf
    assert best_subset(spectrum, 4, blur=0.2).players == tuple(
        np.flatnonzero(every[means.argmax()])
    )


def test_thousands_of_terms_are_no_matter() -> None:
    """A thousand players and ten thousand terms."""
    rng = np.random.default_rng(0)
    sets = np.unique(np.sort(rng.integers(0, 1000, (10_000, 3)), axis=1), axis=0)
    sets = sets[(np.diff(sets, axis=1) > 0).all(axis=1)]
    spectrum = FourierSpectrum(1000, sets, rng.normal(size=len(sets)))
    found = best_subset(spectrum, 0.5)
    assert found.value > np.abs(spectrum.coefficients).sum() / 3


def test_a_game_decides_among_subsets() -> None:
    """Where the spectrum errs about what it would choose, the best that was tried is taken."""
    spectrum = random_spectrum(3)
    plain = best_subset(spectrum, 4)

    def game(masks: np.ndarray) -> np.ndarray:
        asked.append(masks)
        return np.where((masks == plain.mask).all(axis=1), -100.0, spectrum.evaluate(masks))

    asked: list[np.ndarray] = []
    found = best_subset(spectrum, 4, game=game)
    (masks,) = asked
    assert 1 < len(masks) <= 32
    assert (masks.sum(axis=1) == 4).all()
    assert len(np.unique(masks, axis=0)) == len(masks)
    assert found.value == game(found.mask[None])[0] == game(masks).max()
    assert found.players != plain.players


def test_trials_are_reproducible_and_limited() -> None:
    """One trial is the subset with no game; equal seeds give equal subsets."""
    spectrum = random_spectrum(4)
    alone = best_subset(spectrum, 3, game=spectrum, trials=1)
    assert alone.players == best_subset(spectrum, 3).players
    values = np.random.default_rng(0).normal(size=1 << N)

    def rough(masks: np.ndarray) -> np.ndarray:
        return values[masks @ (1 << np.arange(N))]

    first, again = (best_subset(spectrum, 3, game=rough, random_state=5) for _ in range(2))
    assert first.players == again.players
    with pytest.raises(ValueError, match="trials must be at least 1"):
        best_subset(spectrum, 3, game=rough, trials=0)


def test_subsets_without_a_value_are_passed_over() -> None:
    """As a store leaves them that was told to skip failures; without any value there is no best."""
    spectrum = random_spectrum(5)
    plain = best_subset(spectrum, 4)

    def failing(masks: np.ndarray) -> np.ndarray:
        values = spectrum.evaluate(masks)
        return np.where((masks == plain.mask).all(axis=1), np.nan, values)

    assert best_subset(spectrum, 4, game=failing).players != plain.players
    with pytest.raises(ValueError, match="no value for any of the subsets"):
        best_subset(spectrum, 4, game=lambda masks: np.full(len(masks), np.nan))
