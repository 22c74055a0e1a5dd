"""The games of the report: recorded ones, where they are there, and live ones."""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from _common import dense_game, is_constant, load_games, table_game
from _live_games import LIVE_GAMES
from _review_games import review_game

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Game = Callable[[np.ndarray], np.ndarray]

_HEAD_EXAMPLES = 16
_POINTS, _TEST_POINTS = 60, 100
_PATCH = 2  # pixels of a side


@dataclass(frozen=True)
class Case:
    """A game that is made when it is needed.

    Attributes:
        family: The kind of game.
        number: Which one of the kind.
        make: Makes the game, and says how many players it has.
    """

    family: str
    number: int
    make: Callable[[], tuple[Game, int]]

    @property
    def name(self) -> str:
        """What the game is called in tables."""
        return f"{self.family} {self.number}"


def recorded(folder: Path | None, count: int) -> Iterator[Case]:
    """Yield the recorded games, so many of each family."""
    if folder is None:
        return
    for family, tables in load_games(folder).items():
        varied = [table for table in tables.values() if not is_constant(table)]
        for number, table in enumerate(varied[:count]):
            yield Case(family, number, partial(table_game, table))


def short(count: int) -> Iterator[Case]:
    """Yield live games of at most 16 players."""
    for number in range(count):
        yield Case("review, 16 words", number, partial(review_game, 16, number))
        yield Case("digit, 16 patches", number, partial(_patches, number))


def live(count: int) -> Iterator[Case]:
    """Yield live games of dozens to hundreds of players that need nothing but the package."""
    for number in range(count):
        for family, make in LIVE_GAMES.items():
            yield Case(family, number, partial(make, number))
        for size in (64, 256):
            yield Case(f"review, {size} words", number, partial(review_game, size, number))


def long(sizes: list[int], texts: Callable[[int], int]) -> Iterator[Case]:
    """Yield reviews from short to very long ones."""
    for size in sizes:
        for number in range(texts(size)):
            yield Case(f"review, {size} words", number, partial(review_game, size, number))


def noisy(n: int, share: float, number: int) -> tuple[Game, int]:
    """Return a game of which a share of the variance is noise, a function of the mask alone."""
    signal = dense_game(n, number)
    masks = np.random.default_rng(number).random((4000, n)) < 0.5
    scale = np.sqrt((1 - share) / signal(masks).var())

    def game(asked: np.ndarray) -> np.ndarray:
        return scale * signal(asked) + np.sqrt(share) * _mix(asked, number)

    return game, n


def _mix(masks: np.ndarray, seed: int) -> np.ndarray:
    """Return noise of variance 1 that is a function of a mask of up to 64 players alone.

    Its bits are mixed as SplitMix64 does it (Steele et al. 2014), which leaves nothing to learn.
    """
    code = masks.astype(np.uint64) @ (np.uint64(1) << np.arange(masks.shape[1], dtype=np.uint64))
    code += np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        code = (code ^ (code >> np.uint64(shift))) * np.uint64(factor)
    return np.sqrt(12) * (code / 2.0**64 - 0.5)


def _patches(number: int) -> tuple[Game, int]:
    """Take patches of four pixels out of a digit that a network reads."""
    pixels, n = LIVE_GAMES["digits, network, mean"](number)
    side = round(n**0.5)
    rows, columns = np.divmod(np.arange(n), side)
    patch = rows // _PATCH * (side // _PATCH) + columns // _PATCH
    return lambda masks: pixels(masks[:, patch]), int(patch.max()) + 1


def systems(folder: Path) -> dict[str, Callable[[], tuple[Game, int]]]:
    """Return games of real systems whose ablations are kept in a folder."""
    return {
        "prompt, 15 words": partial(_prompt, folder),
        "retraining, 60 points": partial(_retraining, folder),
        "attention heads, 72": partial(_heads, folder),
    }


def _prompt(folder: Path) -> tuple[Game, int]:
    """Take words out of a review that a language model judges."""
    from _llm import in_order, sentiment_game, store  # noqa: PLC0415, needs the extra demo
    from _prompts import REVIEWS  # noqa: PLC0415

    stored = store(sentiment_game(REVIEWS[15][0]), folder)
    return in_order(stored), stored.n_players


def _retraining(folder: Path) -> tuple[Game, int]:
    """Train logistic regression on a part of its points."""
    from sklearn.datasets import load_digits  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    from shapiq_spex import StoredGame  # noqa: PLC0415
    from shapiq_spex.games import DataSubsetGame, Margin  # noqa: PLC0415

    X, y = load_digits(n_class=4, return_X_y=True)
    test = slice(_POINTS, _POINTS + _TEST_POINTS)
    value = Margin(X[test] / 16, y[test])
    learner = LogisticRegression(max_iter=500)
    game = DataSubsetGame(learner, X[:_POINTS] / 16, y[:_POINTS], value=value)
    stored = StoredGame(game, folder / "retraining.sqlite")
    return stored, stored.n_players


def _heads(folder: Path) -> tuple[Game, int]:
    """Take attention heads out of a sentence encoder."""
    if importlib.util.find_spec("torch") is None:
        msg = "needs the extra huggingface and the group heads"
        raise ModuleNotFoundError(msg)
    from _head_models import load_subject  # noqa: PLC0415, needs torch

    from shapiq_spex import StoredGame  # noqa: PLC0415
    from shapiq_spex.games import HeadAblationGame  # noqa: PLC0415

    subject = load_subject("MiniLM", argparse.Namespace(reviews=None))
    task, _ = subject.draw(0, _HEAD_EXAMPLES, 0)
    game = HeadAblationGame(subject.model, task, tokenizer=subject.tokenizer)
    stored = StoredGame(game, folder / "heads.sqlite")
    return stored, stored.n_players
