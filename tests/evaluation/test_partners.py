"""Tests of what is a synergy, what a redundancy, and who stands in for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex import FourierSpectrum, near_duplicates, partners
from shapiq_spex.evaluation._partners import effects

if TYPE_CHECKING:
    from collections.abc import Callable

N = 5


def masks(n: int = N) -> np.ndarray:
    """List all masks."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1 == 1


def spectrum(game: Callable[[np.ndarray], np.ndarray], n: int = N) -> FourierSpectrum:
    """Transform a game."""
    return FourierSpectrum.from_values(np.asarray(game(masks(n)), dtype=float))


PAIRS = {
    "copies": (lambda m: m[:, 0] | m[:, 1], "redundancy", 1, 0),
    "harmful copies": (lambda m: -1.0 * (m[:, 0] | m[:, 1]), "redundancy", -1, 0),
    "diminishing": (lambda m: np.sqrt(m[:, 0] * 1.0 + m[:, 1]), "redundancy", 1, 2**0.5 - 1),
    "only together": (lambda m: m[:, 0] & m[:, 1], "synergy", 0, 1),
    "harmful only together": (lambda m: -1.0 * (m[:, 0] & m[:, 1]), "synergy", 0, -1),
    "parity": (lambda m: m[:, 0] ^ m[:, 1], "synergy", 1, -1),
    "growing": (lambda m: (m[:, 0] * 1.0 + m[:, 1]) ** 2, "synergy", 1, 3),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_what_they_are_known_to_be(name: str) -> None:
    """Copies are redundant and what works only together is a synergy, helpful or harmful."""
    game, kind, first, last = PAIRS[name]
    (found,) = partners(spectrum(game))
    assert (found.players, found.kind) == ((0, 1), kind)
    np.testing.assert_allclose([found.first, found.last], [first, last], atol=1e-9)
    np.testing.assert_allclose(found.value, found.last - found.first, atol=1e-9)


@pytest.mark.parametrize(
    ("game", "kind"),
    [
        (lambda m: m[:, :3].any(axis=1), "redundancy"),
        (lambda m: m[:, :3].all(axis=1), "synergy"),
        (lambda m: m[:, :3].sum(axis=1) % 2, "synergy"),
    ],
)
def test_triples_are_what_pairs_would_be(
    game: Callable[[np.ndarray], np.ndarray], kind: str
) -> None:
    """Though the interaction of three copies has the sign of a synergy."""
    found = {each.players: each for each in partners(spectrum(game), max_order=3)}
    assert found[0, 1, 2].kind == kind


@given(st.integers(0, 200), st.integers(2, 4))
def test_effects_are_those_of_the_game(seed: int, size: int) -> None:
    """Means over all masks of the others, of what a member adds first and last."""
    table = np.random.default_rng(seed).normal(size=1 << N)
    group = tuple(np.random.default_rng(seed).permutation(N)[:size].tolist())
    others = [player for player in range(N) if player not in group]
    every = masks()

    def mean(present: set[int]) -> float:
        inside = every[:, list(group)] == [player in present for player in group]
        rows = inside.all(axis=1)
        assert rows.sum() == 1 << len(others)
        return float(table[rows].mean())

    whole = set(group)
    first = np.mean([mean({player}) - mean(set()) for player in group])
    last = np.mean([mean(whole) - mean(whole - {player}) for player in group])
    found = effects(FourierSpectrum.from_values(table), np.array([group]))
    np.testing.assert_allclose(np.ravel(found), [first, last], atol=1e-9)


def test_the_strongest_come_first_and_kinds_can_be_chosen() -> None:
    """By the size of the interaction."""
    found = spectrum(lambda m: 1.0 * (m[:, 0] | m[:, 1]) + 3.0 * (m[:, 2] & m[:, 3]))
    assert [each.players for each in partners(found)] == [(2, 3), (0, 1)]
    assert [each.players for each in partners(found, kind="redundancy")] == [(0, 1)]
    assert [each.players for each in partners(found, count=1)] == [(2, 3)]
    assert partners(FourierSpectrum(3, [(), (1,)], [1.0, 2.0])) == []


def test_copies_are_found_and_joined() -> None:
    """Three copies make one group; a synergy, and what is only a little redundant, none."""
    game = spectrum(
        lambda m: (
            1.0 * m[:, :3].any(axis=1)
            + 2.0 * (m[:, 3] & m[:, 4])
            + 3.0 * (m[:, 5] | m[:, 6])
            + np.sqrt(9.0 * m[:, 7] + 40 * m[:, 8])
        ),
        9,
    )
    assert near_duplicates(game) == [(5, 6), (0, 1, 2)]


def test_a_chain_is_no_group() -> None:
    """Of three players the outer ones do not stand in for each other."""
    game = spectrum(lambda m: 3.0 * (m[:, 0] | m[:, 1]) + 2.0 * (m[:, 1] | m[:, 2]))
    assert near_duplicates(game, share=0.3) == [(0, 1)]


def test_several_test_points_speak_together() -> None:
    """A pair that is redundant for one test point and independent for a stronger one is none."""
    redundant = spectrum(lambda m: m[:, 0] | m[:, 1])
    independent = spectrum(lambda m: 9.0 * m[:, 0] - 9.0 * m[:, 1] + (m[:, 2] | m[:, 3]))
    alone = FourierSpectrum(N, [()], [0.0])
    assert near_duplicates([redundant, alone]) == [(0, 1)]
    assert near_duplicates([redundant, independent], share=0.3) == [(0, 1), (2, 3)]
    apart = spectrum(lambda m: 9.0 * m[:, 0] + 9.0 * m[:, 1])
    assert near_duplicates([redundant, apart]) == []
    assert near_duplicates(alone) == []


def test_bad_arguments_are_refused() -> None:
    """The error says what is allowed."""
    game = spectrum(lambda m: m[:, 0] | m[:, 1])
    with pytest.raises(ValueError, match="max_order must be between 2 and 5"):
        partners(game, max_order=6)
    with pytest.raises(ValueError, match="kind must be"):
        partners(game, kind="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="share must be above 0"):
        near_duplicates(game, share=0.0)
    with pytest.raises(ValueError, match="same players"):
        near_duplicates([game, FourierSpectrum(3, [()], [0.0])])
    with pytest.raises(ValueError, match="at least one"):
        near_duplicates([])
