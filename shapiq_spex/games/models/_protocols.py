"""What a game asks of a language model."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from shapiq_spex._numbers import check_integer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Message = Mapping[str, str]
"""A message of a chat: its ``"role"`` and its ``"content"``."""

Prompt = str | Sequence[Message]
"""What a model is asked: a text to go on from, or a chat that it is to answer."""


@runtime_checkable
class LanguageModel(Protocol):
    """What a prompt can be given to: one method, and a text that says which model it is."""

    @property
    def fingerprint(self) -> str:
        """Everything of the model that changes its answers, and no secret."""

    def log_probabilities(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Args:
            prompts: The prompts.
            continuations: What may follow, of one or more tokens each.

        Returns:
            Natural logarithms, one row a prompt and one column a continuation.
        """


@runtime_checkable
class Generator(Protocol):
    """A model that writes answers, which some targets need."""

    def generate(self, prompts: Sequence[Prompt], max_tokens: int, seed: int = 0) -> list[str]:
        """Return an answer to each prompt, of at most so many tokens.

        The seed matters to models that draw their answers at random.

        Args:
            prompts: The prompts.
            max_tokens: How long an answer may be.
            seed: Fixes what is drawn.

        Returns:
            One answer a prompt.
        """


@runtime_checkable
class Classifier(Protocol):
    """A model that sorts texts into classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""

    def logits(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """Return the logit of each class for each text, shape ``(m, classes)``.

        Args:
            prompts: The prompts.

        Returns:
            One row a prompt and one column a class, in the order of ``classes``.
        """


@runtime_checkable
class Tokenizer(Protocol):
    """A model that says which tokens a text has for it."""

    def tokens(self, text: str) -> list[str]:
        """Return the tokens as texts that give the text back when they are joined.

        Tokens that are parts of one character stand together.

        Args:
            text: The text.

        Returns:
            The tokens in their order.
        """


@dataclass
class Usage:
    """What a model was asked so far.

    Attributes:
        requests: How often it computed or was called.
        tokens: How many tokens it read and wrote, those included that it remembered.
    """

    requests: int = 0
    tokens: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, requests: int, tokens: int) -> None:
        """Count more; threads may do so at the same time.

        Args:
            requests: How many requests.
            tokens: How many tokens.

        Raises:
            ValueError: If one is negative.
            TypeError: If one is no integer.
        """
        check_integer("requests", requests, 0)
        check_integer("tokens", tokens, 0)
        with self._lock:
            self.requests += requests
            self.tokens += tokens


def as_messages(prompt: Prompt, *, chat: bool) -> list[Message] | None:
    """Return a prompt as a chat, or None if it is a text to go on from.

    Args:
        prompt: The prompt.
        chat: Whether a text is what a user says.
    """
    if not isinstance(prompt, str):
        return list(prompt)
    return [{"role": "user", "content": prompt}] if chat else None
