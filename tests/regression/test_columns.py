"""Tests of masks stored player by player."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.regression import MaskColumns, _columns
from shapiq_spex.spectrum import _sets


def random_masks(m: int, n: int, seed: int = 0) -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(seed).random((m, n)) < 0.5


def random_sets(n: int, count: int, seed: int = 0) -> np.ndarray:
    """Draw sets of all sizes up to five, the empty one among them."""
    rng = np.random.default_rng(seed)
    sizes = np.append(0, rng.integers(0, min(n, 5) + 1, count))
    return _sets.pad_sets([rng.choice(n, size, replace=False).tolist() for size in sizes], n)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 64, 100])
@pytest.mark.parametrize("m", [1, 2, 7, 8, 9, 200])
def test_characters(m: int, n: int) -> None:
    """The packed signs are the spectrum's own, whatever is left over in the last bytes."""
    masks, sets = random_masks(m, n), random_sets(n, 30)
    signs = MaskColumns.from_masks(masks).characters(sets)
    assert signs.dtype == np.float32
    assert np.array_equal(signs, _sets.characters(masks, sets))


def test_shape() -> None:
    """The numbers of players and masks are kept, though bits are packed by eight."""
    columns = MaskColumns.from_masks(random_masks(13, 11))
    assert (columns.n_masks, columns.n_players) == (13, 11)


def test_no_sets_and_the_empty_set() -> None:
    """No sets give no rows, and the empty set is one everywhere, in any width."""
    columns = MaskColumns.from_masks(random_masks(5, 4))
    assert columns.characters(np.empty((0, 3), dtype=np.int64)).shape == (0, 5)
    for width in range(3):
        empty = np.full((1, width), 4, dtype=np.int64)
        assert columns.characters(empty).tolist() == [[1.0] * 5]


def test_padding_bits_of_packed_masks_do_not_matter() -> None:
    """The bits behind the last player are not read."""
    masks = random_masks(20, 11)
    packed = np.packbits(masks, axis=1)
    packed[:, -1] |= 0b11111
    sets = random_sets(11, 20)
    expected = MaskColumns.from_masks(masks).characters(sets)
    assert np.array_equal(MaskColumns(packed, 11).characters(sets), expected)


def test_signs_of_players() -> None:
    """A present player's sign is minus one."""
    masks = random_masks(30, 12)
    players = np.array([11, 0, 5])
    signs = MaskColumns.from_masks(masks).signs(players)
    assert np.array_equal(signs, 1 - 2 * masks[:, players].T.astype(np.float32))


@pytest.mark.parametrize("chunk", [1, 40, 1 << 25])
def test_correlations_in_chunks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of signs times weights are the matrix product, in pieces of any size."""
    monkeypatch.setattr(_columns, "_CHUNK", chunk)
    masks = random_masks(33, 21)
    weights = np.random.default_rng(1).integers(-9, 9, (3, 33)).astype(np.float32)
    columns = MaskColumns.from_masks(masks)
    expected = weights @ (1 - 2 * masks.astype(np.float32))
    assert np.array_equal(columns.correlate_players(weights), expected)
    assert np.array_equal(columns.signs(np.arange(21)), 1 - 2 * masks.T.astype(np.float32))


def test_taking_rows() -> None:
    """Some masks, in any order and even twice, are what they would be on their own."""
    for m, n in [(1, 1), (9, 8), (200, 33)]:
        masks, sets = random_masks(m, n), random_sets(n, 30)
        columns = MaskColumns.from_masks(masks)
        rng = np.random.default_rng(2)
        for rows in (np.arange(m), rng.permutation(m), rng.integers(0, m, 13), np.array([m - 1])):
            taken, alone = columns.take(rows), MaskColumns.from_masks(masks[rows])
            assert (taken.n_masks, taken.n_players) == (len(rows), n)
            assert np.array_equal(taken.characters(sets), alone.characters(sets))
            weights = rng.integers(-9, 9, (2, len(rows))).astype(np.float32)
            assert np.array_equal(
                taken.correlate_players(weights), alone.correlate_players(weights)
            )
        assert np.array_equal(columns.characters(sets), _sets.characters(masks, sets))


@pytest.mark.parametrize("chunk", [1, 40, 1 << 25])
def test_taking_rows_in_chunks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking works player by player in pieces of any size, and again on what was taken."""
    monkeypatch.setattr(_columns, "_CHUNK", chunk)
    masks = random_masks(33, 21)
    first, second = np.random.default_rng(3).permutation(33)[:20], np.array([19, 0, 7])
    taken = MaskColumns.from_masks(masks).take(first).take(second)
    expected = 1 - 2 * masks[first][second].T.astype(np.float32)
    assert np.array_equal(taken.signs(np.arange(21)), expected)


@pytest.mark.parametrize("n", [1, 9, 100])
@pytest.mark.parametrize("m", [1, 8, 13, 200])
@pytest.mark.parametrize("chunk", [1, 1 << 25])
def test_correlate(m: int, n: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums looked up eight masks at a time are the sums of the signs times the weights."""
    monkeypatch.setattr(_columns, "_CHUNK", chunk)
    columns, sets = MaskColumns.from_masks(random_masks(m, n)), random_sets(n, 30)
    weights = np.random.default_rng(1).normal(size=m)
    expected = columns.characters(sets).astype(float) @ weights
    assert columns.correlate(sets, weights) == pytest.approx(expected, rel=0, abs=1e-12)


def test_some_players_alone() -> None:
    """Restricted masks are those of the players given, numbered in their order."""
    masks = np.random.default_rng(0).random((13, 20)) < 0.5
    players = np.array([3, 17, 4])
    restricted = MaskColumns.from_masks(masks).restrict(players)
    sets = np.array([[0, 3], [1, 2], [3, 3]])
    expected = MaskColumns.from_masks(masks[:, players]).characters(sets)
    assert (restricted.n_players, restricted.n_masks) == (3, 13)
    assert np.array_equal(restricted.characters(sets), expected)
