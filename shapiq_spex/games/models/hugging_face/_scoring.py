"""What a language model of transformers says of the tokens that may come next."""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._loading import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    import transformers
    from numpy.typing import NDArray

    from shapiq_spex.games.models._protocols import Usage

WORTH = 8  # tokens in common from which on it pays to read them once
# what a model may remember in, one token after the other, so that it can be had for many rows
_KEPT = {"DynamicLayer", "DynamicSlidingWindowLayer"}


@dataclass(frozen=True)
class Plan:
    """Answers whose tokens are all read off one pass over a prompt.

    Attributes:
        context: The tokens after the prompt that the model reads in that pass.
        columns: The positions of the answers among all.
        steps: For each token of the answers, how many of the context stand before it.
        tokens: These tokens, one answer after the other.
        starts: Where among them each answer starts.
    """

    context: list[int]
    columns: list[int]
    steps: list[int]
    tokens: list[int]
    starts: list[int]


def make_plans(answers: Sequence[list[int]]) -> list[Plan]:
    """Divide answers, as tokens, among as few passes as can be.

    What is likely first is known from any pass, so that answers of one token need none of their
    own. An answer without tokens is in no plan.
    """
    open_columns = {column for column, answer in enumerate(answers) if answer}
    plans = []
    for context in sorted((answer[:-1] for answer in answers), key=len, reverse=True):
        columns = sorted(
            c for c in open_columns if context[: len(answers[c]) - 1] == answers[c][:-1]
        )
        if columns:
            open_columns.difference_update(columns)
            chosen = [answers[column] for column in columns]
            steps = [step for answer in chosen for step in range(len(answer))]
            starts = np.cumsum([0, *map(len, chosen[:-1])]).tolist()
            plans.append(Plan(context, columns, steps, list(itertools.chain(*chosen)), starts))
    return plans


@dataclass(frozen=True)
class Shared:
    """What prompts begin with in common.

    Attributes:
        tokens: Its tokens.
        memory: What the model remembers of having read them.
    """

    tokens: list[int]
    memory: Any = None


class Scorer:
    """The distributions of a causal language model.

    Rows are padded on their right: what follows a token changes nothing before it in such a model,
    and tokens keep their positions, whichever way the model learns of these.
    """

    def __init__(self, model: transformers.PreTrainedModel, pad: int, usage: Usage) -> None:
        """Remember the model, the token to pad with, and where to count."""
        self._model, self._pad, self._usage, self._keeps = model, pad, usage, True
        self._cache = cache_name(model)

    def read(self, rows: Sequence[list[int]]) -> Shared:
        """Have the model read what rows begin with in common.

        The last token of each row is left to read. Little is not worth it, and a memory that is not
        kept token by token cannot be shared. Nothing is kept for another call, before which someone
        may change the model.
        """
        common = common_start([row[:-1] for row in rows])
        if len(rows) == 1 or len(common) < WORTH or not self._keeps:
            return Shared([])
        torch, _ = require()
        with torch.inference_mode():
            ids = torch.tensor([common], device=self._model.device)
            output = self._model(ids, attention_mask=torch.ones_like(ids), use_cache=True)
        self._usage.add(1, 0)  # its tokens count with the rows
        memory = remembered(output)
        self._keeps = is_kept(memory)
        return Shared(common, memory) if self._keeps else Shared([])

    def score(self, rows: Sequence[list[int]], plan: Plan, shared: Shared) -> NDArray[np.float64]:
        """Return the log-probabilities of a plan's answers, shape ``(m, len(plan.columns))``.

        Args:
            rows: The tokens of the prompts.
            plan: The answers.
            shared: What all of them begin with.
        """
        torch, _ = require()
        known, count = len(shared.tokens), len(plan.context) + 1
        unread = [row[known:] + plan.context for row in rows]
        last = torch.tensor([range(len(row) - count, len(row)) for row in unread])
        ids, mask = pad(unread, self._pad)
        mask = torch.cat([mask.new_ones(len(rows), known), mask], dim=1)
        options = {self._cache: _spread(shared.memory, len(rows))} if known else {}
        with torch.inference_mode(), head_at(self._model, last):
            output = self._model(
                ids.to(self._model.device),
                attention_mask=mask.to(self._model.device),
                use_cache=bool(known),
                **options,
            )
            logits = output.logits
            if logits.shape[1] != count:  # the head is no module of its own
                logits = _choose(logits, last)
            found = logits.float().log_softmax(-1)[:, plan.steps, plan.tokens]
        self._usage.add(1, sum(map(len, rows)) + len(rows) * len(plan.context))
        values: NDArray[np.float64] = found.cpu().double().numpy()
        return np.add.reduceat(values, plan.starts, axis=1)


def cache_name(model: transformers.PreTrainedModel) -> str:
    """Return what a model calls its memory of tokens."""
    parameters = inspect.signature(model.forward).parameters
    # transformers gave it another name within version 5
    return "cache" if "cache" in parameters else "past_key_values"


def remembered(output: transformers.utils.ModelOutput) -> Any:  # noqa: ANN401 of transformers
    """Return a model's memory of the tokens that it was given."""
    # asking for the old name warns
    return output["cache"] if "cache" in output else output.get("past_key_values")


def is_kept(memory: Any) -> bool:  # noqa: ANN401 of transformers
    """Say whether a model remembers one token after the other, in all of its layers."""
    return type(memory).__name__ == "DynamicCache" and all(
        type(layer).__name__ in _KEPT and layer.keys is not None for layer in memory.layers
    )


def pad(
    rows: Sequence[list[int]], token: int, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows of tokens as a table, and where they are in it, both ``(m, longest)``."""
    torch, _ = require()
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), token)
    mask = torch.zeros_like(ids)
    for place, row in enumerate(rows):
        part = slice(width - len(row), width) if left else slice(len(row))
        ids[place, part] = torch.tensor(row)
        mask[place, part] = 1
    return ids, mask


def common_start(rows: Sequence[list[int]]) -> list[int]:
    """Return what all rows begin with."""
    first, last = min(rows), max(rows)  # the two that differ earliest
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return [token for token, _ in same]


def _choose(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return vectors at some places of each row, shape ``(m, k, d)`` of ``(m, length, d)``."""
    places = places.to(values.device)
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1]))


@contextlib.contextmanager
def head_at(model: transformers.PreTrainedModel, places: torch.Tensor) -> Iterator[None]:
    """Have a model's head compute the logits at some places of each row alone.

    Elsewhere they would be most of the memory, and much of the time.
    """
    head = model.get_output_embeddings()
    if head is None:
        yield
        return
    hook = head.register_forward_pre_hook(lambda _, given: (_choose(given[0], places), *given[1:]))
    try:
        yield
    finally:
        hook.remove()


def _spread(memory: transformers.DynamicCache, count: int) -> transformers.DynamicCache:
    """Return what a model remembers of one row as that of several."""
    spread = copy.deepcopy(memory)
    spread.batch_repeat_interleave(count)
    return spread
