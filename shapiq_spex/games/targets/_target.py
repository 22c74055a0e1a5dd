"""What a target is, and what several of them share."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import logsumexp

from shapiq_spex._numbers import as_real
from shapiq_spex.ablations._checks import OutputError
from shapiq_spex.games.models import Generator
from shapiq_spex.games.models._log_probabilities import NONE, find_impossible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shapiq_spex.games.models import LanguageModel, Prompt

    FloatArray = NDArray[np.float64]

_HERE = str(Path(__file__).parents[1])  # warnings point to who called the package

MAX_TOKENS = 32
"""How long an answer may be by default."""


@runtime_checkable
class Target(Protocol):
    """What is asked of a model for each masked prompt, and the value that is made of it."""

    @property
    def fingerprint(self) -> object:
        """All that changes what is asked, and not what only :meth:`values` uses."""

    def prepare(self, model: Any, prompt: Prompt) -> Target:  # noqa: ANN401 models are of any class
        """Return the target for a model and the prompt with nothing masked.

        Args:
            model: The model.
            prompt: The prompt.

        Returns:
            The target, itself or a copy that knows more.

        Raises:
            TypeError: If the model cannot do what the target needs.
        """

    def ask(self, model: Any, prompts: Sequence[Prompt], repeat: int) -> FloatArray:  # noqa: ANN401 as above
        """Ask a model, for which the target was prepared: what costs, and what a store keeps.

        Args:
            model: The model.
            prompts: The masked prompts.
            repeat: Which of several evaluations of the same prompts this is, the seed of answers
                that are drawn at random.

        Returns:
            Shape ``(m, d)``.
        """

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the values of what a model returned.

        Args:
            outputs: What :meth:`ask` returned, shape ``(m, d)``.

        Returns:
            One value for each prompt, shape ``(m,)``.
        """


def need[T: Target](target: T, model: object, kind: type, method: str) -> T:
    """Return the target if the model is what it needs."""
    if not isinstance(model, kind):
        if isinstance(model, str):
            msg = f"model must be a model as LlamaCpp({model!r}), not its name."
            raise TypeError(msg)
        msg = (
            f"{type(target).__name__} needs a model with the method {method}, which "
            f"{type(model).__name__} has not."
        )
        raise TypeError(msg)
    return target


def ask_probabilities(
    model: LanguageModel, prompts: Sequence[Prompt], continuations: Sequence[str]
) -> FloatArray:
    """Return what a model says, shape ``(m, k)``, if that is what it says.

    Raises:
        ValueError: If it returned something of another shape, or no log-probabilities.
        TypeError: If it returned no numbers.
    """
    returned = model.log_probabilities(prompts, continuations)
    found = as_real(returned, "log_probabilities must return")
    if found.shape != (len(prompts), len(continuations)):
        msg = (
            f"log_probabilities must return an array of shape {len(prompts), len(continuations)}, "
            f"one row a prompt and one column a continuation, got {found.shape}."
        )
        raise ValueError(msg)
    impossible = find_impossible(found, np.array([len(text.encode()) for text in continuations]))
    if impossible.any():
        row, column = np.argwhere(impossible)[0]
        msg = (
            f"log_probabilities returned {found[row, column]:g} for {continuations[column]!r}, "
            "which is no log-probability: these are natural logarithms, at most 0, and a number "
            f"as {NONE:g} that stands for none is not one of them."
        )
        raise OutputError(msg, found, np.flatnonzero(impossible.any(axis=1)))
    return found


def check_space(prompt: Prompt, continuations: Sequence[str]) -> None:
    """Warn of two spaces in a row, which models hardly ever read."""
    ends = isinstance(prompt, str) and prompt.endswith(" ")
    if ends and any(text.startswith(" ") for text in continuations):
        message = (
            "The prompt ends in a space and the answer begins with one: leave one of them out, "
            "the prompt's for most models."
        )
        warnings.warn(message, skip_file_prefixes=(_HERE,))


def own_answer(target: Target, model: object, prompt: Prompt, max_tokens: int) -> str:
    """Return the model's own answer to a prompt."""
    need(target, model, Generator, "generate")
    (answer,) = model.generate([prompt], max_tokens)  # type: ignore[attr-defined] # as checked
    if not answer.strip():
        msg = "The model answers the whole prompt with nothing: give the answer to explain."
        raise ValueError(msg)
    return str(answer).rstrip()


def odds(logs: FloatArray, positive: int, against: list[int]) -> FloatArray:
    """Return the log-odds of a column against others, from logits or log-probabilities."""
    odds: FloatArray = logs[:, positive] - logsumexp(logs[:, against], axis=1)
    return odds


def check_texts(texts: Sequence[object]) -> None:
    """Refuse answers and labels that are no texts."""
    if not all(isinstance(text, str) and text for text in texts):
        msg = f"An answer or label must be a text that is not empty, got {texts}."
        raise ValueError(msg)
