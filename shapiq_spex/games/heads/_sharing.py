"""What is computed once for several masks and examples, and what goes into one pass together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_PADDING = 0.08  # of the tokens that examples of different lengths may be filled up by
_STAGE = 0.4  # layers that beginning anew costs, by embeddings, masks and copies
_FEW = 8  # masks at once if they fit, so that examples of like length fill a pass


def count_masks(n_masks: int, n_tokens: int, longest: int, max_tokens: int) -> int:
    """Return how many masks to evaluate at once, at least one.

    Args:
        n_masks: How many there are.
        n_tokens: Of all examples together.
        longest: The tokens of the longest example, or of what all begin with if these are more.
        max_tokens: How many go into a pass.
    """
    few = min(_FEW, max_tokens // longest)
    return max(1, min(n_masks, max(few, max_tokens // max(n_tokens, longest))))


def divide_rows(
    lengths: IntArray, shares: FloatArray, max_tokens: float, max_share: float
) -> list[IntArray]:
    """Divide rows among passes, those of like length together.

    Args:
        lengths: How many tokens each row has, shape ``(r,)``.
        shares: Which share of the memory a pass holds for each besides its features.
        max_tokens: How many tokens a pass may have, padding included.
        max_share: Which share of the memory it may hold.

    Returns:
        The positions of the rows of each pass; one row always fits.
    """
    found: list[IntArray] = []
    current: list[int] = []
    for row in np.argsort(-lengths, kind="stable").tolist():
        rows = [*current, row]
        tokens = len(rows) * lengths[rows[0]]
        too_many = tokens > max_tokens or len(rows) * shares[rows].max() > max_share
        if current and (too_many or tokens > (1 + _PADDING) * lengths[rows].sum()):
            found.append(np.array(current))
            rows = [row]
        current = rows
    return [*found, np.array(current)]


def find_stages(kept: BoolArray, start: int) -> list[int]:
    """Find the layers up to which masks that agree are computed once.

    With the stages, masks pass as few layers in all as can be.

    Args:
        kept: Which heads are on, shape ``(m, n_layers, n_heads)``.
        start: The layer that all begin with.

    Returns:
        Where each stage ends, the number of layers last.
    """
    n_layers = kept.shape[1]
    distinct = [1 if end == start else _count_distinct(kept[:, :end]) for end in range(n_layers)]
    distinct.append(len(kept))
    ends = np.arange(start, n_layers + 1)
    least, before = np.zeros(len(ends)), np.zeros(len(ends), dtype=np.int64)
    for i in range(1, len(ends)):
        costs = least[:i] + np.array(distinct)[ends[i]] * (ends[i] - ends[:i] + _STAGE)
        before[i] = costs.argmin()
        least[i] = costs[before[i]]
    found, i = [], len(ends) - 1
    while i > 0:
        found.append(int(ends[i]))
        i = int(before[i])
    return found[::-1]


def sort_masks(kept: BoolArray) -> IntArray:
    """Return an order of masks in which those that agree on the lower layers are neighbours."""
    packed = np.packbits(kept.reshape(len(kept), -1), axis=1)
    return np.lexsort(packed.T[::-1])


def _count_distinct(kept: BoolArray) -> int:
    """Return how many different masks there are."""
    return len(np.unique(np.packbits(kept.reshape(len(kept), -1), axis=1), axis=0))
