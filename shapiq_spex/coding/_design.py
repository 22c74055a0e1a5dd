"""Which masks SPEX evaluates: one master order, of which every budget takes a prefix.

For each of a few *groups* ``c`` a random matrix ``M`` over GF(2) and an offset ``s`` give the masks
``M l + d + s``, for all ``l`` of ``b`` bits and every *delay* ``d`` (the zero mask and the parity
checks of a BCH code). The transform over ``l`` of the values at one delay sends each Fourier
coefficient to one of ``2**b`` *bins*, with a sign that the delay gives (Kang et al. 2025). ``M``
for ``b`` is the head of ``M`` for ``b + 1``, and the delays for sets of ``t`` players are the head
of those for ``t + 1``: so a larger design contains the smaller one, and the masks between the two
are blocks that can be bought one by one.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from shapiq_spex.regression._packed import first_occurrences

from ._bch import BCHCode, field_degree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._galois import IntArray

N_GROUPS = 3
_FIRST_LEVEL = 2
_FIRST_SIZE = 2
_MAX_LEVEL = 24
_STREAMS = 0x53504558  # "SPEX"
_MAX_EXACT_BITS = 62


@dataclass(frozen=True)
class Level:
    """One design of the nested sequence.

    Attributes:
        b: The bins of a group number ``2**b``.
        t: Sets of up to ``t`` players are decoded.
    """

    b: int
    t: int


@dataclass(frozen=True)
class Group:
    """The complete part of one group within a budget.

    Attributes:
        matrix: ``M``, boolean array of shape ``(n, b)``.
        offset: ``s``, boolean array of shape ``(n,)``.
        code: The code whose rows, after the zero delay, are the delays.
        t: Sets of up to ``t`` players are decoded.
        rows: Integer array of shape ``(n_delays, 2**b)``: which mask of the design stands at each
            delay and ``l``; -1 for a mask that was taken out.
    """

    matrix: NDArray[np.bool_]
    offset: NDArray[np.bool_]
    code: BCHCode
    t: int
    rows: IntArray

    @property
    def b(self) -> int:
        """The number of bits of a bin."""
        return int(self.matrix.shape[1])


def smallest_budget(n: int) -> int:
    """Return the smallest budget that SPEX accepts for ``n`` players.

    It is the first level of the design for three groups and sets of two players, or all ``2**n``
    masks where these are fewer.
    """
    blocks = N_GROUPS * (1 << _FIRST_LEVEL) * (1 + _FIRST_SIZE * field_degree(n))
    return blocks if n > blocks.bit_length() else min(blocks, 1 << n)


class CodedDesign:
    """The first masks of the master order of ``n`` players, and where the decoder finds them.

    Attributes:
        masks: The masks, packed eight to a byte along the players, shape ``(n_masks, ceil(n/8))``.
        groups: The groups with their complete levels; empty where not one level is complete.
        blocks: A number for the group and delay that each mask was drawn for, shape ``(n_masks,)``.
    """

    def __init__(self, n: int, budget: int, max_degree: int, seed: int) -> None:
        """Draw the masks.

        Args:
            n: The number of players.
            budget: The number of masks; the design has ``min(budget, 2**n)`` of them.
            max_degree: The largest set that the design is to decode.
            seed: The seed of the master order.
        """
        self.n = n
        n_masks = min(budget, 1 << n) if n < _MAX_EXACT_BITS else budget
        # one stream a group, so that no group depends on how far another one was drawn, and none
        # that a user's own generator with the same seed would share
        streams = [np.random.default_rng([_STREAMS, c, seed]) for c in range(N_GROUPS)]
        self._codes = [BCHCode(n, max_degree, rng) for rng in streams]
        # the empty and the full mask come first, as masks of the first two groups
        self._offsets = [rng.random(n) < 0.5 for rng in streams]  # noqa: PLR2004 fair coins
        self._offsets[0][:], self._offsets[1][:] = False, True
        self._columns = [_ColumnStream(n, rng) for rng in streams]
        packed, positions, self.blocks = self._draw(n_masks)
        self.masks = packed
        self.groups = self._complete_groups(positions, n_masks)

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """Return the design with some of its masks; the others' places in the groups stay empty.

        Args:
            kept: Which ones, boolean of shape ``(n_masks,)``.
        """
        part = copy(self)
        places = np.where(kept, np.cumsum(kept) - 1, -1)
        part.masks, part.blocks = self.masks[kept], self.blocks[kept]
        part.groups = [replace(group, rows=places[group.rows]) for group in self.groups]
        return part

    def unpack(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Return the masks from ``start`` to ``stop``, boolean of shape ``(stop - start, n)``."""
        bits = np.unpackbits(self.masks[start:stop], axis=1, count=self.n)
        return bits.view(np.bool_)

    def _draw(self, n_masks: int) -> tuple[NDArray[np.uint8], list[IntArray], IntArray]:
        """Return the first masks without repeats, where each drawn mask is among them, and blocks.

        The drawn masks' positions come one array a block, in the order of ``_all_blocks``.
        """
        ends = np.packbits(np.array([[False] * self.n, [True] * self.n]), axis=1)
        drawn = [ends]
        labels = [-1]
        missing = n_masks - len(ends)
        for label, block in self._all_blocks():
            drawn.append(block)
            labels.append(label)
            missing -= len(block)
            if missing <= 0:  # enough, unless some were drawn twice
                first, _ = first_occurrences(np.concatenate(drawn), self.n)
                missing = n_masks - len(first)
                if missing <= 0:
                    break
        packed = np.concatenate(drawn)
        first, position = first_occurrences(packed, self.n)
        sizes = [len(block) for block in drawn]
        blocks = np.repeat(labels, sizes)[first[:n_masks]]
        return packed[first[:n_masks]], np.split(position, np.cumsum(sizes)[:-1]), blocks

    def _all_blocks(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield the packed masks of one delay of one group at a time, and a number for these two.

        Further bins of a group come back to the delays that it has.
        """
        for group, _, delays, ls in self._steps():
            span = self._span(group, ls)
            for delay in delays:
                start = np.packbits(self._offsets[group] ^ self._delay(group, delay))
                yield group + N_GROUPS * delay, span ^ start

    def _steps(self) -> Iterator[tuple[int, Level, range, range]]:
        """Yield the master order: a group, the level it reaches, its new delays and new l."""
        previous = None
        for level in _levels(self.n, self._codes[0].t):
            for group, code in enumerate(self._codes):
                delays = range(1 + int(code.rows_per_t[level.t]))
                if previous is None:
                    yield group, level, delays, range(1 << level.b)
                elif previous.b == level.b:
                    known = 1 + int(code.rows_per_t[previous.t])
                    yield group, level, delays[known:], range(1 << level.b)
                else:
                    yield group, level, delays, range(1 << previous.b, 1 << level.b)
            previous = level

    def _span(self, group: int, ls: range) -> NDArray[np.uint8]:
        """Return the packed masks ``M l``."""
        n_bits = (ls.stop - 1).bit_length()
        columns = np.packbits(self._columns[group].first(n_bits), axis=1)
        masks = np.zeros((1, columns.shape[1]), dtype=np.uint8)
        for column in columns:
            masks = np.concatenate([masks, masks ^ column])
        return masks[ls.start :]

    def _delay(self, group: int, delay: int) -> NDArray[np.bool_]:
        """Return a delay: the zero mask, then the rows of the group's code."""
        if delay == 0:
            return np.zeros(self.n, dtype=bool)
        row: NDArray[np.bool_] = self._codes[group].rows[delay - 1]
        return row

    def _complete_groups(self, positions: list[IntArray], n_masks: int) -> list[Group]:
        """Say how far each group is complete within the budget."""
        tables = [_Table() for _ in range(N_GROUPS)]
        block = 1  # after the empty and the full mask
        for c, level, delays, ls in self._steps():
            parts = positions[block : block + len(delays)]
            block += len(delays)
            tables[c].add(parts, delays, ls, n_masks, level)
            if not any(table.is_open for table in tables):
                break
        return [
            Group(
                matrix=self._columns[c].first(table.level.b).T,
                offset=self._offsets[c],
                code=self._codes[c],
                t=table.level.t,
                rows=table.rows(1 + int(self._codes[c].rows_per_t[table.level.t])),
            )
            for c, table in enumerate(tables)
            if table.level is not None
        ]


class _Table:
    """Collects the positions of a group's masks as long as its levels are complete."""

    def __init__(self) -> None:
        self.level: Level | None = None
        self.is_open = True
        self._delays: list[IntArray] = []

    def add(
        self, parts: list[IntArray], delays: range, ls: range, n_masks: int, level: Level
    ) -> None:
        """Take the next blocks, ``parts[i]`` being that of ``delays[i]``."""
        complete = len(parts) == len(delays) and all(len(part) == len(ls) for part in parts)
        self.is_open &= complete and all(int(part.max()) < n_masks for part in parts)
        if not self.is_open:
            return
        for delay, part in zip(delays, parts, strict=True):
            if delay == len(self._delays):
                self._delays.append(part)
            else:
                self._delays[delay] = np.concatenate([self._delays[delay], part])
        self.level = level

    def rows(self, n_delays: int) -> IntArray:
        """Return the positions, shape ``(n_delays, 2**b)``."""
        return np.stack(self._delays[:n_delays])


class _ColumnStream:
    """The columns of a group's matrix: random, linearly independent, drawn as they are needed."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self._n = n
        self._rng = rng
        self._columns: list[NDArray[np.bool_]] = []
        self._basis: list[tuple[int, NDArray[np.bool_]]] = []

    def first(self, count: int) -> NDArray[np.bool_]:
        """Return the first columns as rows, shape ``(count, n)``."""
        while len(self._columns) < count:
            column = self._rng.random(self._n) < 0.5  # noqa: PLR2004 fair coins
            reduced = column.copy()
            for pivot, vector in self._basis:
                if reduced[pivot]:
                    reduced ^= vector
            if reduced.any():
                self._basis.append((int(reduced.argmax()), reduced))
                self._columns.append(column)
        return np.array(self._columns[:count]).reshape(count, self._n)


def _levels(n: int, max_degree: int) -> Iterator[Level]:
    """Yield the nested designs: larger sets first, as they cost least, then ever more bins."""
    b = min(_FIRST_LEVEL, n)
    t = min(_FIRST_SIZE, max_degree)
    yield Level(b, t)
    while t < max_degree:
        t += 1
        yield Level(b, t)
    while b < min(n, _MAX_LEVEL):
        b += 1
        yield Level(b, t)
