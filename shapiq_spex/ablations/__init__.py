"""What stands between a game and a budget: a store, batches, retries, and the record of a run."""

from __future__ import annotations

from ._batches import AblationError
from ._checks import check_masks, check_values, pack_masks
from ._evaluate import Evaluated, evaluate
from ._masks import Masks
from ._reading import Versions
from ._says import find_players, has_parameter
from .record import RunRecord
from .store import AblationStore, Batch, StoreError
from .stored_game import StoredGame

__all__ = [
    "AblationError",
    "AblationStore",
    "Batch",
    "Evaluated",
    "Masks",
    "RunRecord",
    "StoreError",
    "StoredGame",
    "Versions",
    "check_masks",
    "check_values",
    "evaluate",
    "find_players",
    "has_parameter",
    "pack_masks",
]
