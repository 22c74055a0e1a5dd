"""A learner of any kind: how to train it anew, and what comes out where nothing is to learn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import type_of_target

from shapiq_spex._numbers import is_real
from shapiq_spex.games._inputs import count

from ._predictions import predict, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Task = Literal["classification", "regression"]

CONVERGENCE = ConvergenceWarning.__name__
"""What is said of a training that gave outputs, but had not converged."""

_SEED = "random_state"
_LEAST_CLASSES = 2


@dataclass(frozen=True)
class Learner:
    """What is trained on subsets.

    Attributes:
        train: An unfitted estimator of scikit-learn, or a function from inputs, targets and a seed
            to a predictor.
        classes: All classes in order, shape ``(k,)``; None for a regression.
        clip: The least probability of a class.
    """

    train: Any
    classes: NDArray[Any] | None
    clip: float

    @property
    def width(self) -> int:
        """How many numbers there are for each test point: one a class, or the prediction."""
        return 1 if self.classes is None else len(self.classes)

    def outputs(
        self,
        X: Any,  # noqa: ANN401 whatever the learner takes
        y: NDArray[Any],
        rows: IntArray,
        X_test: Any,  # noqa: ANN401 as above
        seed: int,
    ) -> tuple[FloatArray, str | None]:
        """Train on some of the points, and say what comes out for the test points.

        Args:
            X: All training inputs.
            y: Their targets, shape ``(p,)``.
            rows: The points to train on, by their positions.
            X_test: The test inputs, ``t`` of them.
            seed: The seed of this training.

        Returns:
            Shape ``(t, width)``: the logits of all classes, or the predictions; and what went
            wrong, if anything did. Where there is nothing to learn from, they are those of the
            classes' frequencies, or the mean, among the points; where training failed, NaN.
        """
        present = y[rows]
        if len(rows) == 0 or (self.classes is not None and (present == present[0]).all()):
            return self._repeat(self.prior(present if len(rows) else y), X_test), None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", ConvergenceWarning)
            try:
                outputs = self._ask(_safe_indexing(X, rows), present, X_test, seed)
            except Exception as error:  # noqa: BLE001 it is counted, and the game goes on
                trouble = f"{type(error).__name__}: {error}"
                return self._repeat(np.full(self.width, np.nan), X_test), trouble
        return outputs, CONVERGENCE if caught else None

    def _ask(self, X: Any, y: NDArray[Any], X_test: Any, seed: int) -> FloatArray:  # noqa: ANN401 as above
        """Train on points, and return what comes out for the test points.

        Some classifiers take the classes 0, 1, 2 but not 0 and 2. Where one refuses points that
        lack a class, it gets the numbers of the classes that are there.
        """
        try:
            return predict(self.fit(X, y, seed), X_test, self.classes, self.clip, y)
        except Exception:
            present, numbers = np.unique(y, return_inverse=True)
            if self.classes is None or not self._may_number(present, self.classes):
                raise
            try:
                predictor = self.fit(X, numbers, seed)
                logits = predict(predictor, X_test, np.arange(len(present)), self.clip)
            except Exception:  # noqa: BLE001 the first error is the one to tell of
                logits = None
            if logits is None:
                raise
            return spread(logits, present, self.classes, self.clip)

    def _may_number(self, present: NDArray[Any], classes: NDArray[Any]) -> bool:
        """Say whether classes may get numbers: one is missing, and the learner names none."""
        if not isinstance(self.train, BaseEstimator):
            return False
        named = {
            key
            for value in self.train.get_params().values()
            if isinstance(value, Mapping)  # as class_weight
            for key in value
        }
        return len(present) < len(classes) and named.isdisjoint(classes.tolist())

    def fit(self, X: Any, y: NDArray[Any], seed: int) -> Any:  # noqa: ANN401 any predictor
        """Train on points, all of these, with a seed.

        Args:
            X: The inputs.
            y: The targets.
            seed: The seed.

        Returns:
            The predictor.
        """
        if not isinstance(self.train, BaseEstimator):
            return self.train(X, y, seed)
        estimator = clone(self.train)
        names = (name for name in estimator.get_params() if name.split("__")[-1] == _SEED)
        estimator.set_params(**dict.fromkeys(names, seed))
        if type(estimator).__module__.startswith("lightgbm.") and "verbosity" not in (
            estimator.get_params()
        ):
            estimator.set_params(verbosity=-1)  # it would complain of every small subset
        return estimator.fit(X, y)

    def prior(self, y: NDArray[Any]) -> FloatArray:
        """Return what is to be said with no regard to inputs, shape ``(width,)``.

        Args:
            y: The targets to go by, one at least.
        """
        if self.classes is None:
            return np.array([np.mean(y, dtype=np.float64)])
        counts = (y[:, None] == self.classes).sum(axis=0)
        frequencies: FloatArray = np.log(np.maximum(counts / len(y), self.clip))
        return frequencies

    def _repeat(self, prior: FloatArray, X_test: Any) -> FloatArray:  # noqa: ANN401 as above
        return np.tile(prior, (count(X_test), 1))


def as_learner(train: Any, y: NDArray[Any], task: Task | None, clip: float) -> Learner:  # noqa: ANN401 any learner
    """Check a learner, and find out whether it classifies.

    Args:
        train: An estimator or a function.
        y: The targets, shape ``(p,)``.
        task: What the user says of it.
        clip: The least probability of a class.

    Raises:
        TypeError: If it is neither, or an estimator that neither classifies nor predicts numbers.
        ValueError: If the task is unknown or contradicts the estimator, ``clip`` is out of range,
            or there is one class.
    """
    if task not in (None, "classification", "regression"):
        msg = f"task must be 'classification', 'regression' or None, got {task!r}."
        raise ValueError(msg)
    if not (is_real(clip) and 0 < clip < 1 / _LEAST_CLASSES):
        msg = f"clip must be a probability above 0 and below 0.5, got {clip!r}."
        raise ValueError(msg)
    found = _find_task(train, y, task)
    if task not in (None, found):
        msg = f"{type(train).__name__} is for {found}, not for {task}."
        raise ValueError(msg)
    learner = clone(train) if isinstance(train, BaseEstimator) else train
    if found == "regression":
        return Learner(learner, None, clip)
    classes = np.unique(y)
    if len(classes) < _LEAST_CLASSES:
        msg = f"There is nothing to classify: all targets are {classes.tolist()[0]!r}."
        raise ValueError(msg)
    return Learner(learner, classes, clip)


def _find_task(train: Any, y: NDArray[Any], task: Task | None) -> Task:  # noqa: ANN401 any learner
    """Return what a learner does, by its kind or else by its targets."""
    if isinstance(train, type):
        msg = f"train must be an estimator such as {train.__name__}(), not its class."
        raise TypeError(msg)
    if isinstance(train, BaseEstimator):
        if is_classifier(train):
            return "classification"
        if is_regressor(train):
            return "regression"
        msg = f"{type(train).__name__} is neither a classifier nor a regressor."
        raise TypeError(msg)
    if not callable(train):
        msg = (
            "train must be an estimator of scikit-learn, or a function (X, y, seed) -> predictor, "
            f"got {type(train).__name__}."
        )
        raise TypeError(msg)
    return task or ("regression" if type_of_target(y) == "continuous" else "classification")
