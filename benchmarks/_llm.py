"""What the parts of the benchmark of prompts share: the model, and games whose answers are kept."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from _prompts import SENTIMENT

from shapiq_spex import SPEX, ProxySPEX, StoredGame
from shapiq_spex.games import Labels, LlamaCpp, PromptGame, small_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import shapiq

APPROXIMATORS = {"ProxySPEX": ProxySPEX, "SPEX": SPEX}


@cache
def model() -> LlamaCpp:
    """Return the small language model, on one thread."""
    return LlamaCpp(small_model(), n_threads=1)


def sentiment_game(text: str) -> PromptGame:
    """Return the game of a review's words: the log-odds of positive after four examples."""
    return PromptGame(SENTIMENT, text=text, model=model(), target=Labels("positive", "negative"))


def store(game: PromptGame, folder: Path) -> StoredGame:
    """Keep a game's answers in a file."""
    return StoredGame(game, folder / "prompts.sqlite")


def in_order(game: StoredGame) -> Callable[[np.ndarray], np.ndarray]:
    """Return a game that is asked for masks in an order in which prompts begin alike.

    llama.cpp computes anew only where a prompt differs from the one before.
    """

    def play(masks: np.ndarray) -> np.ndarray:
        order = np.lexsort(masks.T[::-1])
        values = np.empty(len(masks))
        values[order] = game(masks[order])
        return values

    return play


def explain(
    method: str, game: StoredGame, budget: int, max_order: int
) -> tuple[Any, shapiq.InteractionValues]:
    """Return an approximator after its run, and the FBII that it found."""
    approximator = APPROXIMATORS[method](game.n_players, max_order, "FBII", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # low faithfulness is in the tables
        return approximator, approximator.approximate(budget, in_order(game))


def rank(
    explanation: shapiq.InteractionValues, players: tuple[int, ...], max_order: int | None = None
) -> int | None:
    """Return the place of an interaction among those of two players and more, None if it is 0.

    Args:
        explanation: The interactions.
        players: The one looked for.
        max_order: The largest ones that count, by default all.
    """
    sizes = {
        tuple(others): abs(value)
        for others, value in explanation.interactions.items()
        if 2 <= len(others) <= (max_order or len(others)) and value != 0
    }
    if players not in sizes:
        return None
    return 1 + sum(size > sizes[players] for size in sizes.values())
