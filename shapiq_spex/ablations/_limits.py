"""How far a run may go before it stops with what there is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from shapiq_spex._numbers import as_real, check_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]


@runtime_checkable
class PricedGame(Protocol):
    """A game that counts the tokens it uses."""

    @property
    def tokens_used(self) -> int:
        """The tokens that evaluations took so far."""

    def estimate_tokens(self, coalitions: BoolArray) -> FloatArray:
        """Return how many tokens masks, shape ``(m, n)``, would take, shape ``(m,)``."""


class TokenLimit:
    """How many tokens a game may use, by its own count and its own estimate of what is to come."""

    def __init__(self, game: PricedGame, limit: int) -> None:
        """Begin to count."""
        self._game, self._limit = game, limit
        self._before = self._last = check_integer("tokens_used", game.tokens_used, 0)
        self._flying = 0.0

    def take(self, masks: BoolArray) -> tuple[int, float]:
        """Return how many of some masks may be evaluated now, and what they would take."""
        costs = np.cumsum(self._estimate(masks))
        # a count that falls would let a run go on for ever
        self._last = max(self._last, check_integer("tokens_used", self._game.tokens_used, 0))
        left = self._limit - (self._last - self._before) - self._flying
        allowed = int(np.searchsorted(costs, left, side="right"))
        cost = float(costs[allowed - 1]) if allowed else 0.0
        self._flying += cost
        return allowed, cost

    def _estimate(self, masks: BoolArray) -> FloatArray:
        """Return what a game says that masks would take, unless that is no such number."""
        estimates = as_real(self._game.estimate_tokens(masks), "estimate_tokens must return")
        if estimates.shape != (len(masks),) or not (estimates >= 0).all():
            msg = (
                f"estimate_tokens must return one number of at least 0 for each of {len(masks)} "
                f"masks, got {estimates}."
            )
            raise ValueError(msg)
        return estimates

    def finish(self, cost: float) -> None:
        """Count masks that were evaluated by what the game says of them from now on."""
        self._flying -= cost


@dataclass
class Limits:
    """How far a run may go before it stops with what there is.

    Attributes:
        deadline: When to begin no further batch, by ``time.monotonic``; None for never.
        n_left: How many masks may still be evaluated; None for any number.
        tokens: How many tokens they may take; None for any number.
    """

    deadline: float | None = None
    n_left: int | None = None
    tokens: TokenLimit | None = None

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def take(self, masks: BoolArray) -> tuple[int, float]:
        """Return how many of some masks may be evaluated now, and their tokens; count both."""
        if self.over:
            return 0, 0.0
        allowed = len(masks) if self.n_left is None else min(len(masks), self.n_left)
        cost = 0.0
        if self.tokens is not None:
            allowed, cost = self.tokens.take(masks[:allowed])
        if self.n_left is not None:
            self.n_left -= allowed
        return allowed, cost

    def finish(self, cost: float) -> None:
        """Take notice that masks of so many tokens were evaluated."""
        if self.tokens is not None:
            self.tokens.finish(cost)
