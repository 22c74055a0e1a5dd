"""One run of one method: what it found, and what that took."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapiq_spex.evaluation import to_prediction

from ._memory import PeakMemory
from ._watch import SharedGame, WatchedGame

if TYPE_CHECKING:
    from shapiq_spex.spectrum import FourierSpectrum

    from ._methods import Method


@dataclass(frozen=True)
class Run:
    """What came of a run.

    Attributes:
        prediction: What the explanation predicts, None where the method failed.
        has_level: Whether it says at which level.
        cv_r2: How faithful the method says it is, NaN where it says nothing.
        asked: The masks it asked for, as keys.
        seconds: What it took without the game.
        cpu_seconds: The same of the processor, all threads together.
        peak_mib: The most memory it took, without the game.
        error: Why it failed, else empty.
    """

    prediction: FourierSpectrum | None
    has_level: bool
    cv_r2: float
    asked: frozenset[bytes]
    seconds: float
    cpu_seconds: float
    peak_mib: float
    error: str


def run(method: Method, game: SharedGame, budget: int, seed: int) -> Run:
    """Run a method once.

    Raises:
        GameError: If the game fails. What the method fails with is part of the result.
    """
    memory = PeakMemory()
    watched = WatchedGame(game, memory)
    prediction, has_level, cv_r2, message = None, True, float("nan"), ""
    start, cpu_start = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table says what warnings would
        try:
            explanation, claimed = method.explain(game.n_players, budget, watched, seed)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
            peak = memory.mib
            cv_r2 = cv_r2 if claimed is None else float(claimed)
            found, has_level = to_prediction(explanation)
            prediction = _check_players(found, game.n_players)
        except Exception as error:  # noqa: BLE001 any failure of a method is a result
            message = f"{type(error).__name__}: {error}"
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
            peak = memory.mib
    if watched.error is not None:  # whatever the method made of it
        raise watched.error
    return Run(
        prediction,
        has_level,
        cv_r2,
        frozenset(watched.asked),
        seconds - watched.seconds,
        cpu_seconds - watched.cpu_seconds,
        peak,
        message,
    )


def _check_players(prediction: FourierSpectrum, n_players: int) -> FourierSpectrum:
    """Refuse an explanation of another number of players."""
    if prediction.n_players != n_players:
        msg = f"The explanation has {prediction.n_players} players, but the game has {n_players}."
        raise ValueError(msg)
    return prediction
