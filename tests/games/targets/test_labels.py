"""Tests of log-probabilities as targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex import StoredGame
from shapiq_spex.games import Continuation, Labels, PromptGame

if TYPE_CHECKING:
    from pathlib import Path

    from shapiq_spex.games import LlamaCpp

LOGS = np.log(np.array([[0.5, 0.25, 0.1], [0.1, 0.1, 0.8]]))


def test_two_labels() -> None:
    """The log-odds of two labels are the difference of their log-probabilities."""
    target = Labels("no", "yes")
    assert target.continuations == (" no", " yes")
    assert target.values(LOGS[:, :2]) == pytest.approx(LOGS[:, 0] - LOGS[:, 1], rel=1e-12)
    flipped = Labels("yes", "no")
    assert flipped.continuations == target.continuations
    assert flipped.fingerprint == target.fingerprint
    assert flipped.values(LOGS[:, :2]) == pytest.approx(-target.values(LOGS[:, :2]), rel=1e-12)


def test_more_labels() -> None:
    """One label stands against all others together, or against some."""
    target = Labels("a", "b", "c", positive="b", prefix="")
    expected = np.log([0.25 / 0.6, 0.1 / 0.9])
    assert target.values(LOGS) == pytest.approx(expected, rel=1e-12)
    some = Labels("a", "b", "c", positive="b", against=["c"], prefix="")
    assert some.values(LOGS) == pytest.approx(np.log([0.25 / 0.1, 0.1 / 0.8]), rel=1e-12)
    assert some.fingerprint == target.fingerprint


def test_continuation() -> None:
    """The value of an answer is its log-probability."""
    assert Continuation(" Paris").values(LOGS[:, :1]).tolist() == LOGS[:, 0].tolist()


def test_scales() -> None:
    """Log-odds and probabilities come from the same log-probabilities, certainty included."""
    logs = np.log(np.array([[0.25], [1.0]]))
    odds = Continuation(" a", scale="log-odds")
    assert odds.values(logs)[0] == pytest.approx(np.log(1 / 3), rel=1e-12)
    assert 30 < odds.values(logs)[1] < 40
    assert odds.fingerprint == Continuation(" a").fingerprint
    found = Continuation(" a", scale="probability").values(logs)
    assert found == pytest.approx([0.25, 1.0], rel=1e-12)
    with pytest.raises(ValueError, match="scale must be one of log-probability, log-odds"):
        Continuation(" a", scale="percent")


def test_the_models_own_answer(llm: LlamaCpp) -> None:
    """What the model answers to the whole prompt is found once, and explained."""
    game = PromptGame(
        "{text}", text="The capital of France is", model=llm, target=Continuation(max_tokens=2)
    )
    assert isinstance(game.target, Continuation)
    assert game.target.text == " Paris."
    given = PromptGame("{text}", text=game.segments, model=llm, target=Continuation(" Paris."))
    masks = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 1]], dtype=bool)
    assert np.array_equal(game(masks), given(masks))
    assert game.fingerprint == given.fingerprint


@pytest.mark.parametrize(
    ("labels", "options", "reason"),
    [
        (["a"], {}, "at least two"),
        (["a", "a"], {}, "at least two"),
        (["a", ""], {}, "not empty"),
        (["a", "b"], {"positive": "c"}, "one of the labels"),
        (["a", "b"], {"against": ["c"]}, "some of the labels"),
        (["a", "b"], {"against": ["a"]}, "some of the labels"),
        (["a", "b"], {"against": []}, "some of the labels"),
    ],
)
def test_bad_labels(labels: list[str], options: dict[str, Any], reason: str) -> None:
    """Mistakes are named."""
    with pytest.raises(ValueError, match=reason):
        Labels(*labels, **options)
    with pytest.raises(ValueError, match="not empty"):
        Continuation("")


def test_models_without_log_probabilities() -> None:
    """A function cannot say what labels need."""
    for target in (Labels("a", "b"), Continuation(" a")):
        with pytest.raises(TypeError, match="needs a model with the method log_probabilities"):
            PromptGame(text="a b", model=len, target=target)


class Reporting:
    """A language model that reports some numbers for the first prompt, and good ones for others."""

    fingerprint = "reporting"

    def __init__(self, first: float) -> None:
        """Take what to report of the first prompt's first label."""
        self.first = first
        self.asked = 0

    def log_probabilities(self, prompts: list[str], continuations: list[str]) -> np.ndarray:
        """Report."""
        self.asked += len(prompts)
        found = np.full((len(prompts), len(continuations)), -2.0)
        found[[prompt == "a b c" for prompt in prompts], 0] = self.first
        return found


@pytest.mark.parametrize("wrong", [-9999.0, -1e30, -10012.5, 0.3, 2.0])
def test_what_is_no_log_probability_is_refused(wrong: float, tmp_path: Path) -> None:
    """A number that stands for none, or one above 0; the others of a batch are kept."""
    model = Reporting(wrong)
    game = PromptGame(text="a b c", model=model, target=Labels("no", "yes"))
    masks = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1]], dtype=bool)
    with pytest.raises(ValueError, match="' no', which is no log-probability"):
        game(masks)
    stored = StoredGame(game, tmp_path / "a.sqlite", on_failure="skip")
    model.asked = 0
    assert np.isnan(stored(masks)).tolist() == [True, False, False]
    assert model.asked == len(masks) + 1


@pytest.mark.parametrize(
    ("right", "text"), [(1e-4, " a"), (-1200.0, " a"), (-12000.0, " word" * 400)]
)
def test_log_probabilities_at_the_edge_are_taken(right: float, text: str) -> None:
    """Rounding above 0, a most unlikely answer, and a long one."""
    game = PromptGame(text="a b c", model=Reporting(right), target=Continuation(text))
    assert game(np.ones((1, 3), dtype=bool)).tolist() == [right]
