"""Passes through some of a model's layers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ._structure import hidden_in, with_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    import transformers
    from torch import nn

    from ._structure import AttentionLayer


class _ReachedError(Exception):
    """The layer that a pass was to go to is there."""

    def __init__(self, hidden: torch.Tensor) -> None:
        super().__init__()
        self.hidden = hidden


def run_to(
    model: transformers.PreTrainedModel,
    layers: Sequence[AttentionLayer],
    stop: int,
    inputs: dict[str, Any],
) -> torch.Tensor:
    """Run a model up to a layer, and return the features that this is given.

    Args:
        model: The model.
        layers: Its layers.
        stop: The position of the layer.
        inputs: What the model is called with.
    """
    handle = layers[stop].module.register_forward_pre_hook(_reach, with_kwargs=True)
    try:
        model(**inputs)
    except _ReachedError as reached:
        return reached.hidden
    finally:
        handle.remove()
    msg = f"{type(model).__name__} did not run its layer {layers[stop].name}."
    raise RuntimeError(msg)


@contextlib.contextmanager
def noting(layer: AttentionLayer) -> Iterator[list[torch.Tensor]]:
    """Note the features that a layer is given in the next passes."""
    found: list[torch.Tensor] = []

    def note(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        found.append(hidden_in(args, options))

    handle = layer.module.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


@contextlib.contextmanager
def starting_at(
    layers: Sequence[AttentionLayer], start: int, hidden: torch.Tensor | None
) -> Iterator[None]:
    """Have passes skip the layers below one for a while.

    Args:
        layers: The layers.
        start: The position of that layer.
        hidden: The features that it is given instead; with None, nothing is skipped.
    """
    if hidden is None:
        yield
        return
    with contextlib.ExitStack() as changes:
        for layer in layers[:start]:
            changes.callback(_replace_forward(layer.module, _pass_on(layer.n_returned)))

        def give(
            _: nn.Module, args: tuple[Any, ...], options: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            return with_hidden(hidden, args, options)

        handle = layers[start].module.register_forward_pre_hook(give, with_kwargs=True)
        changes.callback(handle.remove)
        yield


def _reach(_: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    raise _ReachedError(hidden_in(args, options))


def _pass_on(n_returned: int | None) -> Callable[..., Any]:
    """Return what stands for a layer that does nothing."""

    def pass_on(*args: Any, **options: Any) -> Any:  # noqa: ANN401 as any layer
        hidden = hidden_in(args, options)
        return hidden if n_returned is None else (hidden, *[None] * (n_returned - 1))

    return pass_on


def _replace_forward(module: nn.Module, forward: Callable[..., Any]) -> Callable[[], None]:
    """Replace what a module does, and return what takes that back."""
    missing = object()
    before = module.__dict__.get("forward", missing)
    module.forward = forward

    def restore() -> None:
        if before is missing:
            del module.forward
        else:
            module.forward = before

    return restore
