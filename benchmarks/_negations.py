"""Whether double negations are found, and whether the model has them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from _common import markdown, progress
from _llm import APPROXIMATORS, explain, in_order, rank, sentiment_game, store
from _prompts import NEGATIONS

from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    import argparse

    import shapiq

    from shapiq_spex import StoredGame

_BUDGET = 300
_ORDER = 3
_MOST_WORDS = 11  # of a review whose masks are all evaluated
_TOPS = (1, 3, 5, 10)
_TRUTH = "all masks"


def negations(options: argparse.Namespace) -> str:
    """FBII of order 3 from 300 masks: each review's pair of words that negate each other.

    The rank is that among the interactions of two words and more, by size. A pair that a double
    negation makes positive should have a value above 0. *All masks* is the exact FBII of the model.
    """
    methods = [_TRUTH, *APPROXIMATORS]
    rows, strongest = [], []
    ranks: dict[str, list[tuple[int | None, int | None]]] = {name: [] for name in methods}
    for review in NEGATIONS:
        with store(sentiment_game(review.text), options.store) as game:
            found = {name: _find(name, game) for name in methods}
            words = [word.strip(".,") for word in game.game.player_names]
            (whole,) = game(np.ones((1, len(words)), dtype=bool))
        for pair in review.pairs:
            players = tuple(sorted(map(words.index, pair)))
            row = [" ".join(pair), "+" if review.positive else "-", str(len(words))]
            row.append(f"{whole:+.2f}")
            for name, (explanation, faithfulness) in found.items():
                row += _describe(explanation, players, faithfulness)
                if explanation is not None:
                    ranks[name].append((rank(explanation, players), rank(explanation, players, 2)))
            rows.append(row)
            progress(row)
        strongest.append([review.text, *(_name_strongest(e, words) for e, _ in found.values())])
    header = ["pair", "expected", "words", "log-odds"]
    header += [f"{name}: {what}" for name, what in product(methods, ("value", "rank"))]
    return "\n\n".join(
        [
            markdown(header, rows),
            "How often the pair is among the strongest:",
            _summarise(ranks),
            "The strongest interactions of two words and more:",
            markdown(["review", *methods], strongest),
        ]
    )


def _find(name: str, game: StoredGame) -> tuple[shapiq.InteractionValues | None, float]:
    """Return what a method finds, and how faithful it thinks it is; None where it cannot run."""
    n = game.n_players
    if name != _TRUTH:
        approximator, explanation = explain(name, game, _BUDGET, _ORDER)
        return explanation, approximator.cv_faithfulness
    if n > _MOST_WORDS:
        return None, np.nan
    spectrum = FourierSpectrum.from_values(in_order(game)(all_masks(n)))
    orders = spectrum.energy_by_order()
    share = orders[: _ORDER + 1].sum() - orders[0]
    return spectrum.to_interaction_values("FBII", _ORDER), float(share / orders[1:].sum())


def all_masks(n: int) -> np.ndarray:
    """Return all masks, each at the place that a table of values has for it."""
    return ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1).astype(bool)


def _describe(
    explanation: shapiq.InteractionValues | None, players: tuple[int, ...], faithfulness: float
) -> list[str]:
    """Return the cells of a method: value, rank and faithfulness."""
    if explanation is None:
        return ["-", "-"]
    place = rank(explanation, players)
    total = sum(len(others) > 1 for others in explanation.interactions)
    value = explanation.interactions.get(players, 0.0)
    return [f"{value:+.2f}", f"{place or 'not found'} of {total:,} (R² {faithfulness:.2f})"]


def _name_strongest(
    explanation: shapiq.InteractionValues | None, words: list[str], count: int = 3
) -> str:
    """Return the strongest interactions with their words."""
    if explanation is None:
        return "-"
    found = [(tuple(s), float(v)) for s, v in explanation.interactions.items() if len(s) > 1]
    found.sort(key=lambda item: -abs(item[1]))
    return "; ".join(
        f"({', '.join(words[player] for player in players)}) {value:+.2f}"
        for players, value in found[:count]
    )


def _summarise(ranks: dict[str, list[tuple[int | None, int | None]]]) -> str:
    """Return the table of how often the pair is among the strongest interactions."""
    rows = []
    for column, among in enumerate(("two words and more", "two words")):
        for name, places in ranks.items():
            found = [place[column] for place in places]
            shares = [sum(p is not None and p <= top for p in found) for top in _TOPS]
            row = [name, among, str(len(found))]
            rows.append([*row, *(f"{s} ({s / len(found):.0%})" for s in shares)])
    return markdown(["", "among interactions of", "pairs", *(f"top {t}" for t in _TOPS)], rows)
