"""What the examples of a language model begin with in common, read once for each mask."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import cache_name, head_at, is_kept, remembered

from ._ablation import switching
from ._passes import noting, starting_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    import transformers

    from ._ablation import Switches
    from ._structure import AttentionLayer


class Common:
    """Tokens at the beginning of all rows.

    Attributes:
        tokens: The tokens.
    """

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        layers: Sequence[AttentionLayer],
        start: int,
        tokens: list[int],
    ) -> None:
        """Remember what to read.

        Args:
            model: The model.
            layers: Its layers.
            start: The lowest layer with heads that can be off.
            tokens: The tokens.
        """
        self._model, self._layers, self._start = model, layers, start
        self.tokens = tokens
        self._hidden: torch.Tensor | None = None  # at the layer `start`
        self._memory: Any = None  # with all heads on
        self._name = cache_name(model)

    def can_be_shared(self) -> bool:
        """Read the tokens with all heads on, and say whether the model's memory can be shared."""
        nothing = [None] * len(self._layers)
        with noting(self._layers[self._start]) as noted:
            self._memory = self._pass(1, nothing, None)
        self._hidden = noted[0] if self._start else None
        return is_kept(self._memory)

    @property
    def size(self) -> int:
        """How many bytes the model's memory of a mask takes for each row that goes on from it."""
        return sum(
            layer.keys.nbytes + layer.values.nbytes for layer in self._memory.layers[self._start :]
        )

    def read(self, times: int, switches: Sequence[Switches | None]) -> Any:  # noqa: ANN401 of transformers
        """Read the tokens with some masks.

        Args:
            times: How many masks there are.
            switches: Those of each layer.

        Returns:
            What the model remembers for each mask.
        """
        memory = self._pass(times, switches, self._hidden)
        for place in range(self._start):  # the layers that were skipped
            memory.layers[place] = _resized(self._memory.layers[place], times)
        return memory

    def recall(self, memory: Any, count: int) -> dict[str, Any]:  # noqa: ANN401 of transformers
        """Return what a model is to be called with, to go on from what it remembers.

        Args:
            memory: What :meth:`read` returned; None for the memory with all heads on.
            count: How many rows go on from each mask.
        """
        of = self._memory if memory is None else memory
        found = copy.copy(of)
        found.layers = [
            _resized(layer, count, skipped=place < self._start)
            for place, layer in enumerate(of.layers)
        ]
        return {self._name: found, "use_cache": True}

    def _pass(
        self, times: int, switches: Sequence[Switches | None], hidden: torch.Tensor | None
    ) -> Any:  # noqa: ANN401 of transformers
        """Read the tokens, and return the model's memory."""
        torch, _ = require()
        ids = torch.tensor([self.tokens], device=self._model.device).expand(times, -1)
        given = None if hidden is None else hidden.expand(times, -1, -1)
        nowhere = torch.zeros(times, 1, dtype=torch.int64)  # most logits are not needed
        with contextlib.ExitStack() as changes:
            changes.enter_context(switching(self._layers, switches))
            changes.enter_context(starting_at(self._layers, self._start, given))
            changes.enter_context(head_at(self._model, nowhere))
            output = self._model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
        return remembered(output)


def _resized(layer: Any, count: int, *, skipped: bool = False) -> Any:  # noqa: ANN401 of transformers
    """Return what a layer remembers of each row for several ones.

    Of a layer that is skipped only the length counts.
    """
    found = copy.copy(layer)
    if skipped:
        rows = len(layer.keys) * count
        found.keys, found.values = (
            kept[:1].expand(rows, -1, -1, -1) for kept in (layer.keys, layer.values)
        )
    else:
        found.keys = layer.keys.repeat_interleave(count, dim=0)
        found.values = layer.values.repeat_interleave(count, dim=0)
    return found
