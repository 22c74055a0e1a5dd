"""Prompts and what may follow them as rows of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._prepared import Continuations, Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

_UNBOUNDED = 10**9  # tokenizers without a limit name a number beyond it


def ask_for(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    answers: Sequence[Sequence[list[int]]],
    right: IntArray,
    *,
    per_token: bool = False,
) -> Prepared:
    """Return rows that ask a language model for the log-probabilities of answers.

    Answers of one token take one row together.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        prompts: The tokens of each example.
        answers: The tokens of each answer of each example.
        right: Which of them is right, shape ``(e,)``.
        per_token: Whether to divide by the number of an answer's tokens.

    Raises:
        ValueError: If a row does not fit the model, an answer has no tokens, or the model is no
            causal language model.
    """
    check_predicts(model)
    rows: list[list[int]] = []
    places: list[tuple[IntArray, IntArray, IntArray]] = []
    lengths: list[int] = []
    choices = np.full((len(prompts), max(map(len, answers))), -1, dtype=np.int64)
    for example, (prompt, options) in enumerate(zip(prompts, answers, strict=True)):
        if not all(options):
            msg = f"An answer of example {example} has no tokens."
            raise ValueError(msg)
        first = len(lengths) + np.arange(len(options))
        choices[example, : len(options)] = first
        lengths += [len(option) for option in options]
        if all(len(option) == 1 for option in options):
            at = np.full(len(options), len(prompt) - 1)
            places.append((at, np.array([option[0] for option in options]), first))
            rows.append(prompt)
            continue
        for column, option in zip(first, options, strict=True):
            at = len(prompt) - 1 + np.arange(len(option))
            places.append((at, np.array(option), np.full(len(option), column)))
            rows.append(prompt + option[:-1])
    check_lengths(model, tokenizer, rows)
    reader = Continuations(places, len(lengths), model.config.get_text_config().vocab_size)
    weights = 1 / np.array(lengths) if per_token else np.ones(len(lengths))
    return Prepared(rows, reader, choices, weights, right)


def check_predicts(model: transformers.PreTrainedModel) -> None:
    """Refuse models that predict no tokens."""
    none = not hasattr(model, "lm_head") and model.get_output_embeddings() is None
    if none or type(model).__name__.endswith("ForMaskedLM"):  # these fill in gaps
        msg = (
            f"{type(model).__name__} predicts no tokens: load a causal language model, as by "
            "AutoModelForCausalLM."
        )
        raise ValueError(msg)


def check_lengths(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    rows: Sequence[list[int]],
) -> None:
    """Refuse rows that do not fit the model."""
    limit, longest = find_limit(model, tokenizer), max(map(len, rows))
    if longest > limit:
        msg = f"An example has {longest} tokens, and the model takes {limit}."
        raise ValueError(msg)


def find_limit(
    model: transformers.PreTrainedModel, tokenizer: transformers.PreTrainedTokenizerBase
) -> int:
    """Return how many tokens a model takes."""
    settings = model.config.get_text_config()
    given = (getattr(settings, "max_position_embeddings", None), tokenizer.model_max_length)
    return min((n for n in given if n and n > 0), default=_UNBOUNDED)
