"""Tests of the limits of a run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

import shapiq_spex
from shapiq_spex.ablations._limits import Limits, TokenLimit
from shapiq_spex.games import Labels, PromptGame, Usage

if TYPE_CHECKING:
    from pathlib import Path

MASKS = np.random.default_rng(0).random((400, 20)) < 0.5


class Counting:
    """A game in which a player is a token; at first it expects twice as many."""

    n_players = 20
    fingerprint = "counting"

    def __init__(self) -> None:
        """Begin at nothing."""
        self.tokens_used = 0
        self.rate = 2.0
        self.lock = threading.Lock()

    def estimate_tokens(self, coalitions: np.ndarray) -> np.ndarray:
        """Expect what each mask would take."""
        return self.rate * coalitions.sum(axis=1)

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        """Count, and know better from now on."""
        with self.lock:
            self.tokens_used += int(coalitions.sum())
            self.rate = 1.0
        return coalitions[:, 0] + 0.5


def test_tokens_in_flight_count() -> None:
    """What is under way is expected to take what was estimated, and then what it took."""
    game = Counting()
    limit = TokenLimit(game, 100)
    masks = np.ones((10, 20), dtype=bool)
    assert limit.take(masks) == (2, 80.0)  # of 40 each
    assert limit.take(masks) == (0, 0.0)
    game(masks[:2])
    limit.finish(80.0)
    assert limit.take(masks) == (3, 60.0)  # 60 of 100 are left, at 20 each


def test_all_limits_together() -> None:
    """The tightest counts, and only what is allowed is counted."""
    game = Counting()
    limits = Limits(n_left=5, tokens=TokenLimit(game, 90))
    masks = np.ones((10, 20), dtype=bool)
    assert limits.take(masks) == (2, 80.0)
    assert limits.n_left == 3
    assert Limits(deadline=0.0).take(masks) == (0, 0.0)
    assert Limits().take(masks) == (10, 0.0)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_run_keeps_to_its_tokens(concurrency: int, tmp_path: Path) -> None:
    """No run takes more than it may; the next goes on; together they are complete.

    Of batches under way it expects what was estimated at first, and may stop a little early.
    """
    with shapiq_spex.StoredGame(
        Counting(), tmp_path / "a.sqlite", batch_size=8, concurrency=concurrency, max_tokens=1500
    ) as game:
        used = []
        for _ in range(4):
            before = game.game.tokens_used
            values = game(MASKS)
            used.append(game.game.tokens_used - before)
    assert 1200 < used[0] <= 1500
    assert 1200 < used[1] <= 1500
    assert sum(used) == MASKS.sum()
    assert np.array_equal(values, MASKS[:, 0] + 0.5)


def test_an_explanation_of_what_there_is(tmp_path: Path) -> None:
    """An approximator explains the masks that were paid for, and says so."""
    with shapiq_spex.StoredGame(Counting(), tmp_path / "a.sqlite", max_tokens=1500) as game:
        approximator = shapiq_spex.ProxySPEX(20, 2, "FBII", random_state=0)
        with pytest.warns(UserWarning, match="beyond a limit; the explanation rests on the other"):
            explanation = approximator.approximate(400, game)
    assert approximator.record.evaluated < 200
    assert explanation[(0,)] == pytest.approx(1.0, rel=0, abs=1e-9)


def test_a_game_that_counts_no_tokens(tmp_path: Path) -> None:
    """A limit that could not be kept is refused."""
    options = {"n_players": 3, "fingerprint": "x", "max_tokens": 10}
    with pytest.raises(ValueError, match="counts its tokens"):
        shapiq_spex.StoredGame(lambda masks: masks[:, 0], tmp_path / "a.sqlite", **options)
    with pytest.raises(ValueError, match="max_tokens must be"):
        shapiq_spex.StoredGame(Counting(), tmp_path / "a.sqlite", max_tokens=0)


def test_repeats_beyond_a_limit(tmp_path: Path) -> None:
    """A mask counts with the repeats that there are."""
    path = tmp_path / "a.sqlite"
    with shapiq_spex.StoredGame(Counting(), path, repeats=3, max_calls=600) as game:
        answer = game.evaluate(MASKS)
    assert np.array_equal(answer.values, MASKS[:, 0] + 0.5)
    assert answer.record.failed == 0
    assert np.array_equal(np.isnan(answer.variances), np.arange(400) >= 200)
    assert (answer.variances[:200] == 0).all()


def test_a_model_that_counts_its_calls_is_paid_once(tmp_path: Path) -> None:
    """What calls change in the model of a prompt does not make it another."""

    class Model:
        def __init__(self) -> None:
            self.asked = 0

        def __call__(self, texts: list[str]) -> list[float]:
            self.asked += len(texts)
            return [float(len(text)) for text in texts]

    model = Model()
    prompt = PromptGame(text="a b c d", model=model)
    with shapiq_spex.StoredGame(prompt, tmp_path / "a.sqlite") as game:
        for _ in range(3):
            game(np.tri(4, dtype=bool))
    assert model.asked == 4


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_estimates_that_are_no_numbers_of_tokens(wrong: float) -> None:
    """They would let a run go on beyond its limit."""
    game = Counting()
    game.rate = wrong
    with pytest.raises(ValueError, match="estimate_tokens must return one number of at least 0"):
        TokenLimit(game, 100).take(np.ones((3, 20), dtype=bool))


@pytest.mark.parametrize("wrong", [-10_000, np.nan, 0.5, True])
def test_counts_that_are_no_numbers_of_tokens(wrong: float) -> None:
    """Negative, none, or no whole number, before a run and in it."""
    game = Counting()
    limit = TokenLimit(game, 100)
    game.tokens_used = wrong  # type: ignore[assignment]
    for take in (lambda: limit.take(np.ones((3, 20), dtype=bool)), lambda: TokenLimit(game, 1)):
        with pytest.raises((TypeError, ValueError), match="tokens_used must be"):
            take()


def test_a_count_that_falls_makes_no_room() -> None:
    """What was used once is used."""
    game = Counting()
    limit = TokenLimit(game, 100)
    masks = np.ones((10, 20), dtype=bool)
    game.tokens_used = 90
    assert limit.take(masks) == (0, 0.0)
    game.tokens_used = 10
    assert limit.take(masks) == (0, 0.0)


@pytest.mark.parametrize("wrong", [-5, np.nan, 1.5])
def test_a_models_usage_that_is_no_number_of_tokens(wrong: float) -> None:
    """Of a model of the user's own."""

    class Model:
        fingerprint = "model"
        usage = Usage()

        def log_probabilities(self, prompts: list[str], texts: list[str]) -> np.ndarray:
            self.usage.tokens += wrong  # type: ignore[assignment]
            return np.full((len(prompts), len(texts)), -1.0)

    game = PromptGame(text="a b c", model=Model(), target=Labels("no", "yes"))
    game(np.ones((1, 3), dtype=bool))
    with pytest.raises((TypeError, ValueError), match=r"usage.tokens must be"):
        _ = game.tokens_used
    with pytest.raises((TypeError, ValueError), match="tokens must be"):
        Usage().add(1, wrong)  # type: ignore[arg-type]
