"""What a trained predictor says of test points, as logits of all classes or as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.utils import _safe_indexing

from shapiq_spex._numbers import as_real

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

_RETURN = "The predictor must return"
_BINARY = 2
_SAME = 1e-6  # of a probability: then the decision function is the logit
_TRIED = 4  # test points
_METHODS = ("predict_proba", "decision_function", "predict")


def predict(
    predictor: Any,  # noqa: ANN401 whatever a learner made
    X: Any,  # noqa: ANN401 whatever it takes
    classes: NDArray[Any] | None,
    clip: float,
    trained: NDArray[Any] | None = None,
) -> FloatArray:
    """Return a predictor's outputs.

    Args:
        predictor: With the methods of scikit-learn's; or a function from inputs to logits, shape
            ``(t, k)``, one column a class, or for a regression to predictions, shape ``(t,)``.
        X: The test inputs, ``t`` of them.
        classes: All classes in order, shape ``(k,)``; None for a regression.
        clip: The least probability of a class.
        trained: The labels that it was trained on; None where they are not known.

    Returns:
        Shape ``(t, k)``, or ``(t, 1)`` for a regression. Logits are logs of probabilities but for
        a constant. Where probabilities are the softmax of the decision function, they are taken
        from that; else they are logs of probabilities of at least ``clip``. A class that the
        predictor does not know has the probability ``clip``.

    Raises:
        ValueError: If outputs have another shape, or are not finite, or it has other classes than
            it was trained on.
        TypeError: If it is no predictor.
    """
    if classes is None:
        outputs = as_real(_call(predictor, "predict")(X), _RETURN)
        outputs = outputs[:, None] if outputs.ndim == 1 else outputs
        return _check(outputs, (len(outputs), 1), "predictions")
    if not any(hasattr(predictor, method) for method in _METHODS):
        logits = as_real(_call(predictor, "predict_proba")(X), _RETURN)
        if logits.ndim == 1 and len(classes) == _BINARY:
            logits = _two_columns(logits)
        return _check(logits, (len(logits), len(classes)), "logits")
    known = np.asarray(getattr(predictor, "classes_", classes))
    _check_classes(known, classes, known if trained is None else trained)
    logs = _log_probabilities(predictor, X, known, clip)
    logs = _check(logs, (len(logs), len(known)), "probabilities")
    if len(known) == len(classes):
        return logs
    return spread(logs, known, classes, clip)


def spread(
    logits: FloatArray, known: NDArray[Any], classes: NDArray[Any], clip: float
) -> FloatArray:
    """Return the logits of all classes, given those of the classes that a predictor knows.

    Args:
        logits: Shape ``(t, j)``.
        known: The classes that it knows, shape ``(j,)``.
        classes: All classes in order, shape ``(k,)``.
        clip: The probability of the others.

    Returns:
        Shape ``(t, k)``.
    """
    logs = np.full((len(logits), len(classes)), np.log(clip))
    logs[:, np.searchsorted(classes, known)] = log_softmax(logits, axis=1)
    return logs


def _log_probabilities(predictor: Any, X: Any, known: NDArray[Any], clip: float) -> FloatArray:  # noqa: ANN401
    """Return logits of the classes that an estimator knows."""
    scores = None
    if hasattr(predictor, "decision_function"):
        scores = as_real(predictor.decision_function(X), _RETURN)
        scores = _two_columns(scores) if scores.ndim == 1 else scores
    if hasattr(predictor, "predict_proba"):
        if scores is not None:  # some points tell, and to ask about all takes twice as long
            some = np.arange(min(_TRIED, len(scores)))
            tried = as_real(predictor.predict_proba(_safe_indexing(X, some)), _RETURN)
            if _same(softmax(scores[some], axis=1), tried):
                return scores
        probabilities = as_real(predictor.predict_proba(X), _RETURN)
        return np.asarray(np.log(np.maximum(probabilities, clip)))
    if scores is not None:
        return scores
    hit = np.asarray(predictor.predict(X))[:, None] == known
    return np.asarray(np.where(hit, 0.0, np.log(clip)))


def _same(left: FloatArray, right: FloatArray) -> bool:
    return left.shape == right.shape and bool(np.abs(left - right).max(initial=0.0) < _SAME)


def _two_columns(logit: FloatArray) -> FloatArray:
    """Return the logits of two classes whose difference is given."""
    return np.stack([np.zeros_like(logit), logit], axis=1)


def _call(predictor: Any, method: str) -> Any:  # noqa: ANN401
    """Return a method of a predictor, or the predictor if it is a function itself."""
    found = getattr(predictor, method, predictor)
    if not callable(found):
        msg = (
            "The training function must return a predictor: a function from inputs to outputs, or "
            f"an object with predict or predict_proba, got {type(predictor).__name__}."
        )
        raise TypeError(msg)
    return found


def _check(outputs: FloatArray, shape: tuple[int, int], kind: str) -> FloatArray:
    if outputs.shape != shape:
        msg = f"Expected {kind} of shape (t, {shape[1]}), got {outputs.shape}."
        raise ValueError(msg)
    if not np.isfinite(outputs).all():
        msg = f"There are {kind} that are not finite."
        raise ValueError(msg)
    return outputs


def _check_classes(known: NDArray[Any], classes: NDArray[Any], trained: NDArray[Any]) -> None:
    """Refuse a predictor whose classes are numbered anew: which is which could only be guessed."""
    if not (np.isin(known, classes).all() and np.isin(trained, known).all()):
        msg = (
            f"The predictor has the classes {known.tolist()}, and was trained on "
            f"{np.unique(trained).tolist()}."
        )
        raise ValueError(msg)
