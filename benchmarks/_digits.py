"""A trained network and a handwritten digit that it reads right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

if TYPE_CHECKING:
    import numpy.typing as npt

_MAX_GREY = 16.0
_ROWS_PER_CALL = 100


class _Classifier(Protocol):
    def predict_proba(self, X: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...


class Margin:
    """How far a classifier puts one digit ahead of all others: its logit minus the best other.

    Probabilities saturate near 0 and 1, where every ablation looks alike; logits do not.
    """

    def __init__(self, classifier: _Classifier, digit: int) -> None:
        """Set up the margin of one digit.

        Args:
            classifier: A trained classifier of images.
            digit: The digit whose lead is measured.
        """
        self.classifier = classifier
        self.digit = digit

    def __call__(self, images: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the margin of each image, one image per row."""
        # shapiq's imputer hands over an object array.
        pixels = np.asarray(images, dtype=float)
        values = np.empty(len(pixels))
        for start in range(0, len(pixels), _ROWS_PER_CALL):
            batch = pixels[start : start + _ROWS_PER_CALL]
            values[start : start + _ROWS_PER_CALL] = self._margins(batch)
        return values

    def _margins(self, pixels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        probabilities = self.classifier.predict_proba(pixels)
        # Differences of log-probabilities are differences of logits.
        logits = np.log(np.maximum(probabilities, np.finfo(float).tiny))
        others = np.delete(logits, self.digit, axis=1)
        return np.asarray(logits[:, self.digit] - others.max(axis=1))


@dataclass(frozen=True)
class Task:
    """A trained network and the held-out image to explain."""

    model: Margin
    """The network's lead for the digit it reads."""

    background: npt.NDArray[np.float64]
    """The training images: their mean stands for an absent pixel."""

    image: npt.NDArray[np.float64]
    """The pixels of the image to explain, row by row, from 0 (paper) to 1 (ink)."""

    digit: int
    """What the image shows, and what the network reads."""

    accuracy: float
    """The share of held-out images that the network reads right."""

    n_held_out: int
    """The number of held-out images."""


def train(seed: int) -> Task:
    """Train a network on three quarters of the digits and pick a typical image of the rest.

    Args:
        seed: Fixes the split and the network's start, and so the image.

    Returns:
        The network and an image that it reads right.
    """
    digits = load_digits()
    images = digits.data / _MAX_GREY
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )
    network = MLPClassifier(
        hidden_layer_sizes=(64,),
        alpha=0.01,
        learning_rate_init=0.005,
        max_iter=1000,
        random_state=seed,
    )
    network.fit(train_images, train_labels)
    right = np.flatnonzero(network.predict(test_images) == test_labels)
    leads = [Margin(network, int(test_labels[i]))(test_images[i : i + 1]).item() for i in right]
    # A typical image: neither a doubtful one nor one that no ablation could change.
    chosen = int(right[np.argsort(leads)[len(leads) // 2]])
    digit = int(test_labels[chosen])
    return Task(
        model=Margin(network, digit),
        background=train_images,
        image=test_images[chosen],
        digit=digit,
        accuracy=len(right) / len(test_labels),
        n_held_out=len(test_labels),
    )
