"""Methods on games, each scored by R2, several at a time."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapiq
from _common import (
    load_games,
    predict,
    predict_table,
    progress,
    r_squared,
    silence_lightgbm,
    table_game,
    timed_run,
)
from _live_games import LIVE_GAMES

import shapiq_spex
from shapiq_spex.coding import HARD, SOFT, peel
from shapiq_spex.regression import fit_fixed, summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _common import Game

    from shapiq_spex.coding import CodedDesign
    from shapiq_spex.regression import Ablations, Regression


class DecodedAlone(shapiq_spex.SPEX):
    """SPEX by decoding alone: a regression on the decoded sets, with nothing added to them."""

    def _regress(self, design: CodedDesign, ablations: Ablations) -> Regression:
        empty = np.full((1, 1), self.n, dtype=np.int64)
        decoded = peel(design.groups, ablations, empty, (HARD, *SOFT))
        return summarise(fit_fixed(ablations, decoded), ablations)


OURS, PEER = "ProxySPEX", "shapiq ProxySPEX"
METHODS = {
    OURS: partial(shapiq_spex.ProxySPEX, max_order=5, index="FBII"),
    PEER: partial(shapiq.ProxySPEX, max_order=5, index="FBII"),
    "shapiq SPEX": partial(shapiq.SPEX, max_order=5, index="FBII"),
    "shapiq ProxySHAP": partial(shapiq.ProxySHAP, max_order=3, index="FBII"),
    "shapiq RegressionFBII": partial(shapiq.RegressionFBII, max_order=2),
    "shapiq RegressionFSII": partial(shapiq.RegressionFSII, max_order=2),
    "SPEX": partial(shapiq_spex.SPEX, max_order=5, index="FBII"),
    "SPEX(hierarchical_search=False)": partial(
        shapiq_spex.SPEX, max_order=5, index="FBII", hierarchical_search=False
    ),
    "SPEX, decoded sets alone": partial(DecodedAlone, max_order=5, index="FBII"),
}
FRESH = 2000

load = lru_cache(load_games)


@dataclass(frozen=True)
class Cell:
    """A method on a game: of a family of recorded games, or a live one."""

    family: str
    game: str
    method: str
    budget: int
    seed: int = 0


class Score(NamedTuple):
    """What a method reached, as it is and with the best constant, and what it thinks it reached.

    shapiq's ProxySHAP takes the value of the empty mask for the constant, which is not FBII's.
    """

    r2: float
    shifted_r2: float
    cv_faithfulness: float


def score(cell: Cell, folder: Path | None) -> Score | None:
    """Run a method; None where the budget is too small for it."""
    silence_lightgbm()
    game, n, judge = _find_game(cell.family, cell.game, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        approximator = METHODS[cell.method](n=n, random_state=cell.seed)
    explanation, _ = timed_run(lambda: approximator, cell.budget, game)
    if isinstance(explanation, str):
        return None
    values, predictions = judge(explanation)
    r2 = r_squared(values, predictions)
    shifted = r_squared(values, predictions + (values - predictions).mean())
    return Score(r2, shifted, getattr(approximator, "cv_faithfulness", np.nan))


@lru_cache(maxsize=4)
def _find_game(
    family: str, name: str, folder: Path | None
) -> tuple[Game, int, Callable[[shapiq.InteractionValues], tuple[np.ndarray, np.ndarray]]]:
    """Return a game, its players, and what gives its values beside an explanation's predictions.

    That is on the whole hypercube for recorded games, and on fresh masks for live ones.
    """
    if family not in LIVE_GAMES:
        table = load(folder)[family][name]
        game, n = table_game(table)
        return game, n, lambda explanation: (table, predict_table(explanation, n))
    game, n = LIVE_GAMES[family](int(name))
    masks = np.random.default_rng([1, n]).random((FRESH, n)) < 0.5
    values = game(masks)
    return game, n, lambda explanation: (values, predict(explanation, masks))


def score_all(cells: list[Cell], folder: Path | None, jobs: int) -> dict[Cell, Score | None]:
    """Score all cells, several at a time."""
    found = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        scores = executor.map(partial(score, folder=folder), cells)
        for cell, result in zip(cells, scores, strict=True):
            found[cell] = result
            r2 = "-" if result is None else f"{result.r2:.3f}"
            progress([cell.family, cell.game, f"{cell.budget:,}", cell.method, str(cell.seed), r2])
    return found


def mean_r2(
    scores: dict[Cell, Score | None], method: str, budget: int, *, generous: bool = False
) -> float | None:
    """Return the mean R2 of a method, None where it ran on no game.

    Where generous, each prediction gets the best constant, and R2 below 0 counts as 0.
    """
    found = [
        max(0.0, result.shifted_r2) if generous else result.r2
        for cell, result in scores.items()
        if cell.method == method and cell.budget == budget and result
    ]
    return mean(found) if found else None
