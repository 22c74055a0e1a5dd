"""Tests of what counts as a number, in arrays from users' code and in arguments."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import shapiq_spex
from shapiq_spex import SPEX, FourierSpectrum, ProxySPEX
from shapiq_spex._numbers import as_real, check_integer, check_real, is_real
from shapiq_spex.games import (
    Answers,
    ClassLogit,
    Continuation,
    DataSubsetGame,
    Margin,
    OpenAICompatible,
    Perplexity,
    Prediction,
    PromptGame,
    Question,
    Score,
    Similarity,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SPECTRUM = FourierSpectrum(4, [(0,), (1,), (0, 1)], [1.0, 2.0, -1.0])
X, Y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
HIDDEN = np.ma.array([1.0, 2.0], mask=[False, True])  # 2.0 lies under the mask


@pytest.mark.parametrize(
    "given",
    [
        HIDDEN,
        [HIDDEN[0], HIDDEN[1]],
        np.array([1.0, np.ma.masked], dtype=object),
        np.ma.array([1, 2], mask=[False, True]),
        pd.array([1.0, None], dtype="Float64"),
    ],
    ids=["floats", "list", "objects", "integers", "pandas"],
)
def test_what_is_masked_is_not_a_number(given: Any) -> None:  # noqa: ANN401
    """It becomes NaN, whatever lies under the mask."""
    np.testing.assert_array_equal(as_real(given, "It must be"), [1.0, np.nan])


def test_rows_that_are_masked_arrays() -> None:
    """A list of them keeps its masks."""
    np.testing.assert_array_equal(as_real([HIDDEN, HIDDEN], "It must be")[:, 1], [np.nan] * 2)


@pytest.mark.parametrize(
    "given",
    [
        ["3", "4"],
        np.array(["3", 4.0], dtype=object),
        np.array([b"3"], dtype=object),
        pd.Series([1, pd.NA]),
        np.array([1.0 + 2.0j]),
        np.array([np.datetime64("2020-01-01")], dtype=object),
        np.array([pd.Timestamp("2020-01-01")], dtype=object),
        [object()],
        [10**400],
    ],
)
def test_what_is_no_number_is_refused(given: Any) -> None:  # noqa: ANN401
    """Texts, dates, pandas' NA, imaginary parts and other objects."""
    with pytest.raises(TypeError, match="The game must return real numbers, got"):
        as_real(given, "The game must return")


def test_numbers_of_all_kinds_are_taken() -> None:
    """Decisions are numbers, and so are objects that are some."""
    given = np.array([True, Fraction(1, 2), Decimal("0.25"), np.float32(2)], dtype=object)
    assert as_real(given, "It").tolist() == [1.0, 0.5, 0.25, 2.0]
    assert as_real(np.array([True, False]), "It").tolist() == [1.0, 0.0]


def test_arguments_that_are_no_numbers() -> None:
    """True is no number of things, and neither is a text."""
    assert check_integer("n", np.int64(3), 1) == 3
    assert is_real(np.float32(1.5))
    for wrong in (True, np.True_, "3", 1.5, None):
        with pytest.raises(TypeError, match="n must be an integer, got"):
            check_integer("n", wrong)
    for wrong in (True, np.True_, "3", None, float("nan"), np.ma.masked):
        assert not is_real(wrong)
        with pytest.raises(ValueError, match="n must be a number of at least 0, got"):
            check_real("n", wrong, 0)  # type: ignore[arg-type]


def game(value: object) -> DataSubsetGame:
    """Make a game of training data."""
    return DataSubsetGame(LogisticRegression(), X, Y, value=value)  # type: ignore[arg-type]


def prompts(**options: Any) -> PromptGame:  # noqa: ANN401
    """Make a game of a prompt."""
    return PromptGame(text="one two three", model=lambda texts: [1.0] * len(texts), **options)


