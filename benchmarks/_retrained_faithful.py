"""How faithful explanations of training data are, beside first-order ones."""

from __future__ import annotations

import importlib.util
import math
import sys
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import lightgbm
import numpy as np
from _common import markdown, progress, r_squared
from _linear import fit_banzhaf, fit_lasso_cv, fit_ridge
from _training_data import digits, fashion
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from shapiq_spex import ProxySPEX, StoredGame
from shapiq_spex.games import DataSubsetGame, LogLoss, Margin, Score

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from _linear import Predictor
    from _training_data import Data

    from shapiq_spex.games import Value


def train_network(X: np.ndarray, y: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Train the small CNN of the examples on square images that are given as rows."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from torch_training import SmallCNN, TrainNetwork  # noqa: PLC0415 needs torch

    side = math.isqrt(X.shape[1])
    train = TrainNetwork(partial(SmallCNN, size=side), epochs=10)
    predictor = train(X.reshape(-1, side, side), y, seed)
    return lambda images: predictor(images.reshape(-1, side, side))


LEARNERS: dict[str, Any] = {
    "5 nearest neighbours": KNeighborsClassifier(),
    "logistic regression": LogisticRegression(max_iter=300),
    "LightGBM": lightgbm.LGBMClassifier(
        n_estimators=10, num_leaves=7, min_child_samples=3, max_bin=15, n_jobs=1, verbosity=-1
    ),
    "LightGBM, by chance": lightgbm.LGBMClassifier(
        n_estimators=10,
        num_leaves=7,
        min_child_samples=3,
        max_bin=15,
        colsample_bytree=0.5,
        n_jobs=1,
        verbosity=-1,
    ),
}
if importlib.util.find_spec("torch"):
    LEARNERS["small CNN, by chance"] = train_network
_FRESH = 500
_ORDER = 3
_N_VALIDATION = 200
_LINEAR: dict[str, Callable[[np.ndarray, np.ndarray], Predictor]] = {
    "LASSO": lambda masks, values: fit_lasso_cv(masks, values).predict,
    "ridge": fit_ridge,
    "Banzhaf": fit_banzhaf,
}


@dataclass(frozen=True)
class _Case:
    """A learner on some training points, and what is explained of it.

    Attributes:
        name: The data's name.
        train: The training points.
        validation: The points whose outputs are kept.
        learner: The learner's name.
        seed: The seed of the masks.
    """

    name: str
    train: Data
    validation: Data
    learner: str
    seed: int

    @property
    def by_chance(self) -> bool:
        """Whether the learner has chance in it."""
        return self.learner.endswith("by chance")

    def games(self, points: int) -> list[tuple[str, DataSubsetGame]]:
        """Return the games with the names of their values, all of the same retrainings."""
        X, y = self.validation.X, self.validation.y
        game = DataSubsetGame(
            LEARNERS[self.learner], self.train.X, self.train.y, value=Margin(X, y)
        )
        values: dict[str, Value] = {
            "mean log-loss": LogLoss(X, y),
            "accuracy": Score("accuracy", X, y),
        }
        single = [("margin of a point", game.at(point)) for point in range(points)]
        several = [(name, game.with_value(value)) for name, value in values.items()]
        return [*single, ("mean margin", game), *several]


def faithfulness(options: argparse.Namespace) -> str:
    """R2 on 500 fresh uniform masks, ProxySPEX beside first-order methods on the same masks.

    FBII of order 3. The LASSO is that of datamodels, its penalty chosen by cross-validation, as is
    ridge's; Banzhaf values are differences of means; all three do without the empty and the full
    mask, which harm them. Of single test points the mean over several. Learners "by chance" are
    retrained twice a mask; noise is the share of their values' variance that is chance, which no
    method can predict.
    """
    cases = [case for seed in range(options.seeds) for case in _cases(options, seed)]
    found = joblib.Parallel(n_jobs=options.jobs)(
        joblib.delayed(_score)(case, options) for case in cases
    )
    results: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for scores in found:
        for place, score in scores:
            results.setdefault(place, []).append(score)
    names = list(next(iter(results.values()))[0])
    rows = [
        [*place, *(_show([score[name] for score in scores]) for name in names)]
        for place, scores in results.items()
    ]
    return markdown(["data", "points", "learner", "value", "masks", *names], rows)


def _show(numbers: list[float]) -> str:
    """Return the mean; values that never vary have no R2."""
    return "-" if np.isnan(numbers).all() else f"{np.nanmean(numbers):.3f}"


def _cases(options: argparse.Namespace, seed: int) -> list[_Case]:
    """Return the learners on parts of the data sets of all sizes."""
    sets = {"digits": digits()}
    if options.fashion:
        sets["Fashion-MNIST"] = fashion(options.fashion)
    cases = []
    for name, data in sets.items():
        for size in options.points:
            if size + _N_VALIDATION <= len(data):
                rng = np.random.default_rng([5, seed])
                train, validation = data.split([size, _N_VALIDATION], rng)
                cases += [_Case(name, train, validation, each, seed) for each in options.learners]
    return cases


def _score(
    case: _Case, options: argparse.Namespace
) -> list[tuple[tuple[str, ...], dict[str, float]]]:
    """Score all methods on all values, by the number of masks."""
    repeats = 2 if case.by_chance else 1
    n = len(case.train)
    fresh = np.random.default_rng([1, n, case.seed]).random((_FRESH, n)) < 0.5
    scores = []
    for value, game in case.games(options.single):
        path = options.store / f"faithful-{case.name}-{n}-{case.seed}.sqlite"
        with StoredGame(game, path, repeats=repeats) as stored:
            answers = stored(fresh)
            for masks in options.masks:
                found = _compare(stored, masks, case.seed, (fresh, answers))
                place = (case.name, f"{n:,}", case.learner, value, f"{masks:,}")
                progress([*place, *(f"{number:.3f}" for number in found.values())])
                scores.append((place, found))
    return scores


def _compare(
    game: StoredGame, budget: int, seed: int, fresh: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    """Return R2 of ProxySPEX, and of linear models of the same ablations."""
    approximator = ProxySPEX(game.n_players, _ORDER, "FBII", random_state=seed)
    taken = []

    def record(masks: np.ndarray) -> np.ndarray:
        taken.append((masks.copy(), game(masks)))
        return taken[-1][1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a low faithfulness, and LASSOs that do not converge
        noise = None
        if game.repeats > 1:
            approximator.approximate(budget, game)
            noise = approximator.noise_level
        approximator.approximate(budget, record)  # again, to see the masks
        masks, values = (np.concatenate(part) for part in zip(*taken, strict=True))
        uniform = masks.any(axis=1) & ~masks.all(axis=1)  # first-order models do worse with these
        masks, values = masks[uniform], values[uniform]
        linear = {name: fit(masks, values)(fresh[0]) for name, fit in _LINEAR.items()}
    spectrum = approximator.spectrum
    predicted = {
        "ProxySPEX": spectrum.truncate(max_order=_ORDER).evaluate(fresh[0]),
        "its order 1": spectrum.truncate(max_order=1).evaluate(fresh[0]),
        **linear,
    }
    varied = np.ptp(fresh[1]) > 0
    scores = {
        name: r_squared(fresh[1], each) if varied else np.nan for name, each in predicted.items()
    }
    own = {"cv_faithfulness": approximator.cv_faithfulness if varied else np.nan}
    return {**scores, **own, "noise": np.nan if noise is None else noise}
