"""How likely a language model finds texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from shapiq_spex._numbers import check_integer
from shapiq_spex.games.models.hugging_face._text import Texts

from ._prepared import Continuations, Prepared
from ._rows import check_predicts, find_limit
from ._task import Task, check_same_lengths, check_texts, check_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_MOST_TOKENS = 512  # by default
_FEWEST_TOKENS = 2  # of which one is predicted


@dataclass(frozen=True, repr=False)
class Perplexity(Task):
    """Predict texts, token by token.

    Attributes:
        texts: The texts.
        max_tokens: Longer ones are read in pieces of so many tokens, each by itself.
        value: The mean ``"log_likelihood"`` of a token in nats, of all texts together; or the
            ``"perplexity"``, of which less is better.
    """

    texts: Sequence[str]
    max_tokens: int = field(default=_MOST_TOKENS, kw_only=True)
    value: Literal["log_likelihood", "perplexity"] = field(default="log_likelihood", kw_only=True)

    _examples: ClassVar[tuple[str, ...]] = ("texts",)

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            ValueError: If one is out of range, or there is no text.
        """
        check_texts("texts", self.texts)
        check_same_lengths(texts=self.texts)
        check_value(self.value, ("log_likelihood", "perplexity"))
        check_integer("max_tokens", self.max_tokens, _FEWEST_TOKENS)

    def prepare(
        self,
        model: transformers.PreTrainedModel,
        tokenizer: transformers.PreTrainedTokenizerBase,
    ) -> Prepared:
        """Return the task as a model sees it; see :meth:`Task.prepare`."""
        check_predicts(model)
        texts = Texts(tokenizer, chat=False)
        size = min(self.max_tokens, find_limit(model, tokenizer))
        rows: list[list[int]] = []
        places: list[tuple[IntArray, IntArray, IntArray]] = []
        counts = np.zeros(len(self.texts), dtype=np.int64)
        for example, text in enumerate(self.texts):
            tokens = texts.prompt(text)
            for start in range(0, len(tokens), size):
                piece = tokens[start : start + size]
                if len(piece) < _FEWEST_TOKENS:
                    continue
                at = np.arange(len(piece) - 1)
                places.append((at, np.array(piece[1:]), np.full(len(at), example)))
                rows.append(piece)
                counts[example] += len(at)
        if not counts.all():
            msg = f"Text {int(counts.argmin())} has no token to predict."
            raise ValueError(msg)
        vocabulary = model.config.get_text_config().vocab_size
        reader = Continuations(places, len(self.texts), vocabulary)
        columns = np.arange(len(self.texts))[:, None]
        right = np.zeros(len(self.texts), dtype=np.int64)
        return Prepared(rows, reader, columns, 1 / counts, right)

    def rate(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number for each text; see :meth:`Task.rate`."""
        return self._finish(outputs * prepared.weights)

    def values(self, prepared: Prepared, outputs: FloatArray) -> FloatArray:
        """Return one number, in which all tokens count as much; see :meth:`Task.values`."""
        return self._finish(outputs.sum(axis=1) / (1 / prepared.weights).sum())

    def _finish(self, log_likelihoods: FloatArray) -> FloatArray:
        """Turn mean log-likelihoods into what is measured."""
        if self.value == "perplexity":
            perplexities: FloatArray = np.exp(-log_likelihoods)
            return perplexities
        return log_likelihoods