EXPLANATION = SPECTRUM.to_interaction_values("FBII", 2)
ENDPOINT = {"url": "http://127.0.0.1:9/v1", "model": "m"}
CALLS: dict[str, Callable[[Any], object]] = {
    "n": ProxySPEX,
    "n of SPEX": SPEX,
    "max_order": lambda x: ProxySPEX(10, x),
    "random_state": lambda x: ProxySPEX(10, random_state=x),
    "max_terms": lambda x: ProxySPEX(10, max_terms=x),
    "degree_parameter": lambda x: SPEX(10, degree_parameter=x),
    "budget": lambda x: ProxySPEX(10).approximate(x, SPECTRUM),
    "new random_state": lambda x: ProxySPEX(10).set_random_state(x),
    "order of partners": lambda x: shapiq_spex.partners(SPECTRUM, max_order=x),
    "count of partners": lambda x: shapiq_spex.partners(SPECTRUM, count=x),
    "share": lambda x: shapiq_spex.near_duplicates(SPECTRUM, share=x),
    "least": lambda x: shapiq_spex.near_duplicates(SPECTRUM, least=x),
    "n_masks": lambda x: shapiq_spex.faithfulness(SPECTRUM, SPECTRUM, x),
    "confidence": lambda x: shapiq_spex.faithfulness(SPECTRUM, SPECTRUM, confidence=x),
    "seed of masks": lambda x: shapiq_spex.faithfulness(SPECTRUM, SPECTRUM, random_state=x),
    "keep": lambda x: shapiq_spex.best_subset(SPECTRUM, x),
    "blur": lambda x: shapiq_spex.best_subset(SPECTRUM, 2, blur=x),
    "trials": lambda x: shapiq_spex.best_subset(SPECTRUM, 2, trials=x),
    "seed of trials": lambda x: shapiq_spex.best_subset(SPECTRUM, 2, random_state=x),
    "time_limit": lambda x: shapiq_spex.best_subset(SPECTRUM, 2, time_limit=x),
    "order of truncate": SPECTRUM.truncate,
    "terms of truncate": lambda x: SPECTRUM.truncate(max_terms=x),
    "order of an index": lambda x: SPECTRUM.to_interaction_values("FBII", x),
    "least order": lambda x: SPECTRUM.to_interaction_values("FBII", 2, min_order=x),
    "players": lambda x: FourierSpectrum(x, [()], [1.0]),
    "point": lambda x: Margin(X, Y, x),
    "point of Prediction": lambda x: Prediction(X, x),
    "at": lambda x: game(Margin(X, Y)).at(x),
    "clip": lambda x: DataSubsetGame(LogisticRegression(), X, Y, value=Margin(X, Y), clip=x),
    "seed of trainings": lambda x: DataSubsetGame(
        LogisticRegression(), X, Y, value=Margin(X, Y), random_state=x
    ),
    "batch_size": lambda x: DataSubsetGame(
        LogisticRegression(), X, Y, value=Margin(X, Y), batch_size=x
    ),
    "batch of prompts": lambda x: prompts(batch_size=x),
    "budget of an estimate": lambda x: prompts().estimate(x),
    "probes": lambda x: prompts().estimate(10, x),
    "seed of probes": lambda x: prompts().estimate(10, random_state=x),
    "top of a game": lambda x: prompts().top(EXPLANATION, x),
    "length of answers": lambda x: Answers(len, max_tokens=x),
    "length of an answer": lambda x: Similarity(max_tokens=x),
    "length of a continuation": lambda x: Continuation(max_tokens=x),
    "top": lambda x: OpenAICompatible(**ENDPOINT, top=x),
    "concurrency": lambda x: OpenAICompatible(**ENDPOINT, concurrency=x),
    "temperature": lambda x: OpenAICompatible(**ENDPOINT, temperature=x),
    "timeout": lambda x: OpenAICompatible(**ENDPOINT, timeout=x),
    "retries": lambda x: OpenAICompatible(**ENDPOINT, retries=x),
    "backoff": lambda x: OpenAICompatible(**ENDPOINT, backoff=x),
    "tokens of a text": lambda x: Perplexity(["a text"], max_tokens=x),
    "answer": lambda x: Question("2 + 2?", ("3", "4"), answer=x),
    "test": lambda x: Perplexity(["a", "b", "c"]).split(x),
}


