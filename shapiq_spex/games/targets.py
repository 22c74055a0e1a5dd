"""What of a model's answer is explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


@runtime_checkable
class Target(Protocol):
    """A function of the log-probabilities of some continuations of a prompt."""

    @property
    def continuations(self) -> tuple[str, ...]:
        """The texts whose log-probabilities it needs, in an order that the texts alone give."""

    def values(self, log_probabilities: FloatArray) -> FloatArray:
        """Return the values, shape ``(m,)``, of log-probabilities, shape ``(m, continuations)``."""


@dataclass(frozen=True)
class Continuation:
    """The log-probability of one answer.

    Attributes:
        text: The answer, as it follows the prompt, with its space if it has one.
    """

    text: str

    def __post_init__(self) -> None:
        """Check the answer."""
        _check_texts([self.text])

    @property
    def continuations(self) -> tuple[str, ...]:
        """The answer."""
        return (self.text,)

    def values(self, log_probabilities: FloatArray) -> FloatArray:
        """Return the log-probabilities, shape ``(m,)``."""
        return log_probabilities[:, 0]


class Labels:
    """The log-odds of one label against the others.

    Labels may have any number of tokens. All labels' log-probabilities are kept in a store, so that
    another ``positive`` one of the same labels costs nothing.

    Attributes:
        labels: The labels as they follow the prompt.
        positive: The one whose log-odds are the values.
    """

    def __init__(self, *labels: str, positive: str | None = None, prefix: str = " ") -> None:
        """Name the labels.

        Args:
            *labels: At least two.
            positive: The label whose log-odds are the values, by default the first.
            prefix: What stands between the prompt and a label; a space belongs to the first token
                of a label for most models, so the prompt should not end in one.

        Raises:
            ValueError: If there are fewer than two labels, two are equal, one is empty, or the
                positive one is not among them.
        """
        if len(set(labels)) < max(2, len(labels)):
            msg = f"Labels needs at least two different labels, got {labels}."
            raise ValueError(msg)
        _check_texts(labels)
        positive = labels[0] if positive is None else positive
        if positive not in labels:
            msg = f"positive must be one of the labels {labels}, got {positive!r}."
            raise ValueError(msg)
        self.labels = tuple(prefix + label for label in labels)
        self.positive = prefix + positive

    @property
    def continuations(self) -> tuple[str, ...]:
        """The labels in alphabetical order: the same for every choice of a positive one."""
        return tuple(sorted(self.labels))

    def values(self, log_probabilities: FloatArray) -> FloatArray:
        """Return the log-odds, shape ``(m,)``: of two labels, the difference of the two."""
        column = self.continuations.index(self.positive)
        others = np.delete(log_probabilities, column, axis=1)
        odds: FloatArray = log_probabilities[:, column] - logsumexp(others, axis=1)
        return odds


def _check_texts(texts: Sequence[object]) -> None:
    if not all(isinstance(text, str) and text for text in texts):
        msg = f"An answer or label must be a text that is not empty, got {texts}."
        raise ValueError(msg)
