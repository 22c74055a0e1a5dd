"""Which training points to drop: accuracy on test data after dropping some by each method."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import joblib
import matplotlib as mpl
import numpy as np
import shapiq
from _common import markdown, progress
from _linear import banzhaf_values, fit_lasso_cv
from _training_data import Data, digits
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from shapiq_spex import ProxySPEX, StoredGame
from shapiq_spex.evaluation import best_subset
from shapiq_spex.evaluation._subsets import TRIALS
from shapiq_spex.games import DataSubsetGame, LogLoss, Margin, Score

mpl.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shapiq_spex.games import Value
    from shapiq_spex.spectrum import FourierSpectrum

    _Key = tuple[str, str]  # a value and a method
    _Found = dict[_Key, list[float]]
    _Runs = dict[tuple[str, str], Sequence[_Found]]

SELECTION_LEARNERS = {
    "5 nearest neighbours": KNeighborsClassifier(),
    "RBF-SVM": SVC(C=10, gamma=0.05),
    "logistic regression": LogisticRegression(max_iter=300),
}
_VALUES: dict[str, Callable[[np.ndarray, np.ndarray], Value]] = {
    "margin": Margin,
    "log-loss": LogLoss,
    "accuracy": lambda X, y: Score("accuracy", X, y),
}
_DROPPED = (0.1, 0.3, 0.5)
_DOUBLED, _WRONG = 0.2, 0.1  # of the points of the variant with faults
_VARIANTS = ("plain", _FAULTY := "faults")
_DEFAULT, OURS = "log-loss", "best subset"
_PEERS = ("Shapley", "Banzhaf", "LASSO")
_COLOURS = ("#999999", "#0072B2", "#009E73", "#E69F00", "#D55E00")  # Okabe and Ito's
_N_RANDOM = 10
_NOISE = 0.02  # of the doubled points, in each pixel
_N_TEST = 1000


@dataclass(frozen=True)
class _Case:
    """Training points to choose from, and the retrainings to choose by."""

    train: Data
    validation: Data
    test: Data
    learner: object
    budget: int
    seed: int
    path: Path

    @cached_property
    def game(self) -> DataSubsetGame:
        """Retrainings with outputs on the validation set."""
        value = Margin(self.validation.X, self.validation.y)
        return DataSubsetGame(self.learner, self.train.X, self.train.y, value=value)

    def value(self, name: str) -> Value:
        """Return a value of the validation set."""
        return _VALUES[name](self.game.value.X, self.game.value.y)

    def stored(self, value: str) -> StoredGame:
        """Return the game of a value, which has the same retrainings as the others."""
        return StoredGame(self.game.with_value(self.value(value)), self.path)

    def explain(self, value: str) -> ProxySPEX:
        """Explain a value."""
        approximator = ProxySPEX(len(self.train), 2, "FBII", random_state=self.seed)
        with self.stored(value) as stored, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a low faithfulness
            approximator.approximate(self.budget, stored)
        return approximator

    def ablations(self, value: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the uniform masks of our approximator, and their values."""
        with self.stored(value) as stored:
            masks, values = stored.ablations()
        uniform = masks.any(axis=1) & ~masks.all(axis=1)  # first-order models do worse with these
        return masks[uniform], values[uniform]

    def shapley(self, value: str) -> np.ndarray:
        """Return Shapley values by as many retrainings, on masks of their own."""
        path = self.path.with_stem(f"{self.path.stem}-shapley")
        game = self.game.with_value(self.value(value))
        with StoredGame(game, path) as stored, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            approximator = shapiq.KernelSHAP(len(self.train), random_state=self.seed)
            found = approximator.approximate(self.budget, stored)
        return found.get_n_order_values(1)

    def accuracy(self, kept: np.ndarray) -> float:
        """Train on some of the points; return the accuracy on the test data."""
        chosen = self.train.take(kept)
        if len(np.unique(chosen.y)) < 2:
            return float(np.mean(self.test.y == chosen.y[0]))
        return float(clone(self.learner).fit(chosen.X, chosen.y).score(self.test.X, self.test.y))

    def accuracies(self, choose: Callable[[float], np.ndarray]) -> list[float]:
        """Return the accuracy with each share dropped."""
        return [self.accuracy(choose(1 - dropped)) for dropped in _DROPPED]


def _highest(scores: np.ndarray) -> Callable[[float], np.ndarray]:
    """Return what keeps the points with the highest scores."""
    ranks = np.argsort(np.argsort(-scores, kind="stable"))
    return lambda share: ranks < round(share * len(scores))


