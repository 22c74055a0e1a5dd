"""Tests of scikit-learn's scorers on outputs that were kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import fbeta_score, get_scorer, make_scorer

from shapiq_spex.games import Score
from shapiq_spex.games.training._predictions import predict


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "balanced_accuracy", "f1_macro"])
def test_scores_of_many_classes_are_those_of_the_model(scoring: str) -> None:
    """As if the scorer had seen it."""
    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=50).fit(X[:200] / 16, y[:200])
    classes = np.arange(10)
    outputs = predict(model, X[200:300] / 16, classes, 1e-3)[None]
    found = Score(scoring, X[200:300], y[200:300]).values(outputs, classes)
    expected = get_scorer(scoring)(model, X[200:300] / 16, y[200:300])
    np.testing.assert_allclose(found, [expected], atol=1e-9)


@pytest.mark.parametrize(
    "scoring",
    ["roc_auc", "average_precision", "f1", "neg_brier_score", make_scorer(fbeta_score, beta=2)],
)
def test_scores_of_two_classes_are_those_of_the_model(scoring: str) -> None:
    """Those that rank, those that need probabilities, and a user's own."""
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = LogisticRegression().fit(X[:50], y[:50])
    outputs = predict(model, X[50:150], model.classes_, 1e-3)[None]
    found = Score(scoring, X[50:150], y[50:150]).values(outputs, model.classes_)
    scorer = get_scorer(scoring)
    np.testing.assert_allclose(found, [scorer(model, X[50:150], y[50:150])], atol=1e-9)


def test_scores_of_regressions_are_those_of_the_model() -> None:
    """Any scorer of regressions."""
    X, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(X[:100], y[:100])
    outputs = model.predict(X[100:])[None, :, None]
    for scoring in ("r2", "neg_mean_absolute_error"):
        found = Score(scoring, X[100:], y[100:]).values(outputs, None)
        expected = get_scorer(scoring)(model, X[100:], y[100:])
        np.testing.assert_allclose(found, [expected], atol=1e-9)


def test_unknown_scorers_and_labels_are_refused() -> None:
    """Before anything is trained."""
    with pytest.raises(ValueError, match="scoring"):
        Score("acuracy", [[0.0]], [1])
    with pytest.raises(ValueError, match="no class 7"):
        Score("accuracy", [[0.0]], [7]).check(np.array([0, 1]))


def test_a_scorer_that_asks_about_other_inputs_is_refused() -> None:
    """Outputs are kept for the test inputs alone."""
    score = Score(lambda model, X, _: model.predict(X[:1]).mean(), [[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="asked about 1 inputs; outputs are kept for 2"):
        score.values(np.zeros((1, 2, 2)), np.array([0, 1]))
