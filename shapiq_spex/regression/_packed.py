"""Masks packed eight players to a byte, as ``numpy.packbits`` packs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

_MAX_EXACT_BITS = 62


def first_occurrences(packed: NDArray[np.uint8], n: int) -> tuple[IntArray, IntArray]:
    """Find the distinct masks among packed ones.

    Args:
        packed: The masks, shape ``(m, ceil(n / 8))``, with zeros as padding.
        n: The number of players.

    Returns:
        Where each distinct mask occurs first, ascending, and each row's place in that list, shape
        ``(m,)``.
    """
    keys: NDArray[np.generic]
    if n <= _MAX_EXACT_BITS:
        weights = 1 << (8 * np.arange(packed.shape[1], dtype=np.int64))
        keys = packed.astype(np.int64) @ weights
    else:
        keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}")[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)]
