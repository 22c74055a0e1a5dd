"""A game that every method asks: no mask is paid for twice, and what each method took is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from shapiq import Game

from shapiq_spex.ablations import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._memory import PeakMemory

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]


class GameError(ValueError):
    """The game failed, which is no failure of a method; its cause is what it failed with."""


class SharedGame:
    """A game whose values are kept in memory.

    Attributes:
        n_players: The number of players.
        chance: The mean variance of a value by chance among those evaluated last, None where the
            game does not tell it.
    """

    def __init__(self, game: Callable[[BoolArray], Any], n_players: int) -> None:
        """Take a game."""
        self.n_players = n_players
        self.chance: float | None = None
        self._game = game
        self._values: dict[bytes, float] = {}

    def __call__(self, masks: BoolArray) -> FloatArray:
        """Return the values of masks, shape ``(m, n)``, and evaluate those that are new.

        Raises:
            GameError: If the game fails, or has no value for a mask.
        """
        packed = np.packbits(masks, axis=1)
        keys = to_keys(masks)
        new: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            if key not in self._values:
                new.setdefault(key, row)
        if new:
            values = self._evaluate(packed[list(new.values())])
            self._values.update(zip(new, values.tolist(), strict=True))
        return np.array([self._values[key] for key in keys])

    def _evaluate(self, packed: NDArray[np.uint8]) -> FloatArray:
        try:
            found = evaluate(self._game, packed, self.n_players)
        except Exception as error:
            raise GameError from error
        missing = int(np.isnan(found.values).sum())
        if missing:
            msg = (
                f"The game has no value for {missing} of {len(packed)} masks, and methods can only "
                "be compared where there are all. Those it has are kept: compare again."
            )
            raise GameError(msg)
        self.chance = found.chance
        return found.values


class WatchedGame(Game):
    """A shared game as one method sees it.

    Attributes:
        asked: The masks that were asked for, as keys.
        seconds: The time that the game took.
        cpu_seconds: The same of the processor.
        error: What the game failed with, if it did.
    """

    def __init__(self, shared: SharedGame, memory: PeakMemory) -> None:
        """Watch a shared game."""
        super().__init__(n_players=shared.n_players, normalize=False)
        self.asked: set[bytes] = set()
        self.seconds = self.cpu_seconds = 0.0
        self.error: GameError | None = None
        self._shared = shared
        self._memory = memory

    def __call__(self, coalitions: Any, *, verbose: bool = False) -> FloatArray:  # noqa: ANN401, ARG002 shapiq's
        """Return values; shapiq's own way there copies and checks what is boolean already."""
        if isinstance(coalitions, np.ndarray):
            return self.value_function(coalitions)
        return self.value_function(self._check_coalitions(coalitions))

    def value_function(self, coalitions: np.ndarray) -> FloatArray:
        """Return values, and count what was asked."""
        start, cpu_start = time.perf_counter(), time.process_time()
        self._memory.pause()
        try:
            masks = np.atleast_2d(np.asarray(coalitions, dtype=np.bool_))  # one comes as a row
            if masks.ndim != 2 or masks.shape[1] != self.n_players:  # noqa: PLR2004 a table
                msg = f"Masks must have shape (m, {self.n_players}), got {masks.shape}."
                raise ValueError(msg)
            self.asked.update(to_keys(masks))
            return self._shared(masks)
        except GameError as error:
            self.error = error
            raise
        finally:
            self._memory.resume()
            self.seconds += time.perf_counter() - start
            self.cpu_seconds += time.process_time() - cpu_start


def to_keys(masks: BoolArray) -> list[bytes]:
    """Return a key for each mask, the same for equal masks."""
    packed = np.packbits(masks, axis=1)
    width = packed.shape[1]
    data = packed.tobytes()
    return [data[start : start + width] for start in range(0, len(data), width)]
