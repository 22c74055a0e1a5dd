"""What pruning of attention heads saves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require

from ._structure import find_layers
from .pruning import unwrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    import transformers

    from shapiq_spex.games.models import HuggingFace

_TOKENS = 128  # of the row that models are timed with by default
_WARM_UP = 2  # passes before time is taken


@dataclass(frozen=True)
class PruningReport:
    """What pruning saves; each pair is of the model before and after.

    Attributes:
        parameters: How many weights there are.
        heads: How many heads are computed.
        seconds: How long a forward pass takes, the fastest of those timed.
        masked: The layers in which heads are switched off but could not be removed, and why.
        emptied: The layers in which no head was to be kept, where one is computed in vain.
    """

    parameters: tuple[int, int]
    heads: tuple[int, int]
    seconds: tuple[float, float]
    masked: dict[int, str]
    emptied: tuple[int, ...]

    def __str__(self) -> str:
        """Say it in a few lines."""
        milliseconds = (1000 * self.seconds[0], 1000 * self.seconds[1])
        lines = [
            f"weights: {_change(self.parameters, ',')}",
            f"heads: {_change(self.heads, ',')}",
            f"milliseconds a forward pass: {_change(milliseconds, ',.1f')}",
        ]
        lines += [
            f"heads of layer {place} are switched off, not removed: {why}"
            for place, why in self.masked.items()
        ]
        lines += [
            f"layer {place} has no head, but one is computed in vain" for place in self.emptied
        ]
        return "\n".join(lines)


def describe_pruning(
    model: transformers.PreTrainedModel | HuggingFace,
    pruned: transformers.PreTrainedModel,
    inputs: Mapping[str, Any] | None = None,
    *,
    repeats: int = 11,
) -> PruningReport:
    """Compare the size and the speed of a model with those of the pruned one.

    Args:
        model: The model.
        pruned: What :func:`apply_pruning` made of it, on the same device.
        inputs: What both are timed with, passed on by name; by default one row of 128 tokens, or as
            many as the model takes.
        repeats: How many passes of each are timed, in turns; the fastest ones count, which other
            work on the machine slows least.

    Returns:
        The weights, heads and times of both.

    Raises:
        ValueError: If nothing is to be timed.
    """
    if repeats < 1:
        msg = f"repeats must be at least 1, got {repeats!r}."
        raise ValueError(msg)
    model = unwrap(model)
    if inputs is None:
        inputs = _default_inputs(model)
    both = (model, pruned)
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(_WARM_UP + repeats):
        for which, taken in zip(both, times, strict=True):
            seconds = _time(which, inputs)
            if turn >= _WARM_UP:
                taken.append(seconds)
    masked = getattr(pruned.config, "masked_heads", None) or {}
    # a layer may have been pruned more than once
    steps = {step["layer"]: step for step in getattr(pruned.config, "kept_heads", None) or []}
    return PruningReport(
        parameters=(model.num_parameters(), pruned.num_parameters()),
        heads=(_count_heads(model), _count_heads(pruned)),
        seconds=(min(times[0]), min(times[1])),
        masked={int(place): why for place, why in masked.items()},
        emptied=tuple(sorted(place for place, step in steps.items() if not step["heads"])),
    )


def _default_inputs(model: transformers.PreTrainedModel) -> dict[str, Any]:
    """Return a row of tokens."""
    torch, _ = require()
    config = model.config.get_text_config()
    longest = getattr(config, "max_position_embeddings", None) or _TOKENS
    ids = torch.arange(1, min(_TOKENS, longest) + 1, device=model.device)
    ids = ids.remainder(config.vocab_size)[None]
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _time(model: transformers.PreTrainedModel, inputs: Mapping[str, Any]) -> float:
    """Return how many seconds a forward pass takes."""
    torch, _ = require()
    with evaluating(model):
        start = time.perf_counter()
        model(**inputs)
        if model.device.type != "cpu":  # it goes on while this does
            torch.accelerator.synchronize()
        return time.perf_counter() - start


def _count_heads(model: transformers.PreTrainedModel) -> int:
    """Return how many heads a model has."""
    return sum(layer.n_heads for layer in find_layers(model))


def _change(pair: tuple[float, float], style: str) -> str:
    """Say how a number changed."""
    before, after = pair
    return f"{before:{style}} before, {after:{style}} after ({after / before - 1:+.1%})"
