"""Texts of several classes, told by a classifier, by a probe or by what a model says next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from shapiq_spex.games.models.hugging_face._text import Texts

from ._prepared import ClassLogits, Prepared, Probed
from ._rows import ask_for, find_limit
from ._scores import CHOOSING, Choosing, rate
from ._task import Task, check_same_lengths, check_texts, check_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import NDArray

    from .probe import Probe

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_PLACE = "{text}"
_FEWEST = 2  # classes


@dataclass(frozen=True, repr=False)
class Classification(Task):
    """Tell the classes of texts.

    A sequence classifier does so by itself, whose logits count. A language model does by what it
    says next: give ``words``. An encoder does through a ``probe``, see :func:`fit_probe`.

    Attributes:
        texts: The texts.
        y: Their classes: words, or their positions among ``words``; labels of the probe; or labels
            of the classifier, or their positions.
        words: What a language model says for each class, with the space before it, as
            ``(" negative", " positive")``.
        probe: What tells classes by an encoder's features.
        template: What the model is given, with ``{text}`` for the text.
        value: How far the right class is ahead of the likeliest other one, ``"margin"``, or of all
            others together, ``"log_odds"``, which for two classes is the same; its
            ``"log_probability"`` among the classes; or the share of right ones, ``"accuracy"``.
    """

    texts: Sequence[str]
    y: Sequence[Any]
    words: Sequence[str] | None = field(default=None, kw_only=True)
    probe: Probe | None = field(default=None, kw_only=True)
    template: str = field(default=_PLACE, kw_only=True)
    value: Choosing = field(default="margin", kw_only=True)

    _examples: ClassVar[tuple[str, ...]] = ("texts", "y")

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            ValueError: If one is out of range, or they do not go together.
        """
        check_texts("texts", self.texts)
        check_same_lengths(texts=self.texts, y=self.y)
        check_value(self.value, CHOOSING)
        if self.words is not None:
            check_texts("words", self.words)
            if len(set(self.words)) < max(len(self.words), _FEWEST):
                msg = f"words must be at least two different ones, got {list(self.words)!r}."
                raise ValueError(msg)
            self._right(self.words)  # better said here than once a model is loaded
        if self.words is not None and self.probe is not None:
            msg = "Classes are told by words or by a probe: give one of them."
            raise ValueError(msg)
        if self.template.count(_PLACE) != 1:
            msg = f"The template must have {_PLACE} in one place, got {self.template!r}."
            raise ValueError(msg)

    def prepare(
        self,
        model: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
    ) -> Prepared:
        """Return the task as a model sees it; see :meth:`Task.prepare`."""
        given = [self.template.replace(_PLACE, text) for text in self.texts]
        if self.words is not None:
            texts = Texts(tokenizer, chat=False)
            prompts = [texts.prompt(text) for text in given]
            says = [texts.continuation(word, chat=False) for word in self.words]
            right = self._right(self.words)
            return ask_for(model, tokenizer, prompts, [says] * len(prompts), right)
        reader: ClassLogits
        if self.probe is not None:
            self.probe.check(model)
            classes: Sequence[Any] = list(self.probe.classes)
            reader = Probed(len(given), self.probe)
        else:
            classes = _classes(model)
            reader = ClassLogits(len(given), len(classes))
        rows = encode(model, tokenizer, given)
        columns = reader.columns(range(len(rows)))
        return Prepared(rows, reader, columns, np.ones(reader.n_columns), self._right(classes))

    def rate(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number for each text; see :meth:`Task.rate`."""
        return rate(prepared.scores(outputs), prepared.right, self.value)

    def _right(self, classes: Sequence[Any]) -> IntArray:
        """Return the positions of the texts' classes."""
        places = {label: place for place, label in enumerate(classes)}
        if self.words is not None:  # the space before a word is easily left out
            places = {word.strip(): place for word, place in places.items()} | places
        numbered = all(isinstance(label, int | np.integer) for label in self.y)
        # a probe has labels of its own, which may be other numbers
        if self.probe is None and numbered and not set(self.y) <= set(places):
            places = {place: place for place in range(len(classes))}
        if unknown := set(self.y) - set(places):
            shown = ", ".join(map(repr, list(classes)[:10]))
            msg = (
                f"{next(iter(unknown))!r} in y is none of the classes {shown}, nor the position of "
                "one."
            )
            raise ValueError(msg)
        return np.array([places[label] for label in self.y], dtype=np.int64)


def encode(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    texts: Sequence[str],
) -> list[list[int]]:
    """Return texts as an encoder or classifier is given them, cut where they are too long.

    Raises:
        ValueError: If one has no tokens.
    """
    limit = find_limit(model, tokenizer)
    found = tokenizer(list(texts), truncation=True, max_length=limit, verbose=False)
    rows = [list(row) for row in found["input_ids"]]
    if not all(rows):
        msg = f"Text {rows.index([])} has no tokens."
        raise ValueError(msg)
    return rows


def _classes(model: transformers.PreTrainedModel) -> list[str]:
    """Return the labels of a sequence classifier.

    Raises:
        ValueError: If the model is none.
    """
    if not type(model).__name__.endswith("ForSequenceClassification"):
        msg = (
            f"{type(model).__name__} does not tell classes by itself: give words, if it is a "
            "language model, or a probe."
        )
        raise ValueError(msg)
    labels = model.config.id2label
    if len(labels) < _FEWEST:
        msg = f"This {type(model).__name__} has one output: there are no classes to tell."
        raise ValueError(msg)
    return [labels[place] for place in sorted(labels)]
