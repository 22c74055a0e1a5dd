"""The fast Walsh-Hadamard transform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def walsh_hadamard(values: ArrayLike) -> NDArray[np.float64]:
    """Return the unnormalised Walsh-Hadamard transform along the last axis.

    Args:
        values: Array of shape ``(..., 2**b)``.

    Returns:
        A new array ``W`` of the same shape, ``W[..., j] = sum_l (-1)^<j, l> values[..., l]``, where
        ``<j, l>`` counts the bits that the two positions share.
    """
    transformed = np.array(values, dtype=np.float64, order="C")
    size = transformed.shape[-1]
    half = 1
    while half < size:
        pairs = transformed.reshape(-1, size // (2 * half), 2, half)
        low = pairs[:, :, 0] + pairs[:, :, 1]
        pairs[:, :, 1] = pairs[:, :, 0] - pairs[:, :, 1]
        pairs[:, :, 0] = low
        half *= 2
    return transformed
