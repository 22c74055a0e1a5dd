"""Tests of reading predictors of all kinds as logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from shapiq_spex.games.training._predictions import predict

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 3))
Y = np.argmax(X, axis=1)
TEST = RNG.normal(size=(6, 3))
CLASSES = np.arange(3)
CLIP = 1e-3


def test_logits_that_probabilities_come_from_are_taken_whole() -> None:
    """A probability of e-20 of a logistic regression is not clipped."""
    sure = LogisticRegression(C=1e6).fit(X, Y)
    logits = predict(sure, 100 * TEST, CLASSES, CLIP)
    np.testing.assert_array_equal(logits, sure.decision_function(100 * TEST))
    assert np.ptp(logits, axis=1).max() > 100


def test_probabilities_of_zero_are_clipped() -> None:
    """Forests and neighbours have no infinite logits."""
    for learner in (KNeighborsClassifier(1), RandomForestClassifier(3, random_state=0)):
        fitted = learner.fit(X, Y)
        logits = predict(fitted, TEST, CLASSES, CLIP)
        expected = np.log(np.maximum(fitted.predict_proba(TEST), CLIP))
        np.testing.assert_array_equal(logits, expected)


def test_two_classes_have_two_columns() -> None:
    """The decision function of two classes is the difference of their logits."""
    fitted = LogisticRegression().fit(X, Y == 0)
    logits = predict(fitted, TEST, np.array([False, True]), CLIP)
    np.testing.assert_allclose(
        log_softmax(logits, axis=1), fitted.predict_log_proba(TEST), atol=1e-9
    )


def test_classes_that_were_not_there_have_the_least_probability() -> None:
    """The others keep their own."""
    fitted = LogisticRegression().fit(X[Y != 1], Y[Y != 1])
    logits = predict(fitted, TEST, CLASSES, CLIP)
    np.testing.assert_allclose(logits[:, [0, 2]], fitted.predict_log_proba(TEST), atol=1e-9)
    np.testing.assert_allclose(logits[:, 1], np.log(CLIP))


def test_estimators_without_probabilities_are_read_by_their_decisions() -> None:
    """A ridge classifier by its decision function, one that only predicts by its labels."""
    ridge = RidgeClassifier().fit(X, Y)
    np.testing.assert_array_equal(
        predict(ridge, TEST, CLASSES, CLIP), ridge.decision_function(TEST)
    )

    class Labels:
        classes_ = CLASSES

        def predict(self, X: np.ndarray) -> np.ndarray:
            return NearestCentroid().fit(X, np.arange(len(X)) % 3).predict(X)

    logits = predict(Labels(), TEST, CLASSES, CLIP)
    np.testing.assert_array_equal(np.sort(logits, axis=1)[:, -1], 0.0)
    np.testing.assert_allclose(np.sort(logits, axis=1)[:, :2], np.log(CLIP))


def test_functions_return_logits_or_predictions() -> None:
    """One column a class, or one number for two classes, or for a regression."""
    np.testing.assert_array_equal(predict(lambda x: 5 * x, TEST, CLASSES, CLIP), 5 * TEST)
    logits = predict(lambda x: x[:, 0], TEST, CLASSES[:2], CLIP)
    np.testing.assert_array_equal(logits[:, 1] - logits[:, 0], TEST[:, 0])
    np.testing.assert_array_equal(predict(lambda x: x[:, 0], TEST, None, CLIP), TEST[:, :1])


@pytest.mark.parametrize(
    ("returned", "classes", "text"),
    [
        (np.zeros((6, 2)), CLASSES, r"logits of shape \(t, 3\), got \(6, 2\)"),
        (np.zeros(6), CLASSES, r"got \(6,\)"),
        (np.zeros((6, 2)), None, r"predictions of shape \(t, 1\)"),
        (np.full((6, 3), np.inf), CLASSES, "not finite"),
    ],
)
def test_other_shapes_are_refused(
    returned: np.ndarray, classes: np.ndarray | None, text: str
) -> None:
    """The error says what was expected."""
    with pytest.raises(ValueError, match=text):
        predict(lambda _: returned, TEST, classes, CLIP)


def test_what_is_no_predictor_is_refused() -> None:
    """A training function that returns nothing."""
    with pytest.raises(TypeError, match="must return a predictor"):
        predict(None, TEST, CLASSES, CLIP)


@given(st.integers(2, 5), st.integers(0, 1000), st.sampled_from([1e-6, 1e-3, 0.1]))
def test_clipped_logits_are_bounded(n_classes: int, seed: int, clip: float) -> None:
    """Whatever the probabilities, no difference of logits is above log(1 / clip)."""
    rng = np.random.default_rng(seed)

    class Probabilities:
        classes_ = np.arange(n_classes)

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            return rng.dirichlet(np.full(n_classes, 0.01), len(X))

    logits = predict(Probabilities(), TEST, np.arange(n_classes), clip)
    assert np.ptp(logits, axis=1).max() <= np.log(1 / clip) + 1e-9
