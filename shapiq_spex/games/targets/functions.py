"""What a user gives as a target: one, or a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from shapiq_spex._numbers import as_real
from shapiq_spex.games.models import Classifier, Generator, LanguageModel

from ._target import Target
from .answers import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from shapiq_spex.games.models import Prompt

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Function:
    """What a model that is a function returns, or a function of it.

    Attributes:
        function: From what the model returned, shape ``(m, d)``, to values, shape ``(m,)``; None if
            it returns one number per prompt.
    """

    function: Callable[[FloatArray], Any] | None = None

    @property
    def fingerprint(self) -> object:
        """The same for all functions of the same numbers."""
        return "returned"

    def prepare(self, model: object, prompt: Prompt) -> Self:
        """Return the target, if the model is a function."""
        if not callable(model):
            msg = f"model must be a language model or a function, got {type(model).__name__}."
            raise TypeError(msg)
        return self

    def ask(self, model: Callable[..., Any], prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return what the model returns.

        Raises:
            ValueError: If that is not one number or vector a prompt.
        """
        found = as_real(model(list(prompts)), "The function must return")
        if found.ndim not in (1, 2) or len(found) != len(prompts):
            msg = (
                f"The function must return one number, or one vector, for each of {len(prompts)} "
                f"prompts, got the shape {found.shape}."
            )
            raise ValueError(msg)
        return found

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the values, shape ``(m,)``.

        Raises:
            ValueError: If there is more than one number per prompt and no function.
        """
        if self.function is not None:
            return as_real(self.function(outputs), "The target must return")
        if outputs.ndim > 1 and outputs.shape[1] != 1:
            msg = (
                f"The model returned {outputs.shape[1]} numbers per prompt: pass a target, a "
                "function that makes one of them."
            )
            raise ValueError(msg)
        return outputs.reshape(len(outputs))


def as_target(target: Target | Callable[..., Any] | None, model: object) -> Target:
    """Return what a user gave as a target.

    Raises:
        TypeError: If the target is none, or the model needs one.
    """
    if isinstance(target, Target):
        return target
    named = isinstance(model, LanguageModel | Classifier | Generator)
    if target is None and named:
        msg = "A language model needs a target, as Labels('positive', 'negative')."
        raise TypeError(msg)
    if target is not None and not callable(target):
        msg = f"target must be one as Labels('positive', 'negative') or a function, got {target!r}."
        raise TypeError(msg)
    return Answers(target) if named and target is not None else Function(target)
