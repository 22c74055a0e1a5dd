"""What all tasks have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from shapiq_spex._numbers import check_integer, is_real

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import NDArray

    from ._prepared import Prepared

    FloatArray = NDArray[np.float64]


class Task(ABC):
    """Examples, and how well a model does on them.

    Tasks are frozen dataclasses: a list of examples in each of some fields, and how to use them.

    Attributes:
        value: What is measured.
    """

    value: str
    _examples: ClassVar[tuple[str, ...]]
    """The names of the fields that have an entry for each example."""

    @abstractmethod
    def prepare(
        self,
        model: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
    ) -> Prepared:
        """Return the task as a model sees it.

        Args:
            model: The model.
            tokenizer: Its tokenizer.

        Returns:
            The rows of tokens, and what is read of them.

        Raises:
            ValueError: If an example does not fit the model.
        """

    @abstractmethod
    def rate(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number for each example.

        Args:
            prepared: What :meth:`prepare` returned.
            outputs: What a model said, shape ``(m, n_columns)``.

        Returns:
            Array of shape ``(m, e)``.
        """

    def values(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number for all examples, shape ``(m,)``.

        Args:
            prepared: What :meth:`prepare` returned.
            outputs: What a model said, shape ``(m, n_columns)``.

        Returns:
            The mean over the examples, unless the task says otherwise.
        """
        mean: FloatArray = self.rate(prepared, outputs).mean(axis=1)
        return mean

    def __repr__(self) -> str:
        """Say how many examples there are, which would fill the screen."""
        return f"{type(self).__name__}({len(self)} examples, value={self.value!r})"

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(getattr(self, self._examples[0]))

    def take(self, examples: Sequence[int]) -> Self:
        """Return the task with some of its examples.

        Args:
            examples: Their positions.

        Returns:
            The task, a copy.
        """
        chosen: dict[str, Any] = {}
        for name in self._examples:
            given = getattr(self, name)
            chosen[name] = [given[int(example)] for example in examples]
        return replace(self, **chosen)  # type: ignore[type-var]

    def split(self, test: float = 0.5, *, random_state: int = 0) -> tuple[Self, Self]:
        """Divide the examples at random into some to explain and others to test on.

        Args:
            test: The number of the latter, if it is an integer, or their share.
            random_state: The seed.

        Returns:
            The task with the former, and the task with the latter.

        Raises:
            ValueError: If nothing would be left for one of them.
        """
        check_integer("random_state", random_state, 0)
        whole = isinstance(test, int | np.integer)
        if not is_real(test):
            msg = f"test must be a number of examples or a share, got {test!r}."
            raise ValueError(msg)
        count = int(test) if whole else round(test * len(self))
        if not 0 < count < len(self):
            msg = (
                f"test must leave some of the {len(self)} examples on both sides, got {test!r}, "
                f"which is {count} of them."
            )
            raise ValueError(msg)
        order = np.random.default_rng(random_state).permutation(len(self))
        return self.take(sorted(order[count:].tolist())), self.take(sorted(order[:count].tolist()))


def check_value(value: str, known: Sequence[str]) -> None:
    """Refuse a value that a task does not have."""
    if value not in known:
        msg = f"value must be one of {', '.join(map(repr, known))}, got {value!r}."
        raise ValueError(msg)


def check_texts(name: str, texts: Sequence[str]) -> None:
    """Refuse anything but a list of texts."""
    if isinstance(texts, str):
        msg = f"{name} must be a list of texts, got one text: put it into a list."
        raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
    for text in texts:
        if not isinstance(text, str):
            msg = f"{name} must be a list of texts, one of them is {text!r}."
            raise ValueError(msg)  # noqa: TRY004, as above


def check_same_lengths(**fields: Sequence[Any]) -> None:
    """Refuse lists of examples that differ in length or are empty."""
    lengths = {name: len(field) for name, field in fields.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        shown = ", ".join(f"{length} {name}" for name, length in lengths.items())
        msg = f"There must be examples, and as many of each kind; got {shown}."
        raise ValueError(msg)
