"""Tests of the screens for candidates, against all correlations by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from shapiq_spex.regression import MaskColumns, _screen
from shapiq_spex.regression._screen import Candidates, Residual, Screen
from shapiq_spex.spectrum import _sets

N, M = 9, 60


@pytest.fixture
def masks() -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(0).random((M, N)) < 0.5


def residual_of(lenience: float = 0.0, n_held_out: int = 0) -> Residual:
    """Draw a residual of unit variance, zero on some masks."""
    weighted = np.random.default_rng(1).normal(size=M).astype(np.float32)
    weighted[:n_held_out] = 0
    return Residual(weighted, M - n_held_out, lenience)


def listed(parts: list[Candidates]) -> dict[tuple[int, ...], float]:
    """Return the score of each candidate; it does not depend on how the set was reached."""
    scores: dict[tuple[int, ...], float] = {}
    for part in parts:
        for players, score in zip(_sets.to_tuples(part.sets, N), part.scores, strict=True):
            assert scores.setdefault(players, score) == pytest.approx(score, rel=1e-4, abs=1e-5)
    return scores


def squared_z(masks: np.ndarray, residual: Residual, players: tuple[int, ...]) -> float:
    """Compute a squared z-score from its definition."""
    signs = _sets.characters(masks, _sets.pad_sets([players], N))[0]
    return float((signs @ residual.weighted.astype(np.float64)) ** 2 / residual.n_masks)


def screened(
    masks: np.ndarray, family: list[tuple[int, ...]], residual: Residual, max_order: int
) -> dict[tuple[int, ...], float]:
    """Screen hierarchically around found sets."""
    columns = MaskColumns.from_masks(masks)
    screen = Screen(columns, np.zeros(M))
    sets = _sets.pad_sets(family, N)
    return listed(screen.hierarchical(residual, sets, columns.characters(sets), max_order))


@pytest.mark.parametrize("n_held_out", [0, 20])
def test_hierarchical_candidates(masks: np.ndarray, n_held_out: int) -> None:
    """Singles, pairs with a found player, and found pairs and triples with one more; no others."""
    residual = residual_of(n_held_out=n_held_out)
    family = [(), (1,), (2, 5), (1, 2, 7)]
    scores = screened(masks, family, residual, max_order=4)
    expected = {(i,) for i in range(N)}
    expected |= {p for p in combinations(range(N), 2) if {1, 2, 5, 7} & set(p)}
    for found in family[2:]:
        expected |= {tuple(sorted({*found, i})) for i in range(N) if i not in found}
    assert set(scores) == expected
    for players, score in scores.items():
        assert score == pytest.approx(squared_z(masks, residual, players), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("max_order", "largest"), [(1, 1), (2, 2), (3, 3), (8, 4)])
def test_order_is_bounded(masks: np.ndarray, max_order: int, largest: int) -> None:
    """No candidate is larger than asked for."""
    scores = screened(masks, [(), (1,), (2, 5), (1, 2, 7)], residual_of(), max_order)
    assert max(map(len, scores)) == largest


def test_all_pairs(masks: np.ndarray) -> None:
    """Where nothing is found, every pair is looked at."""
    residual = residual_of()
    screen = Screen(MaskColumns.from_masks(masks), np.zeros(M))
    scores = listed(screen.all_pairs(residual, _sets.pad_sets([()], N)))
    assert set(scores) == set(combinations(range(N), 2))
    for players, score in scores.items():
        assert score == pytest.approx(squared_z(masks, residual, players), rel=1e-4, abs=1e-5)


def test_lenience(masks: np.ndarray) -> None:
    """A candidate must reach a share of what the best of as many would reach by chance."""
    columns = MaskColumns.from_masks(masks)
    sets = _sets.pad_sets([(), (3,)], N)
    for lenience in (0.0, 0.3, 1.0):
        parts = Screen(columns, np.zeros(M)).hierarchical(
            residual_of(lenience), sets, columns.characters(sets), 3
        )
        for part in parts:
            assert (part.scores > lenience * part.penalties).all()


def test_players_that_do_not_fit_into_memory(
    masks: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those are kept that matter most one by one, and all candidates keep to them."""
    monkeypatch.setattr(_screen, "_MAX_DENSE", 4 * M)
    columns = MaskColumns.from_masks(masks)
    wanted = [0, 3, 4, 8]
    values = 5.0 + masks[:, wanted] @ np.array([1.0, -2.0, 3.0, 1.5])
    screen = Screen(columns, values)
    assert screen.players.tolist() == wanted
    sets = _sets.pad_sets([(), (0,), (3, 4)], N)
    scores = listed(screen.hierarchical(residual_of(), sets, columns.characters(sets), 3))
    assert {player for players in scores for player in players} == set(wanted)


def test_pairs_that_are_too_much_work(masks: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs then have a member among the players that come up most, or correlate most."""
    monkeypatch.setattr(_screen, "_MAX_PAIR_WORK", N * M)  # two heads
    columns = MaskColumns.from_masks(masks)
    screen = Screen(columns, np.zeros(M))
    residual = residual_of()
    sets = _sets.pad_sets([(), (1,), (1, 4), (4, 6)], N)
    pairs = {
        players
        for players in listed(screen.hierarchical(residual, sets, columns.characters(sets), 2))
        if len(players) == 2
    }
    assert pairs == {p for p in combinations(range(N), 2) if {1, 4} & set(p)}
    strength = [squared_z(masks, residual, (i,)) for i in range(N)]
    heads = set(np.argsort(strength)[-2:].tolist())
    pairs = set(listed(screen.all_pairs(residual, sets)))
    assert pairs == {p for p in combinations(range(N), 2) if heads & set(p)}
