"""From what a model says of each answer of an example to one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Choosing = Literal["margin", "log_odds", "log_probability", "accuracy"]
CHOOSING: tuple[Choosing, ...] = ("margin", "log_odds", "log_probability", "accuracy")


def rate(scores: FloatArray, right: IntArray, value: Choosing) -> FloatArray:
    """Rate how well a model chooses the right one of several answers.

    Args:
        scores: Logits or log-probabilities of the answers, shape ``(m, e, c)``; minus infinity for
            answers that an example does not have.
        right: Which answer is right, shape ``(e,)``.
        value: How far the right answer is ahead of the highest other one, ``"margin"``, or of all
            others together, ``"log_odds"``; its ``"log_probability"`` among the answers; or 1 where
            it is ahead, else 0, ``"accuracy"``.

    Returns:
        Array of shape ``(m, e)``.
    """
    examples = np.arange(len(right))
    chosen = scores[:, examples, right]
    if value == "log_probability":
        whole: FloatArray = chosen - logsumexp(scores, axis=2)
        return whole
    others = scores.copy()
    others[:, examples, right] = -np.inf
    if value == "log_odds":
        ahead: FloatArray = chosen - logsumexp(others, axis=2)
    else:
        ahead = chosen - others.max(axis=2)
    return ahead if value != "accuracy" else (ahead > 0).astype(np.float64)
