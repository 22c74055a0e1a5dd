"""Tests of the conversions: attributes, edges and errors (values: tests/properties)."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from shapiq import ExactComputer

from shapiq_spex.spectrum import VALID_INDICES, FourierSpectrum, SpectrumIndex, conversion

N = 4
VALUES = np.random.default_rng(0).normal(size=2**N)


@pytest.fixture(scope="module")
def exact() -> ExactComputer:
    """Shapiq's own computation for one random game."""
    return ExactComputer(lambda masks: VALUES[masks @ (1 << np.arange(N))], N)


@pytest.mark.parametrize("index", VALID_INDICES)
@pytest.mark.parametrize("order", range(1, N + 1))
def test_attributes_are_those_of_exact_computer(
    exact: ExactComputer, index: SpectrumIndex, order: int
) -> None:
    """A result of ours can stand wherever one of ExactComputer's does."""
    theirs = exact(index, order)
    ours = FourierSpectrum.from_values(VALUES).to_interaction_values(index, order, estimated=False)
    # ExactComputer always gives the full Moebius transform; ours is cut off where asked
    assert ours.max_order == (order if index == "Moebius" else theirs.max_order)
    for name in ("index", "min_order", "n_players", "estimated", "estimation_budget"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.baseline_value == pytest.approx(theirs.baseline_value, abs=1e-12)
    assert ours[()] == pytest.approx(theirs[()], abs=1e-12)
    assert type(ours.baseline_value) is float


def test_estimation_attributes_are_passed_on() -> None:
    """What is known about the estimate reaches the user."""
    spectrum = FourierSpectrum(3, [(0,)], [1.0])
    values = spectrum.to_interaction_values("SII", 2, estimation_budget=77)
    assert values.estimated is True
    assert values.estimation_budget == 77


@pytest.mark.parametrize("index", VALID_INDICES)
def test_min_order_only_drops(index: SpectrumIndex) -> None:
    """Asking for the top order gives the same values without the smaller interactions."""
    spectrum = FourierSpectrum.from_values(VALUES)
    full = spectrum.to_interaction_values(index, 3)
    top = spectrum.to_interaction_values(index, 3, min_order=full.max_order)
    assert (top.index, top.min_order) == (full.index, full.max_order)
    assert top.baseline_value == full.baseline_value
    assert top.interactions == {
        players: value
        for players, value in full.interactions.items()
        if len(players) == full.max_order
    }


def test_keys_by_size_then_lexicographic_with_the_empty_one_first() -> None:
    """The order of the keys is the one shapiq's own results have."""
    values = FourierSpectrum.from_values(VALUES).to_interaction_values("k-SII", 3)
    expected = [players for size in range(4) for players in combinations(range(N), size)]
    assert list(values.interactions) == expected
    assert all(type(player) is int for players in values.interactions for player in players)


def test_exact_zeros_are_dropped_but_the_empty_interaction_stays() -> None:
    """A sparse spectrum gives a sparse result, and shapiq always finds a baseline."""
    spectrum = FourierSpectrum(5, [(), (0, 1)], [1.0, -1.0])
    values = spectrum.to_interaction_values("Moebius", 2)
    assert values.interactions == {(): 0.0, (0,): 2.0, (1,): 2.0, (0, 1): -4.0}


@pytest.mark.parametrize("index", VALID_INDICES)
@pytest.mark.parametrize("support", [[], [()]], ids=["zero", "constant"])
def test_constant_games(index: SpectrumIndex, support: list[tuple[int, ...]]) -> None:
    """A game without effects has an empty interaction and no other."""
    values = FourierSpectrum(3, support, [2.0] * len(support)).to_interaction_values(index, 2)
    assert values.interactions == {(): 2.0 * len(support)}
    assert values.baseline_value == 2.0 * len(support)


def test_merging_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks bound the memory; the result is the same to rounding."""
    spectrum = FourierSpectrum.from_values(np.random.default_rng(1).normal(size=2**7))
    whole = spectrum.to_interaction_values("FSII", 3)
    monkeypatch.setattr(conversion, "_CHUNK", 5)
    parts = spectrum.to_interaction_values("FSII", 3)
    assert list(parts.interactions) == list(whole.interactions)
    np.testing.assert_allclose(parts.values, whole.values, rtol=0, atol=1e-12)


def test_many_players_of_high_order() -> None:
    """Interactions too large to encode as one integer are still told apart."""
    players = (0, 1, 2, 49_997, 49_998, 49_999)
    spectrum = FourierSpectrum(50_000, [players, players[1:]], [1.0, 1.0])
    values = spectrum.to_interaction_values("Moebius", 6)
    assert len(values.interactions) == 2**6
    assert values[players] == 64.0
    assert values[players[1:]] == -64.0
    assert values[players[:5]] == -32.0


@pytest.mark.parametrize("index", VALID_INDICES)
def test_high_degrees_are_not_expanded(index: SpectrumIndex) -> None:
    """A coefficient of degree 60 costs C(60, 2) entries, where 2^60 would never end."""
    spectrum = FourierSpectrum(100, [range(60), range(20, 81)], [1.0, 0.5])
    tracemalloc.start()
    values = spectrum.to_interaction_values(index, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20
    assert np.isfinite(values.values).all()


@pytest.mark.parametrize(
    ("index", "max_order", "min_order", "message"),
    [
        ("kADD-SHAP", 2, 0, "Invalid index 'kADD-SHAP'. Valid indices are: SV, BV, SII, .*Moebius"),
        ("SII", 0, 0, "max_order must be between 1 and the 3 players. Got 0"),
        ("SII", 4, 0, "max_order must be between 1 and the 3 players. Got 4"),
        ("SII", 2, -1, "min_order must be between 0 and the order 2 of SII. Got -1"),
        ("SII", 2, 3, "min_order must be between 0 and the order 2 of SII. Got 3"),
        ("SV", 2, 2, "min_order must be between 0 and the order 1 of SV. Got 2"),
    ],
)
def test_what_is_refused(index: str, max_order: int, min_order: int, message: str) -> None:
    """Each wrong request is named, with what would be right."""
    spectrum = FourierSpectrum(3, [(0,)], [1.0])
    with pytest.raises(ValueError, match=message):
        spectrum.to_interaction_values(index, max_order, min_order=min_order)
