"""The answers that a model writes as targets, for models without log-probabilities."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapiq_spex._numbers import as_real, check_integer
from shapiq_spex.games.models import Generator

from ._target import MAX_TOKENS, need, own_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from shapiq_spex.games.models import Prompt

    from ._target import Target

    FloatArray = NDArray[np.float64]

Score = Callable[[list[str]], Any]
"""From the answers to masked prompts to one number for each."""


@dataclass(frozen=True)
class Answers:
    """A score of the answers that the model writes, for models without log-probabilities.

    Attributes:
        score: A function from a list of answers to one number each.
        max_tokens: How long an answer may be.
    """

    score: Score
    max_tokens: int = MAX_TOKENS

    def __post_init__(self) -> None:
        """Check the length."""
        check_integer("max_tokens", self.max_tokens, 1)

    @property
    def fingerprint(self) -> object:
        """The function and the length."""
        return ["answers", self.score, self.max_tokens]

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the target, if the model writes answers; see :meth:`Target.prepare`."""
        return need(self, model, Generator, "generate")

    def ask(self, model: Generator, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return the scores, shape ``(m, 1)``; see :meth:`Target.ask`."""
        answers = model.generate(prompts, self.max_tokens, repeat)
        scores = as_real(self.score(answers), "The score must return")
        if scores.shape != (len(answers),):
            msg = f"The score of {len(answers)} answers must be as many numbers, got {scores.shape}"
            raise ValueError(msg)
        return scores[:, None]

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the scores, shape ``(m,)``; see :meth:`Target.values`."""
        return outputs[:, 0]


@dataclass(frozen=True)
class Similarity:
    """How much the answer to a masked prompt is like that to the whole one.

    For endpoints that report no log-probabilities. By default twice the number of words that both
    have in the same order, divided by the number of words of both: from 0 to 1.

    Attributes:
        reference: The answer to compare with; None for the model's own to the whole prompt.
        measure: A function of an answer and the reference, as by embeddings; None for the default.
        max_tokens: How long an answer may be.
    """

    reference: str | None = None
    measure: Callable[[str, str], float] | None = None
    max_tokens: int = MAX_TOKENS

    def __post_init__(self) -> None:
        """Check the length."""
        check_integer("max_tokens", self.max_tokens, 1)

    @property
    def fingerprint(self) -> object:
        """The answer, the measure and the length."""
        return ["similarity", self.reference, self.measure, self.max_tokens]

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the target with the model's own answer in it; see :meth:`Target.prepare`."""
        need(self, model, Generator, "generate")
        if self.reference is not None:
            return self
        return replace(self, reference=own_answer(self, model, prompt, self.max_tokens))

    def ask(self, model: Generator, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return the similarities, shape ``(m, 1)``; see :meth:`Target.ask`."""
        measure = self.measure or _words_in_common
        answers = model.generate(prompts, self.max_tokens, repeat)
        found = [[measure(answer, str(self.reference))] for answer in answers]
        return as_real(found, "The measure must return")

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the similarities, shape ``(m,)``; see :meth:`Target.values`."""
        return outputs[:, 0]


def _words_in_common(answer: str, reference: str) -> float:
    return difflib.SequenceMatcher(None, answer.split(), reference.split(), autojunk=False).ratio()
