"""What to make of an explanation: how faithful it is, who acts together, and whom to keep."""

from __future__ import annotations

from ._energy import EnergyShares, energy_shares, interaction_matrix
from ._faithfulness import Faithfulness, faithfulness
from ._partners import Partners, near_duplicates, partners
from ._subsets import Subset, best_subset

__all__ = [
    "EnergyShares",
    "Faithfulness",
    "Partners",
    "Subset",
    "best_subset",
    "energy_shares",
    "faithfulness",
    "interaction_matrix",
    "near_duplicates",
    "partners",
]
