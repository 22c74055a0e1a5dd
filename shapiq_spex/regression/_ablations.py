"""What an approximator bought: masks, the values on them, and how to judge a fit of these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._columns import MaskColumns

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_FOLDS = 5
ALWAYS_SEEN = -1  # stands for a fold in masks that are never held out
_EXACT = 1e-20  # of the values' variance: what is left of an exact fit
_GOVERNING = 0.5  # of the other masks' squared deviations
_ROUNDINGS = 4.0  # of the largest value, in which a game's own arithmetic may differ


@dataclass(frozen=True)
class Ablations:
    """Evaluated masks.

    Attributes:
        columns: The masks.
        values: The values less their mean, shape ``(m,)``: a large constant costs no digits.
        offset: Their mean.
        folds: The fold of each mask in cross-validation, shape ``(m,)``; -1 for masks that are
            never held out, but always learnt from.
        extreme: Which masks are not like uniform ones, boolean of shape ``(m,)``: the empty and the
            full mask.
        negligible: The mean square below which a residual is nothing but rounding.
    """

    columns: MaskColumns
    values: FloatArray
    offset: float
    folds: IntArray
    extreme: NDArray[np.bool_]
    negligible: float

    @classmethod
    def prepare(
        cls, columns: MaskColumns, values: FloatArray, blocks: IntArray, rng: np.random.Generator
    ) -> Ablations:
        """Centre values and divide the masks into folds.

        Args:
            columns: The masks.
            values: The values on them, shape ``(m,)``.
            blocks: Masks of the same block share a fold, shape ``(m,)``. Masks that a design ties
                to each other would otherwise give away each other's values. Negative numbers stand
                for masks that are not typical.
            rng: Where the folds come from.
        """
        offset = float(values.mean())
        centred = values - offset
        rounding = _ROUNDINGS * np.finfo(float).eps * float(np.abs(values).max())
        _, block = np.unique(blocks, return_inverse=True)
        folds = (rng.permutation(int(block.max()) + 1) % N_FOLDS)[block]
        negligible = max(_EXACT * float((centred**2).mean()), rounding**2)
        return cls(columns, centred, offset, folds, blocks < 0, negligible)

    def take(self, rows: IntArray) -> Ablations:
        """Return some of the masks, given by their positions, with the folds that they are in."""
        return replace(
            self,
            columns=self.columns.take(rows),
            values=self.values[rows],
            folds=self.folds[rows],
            extreme=self.extreme[rows],
        )

    def judged_by(self, n_folds: int) -> Ablations:
        """Return the same masks, of which only the last folds are held out and judge a fit."""
        judging = self.folds >= N_FOLDS - n_folds
        folds = np.where(judging, self.folds, ALWAYS_SEEN)
        return replace(self, folds=folds)

    @property
    def typical(self) -> NDArray[np.bool_]:
        """Which masks judge a fit: those like uniform ones that are held out, shape ``(m,)``."""
        judging: NDArray[np.bool_] = ~self.extreme & (self.folds != ALWAYS_SEEN)
        return judging

    @property
    def held_out_folds(self) -> list[int]:
        """The folds that are held out in turn, ascending."""
        labels: list[int] = np.unique(self.folds[self.folds != ALWAYS_SEEN]).tolist()
        return labels

    def without_outliers(self) -> Ablations:
        """Leave out the empty or the full mask where it would govern a fit that is not exact.

        A model that was trained on nothing can be dozens of standard deviations away from the
        others. Among a thousand masks that is most of the squared error, and what fits it is wrong
        on all others; among the ``2**n`` that an explanation is for, it is next to nothing.
        """
        others = self.values[~self.extreme]
        squares = (self.values - others.mean()) ** 2
        governs = squares > max(
            _GOVERNING * len(self.values) * float(others.var()), self.negligible
        )
        kept = ~(self.extreme & governs)
        return self if kept.all() else self.take(np.flatnonzero(kept))

    @property
    def divided(self) -> bool:
        """Whether there are at least two folds, so that one can be held out."""
        return bool((self.folds != self.folds[0]).any())

    @property
    def constant(self) -> bool:
        """Whether all values are the same but for rounding."""
        return self.is_explained(self.values)

    @property
    def varied(self) -> bool:
        """Whether the values differ among the typical masks by more than rounding."""
        return float(self.values[self.typical].var()) > self.negligible

    def is_explained(self, residual: FloatArray) -> bool:
        """Say whether a residual is nothing but rounding."""
        return float((residual**2).mean()) <= self.negligible

    def r_squared(self, predictions: FloatArray) -> float:
        """Return the share of the variance that predictions of the centred values explain."""
        if self.constant:
            return 1.0
        if not self.varied:
            return 0.0  # what sets the empty or the full mask apart is not explained
        residual = (self.values - predictions)[self.typical]
        return 1 - float((residual**2).mean()) / float(self.values[self.typical].var())