def _best(
    spectrum: FourierSpectrum, game: DataSubsetGame | None = None
) -> Callable[[float], np.ndarray]:
    """Return what keeps the best subset by a spectrum, and by trying some in the game."""
    return lambda share: best_subset(spectrum, keep=share, game=game).mask


def _tried(scores: np.ndarray, game: DataSubsetGame) -> Callable[[float], np.ndarray]:
    """Return what keeps the best in the game of the points with the highest disturbed scores."""

    def choose(share: float) -> np.ndarray:
        rng = np.random.default_rng(0)
        size = np.sqrt((scores**2).mean())
        noise = size * rng.normal(size=(TRIALS, len(scores)))
        noise *= np.resize([0.25, 0.5, 1.0], TRIALS)[:, None]
        noise[0] = 0.0
        masks = np.array([_highest(scores + each)(share) for each in noise])
        return masks[game(masks).argmax()]

    return choose


def _make(variant: str, learner: str, seed: int, options: argparse.Namespace) -> _Case:
    """Draw disjoint data to train on, to choose by and to test on.

    With faults, some points are near-duplicates of others and some labels are wrong.
    """
    rng = np.random.default_rng([3, seed])
    n = options.size
    n_doubled = round(_DOUBLED * n) if variant == _FAULTY else 0
    sizes = [n - n_doubled, options.validation, _N_TEST]
    train, validation, test = digits().split(sizes, rng)
    if variant == _FAULTY:
        train = _spoil(train, n_doubled, rng)
    path = options.store / f"sel-{'faults' if variant == _FAULTY else 'plain'}-{n}-{seed}.sqlite"
    return _Case(
        train, validation, test, SELECTION_LEARNERS[learner], options.retrainings, seed, path
    )


def _spoil(train: Data, n_doubled: int, rng: np.random.Generator) -> Data:
    """Add near-duplicates, and make some labels wrong."""
    doubled = rng.choice(len(train), n_doubled, replace=False)
    near = train.X[doubled] + rng.normal(scale=_NOISE, size=train.X[doubled].shape)
    y = np.concatenate([train.y, train.y[doubled]])
    wrong = rng.choice(len(y), round(_WRONG * len(y)), replace=False)
    y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return Data(np.concatenate([train.X, near]), y)


def _run(variant: str, learner: str, seed: int, options: argparse.Namespace) -> _Found:
    """Return the accuracies with each share dropped, by value and method."""
    case = _make(variant, learner, seed, options)
    n = len(case.train)
    rng = np.random.default_rng(seed)
    draws = [case.accuracies(_highest(rng.random(n))) for _ in range(_N_RANDOM)]
    found = {("", "random"): list(np.mean(draws, axis=0))}
    found["", "all"] = [case.accuracy(np.ones(n, dtype=bool))] * len(_DROPPED)
    for value in _VALUES:
        spectrum = case.explain(value).spectrum
        ablations = case.ablations(value)
        banzhaf = banzhaf_values(*ablations)
        game = case.game.with_value(case.value(value))
        choices = {
            "Shapley": _highest(case.shapley(value)),
            "Banzhaf": _highest(banzhaf),
            "LASSO": _highest(fit_lasso_cv(*ablations).coef_),
            "Banzhaf, tried": _tried(banzhaf, game),
            OURS: _best(spectrum, game),
            "untried": _best(spectrum),
        }
        for name, choose in choices.items():
            found[value, name] = case.accuracies(choose)
        progress([variant, learner, str(seed), value, *(f"{a:.3f}" for a in found[value, OURS])])
    return found


def selection(options: argparse.Namespace) -> str:
    """Accuracy on 1,000 test digits after dropping training points by each method.

    Mean of the seeds, each with data and masks of its own, and the standard deviation. The value
    to choose by is that of a validation set. With faults, a fifth of the points are near-duplicates
    of others and a tenth have wrong labels. Shapley values are KernelSHAP's by as many retrainings
    on masks of its own. The others have the same ablations, Banzhaf values (differences of means)
    and the LASSO (its penalty chosen by cross-validation) without the empty and the full mask,
    which harm them. Best subset is ours, tried in 32 more retrainings for each share; so is what
    disturbed Banzhaf values choose, for comparison.
    """
    places = [(variant, learner) for variant in _VARIANTS for learner in options.selected]
    found = joblib.Parallel(n_jobs=options.jobs)(
        joblib.delayed(_run)(*place, seed, options)
        for place in places
        for seed in range(options.seeds)
    )
    runs = dict(zip(places, itertools.batched(found, options.seeds), strict=True))
    if options.chart:
        _draw(runs, options.chart)
    columns = [("", "all"), ("", "random"), *((_DEFAULT, method) for method in (*_PEERS, OURS))]
    texts = [
        f"By the {_DEFAULT}:",
        markdown(["data", "learner", "dropped", *(m for _, m in columns)], _rows(runs, columns)),
        "Ours less the others, mean and standard error of the differences seed by seed:",
        _differences(runs),
        "Ours by value, tried in the game or not, and Banzhaf values tried in it:",
    ]
    methods = (OURS, "untried", "Banzhaf, tried")
    ours = [(value, method) for value in _VALUES for method in methods]
    header = [f"{value}, {method}" for value, method in ours]
    texts.append(markdown(["data", "learner", "dropped", *header], _rows(runs, ours)))
    others = [(value, method) for value in _VALUES if value != _DEFAULT for method in _PEERS]
    header = [f"{value}, {method}" for value, method in others]
    texts += ["The others by other values:"]
    texts.append(markdown(["data", "learner", "dropped", *header], _rows(runs, others)))
    return "\n\n".join(texts)


