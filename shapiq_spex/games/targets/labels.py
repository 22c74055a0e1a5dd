"""Log-probabilities of answers as targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from shapiq_spex._numbers import check_integer
from shapiq_spex.games.models import Classifier, LanguageModel

from ._target import (
    MAX_TOKENS,
    ask_probabilities,
    check_space,
    check_texts,
    need,
    odds,
    own_answer,
)
from .classes import Classes, find_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from shapiq_spex.games.models import Prompt

    from ._target import Target

    FloatArray = NDArray[np.float64]


class Labels:
    """The log-odds of one label against the others, of a language model or a classifier.

    Labels may have any number of tokens. All labels' log-probabilities are kept in a store, so that
    another ``positive`` one of the same labels, or others ``against`` it, cost nothing.

    Attributes:
        labels: The labels as they follow the prompt.
        positive: The one whose log-odds are the values.
        against: The labels that it is compared with.
    """

    def __init__(
        self,
        *labels: str,
        positive: str | None = None,
        against: Sequence[str] | None = None,
        prefix: str = " ",
    ) -> None:
        """Name the labels.

        Args:
            *labels: At least two.
            positive: The label whose log-odds are the values, by default the first.
            against: The labels to compare it with, by default all others.
            prefix: What stands between the prompt and a label; a space belongs to the first token
                of a label for most models, so the prompt should not end in one. In a chat, and for
                a classifier, it is left out.

        Raises:
            ValueError: If there are fewer than two labels, two are equal, one is empty, or
                ``positive`` or ``against`` is not among them.
        """
        check_texts(labels)
        if len(set(labels)) < max(2, len(labels)):
            msg = f"Labels needs at least two different labels, got {labels}."
            raise ValueError(msg)
        positive = labels[0] if positive is None else positive
        if positive not in labels:
            msg = f"positive must be one of the labels {labels}, got {positive!r}."
            raise ValueError(msg)
        others = [label for label in labels if label != positive] if against is None else against
        if not others or positive in others or not set(others) <= set(labels):
            msg = f"against must be some of the labels {labels} but {positive!r}, got {against}."
            raise ValueError(msg)
        self.labels = tuple(prefix + label for label in labels)
        self.positive = prefix + positive
        self.against = tuple(prefix + label for label in others)

    @property
    def continuations(self) -> tuple[str, ...]:
        """The labels in alphabetical order, the same for every choice of a positive one."""
        return tuple(sorted(self.labels))

    @property
    def fingerprint(self) -> object:
        """The labels."""
        return list(self.continuations)

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the labels, of a classifier as its classes; see :meth:`Target.prepare`."""
        if isinstance(model, Classifier):
            positive = find_class(model, self.positive)
            return Classes(positive, tuple(find_class(model, each) for each in self.against))
        need(self, model, LanguageModel, "log_probabilities")
        check_space(prompt, self.continuations)
        return self

    def ask(self, model: LanguageModel, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return log-probabilities of all labels, shape ``(m, labels)``; see :meth:`Target.ask`."""
        return ask_probabilities(model, prompts, self.continuations)

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the log-odds of the label, shape ``(m,)``; see :meth:`Target.values`."""
        places = {text: column for column, text in enumerate(self.continuations)}
        return odds(outputs, places[self.positive], [places[each] for each in self.against])


@dataclass(frozen=True)
class Continuation:
    """The log-probability of one answer.

    Where an answer takes several things at once, its log-probability is a sum over these and has no
    interactions of them; its log-odds have.

    Attributes:
        text: The answer, as it follows the prompt, with its space if it has one; None for the
            model's own answer to the whole prompt.
        max_tokens: How long its own answer may be.
        scale: ``"log-probability"``, ``"log-odds"`` of the answer against all others, or
            ``"probability"``; a store keeps the same for all three.
    """

    text: str | None = None
    max_tokens: int = MAX_TOKENS
    scale: Literal["log-probability", "log-odds", "probability"] = "log-probability"

    def __post_init__(self) -> None:
        """Check the answer, its length and the scale."""
        check_integer("max_tokens", self.max_tokens, 1)
        if self.text is not None:
            check_texts([self.text])
        if self.scale not in _SCALES:
            msg = f"scale must be one of {', '.join(_SCALES)}, got {self.scale!r}."
            raise ValueError(msg)

    @property
    def fingerprint(self) -> object:
        """The answer."""
        return [self.text]

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the target with the model's own answer in it; see :meth:`Target.prepare`."""
        need(self, model, LanguageModel, "log_probabilities")
        if self.text is not None:
            check_space(prompt, [self.text])
            return self
        return replace(self, text=own_answer(self, model, prompt, self.max_tokens))

    def ask(self, model: LanguageModel, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return the log-probabilities, shape ``(m, 1)``; see :meth:`Target.ask`."""
        return ask_probabilities(model, prompts, [str(self.text)])

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the values on the scale, shape ``(m,)``; see :meth:`Target.values`."""
        return _SCALES[self.scale](outputs[:, 0])


def _log_odds(logs: FloatArray) -> FloatArray:
    """Return log-odds of log-probabilities; certainty is cut off where floats end."""
    logs = np.minimum(logs, -np.finfo(np.float64).eps)
    return logs - np.log(-np.expm1(logs))


_SCALES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "log-probability": lambda logs: logs,
    "log-odds": _log_odds,
    "probability": np.exp,
}
