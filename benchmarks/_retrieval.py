"""Whether the two documents that an answer takes are found among others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from _common import markdown, progress
from _documents import QUESTIONS, documents
from _llm import APPROXIMATORS, explain, model, rank, store

from shapiq_spex.games import Continuation, PromptGame

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import shapiq
    from _documents import Question

_BUDGET = 300
_ORDER = 3
_FORMATS = {
    "plain": "{text}\n\nQuestion: QUESTION\nAnswer: LEAD",
    "example": (
        "The cat of Alma is called Minka. The doctor of Ralf is Dr. Stone. Minka likes milk.\n\n"
        "Question: What does Alma's cat like?\nAnswer: Alma's cat likes milk.\n\n"
        "{text}\n\nQuestion: QUESTION\nAnswer: LEAD"
    ),
    "chat": ("<|im_start|>user\n{text}\n\nQUESTION<|im_end|>\n<|im_start|>assistant\nLEAD"),
}
_CONDITIONS = ("both", "link", "answer", "none")


def retrieval(options: argparse.Namespace) -> str:
    """Documents as players, two of which the answer takes; log-probability of the answer.

    The link is the document that names what the other, which holds the answer, is about.
    The format is the one with the highest mean log-probability of the answer where the two
    documents stand alone. 8 documents: all 256 masks; 16 and 30: 300.
    """
    alone = {name: [_conditions(q, name, 8, options.store) for q in QUESTIONS] for name in _FORMATS}
    best = max(
        _FORMATS, key=lambda name: np.mean([found[len(_CONDITIONS)] for found in alone[name]])
    )
    questions = QUESTIONS[: options.questions]
    texts = [_compare_formats(alone), f"Format: {best}. {_list_questions()}"]
    rows, found = [], []
    for count in options.documents:
        for question in questions:
            values = _conditions(question, best, count, options.store)
            rows.append([str(count), question.answer.strip(), *(f"{v:.2f}" for v in values)])
            progress(rows[-1])
    for count in options.documents:
        for question in questions:
            found += _explain_all(question, best, count, options.store)
    header = ["documents", "answer", *(f"among the others: {c}" for c in _CONDITIONS)]
    header += [f"alone: {c}" for c in _CONDITIONS]
    texts.append(markdown(header, rows))
    header = ["documents", "answer", "method", "masks", "the pair's value", "rank", "R²"]
    texts.append(markdown([*header, "strongest of two and more", "strongest alone"], found))
    return "\n\n".join(texts)


def _game(question: Question, name: str, count: int) -> tuple[PromptGame, tuple[int, int]]:
    """Return the game of documents, and the positions of the two that count."""
    texts, pair = documents(question, count)
    template = _FORMATS[name].replace("QUESTION", question.text).replace("LEAD", question.lead)
    game = PromptGame(
        template,
        text=[f"{text} " for text in texts],
        model=model(),
        target=Continuation(question.answer),
    )
    return game, pair


def _conditions(question: Question, name: str, count: int, folder: Path) -> list[float]:
    """Return log-probabilities with both, one or none of the two, among the others and alone."""
    game, pair = _game(question, name, count)
    link, answer = _places(question, game, pair)
    masks = np.repeat([True, False], len(_CONDITIONS))[:, None] & np.ones(count, dtype=bool)
    masks[:, link] = [True, True, False, False] * 2
    masks[:, answer] = [True, False, True, False] * 2
    with store(game, folder) as stored:
        return stored(masks).tolist()


def ways(options: argparse.Namespace) -> str:
    """Documents as players; the probability of an answer that goes through both documents.

    Its log-probability, shown first, is about a sum over the two. Its probability is a product.
    8 documents: all 256 masks; 16 and 30: 300. The share is the pair's value by that of all.
    """
    rows = []
    for count in options.documents:
        for question in QUESTIONS[: options.questions]:
            rows += _explain_way(question, count, options.store)
    header = ["documents", "answer", *(f"log-probability: {c}" for c in _CONDITIONS)]
    header += ["method", "masks", "the pair's rank", "share", "R²", "strongest"]
    return markdown(header, rows)


def _explain_way(question: Question, count: int, folder: Path) -> list[list[str]]:
    """Return the rows of a question: what each method finds in the way to its answer."""
    texts, pair = documents(question, count)
    lead, rest = question.way
    game = PromptGame(
        _FORMATS["plain"].replace("QUESTION", question.text).replace("LEAD", lead),
        text=[f"{text} " for text in texts],
        model=model(),
        target=Continuation(rest, scale="probability"),
    )
    link, answer = _places(question, game, pair)
    masks = np.ones((4, count), dtype=bool)
    masks[:, link], masks[:, answer] = [True, True, False, False], [True, False, True, False]
    rows = []
    with store(game, folder) as stored:
        values = stored(masks)
        whole = 1 << count <= _BUDGET
        for method in ["ProxySPEX"] if whole else APPROXIMATORS:
            approximator, explanation = explain(method, stored, _BUDGET, _ORDER)
            row = [str(count), rest.strip(), *(f"{v:.1f}" for v in np.log(values))]
            row += ["exact" if whole else method, f"{approximator.record.asked}"]
            row.append(str(rank(explanation, pair) or "not found"))
            found = {tuple(s): float(v) for s, v in explanation.interactions.items() if len(s)}
            row.append(f"{found.get(pair, 0.0) / sum(map(abs, found.values())):.0%}")
            row.append(f"{approximator.cv_faithfulness:.2f}")
            names = dict(zip((link, answer), _CONDITIONS[1:3], strict=True))
            top = sorted(found, key=lambda s: -abs(found[s]))[:3]
            row.append("; ".join(f"({', '.join(names.get(p, str(p)) for p in s)})" for s in top))
            rows.append(row)
            progress(row)
    return rows


def _compare_formats(alone: dict[str, list[list[float]]]) -> str:
    """Return the table of the formats: means over the questions, 8 documents."""
    header = ["format, 8 documents", *(f"among the others: {c}" for c in _CONDITIONS)]
    header += [f"alone: {c}" for c in _CONDITIONS]
    rows = [[n, *(f"{v:.2f}" for v in np.mean(found, axis=0))] for n, found in alone.items()]
    return markdown(header, rows)


def _list_questions() -> str:
    """Return the questions with their documents."""
    return " ".join(
        f'"{q.text}" (link: "{q.facts[0]}", answer: "{q.facts[1]}").' for q in QUESTIONS
    )


def _explain_all(question: Question, name: str, count: int, folder: Path) -> list[list[str]]:
    """Return the rows of a question: what each method finds."""
    game, pair = _game(question, name, count)
    rows = []
    with store(game, folder) as stored:
        whole = 1 << count <= _BUDGET
        for method in ["ProxySPEX"] if whole else APPROXIMATORS:
            approximator, explanation = explain(method, stored, _BUDGET, _ORDER)
            row = [str(count), question.answer.strip(), "exact" if whole else method]
            row.append(f"{approximator.record.asked}")
            row += [f"{explanation.interactions.get(pair, 0.0):+.2f}"]
            row.append(str(rank(explanation, pair) or "not found"))
            row.append(f"{approximator.cv_faithfulness:.2f}")
            names = dict(zip(_places(question, game, pair), _CONDITIONS[1:3], strict=True))
            row.append(_strongest(explanation, names, 2))
            row.append(_strongest(explanation, names, 1))
            rows.append(row)
            progress(row)
    return rows


def _places(question: Question, game: PromptGame, pair: tuple[int, int]) -> tuple[int, int]:
    """Return where the link and the answer stand."""
    link, answer = (next(i for i in pair if fact in game.segments[i]) for fact in question.facts)
    return link, answer


def _strongest(explanation: shapiq.InteractionValues, names: dict[int, str], order: int) -> str:
    """Return the strongest interactions of an order, or from it on if it is 2."""
    found = [
        (tuple(s), float(v))
        for s, v in explanation.interactions.items()
        if len(s) == order or 2 <= order < len(s)
    ]
    found.sort(key=lambda item: -abs(item[1]))
    return "; ".join(
        f"({', '.join(names.get(player, str(player)) for player in players)}) {value:+.2f}"
        for players, value in found[:3]
    )
