"""Ridge regressions on all single players and some pairs, several fits side by side.

They share the masks' signs, a byte each, and are solved by conjugate gradients: under uniform masks
the equations are so well conditioned that some ten steps are enough, where to set them up would
cost more than to solve them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ._columns import MaskColumns

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    SingleArray = NDArray[np.float32]

_CHUNK = 1 << 24  # signs in single precision at a time
_TOLERANCE = 1e-5  # of the right side: far below what masks can tell
_MAX_STEPS = 60


class Fits:
    """Several fits, each to masks and pairs of its own.

    Attributes:
        n: The number of players.
        learnt: Which masks each fit learns from, shape ``(m, fits)``.
        pairs: The pairs of all fits, shape ``(p, 2)``.
        active: Which of the constant, the players and the pairs each fit has, shape
            ``(1 + n + p, fits)``.
        coefficients: Those of the last solution, of the same shape.
        predictions: What it predicts for all masks, shape ``(m, fits)``.
    """

    def __init__(self, columns: MaskColumns, values: FloatArray, learnt: BoolArray) -> None:
        """Spell the signs out."""
        self.n = columns.n_players
        self.learnt = learnt
        self.pairs: IntArray = np.empty((0, 2), dtype=np.int64)
        self.active = np.ones((1 + self.n, learnt.shape[1]), dtype=np.bool_)
        self.coefficients: FloatArray = np.zeros(self.active.shape)
        self.predictions: FloatArray = np.zeros(learnt.shape)
        self._values = values
        self._signs = _spell(columns)

    def add(self, chosen: list[IntArray]) -> None:
        """Give each fit further pairs.

        Args:
            chosen: For each fit its new pairs, ascending within each, shape ``(p, 2)``.
        """
        codes = [pairs @ (self.n, 1) for pairs in chosen]
        known = self.pairs @ (self.n, 1)
        every = np.concatenate([known, np.setdiff1d(np.concatenate(codes), known)])
        self.pairs = np.stack([every // self.n, every % self.n], axis=1)
        n_new = len(every) - len(known)
        grown = np.zeros((n_new, len(codes)))
        self.active = np.concatenate([self.active, grown.astype(np.bool_)])
        self.coefficients = np.concatenate([self.coefficients, grown])
        for fit, found in enumerate(codes):
            self.active[1 + self.n :, fit] |= np.isin(every, found)

    def solve(self, ridge: float) -> None:
        """Fit all, from where the last solution was.

        Args:
            ridge: The penalty of the squared coefficients but the constant's, in units of the
                number of masks that a fit learns from.
        """
        learnt, values = self.learnt, self._values[:, None]
        penalty = np.full(self.active.shape, ridge) * learnt.sum(axis=0)
        penalty[0] = 0

        def multiply(direction: FloatArray) -> FloatArray:
            single = direction.astype(np.float32)
            product = self._sum(lambda rows, part: (part.T @ single) * learnt[rows])
            return np.where(self.active, product + penalty * direction, 0.0)

        target = self._sum(lambda rows, _: (values[rows] * learnt[rows]).astype(np.float32))
        target[~self.active] = 0.0
        self.coefficients = _solve(multiply, target, self.coefficients)
        single = self.coefficients.astype(np.float32)
        self.predictions = np.concatenate([part.T @ single for _, part in self._parts()]).astype(
            np.float64
        )

    def correlate_pairs(self, heads: IntArray, weights: FloatArray) -> SingleArray:
        """Return the sums over the masks of the signs of pairs times given weights.

        Args:
            heads: The first players of the pairs, shape ``(h,)``.
            weights: Shape ``(m,)``.

        Returns:
            For each of them and every player, shape ``(h, n)``.
        """
        single = weights.astype(np.float32)
        sums = np.zeros((len(heads), self.n), dtype=np.float32)
        for rows in self._chunks(self.n):
            part = self._signs[:, rows].astype(np.float32)
            sums += (part[heads] * single[rows]) @ part.T
        return sums

    def _sum(self, weigh: Callable[[slice, SingleArray], NDArray[np.floating]]) -> FloatArray:
        """Return the sums over the masks of all signs times weights, one row a sign."""
        total = np.zeros(self.active.shape)
        for rows, part in self._parts():
            total += part @ weigh(rows, part)
        return total

    def _parts(self) -> Iterator[tuple[slice, SingleArray]]:
        """Yield some masks, and the signs of the constant, the players and the pairs on them."""
        first, second = self.pairs.T
        for rows in self._chunks(len(self.active)):
            part = np.empty((len(self.active), rows.stop - rows.start), dtype=np.float32)
            part[0] = 1
            part[1 : 1 + self.n] = self._signs[:, rows]
            part[1 + self.n :] = self._signs[first, rows] * self._signs[second, rows]
            yield rows, part

    def _chunks(self, height: int) -> Iterator[slice]:
        """Yield ranges of masks, so many that their signs fit into memory."""
        m = self._signs.shape[1]
        step = max(1, _CHUNK // height)
        for start in range(0, m, step):
            yield slice(start, min(start + step, m))


def _solve(
    multiply: Callable[[FloatArray], FloatArray], target: FloatArray, start: FloatArray
) -> FloatArray:
    """Solve symmetric positive equations, a column each, by conjugate gradients.

    Args:
        multiply: Multiplies by the matrices.
        target: The right sides, shape ``(k, fits)``.
        start: Where to begin, of the same shape.
    """
    found = start.copy()
    left = target - multiply(found) if found.any() else target.copy()
    direction = left.copy()
    power = (left**2).sum(axis=0)
    goal = _TOLERANCE**2 * (target**2).sum(axis=0)
    for _ in range(_MAX_STEPS):
        going = power > goal
        if not going.any():
            break
        moved = multiply(direction)
        curve = (direction * moved).sum(axis=0)
        step = np.divide(power, curve, out=np.zeros_like(power), where=going & (curve > 0))
        found += step * direction
        left -= step * moved
        before, power = power, (left**2).sum(axis=0)
        turn = np.divide(power, before, out=np.zeros_like(power), where=before > 0)
        direction = left + turn * direction
    return found


def _spell(columns: MaskColumns) -> NDArray[np.int8]:
    """Return the signs of all players, shape ``(n, m)``."""
    signs = np.empty((columns.n_players, columns.n_masks), dtype=np.int8)
    step = max(1, _CHUNK // columns.n_masks)
    for start in range(0, columns.n_players, step):
        players = np.arange(start, min(start + step, columns.n_players))
        signs[players] = columns.signs(players)
    return signs
