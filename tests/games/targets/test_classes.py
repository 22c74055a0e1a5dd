"""Tests of classes as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import shapiq_spex
from shapiq_spex.games import Classifier, ClassLogit, Labels, LlamaCpp, PromptGame

if TYPE_CHECKING:
    from pathlib import Path

    from shapiq_spex.games import Target

REVIEWS = ["good film", "great joy", "bad film", "dull and bad", "it is a film", "a film it is"]
MASKS = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)


class Sentiment:
    """A trained classifier of texts with three classes."""

    classes = ("bad", "good", "neutral")
    fingerprint = "sentiment"

    def __init__(self) -> None:
        """Learn from some reviews."""
        self._pipeline = make_pipeline(CountVectorizer(), LogisticRegression())
        self._pipeline.fit(REVIEWS, ["good"] * 2 + ["bad"] * 2 + ["neutral"] * 2)
        self.asked = 0

    def logits(self, prompts: list[str]) -> np.ndarray:
        """Return the scores of the three classes."""
        self.asked += len(prompts)
        return self._pipeline.decision_function(prompts)


def test_logits_and_log_odds(tmp_path: Path) -> None:
    """Each class and each pair is read from the same logits, which are kept once."""
    model = Sentiment()
    assert isinstance(model, Classifier)
    logits = model.logits(["a great film", "a film", ""])

    def ask(target: Target) -> np.ndarray:
        game = PromptGame(text="a great film", model=model, target=target)
        with shapiq_spex.StoredGame(game, tmp_path / "a.sqlite") as stored:
            return stored(MASKS)

    model.asked = 0
    assert np.array_equal(ask(ClassLogit("good")), logits[:, 1])
    assert ask(Labels("good", "bad")) == pytest.approx(logits[:, 1] - logits[:, 0], rel=1e-12)
    rest = np.logaddexp(logits[:, 0], logits[:, 2])
    assert ask(Labels("good", "bad", "neutral")) == pytest.approx(logits[:, 1] - rest, rel=1e-12)
    assert model.asked == 3


def test_what_does_not_fit(llm: LlamaCpp) -> None:
    """Unknown classes, and models without classes, are named."""
    with pytest.raises(ValueError, match="no class 'kind'; it has bad, good, neutral"):
        PromptGame(text="a b", model=Sentiment(), target=ClassLogit("kind"))
    with pytest.raises(TypeError, match="ClassLogit needs a model with the method logits"):
        PromptGame(text="a b", model=llm, target=ClassLogit("good"))
    with pytest.raises(RuntimeError, match="prepared for a model"):
        ClassLogit("good").values(np.zeros((1, 2)))
