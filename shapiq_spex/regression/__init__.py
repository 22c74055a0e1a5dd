"""Regressions that turn masks and values into a sparse Fourier spectrum."""

from __future__ import annotations

from ._ablations import Ablations
from ._blend import Companion, Regression, blend, keep_terms, summarise
from ._columns import MaskColumns
from ._influential import (
    JUDGING_FOLDS,
    find_influential,
    has_too_many_players,
    keep_influential,
)
from ._kernel import EVERY_FOLD
from ._pairs import fit_pairs
from ._pursuit import HierarchicalSearch
from ._regress import (
    SUFFICIENT,
    better,
    fit_best_sparse,
    kernel_companion,
    kernel_rows,
    regress,
    with_singles,
)
from ._sparse import SparseFit, fit_fixed, fit_sparse, fit_support

__all__ = [
    "EVERY_FOLD",
    "JUDGING_FOLDS",
    "SUFFICIENT",
    "Ablations",
    "Companion",
    "HierarchicalSearch",
    "MaskColumns",
    "Regression",
    "SparseFit",
    "better",
    "blend",
    "find_influential",
    "fit_best_sparse",
    "fit_fixed",
    "fit_pairs",
    "fit_sparse",
    "fit_support",
    "has_too_many_players",
    "keep_influential",
    "keep_terms",
    "kernel_companion",
    "kernel_rows",
    "regress",
    "summarise",
    "with_singles",
]