def _collect(runs: _Runs, columns: list[_Key]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield a place and a share dropped, with accuracies of shape ``(columns, seeds)``."""
    for place, found in runs.items():
        for i, dropped in enumerate(_DROPPED):
            scores = np.array([[result[column][i] for result in found] for column in columns])
            yield [*place, f"{dropped:.0%}"], scores


def _rows(runs: _Runs, columns: list[_Key]) -> list[list[str]]:
    """Return means and standard deviations; the best mean in bold."""
    rows = []
    for place, scores in _collect(runs, columns):
        means, spread = scores.mean(axis=1), scores.std(axis=1, ddof=min(1, scores.shape[1] - 1))
        cells = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(means, spread, strict=True)]
        judged = [j for j, column in enumerate(columns) if column[1] != "all"]
        best = max(judged, key=lambda j: means[j])
        cells[best] = f"**{cells[best]}**"
        rows.append([*place, *cells])
    return rows


def _differences(runs: _Runs) -> str:
    """Compare ours with the others, each by the default value, seed by seed."""
    columns = [("", "random"), *((_DEFAULT, method) for method in _PEERS), (_DEFAULT, OURS)]
    rows, every = [], []
    for place, scores in _collect(runs, columns):
        rows.append([*place, *_show(scores[-1] - scores[:-1])])
        every.append(scores[-1] - scores[:-1])
    rows.append(["all", "all", "all", *_show(np.concatenate(every, axis=1))])
    return markdown(["data", "learner", "dropped", "random", *_PEERS], rows)


def _show(differences: np.ndarray) -> list[str]:
    """Return means with their standard errors, of shape ``(methods, seeds)``."""
    count = differences.shape[1]
    errors = differences.std(axis=1, ddof=min(1, count - 1)) / np.sqrt(count)
    means = differences.mean(axis=1)
    return [f"{mean:+.3f} ± {error:.3f}" for mean, error in zip(means, errors, strict=True)]


def _draw(runs: _Runs, path: Path) -> None:
    """Draw accuracy against the share dropped, a line a method, a panel a learner and variant."""
    learners = list(dict.fromkeys(learner for _, learner in runs))
    shape = len(_VARIANTS), len(learners)
    figure, axes = plt.subplots(
        *shape, figsize=(3.4 * shape[1], 2.9 * shape[0]), squeeze=False, layout="constrained"
    )
    columns = [("", "random"), *((_DEFAULT, method) for method in (*_PEERS, OURS))]
    for panel, (place, found) in zip(axes.flat, runs.items(), strict=True):
        scores = [scores for _, scores in _collect({place: found}, columns)]
        for j, (_, method) in enumerate(columns):
            each = np.array([score[j] for score in scores])
            spread = each.std(axis=1, ddof=min(1, each.shape[1] - 1))
            shares = 100 * np.array(_DROPPED) + 1.2 * (j - 2)  # side by side
            style = {"color": _COLOURS[j], "marker": "osD^v"[j], "ms": 4, "capsize": 2}
            width = 2.5 if method == OURS else 1.2
            panel.errorbar(shares, each.mean(axis=1), spread, lw=width, label=method, **style)
        panel.axhline(np.mean([result["", "all"] for result in found]), color="0.6", ls=":")
        panel.set_title(f"{place[1]}, {place[0]}", fontsize=10)
        panel.set_xticks([100 * share for share in _DROPPED], [f"{d:.0%}" for d in _DROPPED])
        panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("training points dropped (dotted: none)", fontsize=10)
    figure.supylabel("accuracy on test data", fontsize=10)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
