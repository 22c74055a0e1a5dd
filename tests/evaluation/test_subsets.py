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
    found = best_subset(spectrum, size, blur=0, method="greedy")
    assert len(found.players) == found.mask.sum() == size
    np.testing.assert_allclose(found.value, spectrum.evaluate(found.mask)[0], atol=1e-9)


@given(st.integers(0, 300), st.integers(1, N - 1))
def test_no_exchange_of_two_players_is_better(seed: int, size: int) -> None:
    """A local optimum, at least."""
    spectrum = random_spectrum(seed)
    found = best_subset(spectrum, size, blur=0, method="greedy")
    for inside in found.players:
        for outside in set(range(N)) - set(found.players):
            mask = found.mask.copy()
            mask[[inside, outside]] = False, True
            assert spectrum.evaluate(mask)[0] <= found.value + 1e-9


def test_the_greedy_one_is_mostly_the_best() -> None:
    """Of 100 random spectra, against all subsets."""
    short = []
    for seed in range(100):
        spectrum = random_spectrum(seed)
        every = np.array([np.isin(range(N), chosen) for chosen in combinations(range(N), 4)])
        values = spectrum.evaluate(every)
        found = best_subset(spectrum, 4, blur=0, method="greedy")
        short.append((values.max() - found.value) / np.ptp(values))
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
    """A thousand players and ten thousand terms, too many for an integer program."""
    rng = np.random.default_rng(0)
    sets = np.unique(np.sort(rng.integers(0, 1000, (10_000, 3)), axis=1), axis=0)
    sets = sets[(np.diff(sets, axis=1) > 0).all(axis=1)]
    spectrum = FourierSpectrum(1000, sets, rng.normal(size=len(sets)))
    found = best_subset(spectrum, 0.5)
    assert found.value > np.abs(spectrum.coefficients).sum() / 3
    assert found.players == best_subset(spectrum, 0.5, method="greedy").players
    assert 0 < found.gap < found.bound


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


def test_the_players_to_remove_are_those_without_whom_least_is_left() -> None:
    """The least is the largest of the opposite."""
    spectrum = random_spectrum(6)
    opposite = FourierSpectrum(N, spectrum.sets, -spectrum.coefficients)
    for method in ("exact", "greedy"):
        least = best_subset(spectrum, 5, method=method, minimize=True)
        most = best_subset(opposite, 5, method=method)
        assert least.players == most.players
        assert (least.value, least.bound, least.gap) == (-most.value, -most.bound, most.gap)


def test_the_bound_is_on_the_mean() -> None:
    """With blur, what counts is no prediction of the subset itself, and the gap is measured so."""
    spectrum = FourierSpectrum(3, [(), (0,), (1,), (0, 1)], [2.0, -1.0, -1.0, -1.2])
    found = best_subset(spectrum, 2, blur=0.25)
    assert found.players == (0, 1)
    assert found.value == pytest.approx(2.0 + 2.0 - 1.2)
    assert found.bound == pytest.approx(2.0 + 2.0 / 2 - 1.2 / 4)
    assert found.gap == 0


def test_greedy_choices_miss_what_only_all_together_do() -> None:
    """Ten players are worth 1 each; four others are worth 20, but only together."""
    single, together = range(10), (10, 11, 12, 13)

    def game(masks: np.ndarray) -> np.ndarray:
        return masks[:, single].sum(axis=1) + 20.0 * masks[:, together].all(axis=1)

    every = (np.arange(1 << 14)[:, None] >> np.arange(14)) & 1 == 1
    spectrum = FourierSpectrum.from_values(game(every))
    sure = best_subset(spectrum, 4, blur=0)
    assert sure.players == together
    assert sure.value == pytest.approx(20.0)
    assert sure.gap == pytest.approx(0, abs=1e-9)
    rough = best_subset(spectrum, 4, blur=0, method="greedy")
    assert rough.bound >= 20.0 - 1e-9
    assert rough.gap == pytest.approx(rough.bound - rough.value)


def test_the_gap_is_that_of_the_subset_that_the_game_preferred() -> None:
    """The bound stays that of the spectrum; the game may look for the least, too."""
    spectrum = random_spectrum(3)
    values = np.random.default_rng(1).normal(size=1 << N)

    def rough(masks: np.ndarray) -> np.ndarray:
        asked.append(masks)
        return values[masks @ (1 << np.arange(N))]

    for minimize in (False, True):
        asked: list[np.ndarray] = []
        alone = best_subset(spectrum, 4, blur=0, minimize=minimize)
        found = best_subset(spectrum, 4, blur=0, minimize=minimize, game=rough)
        tried = rough(asked[0])
        assert found.value == (tried.min() if minimize else tried.max())
        assert found.bound == alone.bound
        assert found.gap == pytest.approx(abs(alone.bound - spectrum.evaluate(found.mask)[0]))


def test_methods_and_limits_are_checked() -> None:
    """With errors that name what is possible."""
    spectrum = random_spectrum(0)
    with pytest.raises(ValueError, match="method must be one of auto, exact, greedy, got 'best'"):
        best_subset(spectrum, 3, method="best")
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="time_limit must be more than 0 seconds"):
            best_subset(spectrum, 3, time_limit=wrong)
