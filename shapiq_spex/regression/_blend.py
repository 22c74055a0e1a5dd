"""Weighing models by their out-of-fold predictions, and adding up their spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from shapiq_spex.spectrum._sets import add_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ._ablations import Ablations
    from ._sparse import SparseFit

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Terms = tuple[IntArray, FloatArray]

_MIN_GAIN = 0.01  # of the out-of-fold error, for a blend to be worth its many terms
_DROPPED_SHARE = 0.002  # of the out-of-fold error, that cutting small coefficients may add
_WEIGHT_DEVIATION = 0.2  # of a weight from equal ones, before any value was seen


@dataclass(frozen=True)
class Regression:
    """What was found.

    Attributes:
        sets: Distinct sets, the empty one among them, shape ``(k, width)``, padded.
        coefficients: Those of the values less their mean, shape ``(k,)``.
        cv_r2: The R^2 of the out-of-fold predictions, less what was cut off; of a blend, on the
            masks that all its models were fitted on.
    """

    sets: IntArray
    coefficients: FloatArray
    cv_r2: float


@dataclass(frozen=True)
class Companion:
    """A model with many small terms, to stand beside a sparse one.

    Attributes:
        out_of_fold: Predictions without each mask's fold, shape ``(m,)``.
        list_terms: Returns sets, shape ``(k, width)``, padded, and coefficients, shape ``(k,)``.
        total_energy: The sum of all squared coefficients but the constant's, listed or not.
    """

    out_of_fold: FloatArray
    list_terms: Callable[[], Terms]
    total_energy: float


def summarise(fit: SparseFit, ablations: Ablations) -> Regression:
    """Return a sparse fit as it is."""
    return Regression(fit.sets, fit.coefficients, ablations.r_squared(fit.out_of_fold))


def blend(
    ablations: Ablations, sparse: SparseFit, rows: IntArray, companions: Sequence[Companion]
) -> Regression:
    """Average a sparse model with others, unless it predicts as well alone.

    The smallest coefficients are dropped, as far as that adds no more than 0.2% to the out-of-fold
    error: with uniform masks what is dropped is orthogonal to what is kept.

    Args:
        ablations: The masks and values.
        sparse: The sparse model.
        rows: The masks that the others were fitted on, shape ``(m,)``.
        companions: The others, their predictions being those of these masks.

    Returns:
        The blend, or the sparse model where that is about as good.
    """
    alone = summarise(sparse, ablations)
    seen, typical = ablations.values[rows], ablations.typical[rows]
    variance = float(seen[typical].var())
    if variance <= ablations.negligible:
        return alone  # what varies is not among these masks
    predictions = [sparse.out_of_fold[rows], *(other.out_of_fold for other in companions)]
    matrix = np.stack(predictions, axis=1)
    weights = _weigh(matrix[typical], seen[typical])
    error = float(((seen - matrix @ weights)[typical] ** 2).mean())
    before = float(((seen - matrix[:, 0])[typical] ** 2).mean())
    if error > (1 - _MIN_GAIN) * before:
        return alone
    n = ablations.columns.n_players
    parts = [(sparse.sets, weights[0] * sparse.coefficients)]
    unlisted = 0.0
    for weight, other in zip(weights[1:], companions, strict=True):
        if weight > 0:
            sets, coefficients = other.list_terms()
            parts.append((sets, weight * coefficients))
            left = other.total_energy - _energy(sets, coefficients, n)
            unlisted += weight**2 * max(0.0, left)
    sets, coefficients = add_up(n, *parts)
    kept, dropped = largest_terms(sets, coefficients, n, _DROPPED_SHARE * error - unlisted)
    dropped += unlisted
    if error + dropped >= before:
        return alone
    return Regression(sets[kept], coefficients[kept], 1 - (error + dropped) / variance)


def keep_terms(found: Regression, ablations: Ablations, max_terms: int) -> Regression:
    """Keep so many of the largest coefficients, and the constant.

    Args:
        found: A fit.
        ablations: The masks and values that it was fitted to.
        max_terms: How many.

    Returns:
        The smaller fit, its R^2 less what was dropped.
    """
    order = np.argsort(-(found.coefficients**2), kind="stable")
    inner = order[~_is_constant(found.sets, ablations.columns.n_players)[order]]
    dropped = inner[max_terms:]
    if not found.coefficients[dropped].any():
        return found
    kept = np.setdiff1d(np.arange(len(order)), dropped)
    lost = float((found.coefficients[dropped] ** 2).sum())
    variance = float(ablations.values[ablations.typical].var())
    return Regression(
        found.sets[kept], found.coefficients[kept], found.cv_r2 - lost / max(variance, lost)
    )


def largest_terms(
    sets: IntArray, coefficients: FloatArray, n_players: int, tolerated: float
) -> tuple[IntArray, float]:
    """Choose the constant and the largest coefficients, all but a tolerated energy.

    Args:
        sets: Shape ``(k, width)``, padded.
        coefficients: Shape ``(k,)``.
        n_players: The number of players.
        tolerated: The energy that may be dropped.

    Returns:
        The positions of those to keep, and the energy of the others.
    """
    energies = np.where(_is_constant(sets, n_players), np.inf, coefficients**2)
    order = np.argsort(energies, kind="stable")
    lost = np.cumsum(energies[order])
    n_dropped = int(np.searchsorted(lost, max(tolerated, 0.0), side="right"))
    dropped = float(lost[n_dropped - 1]) if n_dropped else 0.0
    return np.sort(order[n_dropped:]), dropped


def _weigh(predictions: FloatArray, values: FloatArray) -> FloatArray:
    """Return the weights of models, none negative, between equal ones and the best in hindsight.

    The least squares of the out-of-fold errors, under a normal prior around equal weights: with a
    hundred masks the best ones in hindsight are mostly chance.

    Args:
        predictions: Out-of-fold predictions, shape ``(m, models)``.
        values: Shape ``(m,)``.
    """
    n_models = predictions.shape[1]
    least = float(((values[:, None] - predictions) ** 2).mean(axis=0).min())
    pull = np.sqrt(least) / _WEIGHT_DEVIATION
    weights, _ = nnls(
        np.concatenate([predictions, pull * np.eye(n_models)]),
        np.concatenate([values, np.full(n_models, pull / n_models)]),
    )
    return np.asarray(weights)


def _is_constant(sets: IntArray, n_players: int) -> NDArray[np.bool_]:
    """Say which sets are empty."""
    return np.asarray((sets == n_players).all(axis=1))


def _energy(sets: IntArray, coefficients: FloatArray, n_players: int) -> float:
    """Return the sum of the squared coefficients but the constant's."""
    return float((coefficients[~_is_constant(sets, n_players)] ** 2).sum())
