"""The removal test: whether the players that an explanation calls decisive are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._prediction import to_prediction
from ._subsets import best_subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._prediction import Explanation


def most_decisive(explanation: Explanation, n_removed: int) -> NDArray[np.bool_]:
    """Return the mask without those players whose removal should change the value most.

    They are chosen all at once, by what the explanation predicts without them (Butler et al. 2025,
    section 5: the removal test), whichever way the value goes; greedily and by exchanges, as the
    program behind it would take minutes for dense explanations.

    Args:
        explanation: Interaction values of an index that predicts the game, or a spectrum.
        n_removed: How many players are removed, fewer than all.

    Returns:
        The mask of those who stay, shape ``(n,)``.

    Raises:
        ValueError: If the explanation predicts nothing, or the number is out of range.
    """
    prediction, _ = to_prediction(explanation)
    n = prediction.n_players
    if not 1 <= n_removed < n:
        msg = f"Between 1 and {n - 1} of {n} players can be removed, got {n_removed}."
        raise ValueError(msg)
    choices = np.stack(
        [
            best_subset(
                prediction, n - n_removed, blur=0.0, minimize=minimize, method="greedy"
            ).mask
            for minimize in (True, False)
        ]
    )
    whole = prediction.evaluate(np.ones(n, dtype=np.bool_))
    change: NDArray[np.float64] = np.abs(prediction.evaluate(choices) - whole)
    chosen: NDArray[np.bool_] = choices[int(change.argmax())]
    return chosen


def removal_change(whole: float, without: float) -> float:
    """Return ``|f(all) - f(others)| / |f(all)|``, NaN where the value of all is 0."""
    return abs(whole - without) / abs(whole) if whole else float("nan")
