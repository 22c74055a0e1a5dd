"""Switch attention heads off inside the forward pass, by what goes into the output projection."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._loading import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from torch import nn

    from ._structure import AttentionLayer


@dataclass(frozen=True)
class Switches:
    """Which heads of a layer are on in each row of a batch.

    Attributes:
        kept: Shape ``(rows, n_heads)``, 1 for heads that are on and 0 for others, or anything
            between.
        scale: What the heads that are on are multiplied by, shape ``(rows, 1)``; None for 1.
        instead: What stands for heads that are off, shape ``(e, t, n_heads * head_size)``, where
            the rows are those of ``e`` examples, any number of times, and ``t`` is 1 or the number
            of tokens; None for zero.
    """

    kept: torch.Tensor
    scale: torch.Tensor | None = None
    instead: torch.Tensor | None = None

    def apply(self, features: torch.Tensor) -> torch.Tensor:
        """Return features in which heads are off.

        Args:
            features: Shape ``(rows, tokens, n_heads * head_size)``.
        """
        n_examples = 1 if self.instead is None else len(self.instead)
        n_heads = self.kept.shape[1]
        split = features.view(
            -1, n_examples, features.shape[1], n_heads, features.shape[2] // n_heads
        )
        kept = self.kept.to(features).view(-1, n_examples, 1, n_heads, 1)
        switched = split * kept
        if self.scale is not None:
            switched = switched * self.scale.to(features).view(-1, n_examples, 1, 1, 1)
        if self.instead is not None:
            instead = self.instead.to(features)
            shape = (*instead.shape[:2], n_heads, split.shape[-1])
            switched = switched + (1 - kept) * instead.view(shape)
        return switched.view(features.shape)


@contextlib.contextmanager
def switching(
    layers: Sequence[AttentionLayer], switches: Sequence[Switches | None]
) -> Iterator[None]:
    """Have heads switched off in all passes for a while.

    Args:
        layers: The layers of the model.
        switches: Those of each layer; None where all heads are on.
    """
    with contextlib.ExitStack() as hooks:
        for layer, switch in zip(layers, switches, strict=True):
            if switch is not None and layer.projection is not None:
                handle = layer.projection.register_forward_pre_hook(_apply(switch))
                hooks.callback(handle.remove)
        yield


@contextlib.contextmanager
def recording(layers: Sequence[AttentionLayer]) -> Iterator[list[torch.Tensor | None]]:
    """Record the features of all heads in the next pass, one tensor a layer."""
    found: list[torch.Tensor | None] = [None] * len(layers)
    with contextlib.ExitStack() as hooks:
        for place, layer in enumerate(layers):
            if layer.projection is not None:
                handle = layer.projection.register_forward_pre_hook(_record(found, place))
                hooks.callback(handle.remove)
        yield found


def as_switches(
    kept: torch.Tensor, *, rescale: bool, instead: torch.Tensor | None = None
) -> Switches | None:
    """Return the switches of a layer; None if all heads are on.

    Args:
        kept: Which heads are on, boolean of shape ``(rows, n_heads)``.
        rescale: Whether the others are to make up for those that are off.
        instead: What stands for these.
    """
    torch, _ = require()
    if bool(kept.all()):
        return None
    scale = None
    if rescale:
        counts = kept.sum(dim=1, keepdim=True).clamp(min=1)
        scale = kept.shape[1] / counts.to(torch.float32)
    return Switches(kept, scale, instead)


def _apply(switches: Switches) -> Callable[..., tuple[Any, ...]]:
    def apply(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (switches.apply(args[0]), *args[1:])

    return apply


def _record(found: list[torch.Tensor | None], place: int) -> Callable[..., None]:
    def record(_: nn.Module, args: tuple[Any, ...]) -> None:
        found[place] = args[0].detach()

    return record
