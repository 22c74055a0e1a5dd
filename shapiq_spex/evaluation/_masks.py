"""Masks to test an explanation on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]

_STREAM = 0x54455354  # "TEST": apart from the streams of the approximators' masks
_MAX_NUMBERED = 20  # players whose masks are drawn by number, without repeats


def draw_test_masks(n: int, n_masks: int, seed: int) -> BoolArray:
    """Draw uniform masks, or return all where there are no more.

    Args:
        n: The number of players.
        n_masks: The number of masks; there are ``min(n_masks, 2**n)``.
        seed: The seed.

    Returns:
        Distinct masks of up to 20 players, else independent ones, shape ``(m, n)``. All masks come
        in the order of ``sum_i x_i 2^i``.
    """
    if n > _MAX_NUMBERED:
        rng = np.random.default_rng([_STREAM, seed])
        packed = rng.integers(256, size=(n_masks, -(-n // 8)), dtype=np.uint8)
        return np.unpackbits(packed, axis=1, count=n).view(np.bool_)
    numbers = np.arange(1 << n)
    if n_masks < len(numbers):
        numbers = np.random.default_rng([_STREAM, seed]).choice(numbers, n_masks, replace=False)
    return (numbers[:, None] >> np.arange(n) & 1).astype(np.bool_)
