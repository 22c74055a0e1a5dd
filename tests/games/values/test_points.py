"""Tests of the values of test points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games import LogLoss, Margin, Prediction, Value

CLASSES = np.array(["a", "b", "c"])
X = np.arange(8.0).reshape(4, 2)
Y = ["a", "c", "b", "a"]


def logits(m: int = 5, seed: int = 0) -> np.ndarray:
    """Draw logits of ``m`` retrainings for four test points and three classes."""
    return np.random.default_rng(seed).normal(size=(m, 4, 3))


@given(st.integers(0, 100))
def test_a_margin_is_the_right_logit_less_the_highest_wrong_one(seed: int) -> None:
    """As defined, by hand."""
    given_logits = logits(seed=seed)
    for point, label in enumerate(Y):
        values = Margin(X, Y, point).values(given_logits, CLASSES)
        for row, value in zip(given_logits[:, point], values, strict=True):
            place = CLASSES.tolist().index(label)
            assert value == row[place] - max(np.delete(row, place))


@given(st.integers(0, 100), st.floats(-5, 5))
def test_a_constant_in_the_logits_changes_nothing(seed: int, constant: float) -> None:
    """Logits are logs of probabilities but for a constant."""
    for value in (Margin(X, Y), LogLoss(X, Y)):
        before = value.values(logits(seed=seed), CLASSES)
        after = value.values(logits(seed=seed) + constant, CLASSES)
        np.testing.assert_allclose(after, before, atol=1e-9)


def test_a_log_loss_is_the_log_probability_of_the_right_class() -> None:
    """More of it is better."""
    given_logits = logits()
    given_logits -= np.log(np.exp(given_logits).sum(axis=2, keepdims=True))
    values = LogLoss(X, Y, 2).values(given_logits, CLASSES)
    np.testing.assert_allclose(values, given_logits[:, 2, 1], atol=1e-12)


@pytest.mark.parametrize("kind", [Margin, LogLoss])
def test_without_a_point_it_is_the_mean(kind: type[Margin]) -> None:
    """Over all test points."""
    each = [kind(X, Y, point).values(logits(), CLASSES) for point in range(4)]
    np.testing.assert_allclose(kind(X, Y).values(logits(), CLASSES), np.mean(each, axis=0))


def test_a_prediction_is_that_of_a_regression() -> None:
    """Of a point, or the mean."""
    outputs = logits()[:, :, :1]
    np.testing.assert_array_equal(Prediction(X, 3).values(outputs, None), outputs[:, 3, 0])
    np.testing.assert_allclose(Prediction(X).values(outputs, None), outputs.mean(axis=(1, 2)))
    with pytest.raises(ValueError, match="for regressions"):
        Prediction(X).check(CLASSES)


@pytest.mark.parametrize("one", [[3.0, 4.0], [[3.0, 4.0]], np.array([3.0, 4.0])])
def test_a_single_point_may_be_given_alone(one: object) -> None:
    """As a row, or a table of one row."""
    value = Margin(one, "b")
    assert np.shape(value.X) == (1, 2)
    assert value.y.tolist() == ["b"]
    assert np.shape(Margin([0.9], "b").X) == (1, 1)


def test_rows_of_data_frames_and_texts_stay_what_they_are() -> None:
    """Learners need the columns' names."""
    frame = pd.DataFrame(X, columns=["p", "q"])
    assert list(Margin(frame.iloc[1], "b").X.columns) == ["p", "q"]
    assert list(Margin(frame.iloc[[1]], "b").X.columns) == ["p", "q"]
    assert Margin("a text", "b").X == ["a text"]


def test_what_does_not_fit_is_refused() -> None:
    """Numbers of inputs and labels that differ, labels and points that there are not."""
    with pytest.raises(ValueError, match="one target for each test input"):
        Margin(X, ["a"] * 3)
    with pytest.raises(ValueError, match="no class 'd'"):
        Margin(X, ["a", "b", "c", "d"]).check(CLASSES)
    with pytest.raises(ValueError, match="point must be None or one of the test points 0 to 3"):
        Margin(X, Y, 4)
    with pytest.raises(ValueError, match="for classifiers"):
        LogLoss(X, Y).check(None)


def test_they_are_values() -> None:
    """An object with the same methods is one, too."""
    assert all(isinstance(value, Value) for value in (Margin(X, Y), LogLoss(X, Y), Prediction(X)))
