"""Greedy hierarchical search: the sets whose characters correlate with what is left of the values.

Orthogonal matching pursuit whose candidates follow a hierarchy, since an interaction seldom comes
without some of its subsets: single players, pairs, and found sets extended by one player. The best
few are added, all coefficients are fitted again, and so on; how far to go is for cross-validation
to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import resize, unique_sets

from ._least_squares import gram, predict, project, solve_normal
from ._screen import Candidates, Residual, Screen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._ablations import Ablations

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_ADDED_SHARE = 0.15  # of the terms so far, how many may join in one round
_MIN_ADDED = 3
_RELATIVE_SCORE = 0.5  # of the best candidate's squared z-score, for those that join beside it
_LENIENCE = 0.35  # of the penalty at which a candidate is worth cross-validating
_PATIENCE = 5
_LARGEST_SHARE = 0.35  # of the masks, for the number of sets
_MAX_TERMS = 3000


@dataclass
class Path:
    """What a search added, round by round.

    Attributes:
        sets: The sets in the order of their arrival, shape ``(k, width)``, padded.
        sizes: How many sets there were after each round.
        squared_errors: Squared errors on the held-out masks after each round; empty without these.
    """

    sets: IntArray
    sizes: list[int] = field(default_factory=list)
    squared_errors: list[FloatArray] = field(default_factory=list)

    @property
    def errors(self) -> list[float]:
        """Mean squared error on the held-out masks after each round."""
        return [float(errors.mean()) for errors in self.squared_errors]

    def stalled(self) -> bool:
        """Whether the held-out error has not fallen for some rounds."""
        errors = self.errors
        return len(errors) - int(np.argmin(errors)) > _PATIENCE


class HierarchicalSearch:
    """A search on fixed masks and values, run on all masks or on the training part of a fold.

    Attributes:
        ablations: The masks and values.
        max_order: The size of the largest set to consider.
        largest_size: How many sets these masks can tell apart reliably.
        screen: What scores the candidates.
    """

    def __init__(self, ablations: Ablations, max_order: int) -> None:
        """Prepare the screen.

        Args:
            ablations: The masks and values.
            max_order: The size of the largest set to consider.
        """
        self.ablations = ablations
        self.max_order = max_order
        n_masks = len(ablations.values)
        self.largest_size = min(_MAX_TERMS, max(1, int(_LARGEST_SHARE * n_masks)))
        self.screen = Screen(ablations.columns, ablations.values)

    def without_outliers(self) -> HierarchicalSearch:
        """Return the search on the masks that a fit should follow; see :class:`Ablations`."""
        ablations = self.ablations.without_outliers()
        return self if ablations is self.ablations else type(self)(ablations, self.max_order)

    def run(
        self,
        start: IntArray,
        *,
        train: NDArray[np.bool_] | None = None,
        max_terms: int,
        significant: bool = False,
    ) -> Path:
        """Search.

        Args:
            start: Sets to begin with, shape ``(k, width)``; the empty set should be among them.
            train: The masks to learn from; the others are for validation. All by default.
            max_terms: Stop at this many sets.
            significant: Only add sets whose correlation chance would hardly give; otherwise also
                those that are worth cross-validating.

        Returns:
            The path; without validation masks it goes on to ``max_terms`` or to the last candidate.
        """
        n_masks = len(self.ablations.values)
        weights = np.ones(n_masks) if train is None else train.astype(np.float64)
        state = _State(self, start, weights, lenience=1.0 if significant else _LENIENCE)
        path = Path(sets=state.sets)
        while True:
            state.fit()
            path.sets = state.sets
            path.sizes.append(len(state.sets))
            if train is not None:
                path.squared_errors.append(state.residual[~train] ** 2)
                if path.stalled():
                    break
            if state.exact or not state.add_best(max_terms - len(state.sets)):
                break
        return path


class _State:
    """The sets found so far, their signs and fit."""

    def __init__(
        self, search: HierarchicalSearch, start: IntArray, weights: FloatArray, lenience: float
    ) -> None:
        self._search = search
        self._weights = weights
        self._lenience = lenience
        self._n_train = float(weights.sum())
        self.sets = start
        self._signs = search.ablations.columns.characters(start)
        self._gram = gram(self._signs * weights.astype(np.float32), self._signs)
        self.residual = search.ablations.values
        self._left = float(weights @ self.residual**2)

    @property
    def exact(self) -> bool:
        """Whether nothing is left of the training values but rounding."""
        return self._left <= self._search.ablations.negligible * self._n_train

    def fit(self) -> None:
        """Fit all coefficients by least squares on the training masks."""
        values = self._search.ablations.values
        coefficients = solve_normal(self._gram, project(self._signs, self._weights * values))
        self.residual = values - predict(self._signs, coefficients)
        self._left = float(self._weights @ self.residual**2)

    def add_best(self, room: int) -> bool:
        """Add at most ``room`` of the best candidates, and say whether there were any."""
        scale = np.sqrt(max(self._left, np.finfo(float).tiny) / self._n_train)
        weighted = (self._weights * self.residual / scale).astype(np.float32)
        residual = Residual(weighted, self._n_train, self._lenience)
        screen, max_order = self._search.screen, self._search.max_order
        fresh = self._fresh(screen.hierarchical(residual, self.sets, self._signs, max_order))
        if len(fresh.sets) == 0 and max_order > 1:
            fresh = self._fresh(screen.all_pairs(residual, self.sets))
        limit = min(room, max(_MIN_ADDED, int(_ADDED_SHARE * len(self.sets))))
        if len(fresh.sets) == 0 or limit <= 0:
            return False
        chosen = np.argsort(fresh.penalties - fresh.scores, kind="stable")[:limit]
        chosen = chosen[fresh.scores[chosen] >= _RELATIVE_SCORE * fresh.scores[chosen[0]]]
        self._extend(fresh.sets[chosen])
        return True

    def _fresh(self, parts: list[Candidates]) -> Candidates:
        """Join candidates without repeats and without what is known."""
        n = self._search.screen.n
        width = max(self.sets.shape[1], *(part.sets.shape[1] for part in parts))
        sets = np.concatenate([resize(part.sets, width, n) for part in parts])
        known = resize(self.sets, width, n)
        distinct, position = unique_sets(np.concatenate([known, sets]))
        is_known = np.zeros(len(distinct), dtype=bool)
        is_known[position[: len(known)]] = True
        position = position[len(known) :]
        # of the ways to a set the last one counts: all give the same score
        source = np.full(len(distinct), -1)
        source[position] = np.arange(len(sets))
        rows = source[(source >= 0) & ~is_known]
        scores = np.concatenate([part.scores for part in parts])
        penalties = np.concatenate([part.penalties for part in parts])
        return Candidates(sets[rows], scores[rows], penalties[rows])

    def _extend(self, sets: IntArray) -> None:
        """Take new sets into the model."""
        signs = self._search.ablations.columns.characters(sets)
        weighted = signs * self._weights.astype(np.float32)
        cross = gram(weighted, self._signs)
        self._gram = np.block([[self._gram, cross.T], [cross, gram(weighted, signs)]])
        self._signs = np.concatenate([self._signs, signs])
        self.sets = np.concatenate([resize(self.sets, sets.shape[1], self._search.screen.n), sets])
