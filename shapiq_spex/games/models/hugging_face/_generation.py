"""Answers that a language model of transformers writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._loading import require
from ._scoring import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    import transformers


class _Noise:
    """Adds noise to logits so that the largest is a draw from their distribution.

    Each row has a generator of its own, and no generator that others use is touched.
    """

    def __init__(self, rows: Sequence[list[int]], seed: int, temperature: float) -> None:
        self._generators = [np.random.default_rng([abs(seed), int(seed < 0), *row]) for row in rows]
        self._temperature = temperature

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next tokens with noise, shape ``(m, vocabulary)``."""
        noise = [generator.gumbel(size=scores.shape[1]) for generator in self._generators]
        scores = scores.float()
        return scores / self._temperature + scores.new_tensor(np.array(noise))


def write(
    model: transformers.PreTrainedModel,
    rows: Sequence[list[int]],
    max_tokens: int,
    seed: int,
    *,
    temperature: float,
    end: int | None,
) -> list[list[int]]:
    """Return the tokens that a model writes after each row, up to the one that ends it.

    Args:
        model: The model.
        rows: The tokens of the prompts.
        max_tokens: The most tokens to write.
        seed: What the draws come from.
        temperature: How far they are random.
        end: The token that ends a text for the tokenizer; the model may have others.
    """
    torch, transformers = require()
    ends = _ends(model, end)
    settings = transformers.GenerationConfig(
        max_new_tokens=max_tokens,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,  # some models bring one, which is no greedy choice any more
        eos_token_id=sorted(ends) or None,
        pad_token_id=min(ends, default=0),
    )
    processors = [_Noise(rows, seed, temperature)] if temperature else []
    ids, mask = pad(rows, min(ends, default=0), left=True)
    with torch.inference_mode():
        found = model.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=settings,
            logits_processor=transformers.LogitsProcessorList(processors),
        )
    return [_until(tokens, ends) for tokens in found[:, ids.shape[1] :].tolist()]


def _ends(model: transformers.PreTrainedModel, end: int | None) -> set[int]:
    """Return the tokens that end an answer."""
    known = model.generation_config.eos_token_id
    return {*(known if isinstance(known, list) else [known]), end} - {None}


def _until(tokens: list[int], ends: set[int]) -> list[int]:
    """Return tokens up to the first that ends them, that one with them."""
    for place, token in enumerate(tokens):
        if token in ends:
            return tokens[: place + 1]
    return tokens
