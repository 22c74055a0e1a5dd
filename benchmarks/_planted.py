"""Whether what is planted in training data is found: copies, exclusive ors, wrong labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import joblib
import lightgbm
import numpy as np
from _common import markdown, progress
from _planting import plant
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from shapiq_spex import ProxySPEX, StoredGame
from shapiq_spex.evaluation import near_duplicates, partners
from shapiq_spex.games import DataSubsetGame

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from _planting import Pair, Planted, Planting

    from shapiq_spex.evaluation._partners import Kind
    from shapiq_spex.games import Value

_LEARNERS = {
    "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
    "RBF-SVM": SVC(C=10, gamma=0.1),
    "LightGBM": lightgbm.LGBMClassifier(
        n_estimators=20, num_leaves=7, min_child_samples=1, n_jobs=1, verbosity=-1
    ),
    "logistic regression": LogisticRegression(max_iter=1000),
}
_RATES = (1, 5, 20)  # masks for each player
_MORE = 3  # times as many as are planted: found among so many


@dataclass(frozen=True)
class _Truth:
    """What a pair does by trying all its four subsets, the others at random."""

    first: float
    last: float

    @property
    def kind(self) -> Kind:
        along = self.last * np.sign(self.first)
        redundant = -0.5 * abs(self.first) < along < abs(self.first)
        return "redundancy" if redundant else "synergy"


def planted(options: argparse.Namespace) -> str:
    """Copies, near-duplicates, exclusive ors and wrong labels planted in odd and even digits.

    A pair is looked for in the value that it should show in: copies in the margin of the test point
    next to them, exclusive ors in the mean margin at the two ends of an edge; wrong labels in the
    mean margin of 150 other test points. "Among 1x": among as many of the strongest redundancies
    (synergies, most negative Banzhaf values) of all these values together as are planted, so that
    precision and recall are the same; among 3x: recall among three times as many. "Kind": of the
    planted pairs, in how many the kind found is the true one, by trying all four subsets of the
    pair with the others at random. "Confirmed": of as many of the strongest pairs that are not
    planted, in how many the kind is the true one.
    """
    jobs = [(name, seed) for name in _LEARNERS for seed in range(options.seeds)]
    found = joblib.Parallel(n_jobs=options.jobs)(
        joblib.delayed(_run)(*job, options) for job in jobs
    )
    by_learner = {
        name: [result for job, result in zip(jobs, found, strict=True) if job[0] == name]
        for name in _LEARNERS
    }
    rows = [
        [name, f"{rate}n", *_average([scores[rate] for scores, _ in results])]
        for name, results in by_learner.items()
        for rate in _RATES
    ]
    truths = [
        [name, *_average([truth for _, truth in results])] for name, results in by_learner.items()
    ]
    scores = markdown(["learner", "masks", *found[0][0][1]], rows)
    truth = markdown(["learner", *found[0][1]], truths)
    return f"{scores}\n\nWhat is true, the mean of the planted pairs:\n\n{truth}"


def _average(results: list[dict[str, float]]) -> list[str]:
    """Return the means of numbers, as text; a dash where there is none."""
    columns = [[result[name] for result in results] for name in results[0]]
    return ["-" if np.isnan(column).all() else f"{np.nanmean(column):.2f}" for column in columns]


def _run(
    name: str, seed: int, options: argparse.Namespace
) -> tuple[dict[int, dict[str, float]], dict[str, float]]:
    """Plant, retrain and look, for one learner and seed."""
    planting = plant(seed, options.base, options.planted)
    train = planting.train
    game = DataSubsetGame(_LEARNERS[name], train.X, train.y, value=planting.value)
    exact = _try_all(game, planting.doubled + planting.xors, options.contexts, seed)
    case = _Case(game, planting, exact, seed, options)
    scores = {}
    for rate in sorted(_RATES):
        scores[rate] = case.score(rate, check=rate == max(_RATES))
        progress([name, str(seed), f"{rate}n", *_average([scores[rate]])])
    return scores, _describe(planting, exact)


@dataclass(frozen=True)
class _Case:
    """A learner on planted data."""

    game: DataSubsetGame
    planting: Planting
    exact: dict[Pair, _Truth]
    seed: int
    options: argparse.Namespace

    def explain(self, value: Value, budget: int) -> ProxySPEX:
        """Explain a value; all of them have the same retrainings."""
        path = self.options.store / f"planted-{self.seed}.sqlite"
        with (
            StoredGame(self.game.with_value(value), path) as stored,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # of a low faithfulness, which is shown
            approximator = ProxySPEX(stored.n_players, 2, "FBII", random_state=self.seed)
            approximator.approximate(budget, stored)
        return approximator

    def score(self, rate: int, *, check: bool) -> dict[str, float]:
        """Look for what is planted, at so many masks for each player."""
        budget = rate * self.game.n_players
        planting = self.planting
        doubled = [self.explain(each.value, budget) for each in planting.doubled]
        xors = [self.explain(each.value, budget) for each in planting.xors]
        every = self.explain(planting.value, budget)
        faithful = [each.cv_faithfulness for each in [*doubled, *xors, every]]
        copies = _Ranking(doubled, planting.doubled, "redundancy")
        edges = _Ranking(xors, planting.xors, "synergy")
        found = {
            "R² by cross-validation": float(np.mean(faithful)),
            "copies among 1x": copies.recall(planting.copies),
            "near-duplicates among 1x": copies.recall(planting.near),
            "both among 3x": copies.recall(planting.doubled, _MORE),
            "kind of both": copies.right(self.exact),
            **_group(doubled, planting),
            "XORs among 1x": edges.recall(planting.xors),
            "XORs among 3x": edges.recall(planting.xors, _MORE),
            "kind of XORs": edges.right(self.exact),
            **_find_wrong(every, planting),
        }
        for name, ranking in (("copies", copies), ("XORs", edges)):
            contexts = self.options.contexts if check else 0
            confirmed = ranking.confirm(self.game, contexts, self.seed)
            found[f"others beside {name} confirmed"] = confirmed
        return found


def _group(found: list[ProxySPEX], planting: Planting) -> dict[str, float]:
    """Score the groups that ``near_duplicates`` finds in all test points together."""
    groups = near_duplicates([each.spectrum for each in found])
    pairs = {pair for group in groups for pair in combinations(group, 2)}
    hits = len(pairs & {each.pair for each in planting.doubled})
    return {
        "near_duplicates: precision": hits / len(pairs) if pairs else np.nan,
        "recall": hits / len(planting.doubled),
    }


def _find_wrong(found: ProxySPEX, planting: Planting) -> dict[str, float]:
    """Look for wrong labels among the most negative Banzhaf values."""
    singles = found.spectrum.to_interaction_values("BV", 1).get_n_order_values(1)
    hits = np.isin(np.argsort(singles), planting.flipped)
    count = len(planting.flipped)
    return {
        f"wrong labels among {times}x": float(hits[: times * count].sum() / count)
        for times in (1, _MORE)
    }


class _Ranking:
    """The pairs of several values, each once, the strongest first."""

    def __init__(self, found: Sequence[ProxySPEX], places: list[Planted], kind: Kind) -> None:
        self.kind, self.places = kind, places
        self.spectra = [each.spectrum for each in found]
        best: dict[Pair, tuple[float, Value]] = {}
        for spectrum, place in zip(self.spectra, places, strict=True):
            for each in partners(spectrum, kind=kind):
                if abs(each.value) > best.get(each.players, (0.0, None))[0]:
                    best[each.players] = abs(each.value), place.value
        self.values = {pair: best[pair][1] for pair in sorted(best, key=lambda p: -best[p][0])}

    def recall(self, planted: list[Planted], times: int = 1) -> float:
        """Return the share of planted pairs among the strongest."""
        top = list(self.values)[: times * len(self.places)]
        return float(np.mean([each.pair in top for each in planted]))

    def right(self, exact: dict[Pair, _Truth]) -> float:
        """Return the share of planted pairs whose kind is found as it is."""
        hits = []
        for spectrum, place in zip(self.spectra, self.places, strict=True):
            kinds = {each.players: each.kind for each in partners(spectrum)}
            hits.append(kinds.get(place.pair) == exact[place.pair].kind)
        return float(np.mean(hits))

    def confirm(self, game: DataSubsetGame, contexts: int, seed: int) -> float:
        """Return the share of the strongest pairs not planted whose kind is the true one."""
        if contexts == 0:
            return np.nan
        pairs = {place.pair for place in self.places}
        others = [p for p in self.values if p not in pairs][: len(self.places)]
        places = [self.places[0]._replace(pair=p, value=self.values[p]) for p in others]
        exact = _try_all(game, places, contexts, seed + 1)
        return float(np.mean([each.kind == self.kind for each in exact.values()]))


def _try_all(
    game: DataSubsetGame, places: list[Planted], contexts: int, seed: int
) -> dict[Pair, _Truth]:
    """Train on all four subsets of pairs, with the others at random."""
    rng = np.random.default_rng([7, seed])
    found = {}
    for place in places:
        masks = rng.random((contexts, game.n_players)) < 0.5
        means = np.empty((2, 2))
        for chosen in np.ndindex(2, 2):
            masks[:, place.pair] = chosen
            means[chosen] = game.with_value(place.value)(masks).mean()
        none, one, both = means[0, 0], (means[0, 1] + means[1, 0]) / 2, means[1, 1]
        found[place.pair] = _Truth(one - none, both - one)
    return found


def _describe(planting: Planting, exact: dict[Pair, _Truth]) -> dict[str, float]:
    """Return the mean true effects, and how many pairs are of which kind."""
    described = {}
    places = {"copies": planting.copies, "near-duplicates": planting.near, "XORs": planting.xors}
    for name, planted in places.items():
        truths = [exact[each.pair] for each in planted]
        described[f"{name}: first"] = np.mean([truth.first for truth in truths])
        described["last" + " " * len(described)] = np.mean([truth.last for truth in truths])
        described["redundant" + " " * len(described)] = np.mean(
            [truth.kind == "redundancy" for truth in truths]
        )
    return described
