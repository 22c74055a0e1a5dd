"""Arithmetic in the finite fields GF(2^m), on arrays of integers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

# A primitive polynomial over GF(2) of each degree m, as the bits of an integer (Lin and Costello,
# "Error Control Coding", 2004). A test checks that each one is primitive.
_PRIMITIVE = {
    1: 0b11,
    2: 0b111,
    3: 0b1011,
    4: 0b10011,
    5: 0b100101,
    6: 0b1000011,
    7: 0b10001001,
    8: 0b100011101,
    9: 0b1000010001,
    10: 0b10000001001,
    11: 0b100000000101,
    12: 0b1000001010011,
    13: 0b10000000011011,
    14: 0b100010001000011,
    15: 0b1000000000000011,
    16: 0b10001000000001011,
    17: 0b100000000000001001,
    18: 0b1000000000010000001,
    19: 0b10000000000000100111,
    20: 0b100000000000000001001,
}
MAX_DEGREE = max(_PRIMITIVE)


class GaloisField:
    """GF(2^m): elements are the integers below 2^m, addition is XOR, products go through logs.

    Attributes:
        m: The degree of the field over GF(2).
        order: The order of its multiplicative group, ``2**m - 1``.
        exp: Powers of the generator, ``exp[e] = alpha**e`` for ``0 <= e < 2 * order`` (two periods,
            so that a sum of two logarithms needs no reduction).
        log: Logarithms, ``log[alpha**e] = e``; ``log[0]`` is 0 and must be masked by the caller.
    """

    def __init__(self, m: int) -> None:
        """Build the tables.

        Args:
            m: The degree of the field, from 1 to 20.

        Raises:
            ValueError: If no primitive polynomial of this degree is known here.
        """
        if m not in _PRIMITIVE:
            msg = f"The degree of GF(2^m) must be between 1 and {MAX_DEGREE}, got {m}."
            raise ValueError(msg)
        self.m = m
        self.order = (1 << m) - 1
        powers = np.empty(self.order, dtype=np.int64)
        element = 1
        for e in range(self.order):
            powers[e] = element
            element <<= 1
            if element >> m:
                element ^= _PRIMITIVE[m]
        self.exp: IntArray = np.concatenate([powers, powers])
        self.log: IntArray = np.zeros(1 << m, dtype=np.int64)
        self.log[powers] = np.arange(self.order)

    def multiply(self, a: IntArray, b: IntArray) -> IntArray:
        """Return the products of two broadcastable arrays of elements."""
        product = self.exp[self.log[a] + self.log[b]]
        return np.where((a == 0) | (b == 0), 0, product)

    def divide(self, a: IntArray, b: IntArray) -> IntArray:
        """Return the quotients ``a / b``; entries of ``b`` must not be zero."""
        quotient = self.exp[self.log[a] - self.log[b] + self.order]
        return np.where(a == 0, 0, quotient)

    def square(self, a: IntArray) -> IntArray:
        """Return the squares of an array of elements."""
        return np.where(a == 0, 0, self.exp[2 * self.log[a]])


@lru_cache(maxsize=8)
def galois_field(m: int) -> GaloisField:
    """Return the field of degree ``m``, its tables built once."""
    return GaloisField(m)
