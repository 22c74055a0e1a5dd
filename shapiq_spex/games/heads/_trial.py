"""Try out whether attention does the same for the heads that are left once others are removed."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    import transformers
    from torch import nn

_ROWS, _TOKENS = 2, 8  # that attention is tried with
_LEAST_TOLERANCE = 1e-3  # of a norm: less may be rounding, as where GPUs round float32


@dataclass(init=False)
class Seen:
    """What a module of attention was given in a pass, and what its heads made of it.

    Attributes:
        args: What it was given.
        options: The same, by name.
        features: Those of all heads, ``(rows, tokens, n_heads * head_size)``.
    """

    args: tuple[Any, ...]
    options: dict[str, Any]
    features: torch.Tensor


def run_base(model: transformers.PreTrainedModel) -> torch.Tensor:
    """Return the features that come out of a model's last layer for a few tokens."""
    torch, _ = require()
    size = model.config.get_text_config().vocab_size
    ids = torch.arange(1, _ROWS * _TOKENS + 1).remainder(size).view(_ROWS, _TOKENS).to(model.device)
    with evaluating(model):
        return model.base_model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]


def watch(
    model: transformers.PreTrainedModel,
    attentions: Sequence[nn.Module],
    projections: Sequence[nn.Module],
) -> list[Seen]:
    """Return what modules of attention and their output projections are given for a few tokens."""
    seen = [Seen() for _ in attentions]
    with contextlib.ExitStack() as hooks:
        for attention, projection, found in zip(attentions, projections, seen, strict=True):
            handle = attention.register_forward_pre_hook(_note_given(found), with_kwargs=True)
            hooks.callback(handle.remove)
            hooks.callback(projection.register_forward_pre_hook(_note_features(found)).remove)
        run_base(model)
    return seen


def misfit(
    attention: nn.Module, step: dict[str, Any], seen: Seen, config: transformers.PretrainedConfig
) -> str | None:
    """Say why heads cannot be removed from a module of attention in some way; None if they can.

    Args:
        attention: The module, of which a copy is tried.
        step: The way.
        seen: What it was given with all heads, and what these made of it.
        config: The model's, which is not copied.
    """
    torch, _ = require()
    from .modeling_pruned_heads import remove  # noqa: PLC0415 it needs torch

    trial = copy.deepcopy(attention, {id(config): config}).eval()
    ((projection, left),) = step["inputs"].items()
    again = Seen()
    try:
        remove(trial, step)
        trial.get_submodule(projection).register_forward_pre_hook(_note_features(again))
        with torch.no_grad():
            trial(*seen.args, **seen.options)
    except Exception as error:  # noqa: BLE001 the code is anyone's
        return f"does not run with fewer heads ({type(error).__name__})"
    heads = seen.features.unflatten(-1, (-1, step["head_size"]))
    if not close(heads[..., left, :].flatten(-2), again.features):
        return "does something else with fewer heads"
    return None


def close(expected: torch.Tensor, found: torch.Tensor, tolerance: float | None = None) -> bool:
    """Say whether features are the same but for rounding, by default that of other operations."""
    torch, _ = require()
    if expected.shape != found.shape:
        return False
    if tolerance is None:
        tolerance = max(_LEAST_TOLERANCE, torch.finfo(expected.dtype).eps ** 0.5)
    expected, found = expected.double(), found.double()
    return bool((expected - found).norm() <= tolerance * expected.norm())


def _note_given(seen: Seen) -> Any:  # noqa: ANN401 a hook
    def note(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        seen.args = tuple(map(_without_cache, args))
        seen.options = {name: _without_cache(value) for name, value in options.items()}

    return note


def _note_features(seen: Seen) -> Any:  # noqa: ANN401 a hook
    def note(_: nn.Module, args: tuple[Any, ...]) -> None:
        seen.features = args[0].detach()

    return note


def _without_cache(value: Any) -> Any:  # noqa: ANN401 anything that attention is given
    """Return what attention was given, but for what it keeps for later tokens."""
    _, transformers = require()
    return None if isinstance(value, transformers.Cache) else value
