"""What to make of a spectrum: who acts together, who stands in for whom, and whom to keep."""

from __future__ import annotations

from ._energy import EnergyShares, energy_shares, interaction_matrix
from ._partners import Partners, near_duplicates, partners
from ._subsets import Subset, best_subset

__all__ = [
    "EnergyShares",
    "Partners",
    "Subset",
    "best_subset",
    "energy_shares",
    "interaction_matrix",
    "near_duplicates",
    "partners",
]
