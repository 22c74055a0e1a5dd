"""The shared game pays for no mask twice, and tells what each method asked."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import shapiq

from shapiq_spex import StoredGame
from shapiq_spex.comparison._memory import PeakMemory
from shapiq_spex.comparison._watch import GameError, SharedGame, WatchedGame, to_keys


def _masks(n: int, m: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((m, n)) < 0.5


class _Counting:
    """A game that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        self.asked += to_keys(masks)
        return masks @ np.arange(masks.shape[1], dtype=np.float64)


def test_no_mask_is_evaluated_twice() -> None:
    """Neither within a call nor over calls, and the values are right and in order."""
    game = _Counting()
    shared = SharedGame(game, 9)
    for seed in range(5):
        masks = np.repeat(_masks(9, 100, seed), 2, axis=0)
        np.testing.assert_array_equal(shared(masks), masks @ np.arange(9.0))
    assert len(game.asked) == len(set(game.asked))


@pytest.mark.parametrize("n", [1, 7, 8, 9, 64])
def test_keys(n: int) -> None:
    """Equal masks have equal keys, and others do not."""
    masks = _masks(n, 50)
    assert len(set(to_keys(masks))) == len(np.unique(masks, axis=0))
    assert to_keys(masks) == to_keys(masks.copy())


def test_ways_to_ask() -> None:
    """A method may ask by arrays of any kind, a single row, or sets of players."""
    watched = WatchedGame(SharedGame(_Counting(), 4), PeakMemory())
    expected = [3.0, 5.0]
    masks = np.array([[1, 1, 1, 0], [0, 0, 1, 1]])
    asked: list[Any] = [masks, masks > 0, masks.astype(float), [(0, 1, 2), (2, 3)]]
    for each in asked:
        np.testing.assert_array_equal(watched(each), expected)
    np.testing.assert_array_equal(watched(masks[0] > 0), [3.0])
    assert watched.grand_coalition_value == 6.0
    assert watched.empty_coalition_value == 0.0
    assert len(watched.asked) == 4


def test_masks_of_other_players() -> None:
    """Masks of another width are refused, though they would fit into as many bytes."""
    watched = WatchedGame(SharedGame(_Counting(), 4), PeakMemory())
    with pytest.raises(ValueError, match=r"shape \(m, 4\), got \(3, 6\)"):
        watched(np.ones((3, 6), dtype=bool))
    assert watched.error is None


def test_time_of_the_game_is_known() -> None:
    """A slow game's time is its own."""

    def slow(masks: np.ndarray) -> np.ndarray:
        time.sleep(0.1)
        return masks[:, 0] * 1.0

    watched = WatchedGame(SharedGame(slow, 4), PeakMemory())
    watched(np.ones((1, 4), dtype=bool))
    assert 0.1 <= watched.seconds < 0.5
    assert watched.cpu_seconds < 0.1


def test_normalized_games() -> None:
    """A game of shapiq that is normalized is so here."""

    class Normalized(shapiq.Game):
        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            return 7.0 + coalitions.sum(axis=1)

    shared = SharedGame(Normalized(n_players=5, normalization_value=7.0), 5)
    np.testing.assert_array_equal(shared(np.eye(5, dtype=bool)), np.ones(5))


def test_errors_of_the_game() -> None:
    """They carry what the game failed with, and the method's view remembers."""

    def fail(masks: np.ndarray) -> np.ndarray:
        raise KeyError(len(masks))

    watched = WatchedGame(SharedGame(fail, 4), PeakMemory())
    with pytest.raises(GameError) as caught:
        watched(np.ones((2, 4), dtype=bool))
    assert isinstance(caught.value.__cause__, KeyError)
    assert watched.error is caught.value


def test_chance_of_the_last_masks(tmp_path) -> None:  # noqa: ANN001 pytest's
    """The variance by chance is that of the masks evaluated last, None where there was one go."""
    rng = np.random.default_rng(0)
    stored = StoredGame(
        lambda masks: rng.normal(size=len(masks)) * 2.0,
        tmp_path / "noise.sqlite",
        n_players=10,
        fingerprint="noise",
        repeats=3,
    )
    shared = SharedGame(stored, 10)
    shared(np.unique(_masks(10, 800), axis=0))
    assert shared.chance == pytest.approx(4 / 3, rel=0.2)
    plain = SharedGame(_Counting(), 10)
    plain(_masks(10, 3))
    assert plain.chance is None
