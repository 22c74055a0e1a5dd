"""What stands for heads that are off: nothing, their mean, or what they say of another example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from tqdm.auto import tqdm

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require

from ._ablation import recording
from ._batch import Batch
from ._sharing import divide_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    import transformers
    from numpy.typing import NDArray

    from ._structure import AttentionLayer

    IntArray = NDArray[np.int64]
    Recorded = list[torch.Tensor | None]

Ablation = Literal["zero", "mean", "resample"]

_QUIET_SECONDS = 2.0
ABLATIONS: tuple[Ablation, ...] = ("zero", "mean", "resample")


class Zero:
    """Nothing stands for heads that are off."""

    def of_rows(self, layer: int, rows: IntArray, known: int, width: int) -> torch.Tensor | None:
        """Return what stands for the heads of a layer.

        Args:
            layer: The position of the layer.
            rows: Some rows.
            known: How many of their tokens are left out at their beginning.
            width: How many tokens of each row follow, padding included.

        Returns:
            Tensor such that it goes with ``(r, width, features)``; None for zero.
        """
        del layer, rows, known, width
        return None

    def of_common(self, layer: int, length: int) -> torch.Tensor | None:
        """Return what stands for heads in what all rows begin with.

        Args:
            layer: The position of the layer.
            length: How many tokens that are.
        """
        del layer, length
        return None


class Mean(Zero):
    """The mean of a head's features over all tokens stands for it."""

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        layers: Sequence[AttentionLayer],
        rows: Sequence[list[int]],
        max_tokens: int,
    ) -> None:
        """Measure the means.

        Args:
            model: The model.
            layers: Its layers; those without heads that can be off have no projection.
            rows: The tokens of the examples.
            max_tokens: How many tokens go into a pass.
        """
        sums: Recorded = [None] * len(layers)
        for batch, recorded in _record(model, layers, rows, max_tokens):
            mask = batch.mask[..., None].bool()
            for place, features in enumerate(recorded):
                if features is not None:
                    of_rows = features.float().where(mask, 0).sum(dim=1)
                    # on the CPU, as some devices have no numbers of 64 bits
                    total = of_rows.cpu().double().sum(dim=0)
                    before = sums[place]
                    sums[place] = total if before is None else before + total
        count = sum(map(len, rows))
        self._means = [
            None if total is None else (total / count).float()[None, None].to(model.device)
            for total in sums
        ]

    def of_rows(self, layer: int, rows: IntArray, known: int, width: int) -> torch.Tensor | None:
        """Return the means of a layer; see :meth:`Zero.of_rows`."""
        del rows, known, width
        return self._means[layer]

    def of_common(self, layer: int, length: int) -> torch.Tensor | None:
        """Return the means of a layer; see :meth:`Zero.of_common`."""
        del length
        return self._means[layer]


class Resampled(Zero):
    """What a head says of another example stands for it.

    Which one is drawn once for each example. Rows are brought together at their ends, from which
    answers are read; before the beginning of the other one stands its first token.
    """

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        layers: Sequence[AttentionLayer],
        rows: Sequence[list[int]],
        max_tokens: int,
        rng: np.random.Generator,
    ) -> None:
        """Record what the heads say of all examples.

        Args:
            model: The model.
            layers: Its layers; those without heads that can be off have no projection.
            rows: The tokens of the examples.
            max_tokens: How many tokens go into a pass.
            rng: Draws the other examples, of which there must be at least two.
        """
        order = rng.permutation(len(rows))
        self.others = np.empty(len(rows), dtype=np.int64)
        self.others[order] = np.roll(order, 1)  # never the example itself
        self._lengths = np.array([len(row) for row in rows])
        self._said: list[dict[int, torch.Tensor]] = [{} for _ in layers]
        for batch, recorded in _record(model, layers, rows, max_tokens):
            for place, features in enumerate(recorded):
                if features is not None:
                    for row, said in zip(batch.rows.tolist(), features, strict=True):
                        self._said[place][row] = said[: self._lengths[row]].clone()

    def of_rows(self, layer: int, rows: IntArray, known: int, width: int) -> torch.Tensor | None:
        """Return what is said of other examples; see :meth:`Zero.of_rows`."""
        torch, _ = require()
        found = []
        for row in rows.tolist():
            other = int(self.others[row])
            shift = self._lengths[other] - self._lengths[row]
            at = np.arange(known, known + width) + shift
            found.append(self._said[layer][other][np.clip(at, 0, self._lengths[other] - 1)])
        return torch.stack(found)

    def of_common(self, layer: int, length: int) -> torch.Tensor | None:
        """Return what is said of the same tokens, with which all examples begin."""
        return self._said[layer][0][None, :length]


def replace_by(
    ablation: Ablation,
    model: transformers.PreTrainedModel,
    layers: Sequence[AttentionLayer],
    rows: Sequence[list[int]],
    *,
    max_tokens: int,
    random_state: int,
) -> Zero:
    """Return what stands for heads that are off.

    Args:
        ablation: Which kind.
        model: The model.
        layers: Its layers; those without heads that can be off have no projection.
        rows: The tokens of the examples.
        max_tokens: How many tokens go into a pass.
        random_state: The seed of which other example is taken.
    """
    if ablation == "mean":
        return Mean(model, layers, rows, max_tokens)
    if ablation == "resample":
        rng = np.random.default_rng(random_state)
        return Resampled(model, layers, rows, max_tokens, rng)
    return Zero()


def _record(
    model: transformers.PreTrainedModel,
    layers: Sequence[AttentionLayer],
    rows: Sequence[list[int]],
    max_tokens: int,
) -> Iterator[tuple[Batch, Recorded]]:
    """Run all rows, and yield what their heads say."""
    torch, _ = require()
    lengths = np.array([len(row) for row in rows])
    with evaluating(model), torch.inference_mode():
        passes = divide_rows(lengths, np.zeros(len(rows)), max_tokens, 1)
        for some in tqdm(passes, desc="Reading heads", delay=_QUIET_SECONDS, leave=False):
            batch = Batch(some, rows, model.device, 0)
            with recording(layers) as recorded:
                model.base_model(**batch.inputs(1))
            yield batch, recorded
