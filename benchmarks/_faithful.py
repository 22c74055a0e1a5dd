"""How faithful explanations of prompts are, beside those of other methods."""

from __future__ import annotations

import math
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapiq
from _common import markdown, predict, progress, r_squared, timed_run
from _linear import fit_lasso, fit_linear
from _llm import in_order, sentiment_game, store
from _prompts import REVIEWS

import shapiq_spex

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from _linear import Predictor

    Game = Callable[[np.ndarray], np.ndarray]

_FRESH = 500
_ORDER = 5
_LINEAR = {"LASSO": fit_lasso, "linear": fit_linear}
SAMPLED = {
    "SPEX": partial(shapiq_spex.SPEX, max_order=_ORDER, index="FBII", random_state=0),
    "KernelSHAP": partial(shapiq.KernelSHAP, random_state=0),
    "RegressionFBII": partial(shapiq.RegressionFBII, max_order=2, random_state=0),
}


class _Fit(NamedTuple):
    """How a method did."""

    r2: float
    best: float  # R2 with the best constant
    seconds: float  # of CPU, without the model

    def __str__(self) -> str:
        """Show R2, and that with the best constant where it is another."""
        if self.best - self.r2 < 0.005:
            return f"{self.r2:.3f}"
        return f"{self.r2:.3f} ({self.best:.3f})"


def faithfulness(options: argparse.Namespace) -> str:
    """R2 on 500 fresh uniform masks of reviews; in brackets with the best constant.

    Values are log-odds of positive after four examples. ProxySPEX, the LASSO and linear regression
    have the same masks.
    """
    names = ["ProxySPEX", *options.methods, *_LINEAR]
    header = ["words", "text", "masks", *names]
    scores, seconds = [], []
    for size in options.sizes:
        for number, text in enumerate(REVIEWS[size][: options.texts], 1):
            for budget, found in _score(text, options).items():
                row = [str(size), str(number), f"{budget:,}"]
                scores.append([*row, *(str(found[name]) for name in names)])
                seconds.append([*row, *(_seconds(found[name]) for name in names)])
                progress(scores[-1])
    return (
        f"{markdown(header, scores)}\n\nCPU seconds without the model:\n\n"
        f"{markdown(header, seconds)}"
    )


def _seconds(found: _Fit | str) -> str:
    return "-" if isinstance(found, str) else f"{found.seconds:.2f}"


def _score(text: str, options: argparse.Namespace) -> dict[int, dict[str, _Fit | str]]:
    """Return how all methods did on a text, by the number of masks."""
    with store(sentiment_game(text), options.store) as stored:
        n, game = stored.n_players, in_order(stored)
        masks = np.random.default_rng([1, n]).random((_FRESH, n)) < 0.5
        fresh = masks, game(masks)
        found: dict[int, dict[str, _Fit | str]] = {budget: {} for budget in options.budgets}
        for budget in reversed(options.budgets):
            found[budget] |= _score_uniform(n, game, budget, fresh)
            progress([str(n), f"{budget:,}", *(f"{k} {v}" for k, v in found[budget].items())])
        for name in options.methods:
            for budget in options.budgets:
                found[budget][name] = _score_sampled(name, n, game, budget, fresh)
                progress([str(n), f"{budget:,}", name, str(found[budget][name])])
        return found


def _score_uniform(
    n: int, game: Game, budget: int, fresh: tuple[np.ndarray, np.ndarray]
) -> dict[str, _Fit | str]:
    """Return how the methods did that have uniform masks."""
    taken = []

    def record(asked: np.ndarray) -> np.ndarray:
        taken.append(asked.copy())
        return game(asked)

    make = partial(shapiq_spex.ProxySPEX, n, _ORDER, "FBII", random_state=0)
    timed_run(make, budget, record)
    explanation, cost = timed_run(make, budget, game)  # again, with nothing to wait for
    found: dict[str, _Fit | str] = {}
    found["ProxySPEX"] = _judge(predict(explanation, fresh[0]), fresh[1], cost["cpu_seconds"])
    seen = np.concatenate(taken)
    answers = game(seen)
    for name, fit in _LINEAR.items():
        start = time.process_time()
        model: Predictor = fit(seen, answers)
        seconds = time.process_time() - start
        found[name] = _judge(model(fresh[0]), fresh[1], seconds)
    return found


def _score_sampled(
    name: str, n: int, game: Game, budget: int, fresh: tuple[np.ndarray, np.ndarray]
) -> _Fit | str:
    """Return how a method did that has masks of its own, or why it cannot."""
    if name == "RegressionFBII" and budget < 1 + n + math.comb(n, 2):
        return "more columns than masks"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make = partial(SAMPLED[name], n)
        least = getattr(make(), "smallest_budget", 0)
    if budget < least:
        return f"below its smallest budget, {least}"
    timed_run(make, budget, game)
    explanation, cost = timed_run(make, budget, game)
    if isinstance(explanation, str):
        return explanation
    return _judge(predict(explanation, fresh[0]), fresh[1], cost["cpu_seconds"])


def _judge(predictions: np.ndarray, values: np.ndarray, seconds: float) -> _Fit:
    """Compare predictions with values."""
    best = predictions + (values - predictions).mean()
    return _Fit(r_squared(values, predictions), r_squared(values, best), seconds)
