"""A spectrum as a sum over products of players, and which values these products can have.

A sign ``(-1)^|S n T|`` is the product of ``1 - 2 x_i`` over the players ``i`` of ``T``, with
``x_i`` 1 for who is present. So it is a sum over the subsets of ``T``, of a product ``y_B`` of the
``x_i`` of each subset ``B``, times ``(-2)^|B|``.

For a set ``M`` the sum over all ``B`` from ``A`` to ``M`` of ``(-1)^|B - A| y_B`` is 1 where of
``M`` just ``A`` is present, else 0. That these are not negative, for all ``A``, is all there is to
say of the products within ``M``, and it also holds for means of them. It says the same whether
the presence of players is counted or their absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from shapiq_spex.spectrum._sets import unique_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Monomials:
    """Products of players that sum up to a spectrum.

    Attributes:
        empty: The position of the empty product, which is 1.
        players: The positions of the single players, of shape ``(n,)``.
        coefficients: What each product counts, of shape ``(m,)``.
        possible: A sparse matrix of shape ``(r, m)``; times the products it is at least 0.
    """

    empty: int
    players: IntArray
    coefficients: FloatArray
    possible: csr_array[np.float64]


def expand(spectrum: FourierSpectrum) -> Monomials:
    """Expand the signs of a spectrum to products.

    Args:
        spectrum: The spectrum; the effort is ``3^d`` for each term of ``d`` players.

    Returns:
        All products of players within any set of the spectrum, and each single player.
    """
    n, width = spectrum.n_players, max(1, spectrum.sets.shape[1])
    degrees = np.unique(spectrum.orders).tolist()
    rows = [spectrum.orders == degree for degree in degrees]
    blocks = [spectrum.sets[row, :degree] for row, degree in zip(rows, degrees, strict=True)]
    values = [spectrum.coefficients[row] for row in rows]
    # each player has a variable, also those that are in no term
    blocks, values = [*blocks, np.arange(n)[:, None]], [*values, np.zeros(n)]
    stacked = np.concatenate([_subsets(block, n, width) for block in blocks])
    distinct, inverse = unique_sets(stacked)
    sizes = [len(block) << block.shape[1] for block in blocks]
    parts = np.split(inverse, np.cumsum(sizes)[:-1])
    tables = [part.reshape(len(block), -1) for part, block in zip(parts, blocks, strict=True)]
    weights = [
        value[:, None] * (-2.0) ** np.bitwise_count(np.arange(table.shape[1]))
        for value, table in zip(values, tables, strict=True)
    ]
    flat = np.concatenate([weight.ravel() for weight in weights])
    counts = np.bincount(inverse)
    # of sets within others nothing needs to be said: they are seen there
    largest = [table[counts[table[:, -1]] == 1] for table in tables]
    return Monomials(
        empty=len(distinct) - 1,  # all padding, which is last
        players=tables[-1][:, -1],
        coefficients=np.bincount(inverse, weights=flat),
        possible=_possible(largest[:-1], len(distinct)),
    )


def _subsets(block: IntArray, n_players: int, width: int) -> IntArray:
    """List the subsets of sets of one size: 2^d rows for each, with the bits of their numbers."""
    count, degree = block.shape
    inside = (np.arange(1 << degree)[:, None] >> np.arange(degree)) & 1 == 1
    members = np.where(inside, block[:, None, :], n_players).reshape(count << degree, degree)
    members.sort(axis=1)
    padding = np.full((count << degree, width - degree), n_players)
    return np.concatenate([members, padding], axis=1)


def _possible(tables: list[IntArray], n_monomials: int) -> csr_array[np.float64]:
    """State that for each set, no subset of it is present with a chance below zero.

    Args:
        tables: For sets of each size, the positions of their subsets, of shape ``(k, 2^d)``.
        n_monomials: How many positions there are.
    """
    rows, columns, signs, height = [], [], [], 0
    for table in tables:
        subsets = np.arange(table.shape[1])
        lower, upper = np.nonzero((subsets[:, None] & subsets) == subsets[:, None])
        odd = np.bitwise_count(lower ^ upper) % 2 == 1
        first = height + len(subsets) * np.arange(len(table))
        rows.append((first[:, None] + lower).ravel())
        columns.append(table[:, upper].ravel())
        signs.append(np.tile(np.where(odd, -1.0, 1.0), len(table)))
        height += table.size
    entries = [np.concatenate(part) if part else np.zeros(0, int) for part in (rows, columns)]
    values = np.concatenate(signs) if signs else np.zeros(0)
    return csr_array((values, (entries[0], entries[1])), shape=(height, n_monomials))
