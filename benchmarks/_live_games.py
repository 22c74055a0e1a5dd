"""Games of real models with 64 players and more, all from data that comes with the dependencies."""

from __future__ import annotations

import inspect
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import _digits as digits
import numpy as np
import scipy.stats
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from _common import Game

_POINTS = 100  # training points, the players of a game of subsets
_NEIGHBOURS = 5
_FEATURES = 10  # of the logistic regression: the means of breast_cancer's measurements
_NEWTON_STEPS = 8
_SMOOTHING = 0.1  # added to the variances of naive Bayes
_WORDS = 64  # at least so many distinct words has the text to explain


class Points(NamedTuple):
    """Training points, and one point to classify."""

    features: np.ndarray
    labels: np.ndarray
    point: np.ndarray
    label: int


def digits_network(number: int, *, with_mean: bool) -> tuple[Game, int]:
    """Take pixels out of a digit that a network reads; with the mean image or blank paper."""
    task = digits.train(number)
    absent = task.background.mean(axis=0) if with_mean else np.zeros(len(task.image))
    return lambda masks: task.model(np.where(masks, task.image, absent)), len(task.image)


def bayes_subsets(number: int) -> tuple[Game, int]:
    """Retrain Gaussian naive Bayes on a part of its training points."""
    data = _points(load_breast_cancer, number)

    def log_density(masks: np.ndarray, label: int) -> np.ndarray:
        weights = (masks & (data.labels == label)).astype(float)
        counts = np.maximum(weights.sum(axis=1, keepdims=True), 1)
        means = weights @ data.features / counts
        variances = weights @ data.features**2 / counts - means**2 + _SMOOTHING
        terms = np.log(variances) + (data.point - means) ** 2 / variances
        return np.log(counts[:, 0]) - terms.sum(axis=1) / 2

    def game(masks: np.ndarray) -> np.ndarray:
        lead = log_density(masks, data.label) - log_density(masks, 1 - data.label)
        return np.where(_has_classes(masks, data.labels), lead, 0.0)

    return game, _POINTS


def logistic_subsets(number: int) -> tuple[Game, int]:
    """Retrain logistic regression (L2, by Newton's method) on a part of its training points."""
    data = _points(load_breast_cancer, number)
    rows = np.c_[data.features[:, :_FEATURES], np.ones(_POINTS)]
    point = np.append(data.point[:_FEATURES], 1.0)
    squares = (rows[:, :, None] * rows[:, None, :]).reshape(_POINTS, -1)
    ridge = np.diag([1.0] * _FEATURES + [0.01])

    def game(masks: np.ndarray) -> np.ndarray:
        weights = np.zeros((len(masks), len(point)))
        for _ in range(_NEWTON_STEPS):
            found = 1 / (1 + np.exp(-np.clip(weights @ rows.T, -30, 30)))
            slope = (masks * (data.labels - found)) @ rows - weights @ ridge
            curves = ((masks * found * (1 - found)) @ squares).reshape(-1, *ridge.shape) + ridge
            weights += np.linalg.solve(curves, slope[:, :, None])[:, :, 0]
        lead = weights @ point * (1 if data.label else -1)
        return np.where(_has_classes(masks, data.labels), lead, 0.0)

    return game, _POINTS


def neighbour_subsets(number: int) -> tuple[Game, int]:
    """Take digits from a classifier by nearest neighbours; lead of the right one in logits."""
    data = _points(load_digits, number)
    order = np.argsort(((data.features - data.point) ** 2).sum(axis=1))
    classes = np.eye(data.labels.max() + 1)[data.labels[order]]

    def game(masks: np.ndarray) -> np.ndarray:
        present = masks[:, order]
        asked = present & (present.cumsum(axis=1) <= _NEIGHBOURS)
        logs = np.log1p(asked @ classes)
        lead = logs[:, data.label] - np.delete(logs, data.label, axis=1).max(axis=1)
        return np.where(_has_classes(masks, data.labels), lead, 0.0)

    return game, _POINTS


def words_forest(number: int) -> tuple[Game, int]:
    """Take words out of a docstring that a random forest assigns to numpy or scipy.stats."""
    documents, labels = _documents()
    train, test, train_labels, test_labels = train_test_split(
        documents, labels, test_size=0.25, stratify=labels, random_state=0
    )
    # words alone: scipy.stats puts numbers into its docstrings that differ from import to import
    vectorizer = CountVectorizer(
        binary=True,
        stop_words="english",
        min_df=5,
        token_pattern=r"\b[a-z]{3,}\b",  # noqa: S106 no password
    ).fit(train)
    forest = RandomForestClassifier(300, min_samples_leaf=3, random_state=0)
    forest.fit(vectorizer.transform(train).toarray(), train_labels)
    table = vectorizer.transform(test).toarray()
    shares = forest.predict_proba(table)[np.arange(len(table)), test_labels]
    # no text that the forest is sure of: there, hardly a word matters
    doubt = np.where(table.sum(axis=1) >= _WORDS, np.abs(shares - 0.75), np.inf)
    chosen = np.argsort(doubt, kind="stable")[number]
    words = np.flatnonzero(table[chosen])

    def game(masks: np.ndarray) -> np.ndarray:
        documents = np.zeros((len(masks), table.shape[1]), dtype=np.float32)
        documents[:, words] = masks
        share = 0.01 + 0.98 * forest.predict_proba(documents)[:, test_labels[chosen]]
        return np.log(share / (1 - share))

    return game, len(words)


def _points(load: Callable[..., tuple[np.ndarray, np.ndarray]], number: int) -> Points:
    """Draw training points, and the ``number``-th of the rest."""
    features, labels = load(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(
        features, labels, train_size=_POINTS, stratify=labels, random_state=0
    )
    scale = train.std(axis=0) + 1e-9 * train.std()
    if load is load_digits:
        scale = np.ones_like(scale)  # pixels share a scale; some are always blank
    centre = train.mean(axis=0)
    return Points(
        (train - centre) / scale,
        train_labels,
        (test[number] - centre) / scale,
        int(test_labels[number]),
    )


def _has_classes(masks: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which subsets hold more than one class."""
    present = [(masks & (labels == label)).any(axis=1) for label in np.unique(labels)]
    return np.sum(present, axis=0) > 1


@lru_cache(maxsize=1)
def _documents() -> tuple[list[str], np.ndarray]:
    """Return the docstrings of numpy (0) and scipy.stats (1), without the packages' names."""
    texts = [_docstrings(np), _docstrings(scipy.stats)]
    return texts[0] + texts[1], np.repeat([0, 1], [len(texts[0]), len(texts[1])])


def _docstrings(module: ModuleType) -> list[str]:
    found = {inspect.getdoc(getattr(module, name)) or "" for name in module.__all__}
    return sorted(re.sub(r"numpy|np|scipy|stats", " ", text) for text in found if len(text) > 500)


LIVE_GAMES: dict[str, Callable[[int], tuple[Game, int]]] = {
    "digits, network, mean": lambda number: digits_network(number, with_mean=True),
    "digits, network, blank": lambda number: digits_network(number, with_mean=False),
    "subsets, naive Bayes": bayes_subsets,
    "subsets, logistic": logistic_subsets,
    "subsets, neighbours": neighbour_subsets,
    "words, forest": words_forest,
}
"""Games by name; a number chooses the image, the point or the text."""
