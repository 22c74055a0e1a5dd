"""The two kinds of models of transformers that games ask."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex._numbers import check_integer

from ._generation import write
from ._loading import quiet, require
from ._model import HuggingFace
from ._scoring import Scorer, make_plans, pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shapiq_spex.games.models._protocols import Prompt


class CausalLanguageModel(HuggingFace):
    """A model that goes on from texts."""

    _auto = "AutoModelForCausalLM"

    def log_probabilities(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Args:
            prompts: The prompts; an empty text counts as a new line, as a model needs something to
                go on from. A chat is rendered by the model's template, and is answered without the
                space that a continuation begins with.
            continuations: What may follow, of one or more tokens each.

        Raises:
            ValueError: If a prompt is too long with what follows it, or a chat is given to a model
                without a template.
        """
        found = np.zeros((len(prompts), len(continuations)))
        rows = self._read(prompts)
        chats = np.array([self._texts.is_chat(prompt) for prompt in prompts], dtype=np.bool_)
        for chat in np.unique(chats):
            answers = [self._texts.continuation(text, chat=bool(chat)) for text in continuations]
            places = np.flatnonzero(chats == chat)
            found[places] = self._score([rows[place] for place in places], answers)
        return found

    def generate(self, prompts: Sequence[Prompt], max_tokens: int, seed: int = 0) -> list[str]:
        """Return an answer to each prompt, of at most so many tokens.

        With a temperature, the prompt and the seed alone choose an answer: it is the same again,
        whatever else is asked.

        Raises:
            ValueError: If a prompt is too long with its answer, there is to be no token, or a chat
                is given to a model without a template.
        """
        check_integer("max_tokens", max_tokens, 1)
        rows = self._read(prompts)
        self._check(rows, max_tokens)
        answers = [""] * len(rows)
        for batch in self._batches(rows):
            chosen = [rows[place] for place in batch]
            with self._lock, quiet():
                found = write(
                    self._model,
                    chosen,
                    max_tokens,
                    seed,
                    temperature=self.temperature,
                    end=self._tokenizer.eos_token_id,
                )
            for place, tokens in zip(batch, found, strict=True):
                answers[place] = self._texts.decode(tokens)
            self.usage.add(max(map(len, found)), sum(map(len, [*chosen, *found])))
        return answers

    @functools.cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self._model, self._padding or 0, self.usage)

    def _read(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Return the tokens of prompts."""
        texts = self._texts
        return [
            texts.prompt("\n" if prompt == "" and not texts.is_chat(prompt) else prompt)
            for prompt in prompts
        ]

    def _score(self, rows: list[list[int]], answers: list[list[int]]) -> NDArray[np.float64]:
        """Return the log-probabilities of answers after rows of tokens, shape ``(m, k)``."""
        found = np.zeros((len(rows), len(answers)))
        plans = make_plans(answers)
        for plan in plans:
            self._check(rows, len(plan.context))
        with self._lock, quiet():
            shared = self._scorer.read(rows)
            for plan in plans:
                for batch in self._batches(rows):
                    chosen = [rows[place] for place in batch]
                    found[np.ix_(batch, plan.columns)] = self._scorer.score(chosen, plan, shared)
        return found


class SequenceClassifier(HuggingFace):
    """A model that sorts texts into classes."""

    _auto = "AutoModelForSequenceClassification"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by which the model's config knows them."""
        return tuple(str(name) for _, name in sorted(self._model.config.id2label.items()))

    def logits(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """Return the logit of each class for each text, shape ``(m, classes)``.

        Raises:
            ValueError: If a text is too long, or a prompt is a chat.
        """
        if any(self._texts.is_chat(prompt) for prompt in prompts):
            msg = "A classifier takes texts, and no chats."
            raise ValueError(msg)
        rows = [self._texts.prompt(prompt) for prompt in prompts]
        self._check(rows)
        found = np.zeros((len(rows), len(self.classes)))
        for batch in self._batches(rows):
            found[batch] = self._classify([rows[place] for place in batch])
        return found

    def _classify(self, rows: list[list[int]]) -> NDArray[np.float64]:
        """Return the logits of rows of tokens, shape ``(m, classes)``."""
        torch, _ = require()
        if self._padding is None and len(rows) > 1:  # the model could not tell what is padding
            return np.concatenate([self._classify([row]) for row in rows])
        ids, mask = pad(rows, self._padding or 0)
        device = self._model.device
        with self._lock, quiet(), torch.inference_mode():
            output = self._model(ids.to(device), attention_mask=mask.to(device))
        self.usage.add(1, sum(map(len, rows)))
        found: NDArray[np.float64] = output.logits.cpu().double().numpy()
        return found
