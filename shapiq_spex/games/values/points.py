"""Values of test points: one of them, or the mean over several."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax

from shapiq_spex._numbers import refuse_masked
from shapiq_spex.games._inputs import count

from ._value import as_points, check_labels, check_point, choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._value import Classes

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Test points with their right classes.

    Attributes:
        X: The test inputs; with a single target also the input alone.
        y: Their classes.
        point: Which of them counts; None for the mean over all.
    """

    X: Any
    y: Any
    point: int | None = None

    def __post_init__(self) -> None:
        """Make arrays of a single point."""
        X, y = as_points(self.X, self.y)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        check_point(self.point, len(y))

    def check(self, classes: Classes) -> None:
        """Refuse labels that are no classes; see :meth:`Value.check`."""
        check_labels(self.y, classes, type(self).__name__)

    def values(self, outputs: FloatArray, classes: Classes) -> FloatArray:
        """Return the values, shape ``(m,)``; see :meth:`Value.values`."""
        places = check_labels(self.y, classes, type(self).__name__)
        return choose(self._of_each(outputs, places), self.point)

    @abstractmethod
    def _of_each(self, logits: FloatArray, places: IntArray) -> FloatArray:
        """Return the values of all test points, shape ``(m, t)``; ``places`` are their classes."""


class Margin(_Labelled):
    """How far the right class is ahead: its logit less the highest logit of another class.

    It is what datamodels (Ilyas et al. 2022) and ProxySPEX (Butler et al. 2025) explain: positive
    where the model is right, and about linear where a probability is not.

    Attributes:
        X: The test inputs; with a single target also the input alone.
        y: Their classes.
        point: Which of them counts; None for the mean over all.
    """

    def _of_each(self, logits: FloatArray, places: IntArray) -> FloatArray:
        right = np.arange(logits.shape[2]) == places[:, None]
        wrong = np.where(right, -np.inf, logits).max(axis=2)
        margins: FloatArray = (logits * right).sum(axis=2) - wrong
        return margins


class LogLoss(_Labelled):
    """The log-probability of the right class: the log-loss with the opposite sign.

    More is better, as in scikit-learn's ``neg_log_loss``.

    Attributes:
        X: The test inputs; with a single target also the input alone.
        y: Their classes.
        point: Which of them counts; None for the mean over all.
    """

    def _of_each(self, logits: FloatArray, places: IntArray) -> FloatArray:
        logs: FloatArray = log_softmax(logits, axis=2)
        return logs[:, np.arange(len(places)), places]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a regression predicts.

    Attributes:
        X: The test inputs, a table even if it is one.
        point: Which of them counts; None for the mean over all.
    """

    X: Any
    point: int | None = None

    def __post_init__(self) -> None:
        """Refuse a point that there is not."""
        refuse_masked("The test inputs", self.X)
        check_point(self.point, count(self.X))

    def check(self, classes: Classes) -> None:
        """Refuse classifiers; see :meth:`Value.check`."""
        if classes is not None:
            msg = "Prediction is for regressions; for classifiers take Margin, LogLoss or Score."
            raise ValueError(msg)

    def values(self, outputs: FloatArray, classes: Classes) -> FloatArray:  # noqa: ARG002 as others
        """Return predictions, shape ``(m,)``; see :meth:`Value.values`."""
        return choose(outputs[:, :, 0], self.point)
