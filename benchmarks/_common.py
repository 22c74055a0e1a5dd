"""What the benchmarks share: games with a known spectrum, recorded games, and fair scores."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from shapiq import InteractionValues
    from shapiq.approximator.base import Approximator

    Game = Callable[[np.ndarray], np.ndarray]


@dataclass
class TimedGame:
    """A game that counts its masks and the seconds it takes itself."""

    game: Game
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    n_masks: int = 0

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Evaluate masks."""
        start, wall_start = time.process_time(), time.perf_counter()
        values = self.game(np.asarray(masks, dtype=bool))
        self.n_masks += len(masks)
        self.cpu_seconds += time.process_time() - start
        self.wall_seconds += time.perf_counter() - wall_start
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
    return parity_terms(sets, rng.normal(size=n_terms))


def parity_terms(sets: Sequence[Sequence[int]], coefficients: np.ndarray) -> Game:
    """Return the sum of parities of the sets, each with its coefficient."""
    return lambda masks: sum(
        c * (1.0 - 2.0 * (masks[:, players].sum(axis=1) % 2))
        for c, players in zip(coefficients, map(list, sets), strict=True)
    )


def hash_noise(n: int, seed: int) -> Game:
    """Noise of variance 1 that is a function of the mask alone, and of no use to any method."""
    weights = 1e4 * np.random.default_rng([seed, 2]).normal(size=n)
    return lambda masks: np.sqrt(2) * np.sin(masks @ weights)


def dense_game(n: int, seed: int) -> Game:
    """Add many small interactions of all orders to 30 AND-interactions."""
    sparse = and_game(n, 30, seed)
    weights = np.random.default_rng([seed, 3]).normal(size=(n, n)) * 4 / n

    def game(masks: np.ndarray) -> np.ndarray:
        signs = masks - 0.5
        return sparse(masks) + np.tanh(((signs @ weights) * signs).sum(axis=1))

    return game


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


def is_constant(table: np.ndarray) -> bool:
    """Return whether a recorded game is constant, so that R2 is undefined."""
    return bool(table.std() <= 1e-12 * max(1.0, np.abs(table).max()))


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
    """Run an approximator; return its explanation (or error) and seconds without the game."""
    timed = TimedGame(game)
    np.random.seed(0)  # noqa: NPY002 shapiq 1.8's SPEX draws from the global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start, wall_start = time.process_time(), time.perf_counter()
        try:
            explanation: InteractionValues | str = make().approximate(budget, timed)
        except ValueError as error:
            explanation = str(error)
        cpu = time.process_time() - start - timed.cpu_seconds
        wall = time.perf_counter() - wall_start - timed.wall_seconds
    return explanation, {"cpu_seconds": cpu, "wall_seconds": wall, "ablations": timed.n_masks}


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Format a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def print_parts(
    parts: Mapping[str, Callable[[argparse.Namespace], str]],
    options: argparse.Namespace,
    needs: Mapping[str, object],
) -> None:
    """Run the parts asked for by ``options.only``, or all, and print their tables.

    A part that needs an option is left out where that is not given, unless it was asked for.
    """
    missing = [name for name, given in needs.items() if given is None]
    chosen = options.only or [name for name in parts if name not in missing]
    if wrong := [name for name in chosen if name in missing]:
        sys.exit(f"--only {wrong[0]} needs an option that says where its data is: see --help")
    for name in chosen:
        function = parts[name]
        print(f"### {name}\n\n{inspect.getdoc(function)}\n\n{function(options)}\n", flush=True)


def progress(row: list[str]) -> None:
    """Show a finished row on stderr."""
    print("  ".join(row), file=sys.stderr, flush=True)


class _SilentLogger:
    def info(self, message: str) -> None:
        """Drop a message."""

    def warning(self, message: str) -> None:
        """Drop a warning."""


def load_tests(name: str) -> Any:  # noqa: ANN401 a module
    """Return a module of the tests, whose cases and scripts a benchmark repeats."""
    path = Path(__file__).parents[1] / "tests" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module: Any = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def silence_lightgbm() -> None:
    """Drop LightGBM's messages, of which shapiq's ProxySPEX prints tens of thousands."""
    lightgbm.register_logger(_SilentLogger())
