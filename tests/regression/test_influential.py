"""Tests of choosing few of very many players."""

from __future__ import annotations

import numpy as np

from shapiq_spex.regression import (
    Ablations,
    MaskColumns,
    find_influential,
    has_too_many_players,
    keep_influential,
)

N, M = 3000, 600
STRONG = [5, 800, 1700, 2999]


def draw(weights: np.ndarray, seed: int) -> tuple[np.ndarray, Ablations]:
    """Draw masks and the values of a noisy sum over the strong players."""
    rng = np.random.default_rng(seed)
    masks = rng.random((M, N)) < 0.5
    values = masks[:, STRONG] @ weights + 0.1 * rng.normal(size=M)
    columns = MaskColumns.from_masks(masks)
    return masks, Ablations.prepare(columns, values, np.arange(M), rng)


def test_weak_players_show_beside_strong_ones() -> None:
    """A player far weaker than another is found once that one is taken from the values."""
    _, ablations = draw(np.array([30.0, 10.0, 1.0, 0.1]), 0)
    players, sets = find_influential(ablations)
    assert np.isin(STRONG, players).all()
    assert np.isin(STRONG, sets).all()
    assert len(players) == 1000


def test_a_partner_shows_by_its_pair() -> None:
    """A player without an effect of its own is chosen beside a partner that has one."""
    masks, ablations = draw(np.array([5.0, 0.0, 0.0, 0.0]), 1)
    signs = 1.0 - 2.0 * masks[:, [5, 800]]
    ablations = Ablations.prepare(
        ablations.columns,
        ablations.values + signs.prod(axis=1),
        np.arange(M),
        np.random.default_rng(0),
    )
    players, _ = find_influential(ablations)
    assert 800 in players


def test_the_masks_that_judge_do_not_choose() -> None:
    """Values of masks that are held out have no say in which players are kept."""
    _, ablations = draw(np.ones(4), 2)
    players, part = keep_influential(ablations)
    judging = part.folds >= 0
    assert np.array_equal(part.typical, judging)
    assert part.held_out_folds == [3, 4]
    ablations.values[judging] = np.random.default_rng(3).normal(size=int(judging.sum()))
    again, _ = keep_influential(ablations)
    assert np.array_equal(again, players)
    assert part.columns.n_players == len(players)


def test_when_players_are_too_many() -> None:
    """Few players never are, however many masks; very many always are."""

    def columns(n: int, m: int) -> MaskColumns:
        return MaskColumns(np.zeros((m, -(-n // 8)), dtype=np.uint8), n)

    assert not has_too_many_players(columns(1024, 40_000))
    assert not has_too_many_players(columns(10_000, 3000))
    assert has_too_many_players(columns(10_000, 4000))
    assert has_too_many_players(columns(20_000, 20))
