"""Real data to train on: scikit-learn's digits, and Fashion-MNIST where it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits

from shapiq_spex.games import load_mnist

if TYPE_CHECKING:
    from pathlib import Path

_MAX_GREY = 16.0
_SIDE = 28
_WHITE = 255


@dataclass(frozen=True)
class Data:
    """Points with their classes, to train on and to ask about.

    Attributes:
        X: The inputs, from 0 to 1.
        y: Their classes.
    """

    X: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.y)

    def take(self, rows: np.ndarray) -> Data:
        """Return some of the points."""
        return Data(self.X[rows], self.y[rows])

    def split(self, sizes: list[int], rng: np.random.Generator) -> list[Data]:
        """Return disjoint parts of given sizes, drawn at random."""
        order = rng.permutation(len(self))
        return [self.take(rows) for rows in np.split(order, np.cumsum(sizes))[:-1]]


@lru_cache
def digits() -> Data:
    """Return 1,797 handwritten digits of 8 by 8 pixels."""
    X, y = load_digits(return_X_y=True)
    return Data(X / _MAX_GREY, y)


@lru_cache
def fashion(folder: Path) -> Data:
    """Return 60,000 pictures of clothes, reduced to 14 by 14 pixels.

    Args:
        folder: Where the published files lie.
    """
    images, labels = load_mnist(folder)
    small = images.reshape(-1, _SIDE // 2, 2, _SIDE // 2, 2).mean(axis=(2, 4)) / _WHITE
    return Data(small.reshape(len(small), -1), labels)
