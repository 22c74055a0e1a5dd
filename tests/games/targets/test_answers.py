"""Tests of answers as targets, with a real model that writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import shapiq_spex
from shapiq_spex.games import Answers, LlamaCpp, PromptGame, Similarity

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "The capital of France is"
MASKS = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)


def test_similarity(llm: LlamaCpp) -> None:
    """The whole prompt's answer is like itself, one about something else is not."""
    game = PromptGame(text=TEXT, model=llm, target=Similarity(max_tokens=6))
    values = game(MASKS)
    assert values[0] == 1.0
    assert (values[1:] < 1.0).all()
    (answer,) = llm.generate([TEXT], 6)
    assert game.target.fingerprint == ["similarity", answer.rstrip(), None, 6]


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [("a b c", "a b c", 1.0), ("a c", "a b c d", 2 / 3), ("", "a", 0.0), ("b a", "a b", 0.5)],
)
def test_the_default_measure(answer: str, reference: str, expected: float) -> None:
    """Words that both have, in the same order, count twice over all words."""

    class Parrot:
        fingerprint = "parrot"

        def generate(self, prompts: list[str], max_tokens: int, seed: int = 0) -> list[str]:
            assert (max_tokens, seed) == (32, 3)
            return [answer for _ in prompts]

    game = PromptGame(text="x", model=Parrot(), target=Similarity(reference))
    assert game.outputs(np.ones((1, 1), dtype=bool), 3).tolist() == [[pytest.approx(expected)]]


def test_own_measures(llm: LlamaCpp) -> None:
    """A user's measure of similarity, and a user's score of the answers themselves."""
    measured = Similarity(" Paris", measure=lambda answer, reference: len(answer + reference))
    lengths = PromptGame(text=TEXT, model=llm, target=measured)(MASKS)
    answers = llm.generate([PromptGame(text=TEXT, model=len).prompt(m) for m in MASKS], 32)
    assert lengths.tolist() == [len(answer) + 6 for answer in answers]
    for target in (Answers(lambda texts: [*map(len, texts)]), lambda texts: [*map(len, texts)]):
        scored = PromptGame(text=TEXT, model=llm, target=target)(MASKS)
        assert scored.tolist() == [len(answer) for answer in answers]


def test_a_wrong_number_of_scores(llm: LlamaCpp) -> None:
    """A score for each answer is needed."""
    game = PromptGame(text="Hi", model=llm, target=Answers(lambda _: [1.0, 2.0], max_tokens=1))
    with pytest.raises(ValueError, match="score of 1 answers must be as many numbers"):
        game(np.ones((1, 1), dtype=bool))


def test_no_answer() -> None:
    """An empty answer is nothing to compare with, and a function writes none."""

    class Silent:
        fingerprint = "silent"

        def generate(self, prompts: list[str], max_tokens: int, seed: int = 0) -> list[str]:
            return [" " * max_tokens * (1 + seed) for _ in prompts]

    with pytest.raises(ValueError, match="answers the whole prompt with nothing"):
        PromptGame(text="a b", model=Silent(), target=Similarity())
    with pytest.raises(TypeError, match="Similarity needs a model with the method generate"):
        PromptGame(text="a b", model=len, target=Similarity())


def test_chance_is_measured(model_file: Path, tmp_path: Path) -> None:
    """Answers drawn at random differ between repeats, and the noise is reported."""
    warm = LlamaCpp(model_file, n_context=1024, n_threads=1, temperature=1.5)
    target = Similarity(" Paris, which is", max_tokens=4)
    game = PromptGame(text=TEXT, model=warm, target=target)
    with shapiq_spex.StoredGame(game, tmp_path / "a.sqlite", repeats=3) as stored:
        approximator = shapiq_spex.ProxySPEX(5, 2, "FBII", random_state=0)
        approximator.approximate(32, stored)
    assert 0 < approximator.noise_level < 1
    assert np.array_equal(game.outputs(MASKS, 1), game.outputs(MASKS, 1))
