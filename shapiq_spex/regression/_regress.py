"""From masks, values and supports to a spectrum: the best sparse model, and its companions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import resize, unique_sets

from ._blend import Companion, Regression, blend, summarise
from ._kernel import MAX_MASKS, fit_kernel, list_terms, spread
from ._least_squares import gram, predict, project, solve_normal
from ._pairs import fit_pairs
from ._sparse import fit_fixed, fit_sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ._ablations import Ablations
    from ._columns import MaskColumns
    from ._kernel import KernelFit
    from ._pursuit import HierarchicalSearch
    from ._sparse import SparseFit

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

SUFFICIENT = 0.9999  # out-of-fold R^2 of a sparse model that needs no company
_LARGEST_SHARE = 0.7  # of the masks, for a regression on all single players
_MAX_JOINED = 2000  # sets of that regression, which takes the cube of their number


def regress(search: HierarchicalSearch, support: IntArray) -> Regression:
    """Fit a spectrum to values on masks, keeping each step only where it helps.

    Args:
        search: The hierarchical search, with the masks and values.
        support: Sets that are known to matter, the empty set first, shape ``(k, width)``, padded.

    Returns:
        The fit, with the R^2 of its out-of-fold predictions.
    """
    ablations = search.ablations
    if not ablations.varied:
        return summarise(fit_fixed(ablations.without_outliers(), support[:1]), ablations)
    search = search.without_outliers()
    ablations = search.ablations
    sparse = fit_best_sparse(search, support)
    if ablations.r_squared(sparse.out_of_fold) >= SUFFICIENT:
        return summarise(sparse, ablations)
    rows = kernel_rows(ablations)
    return blend(ablations, sparse, rows, [kernel_companion(ablations, rows)])


def fit_best_sparse(search: HierarchicalSearch, support: IntArray) -> SparseFit:
    """Search from a support and from nothing, and try all single players, alone and with pairs.

    Where these predict better than what a search finds at first sight, its folds are not searched.

    Args:
        search: The hierarchical search.
        support: The empty set first, shape ``(k, width)``, padded.

    Returns:
        The fit with the best out-of-fold predictions.
    """
    ablations = search.ablations
    pairs = fit_pairs(ablations)
    if pairs is not None and _is_out_of_reach(search, support, pairs):
        return pairs
    fits = [fit_sparse(search, support)]
    if len(support) > 1:
        fits.append(fit_sparse(search, support[:1]))
    if pairs is not None:
        fits.append(pairs)
    if pairs is None or len(support) > 1:  # pairs begin with all single players
        singles = with_singles(ablations, support)
        if singles is not None:
            fits.append(fit_fixed(ablations, singles))
    return better(ablations, *fits)


def _is_out_of_reach(search: HierarchicalSearch, support: IntArray, rival: SparseFit) -> bool:
    """Say whether a rival predicts better than a search would, by generalised cross-validation.

    That does not count what the choice of sets gives away, and so speaks for the search.

    Args:
        search: The hierarchical search.
        support: Where it starts, the empty set first, shape ``(k, width)``, padded.
        rival: The other fit.
    """
    ablations = search.ablations
    path = search.run(support, max_terms=search.largest_size, significant=True)
    signs = ablations.columns.characters(path.sets)
    coefficients = solve_normal(gram(signs, signs), project(signs, ablations.values))
    left = 1 - ablations.r_squared(predict(signs, coefficients))
    degrees = len(path.sets) / len(ablations.values)
    return 1 - left / (1 - degrees) ** 2 < ablations.r_squared(rival.out_of_fold)


def better(ablations: Ablations, *fits: SparseFit) -> SparseFit:
    """Return the fit with the best out-of-fold predictions, the first of equal ones."""
    return max(fits, key=lambda fit: ablations.r_squared(fit.out_of_fold))


def with_singles(ablations: Ablations, support: IntArray) -> IntArray | None:
    """Join all single players to a support, if the masks can bear so many sets.

    Args:
        ablations: The masks and values.
        support: The empty set first, shape ``(k, width)``, padded.

    Returns:
        The sets, the empty one first, or None.
    """
    n = ablations.columns.n_players
    singles = resize(np.arange(n)[:, None], support.shape[1], n)
    joined, _ = unique_sets(np.concatenate([support, singles]))
    if len(joined) > min(_MAX_JOINED, _LARGEST_SHARE * len(ablations.values)):
        return None
    constant = (joined == n).all(axis=1)
    return np.concatenate([joined[constant], joined[~constant]])


def kernel_rows(ablations: Ablations) -> IntArray:
    """Return the masks that a kernel regression can bear: all, or some of them evenly spread."""
    return spread(len(ablations.values), MAX_MASKS)


def kernel_companion(
    ablations: Ablations, rows: IntArray, influences: Mapping[int, FloatArray] | None = None
) -> Companion:
    """Fit a kernel ridge regression to some masks.

    Args:
        ablations: The masks and values.
        rows: The masks to fit, shape ``(m,)``.
        influences: What another model says of the players' influences; see ``fit_kernel``.
    """
    part = ablations if len(rows) == len(ablations.values) else ablations.take(rows)
    signs = part.columns.signs(np.arange(part.columns.n_players)).T
    fit = fit_kernel(signs, part.values, part.folds, influences)
    terms = partial(_list_with_constant, fit, part.columns)
    return Companion(fit.out_of_fold, terms, fit.total_energy)


def _list_with_constant(fit: KernelFit, columns: MaskColumns) -> tuple[IntArray, FloatArray]:
    """List the terms of a kernel regression, the constant first."""
    sets, coefficients = list_terms(fit, columns)
    empty = np.full((1, sets.shape[1]), columns.n_players)
    return np.concatenate([empty, sets]), np.append(fit.constant, coefficients)
