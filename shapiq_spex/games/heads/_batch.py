"""Rows of tokens as a batch, any number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]


class Batch:
    """Some rows, padded on their right.

    Attributes:
        rows: Their positions among all.
        mask: Which tokens are not padding, shape ``(r, tokens)``.
    """

    def __init__(
        self, rows: IntArray, tokens: Sequence[list[int]], device: torch.device, padding: int
    ) -> None:
        self.rows = rows
        ids, mask = pad([tokens[row] for row in rows], padding)
        self._ids, self.mask = ids.to(device), mask.to(device)

    @property
    def width(self) -> int:
        """How many tokens there are, padding included."""
        return int(self._ids.shape[1])

    def inputs(self, times: int, known: int = 0) -> dict[str, Any]:
        """Return what a model is called with.

        Args:
            times: How often it is given the rows, one time after the other.
            known: How many tokens it remembers that come before them.
        """
        mask = self.mask
        if known:
            torch, _ = require()
            mask = torch.cat([mask.new_ones(len(mask), known), mask], dim=1)
        return {"input_ids": tile(self._ids, times), "attention_mask": tile(mask, times)}

    def choose(self, features: torch.Tensor, masks: IntArray) -> torch.Tensor:
        """Return the features of some masks.

        Args:
            features: Those of several masks for each row, shape ``(m * r, tokens, d)``.
            masks: Which masks.

        Returns:
            Tensor of shape ``(len(masks) * r, tokens, d)``.
        """
        shape = (-1, len(self.rows), *features.shape[1:])
        return features.view(shape)[masks].flatten(0, 1)


def tile(rows: torch.Tensor, times: int) -> torch.Tensor:
    """Return rows one time after the other."""
    return rows.repeat(times, *[1] * (rows.ndim - 1))
