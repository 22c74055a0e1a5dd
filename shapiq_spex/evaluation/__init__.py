"""What to make of an explanation: how faithful it is, who acts together, and whom to keep."""

from __future__ import annotations

from ._energy import EnergyShares, energy_shares, interaction_matrix
from ._faithfulness import Faithfulness, faithfulness, fresh_seed
from ._masks import draw_test_masks
from ._partners import Partners, near_duplicates, partners
from ._prediction import to_prediction
from ._r_squared import bootstrap_interval, is_constant, r_squared
from ._recall import recall_at
from ._removal import most_decisive, removal_change
from ._subsets import Subset, best_subset

__all__ = [
    "EnergyShares",
    "Faithfulness",
    "Partners",
    "Subset",
    "best_subset",
    "bootstrap_interval",
    "draw_test_masks",
    "energy_shares",
    "faithfulness",
    "fresh_seed",
    "interaction_matrix",
    "is_constant",
    "most_decisive",
    "near_duplicates",
    "partners",
    "r_squared",
    "recall_at",
    "removal_change",
    "to_prediction",
]
