"""All single players at once, and the pairs that show beside them.

In long inputs every player matters a little. A greedy search that takes players one by one sees
pairs only through the noise of all the players that it has not taken yet. Here all of them are
fitted first, and what is left of the values is screened for pairs, many at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import resize

from ._side_by_side import Fits
from ._sparse import SparseFit, improves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._ablations import Ablations

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_MIN_PLAYERS = 64  # below, the greedy search sees all pairs soon enough
_LARGEST_SHARE = 0.5  # of the masks, for the number of players
_MAX_ENTRIES = 1 << 29  # of the masks, a byte each
_FIRST_RIDGE = 0.01  # of the number of masks
_RIDGE_STEP = 3.0
_MAX_RIDGE_STEPS = 5
_MAX_SCREEN_WORK = 4e10  # multiplications for a screen of pairs: a second or two
_LENIENCE = 0.6  # of the penalty at which a pair is worth cross-validating
_ADDED_SHARE = 0.3  # of the terms so far, how many may join in one round
_MAX_ROUNDS = 6


def fit_pairs(ablations: Ablations) -> SparseFit | None:
    """Fit all single players and the pairs that stand out from what these leave.

    Each fold is screened anew, so that its held-out masks have no say in what is found there.

    Args:
        ablations: The masks and values.

    Returns:
        The fit by ridge regression, its penalty and the number of rounds by cross-validation; None
        where players are few, or so many that the masks do not tell them apart.
    """
    n, m = ablations.columns.n_players, len(ablations.values)
    if n < _MIN_PLAYERS or n + 1 > _LARGEST_SHARE * m or n * m > _MAX_ENTRIES:
        return None
    labels = [ablations.folds != label for label in ablations.held_out_folds]
    learnt = np.stack([*labels, np.ones(m, dtype=np.bool_)], axis=1)
    fits = Fits(ablations.columns, ablations.values, learnt)
    ridge = _choose_ridge(fits, ablations)
    best = _keep(fits, ablations)
    for _ in range(_MAX_ROUNDS):
        chosen = [_screen(fits, ablations.values, fit) for fit in range(learnt.shape[1])]
        if not any(len(pairs) for pairs in chosen):
            break
        fits.add(chosen)
        fits.solve(ridge)
        found = _keep(fits, ablations)
        if not improves(_squared(ablations, best), _squared(ablations, found)):
            break
        best = found
    return best


def _choose_ridge(fits: Fits, ablations: Ablations) -> float:
    """Fit the single players by the ridge with the least held-out error, and return it."""
    ridge = _FIRST_RIDGE
    coefficients, predictions = _try_ridge(fits, ridge)
    least = _squared(ablations, _keep(fits, ablations)).mean()
    for factor in (_RIDGE_STEP, 1 / _RIDGE_STEP):
        for _ in range(_MAX_RIDGE_STEPS):
            tried = _try_ridge(fits, factor * ridge)
            error = _squared(ablations, _keep(fits, ablations)).mean()
            if error >= least:
                break
            ridge, (coefficients, predictions), least = factor * ridge, tried, error
    fits.coefficients, fits.predictions = coefficients, predictions
    return ridge


def _try_ridge(fits: Fits, ridge: float) -> tuple[FloatArray, FloatArray]:
    fits.solve(ridge)
    return fits.coefficients, fits.predictions


def _keep(fits: Fits, ablations: Ablations) -> SparseFit:
    """Return the fit to all masks, with the predictions of each fold by the fit without it."""
    told = np.zeros(len(ablations.values))
    for fit, label in enumerate(ablations.held_out_folds):
        rows = ablations.folds == label
        told[rows] = fits.predictions[rows, fit]
    active = fits.active[:, -1]
    singles = resize(np.arange(fits.n)[:, None], 2, fits.n)
    sets = np.concatenate([np.full((1, 2), fits.n), singles, fits.pairs])
    return SparseFit(sets[active], fits.coefficients[active, -1], told)


def _squared(ablations: Ablations, found: SparseFit) -> FloatArray:
    """Return the squared out-of-fold errors on the masks that judge."""
    errors = (ablations.values - found.out_of_fold)[ablations.typical]
    return np.asarray(errors**2)


def _screen(fits: Fits, values: FloatArray, fit: int) -> IntArray:
    """Return the pairs that correlate with what a fit leaves, the strongest first."""
    left = (values - fits.predictions[:, fit]) * fits.learnt[:, fit]
    heads = _heads(fits, fit)
    energy = float(left @ left)
    if energy == 0:
        return np.empty((0, 2), dtype=np.int64)
    scores = fits.correlate_pairs(heads, left).astype(np.float64) ** 2 / energy
    players = np.arange(fits.n)
    repeated = np.isin(players, heads) & (players <= heads[:, None])
    scores[repeated] = 0.0  # each pair once, and no player with itself
    penalty = 2 * np.log(max(2.0, len(heads) * fits.n))
    row, other = np.nonzero(scores > _LENIENCE * penalty)
    pairs = np.sort(np.stack([heads[row], other], axis=1), axis=1)
    there = fits.pairs[fits.active[1 + fits.n :, fit]]
    is_new = ~np.isin(pairs @ (fits.n, 1), there @ (fits.n, 1))
    room = int(_ADDED_SHARE * int(fits.active[:, fit].sum()))
    strongest = np.argsort(-scores[row, other][is_new], kind="stable")[:room]
    return pairs[is_new][strongest]


def _heads(fits: Fits, fit: int) -> IntArray:
    """Return the players whose pairs are screened: all, or the strongest if these are too many."""
    count = max(1, int(_MAX_SCREEN_WORK / (fits.n * len(fits.learnt))))
    strength = np.abs(fits.coefficients[1 : 1 + fits.n, fit])
    return np.sort(np.argsort(-strength, kind="stable")[:count])
