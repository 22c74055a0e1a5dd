"""The modified trolley problem of SPEX's authors, from a file of puzzles."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _common import markdown, progress
from _llm import APPROXIMATORS, explain, model, rank, store

from shapiq_spex.games import Labels, PromptGame
from shapiq_spex.games.intervention import strongest

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import shapiq

    from shapiq_spex.spectrum import FourierSpectrum

_BUDGET = 1000
_ORDER = 4
_SHOWN = 5
_FORMATS = {  # what stands around the puzzle, and between that and the answer
    "plain": ("{text}\nAnswer:", " "),
    "chat": ("<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n", ""),
}
_SYNONYMS = {
    "runaway": "loose",
    "trolley": "tram",
    "heading": "going",
    "away": "off",
    "five": "several",
    "people": "persons",
    "tied": "bound",
    "track": "rails",
    "move": "stir",
    "near": "beside",
    "lever": "switch",
    "switch": "change",
    "direction": "way",
    "note": "mind",
    "pulling": "moving",
    "cause": "bring",
    "physical": "bodily",
    "strain": "stress",
    "stretched": "limbered",
    "true": "right",
    "false": "wrong",
    "should": "must",
    "not": "never",
    "pull": "move",
}


class _Found(NamedTuple):
    """What a method found in a game."""

    game: PromptGame
    method: str
    spectrum: FourierSpectrum
    explanation: shapiq.InteractionValues
    faithfulness: float


def trolley(options: argparse.Namespace) -> str:
    """Log-odds of False, the right answer by the table, against True; FBII of order 4, 1,000 masks.

    Words are numbered where they come more than once. Predicted is the change of the value if the
    words are masked; beside it stands what the model does then, and when synonyms stand for them.
    """
    text = _read(options.puzzles)
    answers, tops, changes = [], [], []
    for name, (template, prefix) in _FORMATS.items():
        target = Labels("False", "True", prefix=prefix)
        game = PromptGame(template, text=text, model=model(), target=target)
        with store(game, options.store) as stored:
            whole = game.outputs(np.ones((1, game.n_players), dtype=bool))
            (empty,) = stored(np.zeros((1, game.n_players), dtype=bool))
            (value,) = target.values(whole)
            mass = f"{np.exp(whole).sum():.2f}"
            answers.append([name, str(game.n_players), f"{value:+.2f}", mass, f"{empty:+.2f}"])
            progress(answers[-1])
            for method in APPROXIMATORS:
                approximator, explanation = explain(method, stored, _BUDGET, _ORDER)
                found = _Found(
                    game, method, approximator.spectrum, explanation, approximator.cv_faithfulness
                )
                tops.append([name, *_describe(found)])
                progress(tops[-1])
                changes += [[name, method, *row] for row in _intervene(found)]
    header = ["format", "words", "log-odds of False", "probability of both", "with no word"]
    texts = [markdown(header, answers)]
    header = ["format", "method", "R²", "strongest of two and more", "strongest alone"]
    texts.append(markdown([*header, "rank of the article's four"], tops))
    header = ["format", "method", "words", "what they are", "predicted", "masked"]
    texts.append(markdown([*header, "replaced", "by"], changes))
    return "\n\n".join(texts)


def _read(path: Path) -> str:
    """Return the puzzle and its question."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if "trolley" in row["context"]:
                return f"{row['context']} {row['question']}"
    msg = f"There is no trolley problem in {path}."
    raise ValueError(msg)


def _cores(game: PromptGame) -> list[str]:
    """Return the words without capitals and punctuation."""
    return [name.strip(".,:").lower() for name in game.player_names]


def _names(game: PromptGame) -> list[str]:
    """Return the words, numbered where they come more than once."""
    words = _cores(game)
    numbers = [words[: place + 1].count(word) for place, word in enumerate(words)]
    return [
        f"{word}{number}" if words.count(word) > 1 else word
        for word, number in zip(words, numbers, strict=True)
    ]


def _four(game: PromptGame) -> tuple[int, ...]:
    """Return the positions of the article's four: two trolleys, pulling, and the lever after it."""
    words = _cores(game)
    trolleys = [place for place, word in enumerate(words) if word == "trolley"]
    pulling = words.index("pulling")
    return (*trolleys[:2], pulling, words.index("lever", pulling))


def _describe(found: _Found) -> list[str]:
    """Return the cells of what a method found."""
    names = _names(found.game)
    ranked = [(tuple(s), float(v)) for s, v in found.explanation.interactions.items() if len(s)]
    ranked.sort(key=lambda item: -abs(item[1]))
    shown = [
        "; ".join(f"({', '.join(names[i] for i in s)}) {value:+.2f}" for s, value in of[:_SHOWN])
        for of in ([f for f in ranked if len(f[0]) > 1], [f for f in ranked if len(f[0]) == 1])
    ]
    place = rank(found.explanation, _four(found.game))
    return [found.method, f"{found.faithfulness:.2f}", *shown, str(place or "not found")]


def _intervene(found: _Found) -> list[list[str]]:
    """Mask and replace the strongest interaction, and the article's, beside single words."""
    game, names = found.game, _names(found.game)
    interactions = {s: v for s, v in found.explanation.interactions.items() if len(s) > 1}
    chosen = {"the article's four": _four(game)}
    if interactions:
        chosen["strongest interaction"] = max(interactions, key=lambda s: abs(interactions[s]))
    others = _synonyms(game)
    rows = []
    for title, players in chosen.items():
        masked = game.intervene(found.spectrum, players)
        replaced = game.intervene(found.spectrum, players, others)
        singles = strongest(found.spectrum, len(players))
        sets = {title: players, f"strongest {len(players)} words alone": singles}
        for (what, row), one, two in zip(sets.items(), masked, replaced, strict=True):
            words = ", ".join(names[player] for player in row)
            values = [f"{v:+.2f}" for v in (one.predicted, one.change, two.change)]
            put = ", ".join(others.get(player, "nothing") for player in row)
            rows.append([words, what, *values, put])
            progress(rows[-1])
    return rows


def _synonyms(game: PromptGame) -> dict[int, str]:
    """Return what to put in the place of words, with their capitals and punctuation."""
    found = {}
    for place, (name, word) in enumerate(zip(game.player_names, _cores(game), strict=True)):
        if word in _SYNONYMS:
            other = _SYNONYMS[word]
            other = other.capitalize() if name[:1].isupper() else other
            found[place] = other + name[len(word) :]
    return found
