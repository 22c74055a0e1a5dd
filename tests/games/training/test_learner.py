"""Tests of training anew: seeds, failures, and what stands in where there is nothing to learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shapiq_spex.games.training import CONVERGENCE, as_learner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = np.array(["a", "b", "c"])[np.argmax(X, axis=1)]
TEST = RNG.normal(size=(5, 3))
EVERY = np.arange(30)
CLIP = 1e-3


def outputs(train: Any, rows: Any = EVERY, seed: int = 0, y: np.ndarray = Y) -> Any:  # noqa: ANN401
    """Train on some points."""
    learner = as_learner(train, y, None, CLIP)
    return learner.outputs(X, y, np.asarray(rows, dtype=int), TEST, seed)


def test_an_estimator_is_trained_on_the_points_alone() -> None:
    """The logits are those of the estimator that was fitted to them by hand."""
    rows = np.flatnonzero(RNG.random(30) < 0.6)
    by_hand = LogisticRegression().fit(X[rows], Y[rows])
    found, trouble = outputs(LogisticRegression(), rows)
    assert trouble is None
    np.testing.assert_allclose(found, by_hand.decision_function(TEST), atol=1e-9)


def test_the_estimator_itself_stays_unfitted() -> None:
    """It is cloned."""
    estimator = LogisticRegression()
    outputs(estimator)
    assert not hasattr(estimator, "coef_")


def test_all_random_states_get_the_seed() -> None:
    """Those within a pipeline, too: equal seeds give equal logits, others do not."""
    train = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=3))
    first, again, other = (outputs(train, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_function_gets_the_seed_and_the_points() -> None:
    """It is called with the inputs, targets and seed, and its predictor with the test inputs."""
    seen = []

    def train(X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401
        seen.append((X.shape, y.tolist(), seed))
        return lambda test: np.stack([test[:, 0], test[:, 1], test[:, 2] + seed], axis=1)

    found, _ = outputs(train, [0, 1, 2, 3], seed=7)
    assert seen == [((4, 3), Y[:4].tolist(), 7)]
    np.testing.assert_allclose(found, TEST + np.array([0, 0, 7]))


def test_without_points_there_are_the_frequencies_of_all() -> None:
    """The logits are logs of the classes' frequencies in the whole training data."""
    found, trouble = outputs(LogisticRegression(), [])
    shares = [np.mean(label == Y) for label in "abc"]
    np.testing.assert_allclose(found, np.tile(np.log(shares), (5, 1)))
    assert trouble is None


def test_with_one_class_there_are_its_frequencies() -> None:
    """The other classes have the least probability."""
    found, trouble = outputs(LogisticRegression(), np.flatnonzero(Y == "b"))
    np.testing.assert_allclose(found, np.tile(np.log([CLIP, 1, CLIP]), (5, 1)))
    assert trouble is None


def test_a_learner_that_raises_leaves_no_number_and_its_error() -> None:
    """Nearest neighbours cannot find five of two points, and nothing stands in for them."""
    rows = [int(np.flatnonzero(Y == "a")[0]), int(np.flatnonzero(Y == "c")[0])]
    found, trouble = outputs(KNeighborsClassifier(5), rows)
    assert found.shape == (5, 3)
    assert np.isnan(found).all()
    assert trouble is not None
    assert trouble.startswith("ValueError: Expected n_neighbors <= n_samples_fit")


def test_outputs_that_are_not_finite_count_as_a_failure() -> None:
    """A network that diverged, say."""
    found, trouble = outputs(lambda *_: lambda test: np.full((len(test), 3), np.nan))
    assert np.isnan(found).all()
    assert trouble == "ValueError: There are logits that are not finite."


