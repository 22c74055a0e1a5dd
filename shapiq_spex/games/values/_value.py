"""What a value is, and how test points are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from shapiq_spex._numbers import check_integer, refuse_masked
from shapiq_spex.games._inputs import count

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Classes = NDArray[Any] | None


@runtime_checkable
class Value(Protocol):
    """A number made of what a retrained model says of test points. More of it is better.

    Attributes:
        X: The test inputs.
    """

    @property
    def X(self) -> Any:  # noqa: ANN401, N802 whatever the learner takes
        """The test inputs, which the model is asked about after each retraining."""

    def check(self, classes: Classes) -> None:
        """Refuse what does not go with the training data.

        Args:
            classes: All classes in order; None for a regression.

        Raises:
            ValueError: If it does not.
        """

    def values(self, outputs: FloatArray, classes: Classes) -> FloatArray:
        """Return the values, shape ``(m,)``.

        Args:
            outputs: Logits of shape ``(m, t, k)`` or, for a regression, predictions of shape
                ``(m, t, 1)``, of ``m`` retrainings for ``t`` test points.
            classes: The ``k`` classes in order; None for a regression.

        Returns:
            One value for each retraining.
        """


def as_points(X: Any, y: ArrayLike) -> tuple[Any, NDArray[Any]]:  # noqa: ANN401 as above
    """Return test points; a single one is put into a list.

    Args:
        X: Inputs; with a single target also the input alone.
        y: Their targets.

    Raises:
        ValueError: If their numbers differ, or there are none.
    """
    refuse_masked("The test inputs", X)
    refuse_masked("Their targets", y)
    targets = np.asarray(y)
    if targets.ndim == 0:
        targets = targets[None]
        X = _as_list(X)
    if targets.ndim != 1 or count(X) != len(targets) or len(targets) == 0:
        msg = (
            "A value needs one target for each test input, at least one, got "
            f"{count(X)} inputs and targets of shape {np.shape(y)}."
        )
        raise ValueError(msg)
    return X, targets


def _as_list(X: Any) -> Any:  # noqa: ANN401 as above
    """Return one input as a list of inputs, unless it is one."""
    if isinstance(X, str):
        return [X]
    if hasattr(X, "to_frame"):  # a row of a data frame
        return X.to_frame().T.infer_objects()
    if np.ndim(X) > 1 and count(X) == 1:
        return X
    if hasattr(X, "columns") or (isinstance(X, list) and len(X) == 1 and isinstance(X[0], str)):
        return X
    return np.asarray(X)[None]


def check_labels(y: NDArray[Any], classes: Classes, name: str) -> NDArray[np.int64]:
    """Return the places of labels among the classes.

    Args:
        y: The labels, shape ``(t,)``.
        classes: The classes; None for a regression.
        name: The name of the value, for errors.

    Raises:
        ValueError: If a label is none of them, or there are no classes.
    """
    if classes is None:
        msg = f"{name} is for classifiers; for regressions take Prediction or Score."
        raise ValueError(msg)
    hits = y[:, None] == classes
    unknown = ~hits.any(axis=1)
    if unknown.any():
        label = y[unknown].tolist()[0]
        msg = f"The training targets have no class {label!r}; they have {classes.tolist()}."
        raise ValueError(msg)
    places: NDArray[np.int64] = hits.argmax(axis=1)
    return places


def check_point(point: int | None, n_points: int) -> None:
    """Refuse a test point that there is not."""
    if point is not None and not 0 <= check_integer("point", point) < n_points:
        msg = f"point must be None or one of the test points 0 to {n_points - 1}, got {point}."
        raise ValueError(msg)


def choose(per_point: FloatArray, point: int | None) -> FloatArray:
    """Return the values of one test point, or their mean over all, shape ``(m,)``."""
    chosen: FloatArray = per_point.mean(axis=1) if point is None else per_point[:, point]
    return chosen
