"""Sets of players as padded integer arrays, so that thousands of them cost no Python loop.

A family of ``k`` sets is an ``int64`` array of shape ``(k, width)``: each row lists its players in
strictly increasing order and is filled up with ``n_players``. The padding sorts after every player
and indexes one extra row in lookup tables, which is what keeps the functions here free of masks.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

_CODE_LIMIT = 2**62
"""Rows are encoded as single integers below this, which leaves int64 room for the arithmetic."""


def pad_sets(sets: Iterable[Iterable[int]], n_players: int) -> IntArray:
    """Pack sets of players into a padded array.

    Args:
        sets: The sets, each with its players in any order.
        n_players: The number of players.

    Returns:
        The sets in the order given, as an array of shape ``(k, width)`` where ``width`` is the size
        of the largest set.

    Raises:
        ValueError: If a player is no integer, is out of range, or is repeated inside a set.

    """
    rows = [tuple(players) for players in sets]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    width = int(lengths.max(initial=0))
    padded = np.full((len(rows), width), n_players, dtype=np.int64)
    padded[np.arange(width) < lengths[:, None]] = _as_players(
        list(chain.from_iterable(rows)), n_players
    )
    padded.sort(axis=1)
    repeated = (padded[:, 1:] == padded[:, :-1]) & (padded[:, 1:] < n_players)
    if repeated.any():
        msg = f"A set must not repeat a player. Got {rows[int(repeated.any(axis=1).argmax())]}."
        raise ValueError(msg)
    return padded


def _as_players(players: list[int], n_players: int) -> IntArray:
    """Check a flat list of players and return it as an array."""
    # the handful of types that occur are checked instead of the many players
    for kind in set(map(type, players)):
        if not issubclass(kind, int | np.integer) or issubclass(kind, bool):
            msg = f"Players must be integers. Got a {kind.__name__}."
            raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
    if players and not (min(players) >= 0 and max(players) < n_players):
        wrong = next(player for player in players if not 0 <= player < n_players)
        msg = f"Players must be between 0 and {n_players - 1}. Got {wrong}."
        raise ValueError(msg)
    return np.array(players, dtype=np.int64)


def check_padded(sets: npt.NDArray[np.integer], n_players: int) -> IntArray:
    """Check an array that claims to be padded already, and return it as ``int64``.

    Args:
        sets: The array of shape ``(k, width)``.
        n_players: The number of players.

    Returns:
        The same sets as ``int64``; the array itself where it has that type.

    Raises:
        ValueError: If the array has another shape or type, or a row is not strictly increasing
            players followed by padding.

    """
    if sets.ndim != 2 or sets.dtype.kind not in "iu":  # noqa: PLR2004, rows and columns
        msg = (
            "Padded sets must be an integer array of shape (k, width). "
            f"Got shape {sets.shape} of {sets.dtype}."
        )
        raise ValueError(msg)
    in_range = (sets >= 0) & (sets <= n_players)
    increasing = (sets[:, :-1] < sets[:, 1:]) | (sets[:, 1:] == n_players)
    if not (in_range.all() and increasing.all()):
        msg = (
            "Each row of padded sets must hold strictly increasing players between 0 and "
            f"{n_players - 1}, then {n_players} as padding."
        )
        raise ValueError(msg)
    return sets.astype(np.int64, copy=False)


def orders(sets: IntArray, n_players: int) -> IntArray:
    """Count the players of each set.

    Args:
        sets: The sets, of shape ``(k, width)``.
        n_players: The number of players.

    Returns:
        The sizes, of shape ``(k,)``.

    """
    return np.sum(sets < n_players, axis=1, dtype=np.int64)


def to_tuples(sets: IntArray, n_players: int) -> list[tuple[int, ...]]:
    """Unpack padded sets into tuples of Python integers.

    Args:
        sets: The sets, of shape ``(k, width)``.
        n_players: The number of players.

    Returns:
        The sets in the same order.

    """
    if sets.shape[1] == 0:
        return [()] * len(sets)
    # zipping columns makes the tuples at once, where rows would be lists first
    rows = list(zip(*sets.T.tolist(), strict=True))
    if (sets[:, -1] < n_players).all():
        return rows
    sizes = orders(sets, n_players).tolist()
    return [row[:size] for row, size in zip(rows, sizes, strict=True)]


def resize(sets: IntArray, width: int, n_players: int) -> IntArray:
    """Add or strip columns of padding.

    Args:
        sets: The sets, of shape ``(k, any width)``.
        width: The number of columns wanted.
        n_players: The number of players.

    Returns:
        The same sets with shape ``(k, width)``; the array itself where nothing changes.

    Raises:
        ValueError: If a set has more than ``width`` players.

    """
    have = sets.shape[1]
    if width == have:
        return sets
    if width > have:  # numpy.pad takes ten times as long for a few sets
        wide = np.full((len(sets), width), n_players, dtype=np.int64)
        wide[:, :have] = sets
        return wide
    if (sets[:, width:] < n_players).any():
        msg = f"A set has more than {width} players."
        raise ValueError(msg)
    return sets[:, :width]


def characters(masks: npt.NDArray[np.bool_], sets: IntArray) -> npt.NDArray[np.int8]:
    """Evaluate the Walsh characters ``(-1)^|T n S|`` of sets ``T`` on masks ``S``.

    Args:
        masks: The masks, boolean of shape ``(m, n_players)``.
        sets: The sets, of shape ``(k, width)``.

    Returns:
        The signs ``1`` and ``-1``, of shape ``(k, m)``.

    """
    n_masks, n_players = masks.shape
    signs = np.ones((n_players + 1, n_masks), dtype=np.int8)  # the last row serves the padding
    signs[:n_players] -= 2 * masks.T.astype(np.int8)
    width = sets.shape[1]
    if width == 0:
        return np.ones((len(sets), n_masks), dtype=np.int8)
    product = signs[sets[:, 0]]
    for column in range(1, width):
        # rows that are padding from here on need no touching
        rows = np.flatnonzero(sets[:, column] < n_players)
        if len(rows) > 0 and len(rows) == len(sets) - rows[0]:
            product[rows[0] :] *= signs[sets[rows, column]]  # sets sorted by size: in place
        else:
            product[rows] *= signs[sets[rows, column]]
    return product


def unique_sets(sets: IntArray) -> tuple[IntArray, IntArray]:
    """Find the distinct sets, in lexicographic order of the padded rows.

    Args:
        sets: The sets, of shape ``(k, width)``.

    Returns:
        The distinct sets of shape ``(u, width)``, and for each of the ``k`` rows the position of
        its set among them.

    """
    width = sets.shape[1]
    base = int(sets.max(initial=0)) + 1
    if base**width >= _CODE_LIMIT:
        return _unique_rows(sets)
    codes = np.zeros(len(sets), dtype=np.int64)
    for column in range(width):
        codes *= base
        codes += sets[:, column]
    unique, inverse = np.unique(codes, return_inverse=True)
    decoded = np.empty((len(unique), width), dtype=np.int64)
    for column in reversed(range(width)):
        unique, decoded[:, column] = np.divmod(unique, base)
    return decoded, inverse


def add_up(n_players: int, *parts: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
    """Add up spectra.

    Args:
        n_players: The number of players.
        parts: Sets, shape ``(k, width)``, padded, and their coefficients, shape ``(k,)``, each.

    Returns:
        The distinct sets, and the sums of their coefficients.
    """
    width = max(sets.shape[1] for sets, _ in parts)
    stacked = np.concatenate([resize(sets, width, n_players) for sets, _ in parts])
    sets, inverse = unique_sets(stacked)
    coefficients = np.concatenate([part for _, part in parts])
    return sets, np.bincount(inverse, weights=coefficients, minlength=len(sets))


def _unique_rows(sets: IntArray) -> tuple[IntArray, IntArray]:
    """Do the work of ``unique_sets`` where a row does not fit into one integer."""
    order = np.lexsort(sets.T[::-1])
    ordered = sets[order]
    first = np.ones(len(sets), dtype=bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = np.empty(len(sets), dtype=np.int64)
    inverse[order] = np.cumsum(first) - 1
    return ordered[first], inverse
