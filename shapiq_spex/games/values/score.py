"""Any scorer of scikit-learn, on outputs that were kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring

from shapiq_spex._numbers import as_real
from shapiq_spex.games._inputs import count

from ._value import as_points, check_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._value import Classes

    FloatArray = NDArray[np.float64]

_BINARY = 2


@dataclass(frozen=True, eq=False)
class Score:
    """How well a retrained model does on test points, by a scorer of scikit-learn.

    The scorer sees a model whose outputs are those that were kept: its probabilities are the
    softmax of the logits. A new scorer costs no retraining.

    Attributes:
        scoring: The name of a scorer, as ``"accuracy"`` or ``"r2"``, or a scorer, as
            ``sklearn.metrics.make_scorer`` makes them.
        X: The test inputs.
        y: Their targets.
    """

    scoring: str | Callable[..., float]
    X: Any
    y: Any
    _scorer: Callable[..., float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the scorer.

        Raises:
            ValueError: If there is none of that name.
        """
        X, y = as_points(self.X, self.y)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "_scorer", check_scoring(_Classifier(), scoring=self.scoring))

    def check(self, classes: Classes) -> None:
        """Refuse labels that are no classes; see :meth:`Value.check`."""
        if classes is not None:
            check_labels(self.y, classes, "Score")

    def values(self, outputs: FloatArray, classes: Classes) -> FloatArray:
        """Return scores, shape ``(m,)``; see :meth:`Value.values`."""
        if classes is None:
            models = [_Regressor().show(each[:, 0]) for each in outputs]
        elif self.scoring == "accuracy":  # the scorer takes longer than a small retraining
            right = classes[outputs.argmax(axis=2)] == self.y
            return np.asarray(right.mean(axis=1))
        else:
            models = [_Classifier().show(each, classes) for each in outputs]
        found = [self._scorer(model, self.X, self.y) for model in models]
        return as_real(found, "The scorer must return")


class _Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A classifier whose outputs are known."""

    def show(self, logits: FloatArray, classes: NDArray[Any]) -> _Classifier:
        self.logits_, self.classes_ = logits, classes
        return self

    def fit(self, X: Any, y: Any) -> _Classifier:  # noqa: ANN401, ARG002 scikit-learn's
        return self

    def decision_function(self, X: Any) -> FloatArray:  # noqa: ANN401 scikit-learn's
        _check_count(self.logits_, X)
        if self.logits_.shape[1] == _BINARY:
            return np.asarray(self.logits_[:, 1] - self.logits_[:, 0])
        return self.logits_

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: ANN401 scikit-learn's
        _check_count(self.logits_, X)
        return np.asarray(softmax(self.logits_, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401 scikit-learn's
        _check_count(self.logits_, X)
        labels: NDArray[Any] = self.classes_[self.logits_.argmax(axis=1)]
        return labels


class _Regressor(RegressorMixin, BaseEstimator):  # type: ignore[misc] # as above
    """A regressor whose outputs are known."""

    def show(self, predictions: FloatArray) -> _Regressor:
        self.predictions_ = predictions
        return self

    def fit(self, X: Any, y: Any) -> _Regressor:  # noqa: ANN401, ARG002 scikit-learn's
        return self

    def predict(self, X: Any) -> FloatArray:  # noqa: ANN401 scikit-learn's
        _check_count(self.predictions_, X)
        return self.predictions_


def _check_count(outputs: FloatArray, X: Any) -> None:  # noqa: ANN401 inputs of any kind
    """Refuse a scorer that asks about other inputs."""
    if count(X) != len(outputs):
        msg = f"The scorer asked about {count(X)} inputs; outputs are kept for {len(outputs)}."
        raise ValueError(msg)