@pytest.mark.parametrize("wrong", [True, "3"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_no_argument_takes_true_or_a_text_for_a_number(
    call: Callable[[Any], object], wrong: object
) -> None:
    """The error names what was given, and nothing is computed."""
    with pytest.raises((TypeError, ValueError), match=rf"must .*{wrong!r}"):
        call(wrong)


def test_masked_data_are_refused() -> None:
    """A learner would train on what lies under the mask, and masks hide recorded values."""
    masked = np.ma.array(X, mask=X > 1)
    labels = np.ma.array(Y, mask=Y == 0)
    many = np.random.default_rng(0).random((60, 8)) < 0.5
    calls: list[Callable[[], object]] = [
        lambda: DataSubsetGame(LogisticRegression(), masked, Y, value=Margin(X, Y)),
        lambda: DataSubsetGame(LogisticRegression(), X, labels, value=Margin(X, Y)),
        lambda: DataSubsetGame(LogisticRegression(), X, Y, value=Margin(X, Y), groups=labels),
        lambda: Margin(masked, Y),
        lambda: Score("accuracy", X, labels),
        lambda: Prediction(masked),
        lambda: ProxySPEX(8).from_ablations(np.ma.array(many, mask=many), many[:, 0]),
        lambda: shapiq_spex.energy_shares(SPECTRUM, labels[:4]),
        lambda: SPECTRUM(np.ma.array(many[:, :4], mask=many[:, :4])),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="must not be masked"):
            call()
    values = np.ma.array(np.arange(60.0), mask=np.arange(60) == 7)
    with pytest.raises(ValueError, match="returned nan for the mask"):
        ProxySPEX(8).from_ablations(many, values)
    with pytest.raises(ValueError, match="returned nan for the mask"):
        ProxySPEX(8).approximate(60, lambda masks: np.ma.array(masks[:, 0], mask=masks[:, 1]))
    with pytest.raises(ValueError, match="must be finite"):
        FourierSpectrum(2, [(0,), (1,)], HIDDEN)
    with pytest.raises(ValueError, match="must be finite"):
        FourierSpectrum.from_values(HIDDEN)


class Masked:
    """A classifier of texts whose second class is masked."""

    classes = ("bad", "good")
    fingerprint = "masked"

    def logits(self, texts: list[str]) -> np.ndarray:
        """Hide a column."""
        return np.ma.array(np.ones((len(texts), 2)), mask=[[False, True]] * len(texts))


def test_what_models_and_scores_return_is_read_with_its_masks() -> None:
    """Of logits, answers' scores, functions and learners."""
    masks = np.ones((1, 3), dtype=bool)
    assert np.isnan(PromptGame(text="a b c", model=Masked(), target=ClassLogit("good"))(masks))
    hidden = PromptGame(
        text="a b c", model=lambda texts: np.ma.array([1.0] * len(texts), mask=True)
    )
    assert np.isnan(hidden(masks))
    with pytest.raises(TypeError, match="The function must return real numbers, got list"):
        PromptGame(text="a b c", model=lambda texts: ["1.0"] * len(texts))(masks)

    class Hides(LinearRegression):  # type: ignore[misc] # scikit-learn has no types
        """A regression whose predictions are masked."""

        def predict(self, X: np.ndarray) -> np.ndarray:
            """Hide all of them."""
            return np.ma.array(super().predict(X), mask=True)

    hides = DataSubsetGame(Hides(), X, X[:, 0], value=Prediction(X))
    with pytest.raises(RuntimeError, match="There are predictions that are not finite"):
        hides(np.ones((1, 12), dtype=bool))
