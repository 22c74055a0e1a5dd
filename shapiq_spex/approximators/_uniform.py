"""Masks drawn uniformly: one master order, of which every budget takes a prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from shapiq_spex.regression._packed import first_occurrences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    PackedArray = NDArray[np.uint8]

_MAX_SHUFFLED = 20  # players for which all masks are shuffled at once
_ROWS = 1024  # masks of one stream
_ROW_STREAM = 0x554E4946  # "UNIF"
_ORDER_STREAM = 0x4F524452  # "ORDR"
_BYTE = 8


@dataclass(frozen=True)
class UniformDesign:
    """Uniform masks, drawn here or recorded elsewhere.

    Attributes:
        masks: The masks, packed eight to a byte along the players, shape ``(m, ceil(n / 8))``.
        blocks: A number for each distinct mask, in the order of their first occurrence, shape
            ``(m,)``; -1 for the empty and the full mask, which are not typical of uniform ones.
    """

    masks: PackedArray
    blocks: IntArray

    @classmethod
    def draw(cls, n: int, n_masks: int, seed: int) -> Self:
        """Draw distinct masks: the empty one, the full one, then uniform ones.

        Args:
            n: The number of players.
            n_masks: The number of masks; there are ``min(n_masks, 2**n)``.
            seed: The seed of the master order.

        Returns:
            The masks. Those of fewer masks with the same seed come first among them.
        """
        n_masks = min(n_masks, 1 << n)
        if n <= _MAX_SHUFFLED:
            masks = _from_codes(_shuffle_codes(n, seed)[:n_masks], n)
        else:
            masks = _draw_distinct(n, n_masks, seed)
        return cls(masks, np.maximum(np.arange(n_masks) - 2, -1))

    @classmethod
    def record(cls, masks: PackedArray, n: int) -> Self:
        """Take masks that were evaluated elsewhere, repeated ones among them or not.

        Args:
            masks: Packed as the design's own, shape ``(m, ceil(n / 8))``.
            n: The number of players.

        Returns:
            The masks in their order.
        """
        first, position = first_occurrences(masks, n)
        full = np.packbits(np.ones(n, dtype=np.bool_))
        typical = (masks.any(axis=1) & (masks != full).any(axis=1))[first]
        numbers = np.where(typical, np.cumsum(typical) - 1, -1)
        return cls(masks, numbers[position])

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """Return some of the masks.

        Args:
            kept: Which ones, boolean of shape ``(m,)``.
        """
        return type(self)(self.masks[kept], self.blocks[kept])


def draw_uniform(n: int, n_masks: int, seed: int) -> NDArray[np.bool_]:
    """Draw the masks that ProxySPEX draws, for other methods that can take them.

    Args:
        n: The number of players.
        n_masks: The number of masks; there are ``min(n_masks, 2**n)``.
        seed: The approximator's seed.

    Returns:
        Distinct masks, shape ``(m, n)``.
    """
    packed = UniformDesign.draw(n, n_masks, seed).masks
    return np.unpackbits(packed, axis=1, count=n).view(np.bool_)


def _draw_distinct(n: int, n_masks: int, seed: int) -> PackedArray:
    """Return the first masks of the master order without repeats."""
    distinct = np.empty((0, -(-n // _BYTE)), dtype=np.uint8)
    drawn = [distinct]
    missing = n_masks
    for part in _parts(n, seed):
        drawn.append(part)
        missing -= len(part)
        if missing <= 0:  # enough, unless some were drawn twice
            packed = np.concatenate(drawn)
            first, _ = first_occurrences(packed, n)
            distinct = packed[first[:n_masks]]
            drawn = [distinct]
            missing = n_masks - len(distinct)
            if missing == 0:
                break
    return distinct


def _parts(n: int, seed: int) -> Iterator[PackedArray]:
    """Yield the master order in parts, repeats included, none of which depends on the others."""
    yield np.packbits(np.array([[False] * n, [True] * n]), axis=1)
    for part in range((1 << n) // _ROWS):
        yield _draw_rows(n, np.random.default_rng([_ROW_STREAM, part, seed]))
    # by now most masks were drawn: to wait for the others would take ever longer
    yield _from_codes(_shuffle_codes(n, seed), n)


def _draw_rows(n: int, rng: np.random.Generator) -> PackedArray:
    """Draw packed masks, a repeat among them or not."""
    rows = rng.integers(256, size=(_ROWS, -(-n // _BYTE)), dtype=np.uint8)
    rows[:, -1] &= 0xFF << (-n % _BYTE) & 0xFF
    return rows


def _shuffle_codes(n: int, seed: int) -> IntArray:
    """Return the numbers of all masks in random order, but the empty and the full one first."""
    rng = np.random.default_rng([_ORDER_STREAM, seed])
    full = (1 << n) - 1
    return np.concatenate([[0, full], rng.permutation(np.arange(1, full))])


def _from_codes(codes: IntArray, n: int) -> PackedArray:
    """Return the packed masks of binary numbers, the first player being the highest digit."""
    width = -(-n // _BYTE)
    digits = codes << (-n % _BYTE)
    every_byte = digits.astype(">u8").view(np.uint8).reshape(-1, _BYTE)
    return np.ascontiguousarray(every_byte[:, -width:])
