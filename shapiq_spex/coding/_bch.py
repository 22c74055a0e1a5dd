"""Binary BCH codes seen from their syndromes: a sparse set of players from the parities it gives.

SPEX asks every mask ``d`` of a bin for the parity ``<d, T>`` of the unknown set ``T``. With the
bits of ``alpha**(r * e_i)``, ``r = 1, 3, ..., 2t - 1``, as the masks' entries at player ``i``,
these parities are the syndromes of a t-error-correcting BCH code, and decoding them gives every
``T`` of at most ``t`` players (Kang et al. 2025; Bose and Ray-Chaudhuri 1960; Massey
1969).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._galois import MAX_DEGREE, galois_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._galois import IntArray

_FEW_EVALUATIONS = 1 << 15  # of locators at players, below which they need no test beforehand
_CHUNK = 1 << 22  # table look-ups at a time when locators are evaluated at the players


class BCHCode:
    """A shortened BCH code of ``n`` players whose parity checks serve as delays.

    Players are placed on the powers of the field's generator in the order ``exponents``, so that
    two codes of different orders see different accidents.

    Attributes:
        n: The number of players.
        t: The largest size of a set that the code decodes.
        rows: The delays, a boolean array of shape ``(n_rows, n)``: linearly independent parity
            checks, ordered by ``r``, so that the rows of a smaller ``t`` come first.
        rows_per_t: ``rows_per_t[s]`` is how many of the rows serve for sets of up to ``s`` players,
            ``s = 0, ..., t``.
    """

    def __init__(self, n: int, t: int, rng: np.random.Generator) -> None:
        """Lay out the code.

        Args:
            n: The number of players, at least 1.
            t: The largest size of a set to decode, at least 1.
            rng: Where the order of the players comes from.
        """
        self.n = n
        self.t = t
        self._field = galois_field(field_degree(n))
        self._exponents: IntArray = rng.permutation(self._field.order)[:n]
        self._lay_out_rows()

    def _lay_out_rows(self) -> None:
        """Keep the independent parity checks, and say how the others follow from them."""
        field = self._field
        odd = 2 * np.arange(self.t) + 1
        powers = field.exp[(odd[:, None] * self._exponents) % field.order]
        bits = (powers[:, None, :] >> np.arange(field.m)[:, None]) & 1
        checks = bits.reshape(self.t * field.m, self.n).astype(bool)
        kept, combination = _row_basis(checks)
        self.rows: NDArray[np.bool_] = checks[kept]
        self.rows_per_t: IntArray = np.searchsorted(kept, field.m * np.arange(self.t + 1))
        # syndrome bits of all checks from those of the kept rows, modulo 2
        self._all_checks: NDArray[np.float32] = combination.astype(np.float32)

    def decode(self, parities: NDArray[np.bool_], t: int) -> tuple[IntArray, NDArray[np.bool_]]:
        """Decode many parity patterns at once.

        Args:
            parities: Boolean array of shape ``(n_patterns, rows_per_t[t])``: ``<row, T> mod 2`` of
                the unknown sets.
            t: The largest size to decode to, at most the code's own.

        Returns:
            The sets, shape ``(n_patterns, t)``, players ascending and padded with ``n``, and a
            boolean array of shape ``(n_patterns,)`` that says which patterns are those of a set of
            at most ``t`` players (rows of the others are all ``n``).
        """
        syndromes = self._syndromes(parities, t)
        locators, degrees = _berlekamp_massey(self._field.m, syndromes, t)
        decodable = degrees <= t
        if len(locators) * self.n > _FEW_EVALUATIONS:
            decodable[decodable] = self._splits(locators[decodable], degrees[decodable])
        sets = np.full((len(parities), t), self.n, dtype=np.int64)
        candidates = np.flatnonzero(decodable)
        sets[candidates], found = self._roots(locators[candidates], degrees[candidates], t)
        decodable[candidates] = found
        return sets, decodable

    def _syndromes(self, parities: NDArray[np.bool_], t: int) -> IntArray:
        """Return the odd syndromes S1, S3, ... as field elements, shape ``(n_patterns, t)``."""
        m = self._field.m
        checks = self._all_checks[: t * m, : parities.shape[1]]
        # sums of at most t * m ones are exact in single precision, whose product is the fastest
        counts = parities.astype(np.float32) @ checks.T
        bits = counts.astype(np.int64) & 1
        syndromes: IntArray = bits.reshape(len(parities), t, m) @ (1 << np.arange(m))
        return syndromes

    def _splits(self, locators: IntArray, degrees: IntArray) -> NDArray[np.bool_]:
        """Say which locators are products of distinct linear factors: x^(2^m) = x modulo each.

        Of the wrong patterns only one in ``degree!`` passes, so the roots of few remain to be
        looked for among thousands of players.
        """
        splits: NDArray[np.bool_] = degrees == 0
        for degree in range(1, locators.shape[1]):
            rows = np.flatnonzero(degrees == degree)
            if degree == 1:
                splits[rows] = True
            elif len(rows):
                splits[rows] = self._frobenius_fixed(locators[rows, : degree + 1])
        return splits

    def _frobenius_fixed(self, polynomials: IntArray) -> NDArray[np.bool_]:
        """Say for which polynomials of one degree (>= 2, coefficients ascending) x^(2^m) = x."""
        field = self._field
        degree = polynomials.shape[1] - 1
        monic = field.divide(polynomials[:, :degree], polynomials[:, degree:])
        # x^(2j) modulo the polynomial for each j < degree, by repeated multiplication with x
        power = np.zeros_like(monic)
        power[:, 0] = 1
        even_powers = [power]
        for _ in range(degree - 1):
            for _ in range(2):
                top = power[:, -1:]
                power = np.concatenate([np.zeros_like(top), power[:, :-1]], axis=1)
                power = power ^ field.multiply(top, monic)
            even_powers.append(power)
        squares = np.stack(even_powers, axis=1)
        image = np.zeros_like(monic)
        image[:, 1] = 1
        for _ in range(field.m):
            terms = field.multiply(field.square(image)[:, :, None], squares)
            image = np.bitwise_xor.reduce(terms, axis=1)
        identity = np.zeros(degree, dtype=np.int64)
        identity[1] = 1
        fixed: NDArray[np.bool_] = (image == identity).all(axis=1)
        return fixed

    def _roots(
        self, locators: IntArray, degrees: IntArray, t: int
    ) -> tuple[IntArray, NDArray[np.bool_]]:
        """Find the players at which the locators vanish (Chien's search over the players)."""
        field = self._field
        sets = np.full((len(locators), t), self.n, dtype=np.int64)
        found = np.zeros(len(locators), dtype=bool)
        # the locator of player i has the root alpha^(-e_i)
        shifts = (-self._exponents[:, None] * np.arange(t + 1)) % field.order
        step = max(1, _CHUNK // (self.n * (t + 1)))
        for start in range(0, len(locators), step):
            part = locators[start : start + step, None, :]
            terms = np.where(part == 0, 0, field.exp[field.log[part] + shifts])
            vanishes = np.bitwise_xor.reduce(terms, axis=2) == 0
            complete = vanishes.sum(axis=1) == degrees[start : start + step]
            row, player = np.nonzero(vanishes & complete[:, None])
            first = np.searchsorted(row, row)
            sets[start + row, np.arange(len(row)) - first] = player
            found[start : start + step] = complete
        return sets, found


def field_degree(n: int) -> int:
    """Return the smallest m with ``2**m > n``.

    Raises:
        ValueError: If that field is larger than the largest one known here.
    """
    m = int(n).bit_length()
    if m > MAX_DEGREE:
        msg = f"SPEX handles at most {(1 << MAX_DEGREE) - 1} players, got {n}."
        raise ValueError(msg)
    return m


def _row_basis(checks: NDArray[np.bool_]) -> tuple[IntArray, NDArray[np.bool_]]:
    """Choose the first maximal set of independent rows over GF(2).

    Returns:
        The kept rows' positions, and a boolean array of shape ``(n_rows, n_kept)`` that writes each
        row as a sum of kept ones.
    """
    n_rows = len(checks)
    reduced = np.concatenate([checks, np.eye(n_rows, dtype=bool)], axis=1)
    n = checks.shape[1]
    kept: list[int] = []
    pivots: list[int] = []
    combination = np.zeros((n_rows, n_rows), dtype=bool)
    for row in range(n_rows):
        for pivot, basis in zip(pivots, kept, strict=True):
            if reduced[row, pivot]:
                reduced[row] ^= reduced[basis]
        nonzero = np.flatnonzero(reduced[row, :n])
        if len(nonzero):
            pivots.append(int(nonzero[0]))
            kept.append(row)
            combination[row, row] = True
        else:
            combination[row] = reduced[row, n:]
            combination[row, row] = False
    positions = np.asarray(kept, dtype=np.int64)
    return positions, combination[:, positions]


def _berlekamp_massey(m: int, odd_syndromes: IntArray, t: int) -> tuple[IntArray, IntArray]:
    """Return the error locators of many patterns, shape ``(n_patterns, t + 1)``, and their degrees.

    The discrepancy of every second step is zero for a binary code (Berlekamp 1968), so
    two steps are taken at once. A degree of ``t + 1`` stands for a pattern without a locator.
    """
    field = galois_field(m)
    n_patterns = len(odd_syndromes)
    syndromes = np.zeros((n_patterns, 2 * t), dtype=np.int64)
    syndromes[:, ::2] = odd_syndromes
    for even in range(1, 2 * t, 2):  # S_2r is the square of S_r
        syndromes[:, even] = field.square(syndromes[:, (even - 1) // 2])
    locator = np.zeros((n_patterns, t + 1), dtype=np.int64)
    locator[:, 0] = 1
    previous = np.zeros_like(locator)
    previous[:, 1:2] = 1  # x times the last locator of another length
    last = np.ones(n_patterns, dtype=np.int64)
    length = np.zeros(n_patterns, dtype=np.int64)
    for step in range(0, 2 * t, 2):
        reach = min(step, t) + 1
        window = syndromes[:, step - reach + 1 : step + 1][:, ::-1]
        discrepancy = np.bitwise_xor.reduce(field.multiply(locator[:, :reach], window), axis=1)
        factor = field.divide(discrepancy, last)
        updated = locator ^ field.multiply(factor[:, None], previous)
        longer = (discrepancy != 0) & (2 * length <= step)
        source = np.where(longer[:, None], locator, previous)
        last = np.where(longer, discrepancy, last)
        length = np.where(longer, step + 1 - length, length)
        locator = updated
        # two steps later the kept polynomial is x^2 times itself; a fresh one was not shifted yet
        previous = np.zeros_like(source)
        previous[:, 2:] = source[:, :-2]
    degree = t - (locator[:, ::-1] != 0).argmax(axis=1)
    return locator, np.where((length <= t) & (degree == length), length, t + 1)
