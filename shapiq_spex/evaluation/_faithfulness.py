"""How faithful an explanation is: how much of the game it predicts on fresh masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from shapiq import Game

from shapiq_spex._numbers import check_integer, is_real
from shapiq_spex.ablations import evaluate

from ._masks import draw_test_masks
from ._prediction import to_prediction
from ._r_squared import bootstrap_interval, is_constant, r_squared

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._prediction import Explanation

_CONFIDENCE = 0.95
_RESAMPLING = 0x424F4F54  # "BOOT"


@dataclass(frozen=True)
class Faithfulness:
    """How much of a game an explanation predicts.

    Attributes:
        r2: The share of the variance of the game's values that is predicted. NaN where all values
            are the same.
        low: Where an interval around it begins.
        high: Where it ends.
        confidence: The interval's probability.
        n_masks: How many masks were tested.
        exact: Whether these were all there are, so that the interval is the figure itself.
        noise: The share of the variance that is chance, where the game is a
            :class:`~shapiq_spex.StoredGame` with ``repeats``: the rest is the most that can be
            predicted. None where it was not measured.
    """

    r2: float
    low: float
    high: float
    confidence: float
    n_masks: int
    exact: bool
    noise: float | None = None

    def __str__(self) -> str:
        """Show the figure and its interval."""
        if self.exact:
            return f"R² = {self.r2:.3f} over all {self.n_masks:,} masks"
        return (
            f"R² = {self.r2:.3f} ({self.confidence:.0%} interval {self.low:.3f} to "
            f"{self.high:.3f}) on {self.n_masks:,} masks"
        )

    def __float__(self) -> float:
        """Return R²."""
        return self.r2


def faithfulness(
    explanation: Explanation,
    game: Callable[[NDArray[np.bool_]], Any],
    n_masks: int = 1000,
    *,
    random_state: int | None = None,
    confidence: float = _CONFIDENCE,
) -> Faithfulness:
    """Test how well an explanation predicts the game on fresh uniform masks.

    This is the measure of the SPEX paper (Kang et al. 2025, section 5): the share of the variance,
    R², that is predicted. Interaction values are read as
    :meth:`FourierSpectrum.from_interaction_values` says; to BV and BII, which say nothing of the
    level, the best constant is added.

    Args:
        explanation: Interaction values of any index that predicts the game, or a spectrum.
        game: A game of shapiq, or a callable from boolean masks ``(m, n)`` to values ``(m,)``.
        n_masks: How many masks to evaluate. Where there are no more, it is all of them, and the
            result is exact.
        random_state: The seed of the masks, which differ from those that the approximators draw
            with it, and of the resamples; None for a fresh one.
        confidence: The probability of the interval, by bootstrap over the masks.

    Returns:
        R² and its interval.

    Raises:
        ValueError: If the explanation predicts nothing, the game has another number of players or
            returns something else than a finite value a mask, or a number is out of range.

    Examples:
        >>> import shapiq
        >>> from shapiq_spex import faithfulness
        >>> def both(masks):
        ...     return 4.0 * masks[:, 0] * masks[:, 1]
        >>> shapley = shapiq.KernelSHAP(n=6).approximate(64, both)
        >>> print(faithfulness(shapley, both))
        R² = 0.333 over all 64 masks
        >>> pairs = shapiq.RegressionFSII(n=6, max_order=2).approximate(64, both)
        >>> print(faithfulness(pairs, both))
        R² = 1.000 over all 64 masks
    """
    prediction, has_level = to_prediction(explanation)
    n = prediction.n_players
    if isinstance(game, Game) and game.n_players != n:
        msg = f"The explanation has {n} players, but the game has {game.n_players}."
        raise ValueError(msg)
    check_integer("n_masks", n_masks, 2)  # a variance takes two
    if not (is_real(confidence) and 0 < confidence < 1):
        msg = f"confidence must be between 0 and 1, got {confidence!r}."
        raise ValueError(msg)
    seed = fresh_seed() if random_state is None else check_integer("random_state", random_state, 0)
    masks = draw_test_masks(n, n_masks, seed)
    found = evaluate(game, np.packbits(masks, axis=1), n)
    kept = ~np.isnan(found.values)
    masks, values = masks[kept], found.values[kept]
    if len(values) < 2:  # noqa: PLR2004 a variance takes two
        msg = f"The game has values for {len(values)} of {len(kept)} masks, which tells nothing."
        raise ValueError(msg)
    exact = bool(len(values) == 1 << n)
    predictions = prediction.evaluate(masks)
    r2 = low = high = r_squared(values, predictions, shift=not has_level)
    if not exact:
        rng = np.random.default_rng([_RESAMPLING, seed])
        low, high = bootstrap_interval(
            values, predictions, rng, confidence=confidence, shift=not has_level
        )
    noise = None
    if found.chance is not None and not is_constant(values):
        noise = min(1.0, found.chance / float(values.var()))
    return Faithfulness(r2, low, high, confidence, len(values), exact, noise)


def fresh_seed() -> int:
    """Draw a seed from the operating system."""
    return int(np.random.default_rng().integers(1 << 63))
