"""Regressions that turn masks and values into a sparse Fourier spectrum."""

from __future__ import annotations

from ._ablations import Ablations
from ._columns import MaskColumns
from ._pursuit import HierarchicalSearch
from ._regress import Regression, regress, summarise
from ._sparse import fit_fixed, fit_support

__all__ = [
    "Ablations",
    "HierarchicalSearch",
    "MaskColumns",
    "Regression",
    "fit_fixed",
    "fit_support",
    "regress",
    "summarise",
]
