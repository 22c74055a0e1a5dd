"""What the benchmarks share: games with a known spectrum, recorded games, and fair scores."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shapiq import InteractionValues
    from shapiq.approximator.base import Approximator

    Game = Callable[[np.ndarray], np.ndarray]


@dataclass
class TimedGame:
    """A game that counts its masks and the CPU seconds it takes itself."""

    game: Game
    cpu_seconds: float = 0.0
    n_masks: int = 0

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Evaluate masks."""
        start = time.process_time()
        values = self.game(np.asarray(masks, dtype=bool))
        self.n_masks += len(masks)
        self.cpu_seconds += time.process_time() - start
        return values


def and_game(n: int, n_terms: int, seed: int, max_order: int = 3) -> Game:
    """Random AND-interactions of order 1 to ``max_order`` with normal coefficients."""
    rng = np.random.default_rng(seed)
    sets = [rng.choice(n, rng.integers(1, max_order + 1), replace=False) for _ in range(n_terms)]
    coefficients = rng.normal(size=n_terms)
    return lambda masks: sum(
        c * masks[:, players].all(axis=1) for c, players in zip(coefficients, sets, strict=True)
    )


def parity_game(n: int, n_terms: int, seed: int, orders: tuple[int, int] = (3, 5)) -> Game:
    """Random parities with normal coefficients: no hierarchy at all."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(orders[0], orders[1] + 1, n_terms)
    sets = [rng.choice(n, size, replace=False) for size in sizes]
    coefficients = rng.normal(size=n_terms)
    return lambda masks: sum(
        c * (1.0 - 2.0 * (masks[:, players].sum(axis=1) % 2))
        for c, players in zip(coefficients, sets, strict=True)
    )


def load_games(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Load the recorded games: family, game, table of all ``2**n`` values."""
    return {
        path.stem: {name: np.load(path)[name] for name in np.load(path).files}
        for path in sorted(folder.glob("*.npz"))
    }


def table_game(table: np.ndarray) -> tuple[Game, int]:
    """Return a recorded game and its number of players."""
    n = int(np.log2(len(table)))
    weights = 1 << np.arange(n)
    return lambda masks: table[np.asarray(masks, dtype=bool) @ weights], n


def predict(explanation: InteractionValues, masks: np.ndarray) -> np.ndarray:
    """Read a faithful index as a prediction: the sum of the interactions within each mask."""
    values = np.zeros(len(masks))
    columns = np.ascontiguousarray(masks.T)
    for players, value in explanation.interactions.items():
        values += value * columns[list(players)].all(axis=0)
    return values


def predict_table(explanation: InteractionValues, n: int) -> np.ndarray:
    """Predict all ``2**n`` masks at once (the zeta transform of the interactions)."""
    table = np.zeros(1 << n)
    for players, value in explanation.interactions.items():
        table[sum(1 << p for p in players)] += value
    for player in range(n):
        pairs = table.reshape(-1, 2, 1 << player)
        pairs[:, 1] += pairs[:, 0]
    return table


def r_squared(values: np.ndarray, predictions: np.ndarray) -> float:
    """Return the share of the variance that is predicted."""
    return float(1 - ((values - predictions) ** 2).mean() / values.var())


def timed_run(
    make: Callable[[], Approximator], budget: int, game: Game
) -> tuple[InteractionValues | str, dict[str, Any]]:
    """Run an approximator; return its explanation (or error) and CPU seconds without the game."""
    timed = TimedGame(game)
    np.random.seed(0)  # noqa: NPY002 shapiq 1.8's SPEX draws from the global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.process_time()
        try:
            explanation: InteractionValues | str = make().approximate(budget, timed)
        except ValueError as error:
            explanation = str(error)
        cpu = time.process_time() - start - timed.cpu_seconds
    return explanation, {"cpu_seconds": cpu, "ablations": timed.n_masks}


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Format a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
