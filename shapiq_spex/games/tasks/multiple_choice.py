"""Questions with several answers to choose from, by how likely a language model finds each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from shapiq_spex._numbers import check_integer
from shapiq_spex.games.models.hugging_face._text import Texts

from ._rows import ask_for
from ._scores import CHOOSING, Choosing, rate
from ._task import Task, check_same_lengths, check_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import NDArray

    from ._prepared import Prepared

    FloatArray = NDArray[np.float64]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FEWEST = 2  # answers


@dataclass(frozen=True)
class Question:
    """A question with answers to choose from.

    Attributes:
        text: The question.
        choices: The answers.
        answer: The position of the right one.
        subject: What it is about; may be empty.
    """

    text: str
    choices: tuple[str, ...]
    answer: int
    subject: str = ""

    def __post_init__(self) -> None:
        """Check the answers.

        Raises:
            ValueError: If there are fewer than two, or the right one is none of them.
        """
        check_integer("answer", self.answer)
        count = len(self.choices)
        if not _FEWEST <= count <= len(_LETTERS) or not 0 <= self.answer < count:
            msg = (
                f"A question needs 2 to {len(_LETTERS)} choices, and the position of the right one "
                f"among them; got {count} choices and {self.answer!r}."
            )
            raise ValueError(msg)

    def render(self, *, letters: bool, solved: bool = False) -> str:
        """Write the question down as MMLU does.

        Args:
            letters: Whether the answers are listed by letters.
            solved: Whether the right answer is given.

        Returns:
            The text.

        Examples:
            >>> from shapiq_spex.games import Question
            >>> question = Question("What is 2 + 2?", ("3", "4"), answer=1)
            >>> print(question.render(letters=True))
            What is 2 + 2?
            A. 3
            B. 4
            Answer:
        """
        listed = "".join(
            f"\n{letter}. {choice}"
            for letter, choice in zip(_LETTERS, self.choices, strict=False)
            if letters
        )
        answer = self.says(letters=letters)[self.answer] + "\n\n" if solved else ""
        return f"{self.text.strip()}{listed}\nAnswer:{answer}"

    def says(self, *, letters: bool) -> list[str]:
        """Return what a model may say, one text for each answer.

        Args:
            letters: Whether it answers by letters, or by the answers themselves.

        Returns:
            One text for each answer, which begins with a space.
        """
        if letters:
            return [f" {letter}" for letter in _LETTERS[: len(self.choices)]]
        return [f" {choice.strip()}" for choice in self.choices]


@dataclass(frozen=True, repr=False)
class MultipleChoice(Task):
    """Choose the right answer by log-likelihood, as in MMLU (Hendrycks et al., 2021).

    Attributes:
        questions: The questions.
        shots: Questions that are put before each one, with their answers.
        answers: Whether the answers are listed, and the model says a ``"letter"``, or are not, and
            it says the ``"text"``.
        value: How far the right answer is ahead of the likeliest other one, ``"margin"``, or of all
            others together, ``"log_odds"``; its ``"log_probability"`` among the answers; or the
            share of right answers, ``"accuracy"``.
        per_token: Whether the log-likelihood of a text is divided by the number of its tokens.
        heading: What all prompts begin with; ``{subject}`` stands for the question's subject.

    Examples:
        >>> from shapiq_spex.games import MultipleChoice, Question
        >>> questions = [Question("2 + 2 =", ("3", "4"), 1), Question("1 + 2 =", ("3", "4"), 0)]
        >>> explained, held_out = MultipleChoice(questions).split()
        >>> len(explained), len(held_out)
        (1, 1)
    """

    questions: Sequence[Question]
    shots: Sequence[Question] = field(default=(), kw_only=True)
    answers: Literal["letter", "text"] = field(default="letter", kw_only=True)
    value: Choosing = field(default="margin", kw_only=True)
    per_token: bool = field(default=False, kw_only=True)
    heading: str = field(default="", kw_only=True)

    _examples: ClassVar[tuple[str, ...]] = ("questions",)

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            ValueError: If one is out of range, or there is no question.
        """
        check_same_lengths(questions=self.questions)
        for question in (*self.questions, *self.shots):
            if not isinstance(question, Question):
                msg = (
                    f"A question must be a Question, got a {type(question).__name__}: make one as "
                    "Question(text, choices, answer), or use load_mmlu."
                )
                raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
        check_value(self.value, CHOOSING)
        if self.answers not in ("letter", "text"):
            msg = f"answers must be 'letter' or 'text', got {self.answers!r}."
            raise ValueError(msg)

    def prompt(self, question: Question) -> str:
        """Return what the model is given for a question.

        Args:
            question: The question.

        Returns:
            The examples, if there are any, and the question without its answer.
        """
        letters = self.answers == "letter"
        # not format: a heading may have other braces
        heading = self.heading.replace("{subject}", question.subject)
        solved = "".join(shot.render(letters=letters, solved=True) for shot in self.shots)
        return heading + solved + question.render(letters=letters)

    def prepare(
        self,
        model: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
    ) -> Prepared:
        """Return the task as a model sees it; see :meth:`Task.prepare`."""
        texts, letters = Texts(tokenizer, chat=False), self.answers == "letter"
        prompts = [texts.prompt(self.prompt(question)) for question in self.questions]
        says = [
            [texts.continuation(text, chat=False) for text in question.says(letters=letters)]
            for question in self.questions
        ]
        right = np.array([question.answer for question in self.questions], dtype=np.int64)
        return ask_for(model, tokenizer, prompts, says, right, per_token=self.per_token)

    def rate(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number for each question; see :meth:`Task.rate`."""
        return rate(prepared.scores(outputs), prepared.right, self.value)
