"""Linear models of masked prompts, as other packages fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.linear_model import Lasso, LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Predictor = Callable[[np.ndarray], np.ndarray]

_ALPHA = 0.01  # context-cite's


def fit_lasso(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Fit context-cite's LASSO: standardised masks, a penalty of 0.01, answers of one token."""
    lasso = Lasso(alpha=_ALPHA, random_state=0)
    return make_pipeline(StandardScaler(), lasso).fit(masks.astype(float), values).predict


def fit_linear(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Fit least squares, of the smallest norm where there are more players than masks."""
    return LinearRegression().fit(masks.astype(float), values).predict
