"""What a run is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.evaluation import (
    bootstrap_interval,
    is_constant,
    most_decisive,
    r_squared,
    recall_at,
    removal_change,
)

from ._watch import to_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    from ._run import Run
    from ._watch import SharedGame

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]

_CONFIDENCE = 0.95
_LEAST_SHARE = 0.1  # of the test masks, for those that a method has not asked for to judge alone
_NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Test:
    """Masks to judge by.

    Attributes:
        masks: The masks, shape ``(m, n)``.
        values: The game's values on them, shape ``(m,)``.
        keys: The masks as keys.
        seed: The seed of resamples.
        chance: The mean variance of a value by chance, None where the game does not tell it.
    """

    masks: BoolArray
    values: FloatArray
    keys: tuple[bytes, ...]
    seed: int
    chance: float | None

    @classmethod
    def take(cls, game: SharedGame, masks: BoolArray, seed: int) -> Test:
        """Evaluate masks."""
        values = game(masks)
        return cls(masks, values, tuple(to_keys(masks)), seed, game.chance)

    @property
    def is_exact(self) -> bool:
        """Whether these are all masks there are."""
        return bool(len(self.masks) == 1 << self.masks.shape[1])

    def unseen(self, asked: frozenset[bytes]) -> BoolArray:
        """Return which masks a method has not asked for; all, where these tell too little.

        The empty and the full mask, which most methods begin with, can be far from all others, and
        are left out for all methods alike once some masks are.
        """
        fresh = np.fromiter((key not in asked for key in self.keys), np.bool_, len(self.keys))
        if not fresh.all():
            sizes = self.masks.sum(axis=1)
            fresh &= (sizes > 0) & (sizes < self.masks.shape[1])
        too_few = fresh.sum() < _LEAST_SHARE * len(fresh) or is_constant(self.values[fresh])
        return np.ones_like(fresh) if too_few else fresh


def judge(
    found: Run, predictions: FloatArray, test: Test, terms: Sequence[int]
) -> dict[str, float]:
    """Judge a run by the masks that it has not seen.

    Args:
        found: The run, with a prediction.
        predictions: What it predicts for the masks, shape ``(m,)``.
        test: The masks.
        terms: After how many Fourier terms to cut the prediction off, for ``r2_top_...``.

    Returns:
        R² with its interval, of all masks, with the best constant, and of the largest terms.
    """
    prediction = _predicting(found)
    fresh = test.unseen(found.asked)
    values, told, shift = test.values[fresh], predictions[fresh], not found.has_level
    r2 = low = high = r_squared(values, told, shift=shift)
    if not test.is_exact:
        rng = np.random.default_rng(test.seed)
        low, high = bootstrap_interval(values, told, rng, confidence=_CONFIDENCE, shift=shift)
    scores = {
        "r2": r2,
        "r2_low": low,
        "r2_high": high,
        "r2_shifted": r_squared(values, told, shift=True),
        "r2_all": r_squared(test.values, predictions, shift=shift),
        "test_masks": int(fresh.sum()),
        "terms": _count_terms(prediction),
    }
    for count in terms:
        kept = prediction.truncate(max_terms=count).evaluate(test.masks[fresh])
        scores[f"r2_top_{count}"] = r_squared(values, kept, shift=True)
    return scores


def judge_removal(found: Run, game: SharedGame, removals: Sequence[float]) -> dict[str, float]:
    """Remove the players that should matter most, and see how much of the value goes.

    Args:
        found: The run, with a prediction.
        game: The game, which is asked for two masks a removal at most.
        removals: How many players to remove, if an integer; else which share of them.

    Returns:
        For each of them ``|f(all) - f(others)| / |f(all)|``.
    """
    prediction = _predicting(found)
    n = game.n_players
    whole = np.ones((1, n), dtype=np.bool_)
    scores = {}
    for removal in removals:
        count = count_removed(removal, n)
        if not 1 <= count < n:
            scores[f"removal_{removal}"] = _NAN
            continue
        left = most_decisive(prediction, count)
        values = game(np.vstack([whole, left]))
        scores[f"removal_{removal}"] = removal_change(float(values[0]), float(values[1]))
    return scores


def count_removed(removal: float, n: int) -> int:
    """Return how many players a number or a share of them is."""
    return int(removal) if isinstance(removal, int | np.integer) else max(1, round(removal * n))


def judge_recall(found: Run, reference: FourierSpectrum | None, top: int) -> dict[str, float]:
    """Return which share of the reference's largest terms is among the largest found."""
    if reference is None:
        return {"recall": _NAN}
    return {"recall": recall_at(_predicting(found), reference, top)}


def stability(predictions: Sequence[FloatArray | None]) -> list[float]:
    """Return how alike the repeats of a method are.

    Args:
        predictions: What each repeat predicts for the test masks, None where it failed.

    Returns:
        For each of them the mean correlation with all others; NaN where there are none, or it
        predicts the same for all masks.
    """
    return [
        float(np.mean([_correlate(one, other) for other in others])) if others else _NAN
        for one, others in (
            (each, [p for j, p in enumerate(predictions) if j != i and p is not None])
            for i, each in enumerate(predictions)
        )
    ]


def _correlate(one: FloatArray | None, other: FloatArray) -> float:
    if one is None or is_constant(one) or is_constant(other):
        return _NAN
    units = (one / np.abs(one).max(), other / np.abs(other).max())  # squares do not overflow
    return float(np.corrcoef(*units)[0, 1])


def _count_terms(prediction: FourierSpectrum) -> int:
    return int(((prediction.orders > 0) & (prediction.coefficients != 0)).sum())


def _predicting(found: Run) -> FourierSpectrum:
    if found.prediction is None:
        msg = "A run that failed has no prediction."
        raise ValueError(msg)
    return found.prediction
