"""Hierarchical detection: what an ensemble's largest terms, closed downwards, can explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.regression import SparseFit, better, fit_fixed, fit_sparse
from shapiq_spex.spectrum._sets import orders, unique_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.regression import HierarchicalSearch

    from ._booster import BoosterFit

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Terms = tuple[IntArray, FloatArray]

_SIZES = (10, 30, 100)  # terms to start from
_LARGEST_SHARE = 0.15  # of the masks
_MAX_ORDER = 6  # of a term whose subsets are all listed


def fit_candidates(search: HierarchicalSearch, booster: BoosterFit, rival: SparseFit) -> SparseFit:
    """Refit an ensemble's largest terms and extend them greedily, as far as that predicts better.

    How many of the terms to start from is chosen by cross-validation, each fold having its own
    from the ensemble that was fitted without it. They are extended only where they predict better
    than a rival as they are.

    Args:
        search: The hierarchical search, with the masks and values.
        booster: The ensemble.
        rival: What was found without it.

    Returns:
        The fit with the best out-of-fold predictions.
    """
    ablations, n = search.ablations, booster.n_players
    largest = max(1, int(_LARGEST_SHARE * len(ablations.values)))
    fits, supports = [], []
    for size in sorted({min(size, largest) for size in _SIZES}):
        start = close_downwards(booster.terms, n, size)
        fold_starts = {
            fold: close_downwards(terms, n, size) for fold, terms in booster.fold_terms.items()
        }
        supports.append((start, fold_starts))
        fits.append(fit_fixed(ablations, start, fold_starts))
    best = max(range(len(fits)), key=lambda i: ablations.r_squared(fits[i].out_of_fold))
    if better(ablations, rival, fits[best]) is rival:
        return rival
    return better(ablations, fits[best], fit_sparse(search, *supports[best]))


def close_downwards(terms: Terms, n_players: int, size: int) -> IntArray:
    """Return the sets of the largest terms with all their subsets.

    Args:
        terms: Sets, shape ``(k, width)``, padded, and coefficients, shape ``(k,)``.
        n_players: The number of players.
        size: How many of the terms to take, those of up to six players.

    Returns:
        The sets, the empty one first, shape ``(l, width)``, padded.
    """
    sets, coefficients = terms
    sizes = orders(sets, n_players)
    allowed = np.flatnonzero((sizes > 0) & (sizes <= _MAX_ORDER))
    chosen = allowed[np.argsort(-np.abs(coefficients[allowed]), kind="stable")[:size]]
    width = max(1, int(sizes[chosen].max(initial=0)))
    members = (np.arange(1 << width)[:, None] >> np.arange(width)) & 1 == 1
    padded = np.full((len(chosen), width), n_players)
    padded[:, : sets.shape[1]] = sets[chosen][:, :width]
    empty = np.full((1, width), n_players)
    subsets = np.where(members, padded[:, None, :], n_players).reshape(-1, width)
    subsets.sort(axis=1)
    distinct, _ = unique_sets(np.concatenate([empty, subsets]))
    order = np.argsort(orders(distinct, n_players), kind="stable")
    return distinct[order]
