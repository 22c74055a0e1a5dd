"""Fewer players where there are very many: those whose effect shows, alone or beside another.

With more players than masks many correlate with the values by chance, and those that are chosen for
it go on to do so in cross-validation. So some of the masks choose, and only the others judge what
is fitted then: they had no say in which players it is fitted to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ._ablations import ALWAYS_SEEN
from ._least_squares import gram, predict, project, solve_normal
from ._pursuit import HierarchicalSearch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._ablations import Ablations
    from ._columns import MaskColumns

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_MAX_ENTRIES = 1 << 25  # of the masks; beyond, a fit to all players takes minutes
_MAX_PLAYERS = 1 << 14  # beyond, to list a kernel's pairs of them takes many GB
_SCREENED = 1000
_BY_PAIRS = 250  # of these: more would crowd out weak players who act alone
JUDGING_FOLDS = 2
_MAX_ROUNDS = 4
_MAX_HEADS = 32  # found players, the partners of whom are screened
_MAX_ORDER = 8


def has_too_many_players(columns: MaskColumns) -> bool:
    """Say whether a fit to all players would take too much time or memory."""
    n = columns.n_players
    return n > 2 * _SCREENED and (n > _MAX_PLAYERS or n * columns.n_masks > _MAX_ENTRIES)


def keep_influential(ablations: Ablations) -> tuple[IntArray, Ablations]:
    """Choose players by some of the masks and values, and prepare a fit to these alone.

    Args:
        ablations: The masks and values.

    Returns:
        The players, ascending, shape ``(p,)``, and the masks of these, numbered in this order; only
        those that had no say in the choice are held out.
    """
    judged = ablations.judged_by(JUDGING_FOLDS)
    choosing = np.flatnonzero((judged.folds == ALWAYS_SEEN) & ablations.typical)
    players, _ = find_influential(ablations.take(choosing))
    return players, replace(judged, columns=judged.columns.restrict(players))


def find_influential(ablations: Ablations) -> tuple[IntArray, IntArray]:
    """Choose the players that correlate most with the values, then with what is left of these.

    What a search finds among the players chosen so far is taken from the values before they are
    chosen anew, as often as that leads to other sets: weak effects stand out only then. A share
    of the players is chosen by their strongest pair with a player that was found.

    Args:
        ablations: The masks and values, all of which have a say.

    Returns:
        The players, ascending, shape ``(p,)``, and the sets found among them, the empty one first,
        shape ``(k, width)``, padded with the number of all players.
    """
    n = ablations.columns.n_players
    sets = np.full((1, 1), n)
    players = np.arange(0)
    for _ in range(_MAX_ROUNDS):
        players = _strongest(ablations, sets)
        part = replace(ablations, columns=ablations.columns.restrict(players))
        search = HierarchicalSearch(part, min(_MAX_ORDER, len(players)))
        empty = np.full((1, 1), len(players))
        path = search.run(empty, max_terms=search.largest_size, significant=True)
        before, sets = sets, np.append(players, n)[path.sets]
        if np.isin(sets, before).all():
            break
    return players, sets


def _strongest(ablations: Ablations, sets: IntArray) -> IntArray:
    """Return the players of sets, and those that correlate most with what these leave."""
    columns = ablations.columns
    n = columns.n_players
    signs = columns.characters(sets)
    coefficients = solve_normal(gram(signs, signs), project(signs, ablations.values))
    residual = ablations.values - predict(signs, coefficients)
    strength = np.abs(columns.correlate(np.arange(n)[:, None], residual))
    found, first = np.unique(sets[sets < n], return_index=True)
    heads = found[np.argsort(first)][:_MAX_HEADS]
    strength[found] = np.inf
    chosen = np.argsort(-strength, kind="stable")[:_SCREENED]
    if len(heads):
        chosen = chosen[: max(len(found), _SCREENED - _BY_PAIRS)]
        weighted = columns.signs(heads) * residual.astype(np.float32)
        strength = np.abs(columns.correlate_players(weighted)).max(axis=0)
        strength[chosen] = -np.inf
        more = np.argsort(-strength, kind="stable")[: max(0, _SCREENED - len(chosen))]
        chosen = np.concatenate([chosen, more])
    return np.sort(chosen)
