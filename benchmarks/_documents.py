"""Documents and questions over two of them, all written for the benchmark of prompts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Question:
    """A question whose answer takes two documents.

    Attributes:
        text: The question.
        lead: How its answer begins.
        answer: The answer as it follows that.
        facts: The two documents.
        bridge: What both of them name.
    """

    text: str
    lead: str
    answer: str
    facts: tuple[str, str]
    bridge: str

    @property
    def way(self) -> tuple[str, str]:
        """The beginning of an answer that goes through both documents, and the rest of it."""
        lead, rest = self.facts[0].split(f" {self.bridge}", 1)
        return lead, f" {self.bridge}{rest} {self.facts[1]}".removesuffix(".")


QUESTIONS = [
    Question(
        "Who is the vet of Mira's dog?",
        "The vet of Mira's dog is Dr.",
        " Hanning",
        ("Mira's dog is called Tolo.", "The vet of Tolo is Dr. Hanning."),
        "Tolo",
    ),
    Question(
        "In which city does Edwin's sister live?",
        "Edwin's sister lives in",
        " Lisbon",
        ("Edwin's sister is called Clara.", "Clara lives in Lisbon."),
        "Clara",
    ),
    Question(
        "What does the owner of the blue boat sell?",
        "The owner of the blue boat sells",
        " oranges",
        ("The blue boat belongs to Hugo.", "Hugo sells oranges."),
        "Hugo",
    ),
    Question(
        "Which instrument does Anna's teacher play?",
        "Anna's teacher plays the",
        " cello",
        ("Anna's teacher is called Felix.", "Felix plays the cello."),
        "Felix",
    ),
    Question(
        "What colour is the baker's house?",
        "The baker's house is",
        " yellow",
        ("The baker of the village is Sofia.", "The house of Sofia is yellow."),
        "Sofia",
    ),
]

_PEOPLE = re.findall(
    r"\w+",
    """
    Bruno Nadia Karl Irene Oscar Lena Victor Paula Simon Greta Jonas Marta Peter Olga Robert
    Helen Martin Rosa Daniel Emma Julia Arthur Nina Walter Ida Leo Tessa Conrad
""",
)
_KINDS = {
    "{} lives in {}.": ("Oslo", "Vienna", "Dublin", "Prague", "Athens", "Warsaw"),
    "{} sells {}.": ("shoes", "candles", "carpets", "bread", "books", "flowers"),
    "{} plays the {}.": ("flute", "piano", "violin", "harp", "trumpet", "guitar"),
    "The house of {} is {}.": ("red", "green", "white", "grey", "brown", "pink"),
    "The dog of {} is called {}.": ("Pim", "Rex", "Fido", "Luna", "Bello", "Max"),
    "The doctor of {} is Dr. {}.": ("Weber", "Novak", "Costa", "Miller", "Evans", "Berg"),
}


def documents(question: Question, count: int, seed: int = 0) -> tuple[list[str], tuple[int, int]]:
    """Return documents in random order, and the positions of the two that the answer takes.

    The others say the same kinds of things of other people.
    """
    rng = np.random.default_rng([seed, count])
    people = iter(rng.permutation(_PEOPLE).tolist())
    kinds = list(_KINDS.items())
    values = {kind: iter(rng.permutation(words).tolist()) for kind, words in kinds}
    chosen = (kinds[number % len(kinds)][0] for number in range(count - 2))
    texts = [kind.format(next(people), next(values[kind])) for kind in chosen]
    first, second = sorted(rng.choice(count, 2, replace=False).tolist())
    facts = question.facts if rng.random() < 0.5 else question.facts[::-1]
    texts.insert(first, facts[0])
    texts.insert(second, facts[1])
    return texts, (first, second)
