"""Linear models of masks, as other packages fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import Lasso, LassoCV, LinearRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

    Predictor = Callable[[np.ndarray], np.ndarray]

_ALPHA = 0.01  # context-cite's


def fit_lasso(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Fit context-cite's LASSO: standardised masks, a penalty of 0.01, answers of one token."""
    lasso = Lasso(alpha=_ALPHA, random_state=0)
    return make_pipeline(StandardScaler(), lasso).fit(masks.astype(float), values).predict


def fit_linear(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Fit least squares, of the smallest norm where there are more players than masks."""
    return LinearRegression().fit(masks.astype(float), values).predict


def fit_lasso_cv(masks: np.ndarray, values: np.ndarray) -> LassoCV:
    """Fit the LASSO of datamodels: its penalty chosen by cross-validation."""
    return LassoCV(cv=5, random_state=0, max_iter=20_000).fit(masks.astype(float), values)


def fit_ridge(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Fit ridge regression, its penalty chosen by leaving out one."""
    return RidgeCV(np.logspace(-3, 5, 33)).fit(masks.astype(float), values).predict


def banzhaf_values(masks: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Estimate Banzhaf values by maximum sample reuse: mean with a player less that without."""
    present = masks.astype(float)
    with_player, without = present.sum(axis=0), (1 - present).sum(axis=0)
    centred = values - values.mean()  # where a player is always there, its value is then 0
    sums = centred @ present
    return sums / np.maximum(with_player, 1) + sums / np.maximum(without, 1)


def fit_banzhaf(masks: np.ndarray, values: np.ndarray) -> Predictor:
    """Predict by Banzhaf values alone."""
    effects, half = banzhaf_values(masks, values), 0.5
    return lambda fresh: values.mean() + (fresh - half) @ effects