class Strict(ClassifierMixin, BaseEstimator):
    """As XGBoost: it takes the classes 0, 1, 2 but not 0 and 2."""

    def __init__(self, weights: dict[int, float] | None = None) -> None:
        """Take weights of classes, as many learners do."""
        self.weights = weights

    def fit(self, X: np.ndarray, y: np.ndarray) -> Strict:
        """Refuse labels with a gap."""
        self.classes_ = np.unique(y)
        if self.classes_.tolist() != list(range(len(self.classes_))):
            msg = f"Expected: {list(range(len(self.classes_)))}, got {self.classes_.tolist()}"
            raise ValueError(msg)
        self.fitted_ = GaussianNB().fit(X, y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Predict."""
        return self.fitted_.predict_proba(X)


NUMBERED = np.argmax(X, axis=1)


def test_a_classifier_that_refuses_a_missing_class_is_trained_on_numbers() -> None:
    """It comes to what a learner does that takes any labels; the missing class has the clip."""
    rows = np.flatnonzero(NUMBERED != 1)
    found, trouble = outputs(Strict(), rows, y=NUMBERED)
    expected, _ = outputs(GaussianNB(), rows, y=NUMBERED)
    assert trouble is None
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(found[:, 1], np.log(CLIP))


def test_numbers_stand_in_for_no_labels_that_the_learner_names() -> None:
    """A weight of class 2 is not one of the class that has the number 1 today."""
    rows = np.flatnonzero(NUMBERED != 1)
    found, trouble = outputs(Strict({0: 1.0, 2: 5.0}), rows, y=NUMBERED)
    assert np.isnan(found).all()
    assert trouble == "ValueError: Expected: [0, 1], got [0, 2]"


def test_a_predictor_whose_classes_are_numbered_anew_is_refused() -> None:
    """A function that numbers the labels itself: class 2 would count as class 1."""

    def train(X: np.ndarray, y: np.ndarray, seed: int) -> Strict:  # noqa: ARG001
        return Strict().fit(X, np.unique(y, return_inverse=True)[1])

    found, trouble = outputs(train, np.flatnonzero(NUMBERED != 1), y=NUMBERED)
    assert np.isnan(found).all()
    assert trouble == (
        "ValueError: The predictor has the classes [0, 1], and was trained on [0, 2]."
    )


def test_not_converging_is_told_and_its_outputs_taken() -> None:
    """No warning gets out, as there would be thousands."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, trouble = outputs(LogisticRegression(max_iter=1))
    assert trouble == CONVERGENCE
    assert np.isfinite(found).all()


def test_regressions_predict_the_mean_where_there_is_nothing_to_learn() -> None:
    """Of all points where there is none."""
    y = X @ [1.0, 2.0, 3.0]

    def fails(X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401, ARG001
        msg = "no"
        raise RuntimeError(msg)

    np.testing.assert_allclose(outputs(fails, [], y=y)[0], np.full((5, 1), y.mean()))
    np.testing.assert_allclose(
        outputs(LinearRegression(), y=y)[0][:, 0], TEST @ [1.0, 2.0, 3.0], atol=1e-9
    )


def test_texts_sparse_matrices_and_data_frames_are_taken() -> None:
    """Inputs are of any kind that the learner takes."""
    texts = ["good film", "bad film", "good fun", "bad fun"]
    y = np.array([1, 0, 1, 0])
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    learner = as_learner(pipeline, y, None, CLIP)
    found, _ = learner.outputs(texts, y, np.arange(4), ["good"], 0)
    assert found[0, 1] > found[0, 0]
    matrix = csr_array(X)
    learner = as_learner(LogisticRegression(), Y, None, CLIP)
    found, trouble = learner.outputs(matrix, Y, EVERY, csr_array(TEST), 0)
    assert trouble is None
    np.testing.assert_allclose(found, outputs(LogisticRegression())[0], atol=1e-6)


def test_lightgbm_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """It would complain of every small subset."""
    outputs(LGBMClassifier(n_estimators=2, n_jobs=1), EVERY[:10])
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize(
    ("train", "error", "text"),
    [
        (LogisticRegression, TypeError, "not its class"),
        (KMeans(), TypeError, "neither a classifier nor a regressor"),
        ("logistic", TypeError, "must be an estimator"),
    ],
)
def test_what_is_no_learner_is_refused(train: object, error: type[Exception], text: str) -> None:
    """The error says what is asked for."""
    with pytest.raises(error, match=text):
        as_learner(train, Y, None, CLIP)


def test_contradictions_are_refused() -> None:
    """A classifier for a regression, one class, or a clip that is no small probability."""
    with pytest.raises(ValueError, match="is for classification, not for regression"):
        as_learner(LogisticRegression(), Y, "regression", CLIP)
    with pytest.raises(ValueError, match="nothing to classify"):
        as_learner(LogisticRegression(), np.zeros(3), None, CLIP)
    with pytest.raises(ValueError, match="clip must be"):
        as_learner(LogisticRegression(), Y, None, 0.0)
    with pytest.raises(ValueError, match="task must be"):
        as_learner(LogisticRegression(), Y, "ranking", CLIP)  # type: ignore[arg-type]
