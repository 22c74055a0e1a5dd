"""Linear surrogates, as other packages fit them, on the uniform masks that ProxySPEX takes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from shapiq_spex.approximators import draw_uniform
from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]

_LIME_WIDTH = 0.25  # of LIME's kernel for texts, in cosine distances
_LIME_RIDGE = 1.0
_CONTEXT_CITE_PENALTY = 0.01
_RIDGES = np.logspace(-3, 5, 33)
_FOLDS = 5


class _Linear(Protocol):
    """A fitted linear model of scikit-learn."""

    coef_: FloatArray
    intercept_: float


def explain_linearly(
    fit: Callable[[FloatArray, FloatArray], tuple[FloatArray, float]],
    n: int,
    budget: int,
    game: Callable[[BoolArray], FloatArray],
    seed: int,
) -> FourierSpectrum:
    """Fit a linear model to a game on ProxySPEX's masks, and two more in place of its first two.

    Args:
        fit: From masks as 0.0 and 1.0, shape ``(m, n)``, and values ``(m,)`` to the effect of each
            player and the value of the empty mask.
        n: The number of players.
        budget: How many masks.
        game: The game.
        seed: The seed of the masks.

    Returns:
        The spectrum of what the model predicts.
    """
    masks = draw_uniform(n, budget + 2, seed)
    if len(masks) > budget:  # the empty and the full mask, which come first, can be outliers
        masks = masks[2:]
    effects, empty = fit(masks.astype(np.float64), game(masks))
    support = [(), *((player,) for player in range(n))]
    return FourierSpectrum(n, support, np.append(empty + effects.sum() / 2, -effects / 2))


def fit_least_squares(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Fit least squares, the smallest one where players outnumber masks.

    Under uniform masks its effects are the Banzhaf values (Hammer and Holzman 1992; as an estimator
    Kernel Banzhaf, Liu et al. 2024).
    """
    centre, level = masks.mean(axis=0), values.mean()
    rows, rest = masks - centre, values - level
    if len(rows) > rows.shape[1]:
        effects = np.linalg.lstsq(rows.T @ rows, rows.T @ rest)[0]
    else:
        effects = rows.T @ np.linalg.lstsq(rows @ rows.T, rest)[0]
    return effects, float(level - centre @ effects)


def fit_mean_differences(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Estimate Banzhaf values by maximum sample reuse (Wang and Jia 2023).

    A player's value is the mean with it less the mean without it; 0 where it is always the same.
    """
    level = values.mean()
    with_player = masks.sum(axis=0)
    sums = (values - level) @ masks
    effects = sums / np.maximum(with_player, 1) + sums / np.maximum(len(masks) - with_player, 1)
    return effects, float(level - effects.sum() / 2)


def fit_lime(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Fit LIME's ridge regression (Ribeiro et al. 2016, ``lime_text`` and ``lime_base``).

    Masks weigh by their cosine distance from the full one.
    """
    from sklearn.linear_model import Ridge  # noqa: PLC0415, slow to import

    distance = 1 - np.sqrt(masks.mean(axis=1))
    weights = np.exp(-(distance**2) / (2 * _LIME_WIDTH**2))
    return _read(Ridge(alpha=_LIME_RIDGE).fit(masks, values, sample_weight=weights))


def fit_lasso(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Fit context-cite's LASSO (Cohen-Wang et al. 2024): standardized masks, a penalty of 0.01."""
    from sklearn.linear_model import Lasso  # noqa: PLC0415, slow to import

    return _fit_standardized(Lasso(alpha=_CONTEXT_CITE_PENALTY, random_state=0), masks, values)


def fit_lasso_cv(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Fit a LASSO whose penalty is chosen by cross-validation, as in datamodels."""
    from sklearn.linear_model import LassoCV  # noqa: PLC0415, slow to import

    return _fit_standardized(LassoCV(cv=_FOLDS, random_state=0), masks, values)


def fit_ridge(masks: FloatArray, values: FloatArray) -> tuple[FloatArray, float]:
    """Fit a ridge regression whose penalty is chosen by leaving out one mask at a time."""
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415, slow to import

    return _read(RidgeCV(_RIDGES).fit(masks, values))


def _fit_standardized(
    model: _Estimator, masks: FloatArray, values: FloatArray
) -> tuple[FloatArray, float]:
    """Fit a model to masks in standard deviations, and return its effects in masks."""
    centre, scale = masks.mean(axis=0), masks.std(axis=0)
    scale[scale == 0] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        effects, level = _read(model.fit((masks - centre) / scale, values))
    effects = effects / scale
    return effects, float(level - centre @ effects)


class _Estimator(Protocol):
    def fit(self, X: FloatArray, y: FloatArray) -> _Linear: ...


def _read(model: _Linear) -> tuple[FloatArray, float]:
    return np.asarray(model.coef_, dtype=np.float64), float(model.intercept_)
