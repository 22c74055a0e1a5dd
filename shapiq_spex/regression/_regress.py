"""From masks, values and a first support to a spectrum: sparse model, kernel, and their blend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import resize, unique_sets

from ._kernel import MAX_MASKS, fit_kernel, list_terms
from ._sparse import fit_fixed, fit_sparse, improves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._ablations import Ablations
    from ._pursuit import HierarchicalSearch
    from ._sparse import SparseFit

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_SUFFICIENT = 0.9999  # out-of-fold R^2 of a sparse model that needs no company
_MIN_GAIN = 0.01  # of the out-of-fold error, for the kernel to be worth its many terms
_DROPPED_SHARE = 0.01  # of the out-of-fold error, that cutting small coefficients may add


@dataclass(frozen=True)
class Regression:
    """What was found.

    Attributes:
        sets: Distinct sets, the empty one among them, shape ``(k, width)``, padded.
        coefficients: Those of the values less their mean, shape ``(k,)``.
        cv_r2: The R^2 of the out-of-fold predictions; where the kernel has a part in them, on the
            masks that it was fitted on.
    """

    sets: IntArray
    coefficients: FloatArray
    cv_r2: float


def regress(
    search: HierarchicalSearch, support: IntArray, singles: IntArray | None = None
) -> Regression:
    """Fit a spectrum to values on masks, keeping each step only where it helps.

    Args:
        search: The hierarchical search, with the masks and values.
        support: Sets that are known to matter, the empty set first, shape ``(k, width)``, padded.
        singles: The same with all single players, where the masks can bear them.

    Returns:
        The fit, with the R^2 of its out-of-fold predictions.
    """
    ablations = search.ablations
    if not ablations.varied:
        return summarise(fit_fixed(ablations, support[:1]), ablations)
    fits = [fit_sparse(search, support)]
    if len(support) > 1:
        fits.append(fit_sparse(search, support[:1]))
    if singles is not None:
        fits.append(fit_fixed(ablations, singles))
    sparse = max(fits, key=lambda fit: ablations.r_squared(fit.out_of_fold))
    alone = summarise(sparse, ablations)
    if alone.cv_r2 >= _SUFFICIENT:
        return alone
    return _blend_with_kernel(ablations, sparse, alone)


def summarise(fit: SparseFit, ablations: Ablations) -> Regression:
    """Return a sparse fit as it is."""
    return Regression(fit.sets, fit.coefficients, ablations.r_squared(fit.out_of_fold))


def _blend_with_kernel(ablations: Ablations, sparse: SparseFit, alone: Regression) -> Regression:
    """Average the sparse model with a kernel ridge regression where that predicts better."""
    columns, values, folds = ablations.columns, ablations.values, ablations.folds
    rows = slice(0, MAX_MASKS)
    signs = columns.signs(np.arange(columns.n_players), MAX_MASKS).T.astype(np.float64)
    seen = values[rows]
    kernel = fit_kernel(signs, seen, folds[rows])
    difference = sparse.out_of_fold[rows] - kernel.out_of_fold
    energy = float(difference @ difference)
    residual = seen - kernel.out_of_fold
    share = float(np.clip(residual @ difference / energy, 0, 1)) if energy > 0 else 1.0
    typical = ablations.typical[rows]
    blended = (residual - share * difference)[typical] ** 2
    error = float(blended.mean())
    before = (seen - sparse.out_of_fold[rows])[typical] ** 2
    if error > (1 - _MIN_GAIN) * float(before.mean()) or not improves(before, blended):
        return alone
    sets, coefficients = list_terms(kernel, columns)
    coefficients = (1 - share) * coefficients
    total = (1 - share) ** 2 * kernel.total_energy
    sets, coefficients, dropped = _cut(sets, coefficients, total, _DROPPED_SHARE * error)
    constant = (1 - share) * kernel.constant
    sets, coefficients = _add_up(
        columns.n_players,
        (sparse.sets, share * sparse.coefficients),
        (np.full((1, 1), columns.n_players), np.array([constant])),
        (sets, coefficients),
    )
    if error + dropped >= float(before.mean()):
        return alone
    # what was cut is orthogonal to what was kept: it about adds to the error
    return Regression(sets, coefficients, 1 - (error + dropped) / float(seen[typical].var()))


def _cut(
    sets: IntArray, coefficients: FloatArray, total: float, tolerated: float
) -> tuple[IntArray, FloatArray, float]:
    """Drop the smallest coefficients up to a tolerated energy, and return what was dropped."""
    order = np.argsort(-np.abs(coefficients), kind="stable")
    energies = coefficients[order] ** 2
    remaining = np.maximum(total - np.cumsum(energies), 0)
    size = min(len(order), int(np.searchsorted(-remaining, -tolerated)) + 1)
    kept = order[:size]
    dropped = float(remaining[size - 1]) if size else total
    return sets[kept], coefficients[kept], dropped


def _add_up(n_players: int, *parts: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
    """Add up spectra."""
    width = max(sets.shape[1] for sets, _ in parts)
    stacked = np.concatenate([resize(sets, width, n_players) for sets, _ in parts])
    sets, inverse = unique_sets(stacked)
    coefficients = np.concatenate([part for _, part in parts])
    return sets, np.bincount(inverse, weights=coefficients, minlength=len(sets))
