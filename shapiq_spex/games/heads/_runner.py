"""Evaluate masks of heads on the examples of a task.

Several masks and examples go through the model in one pass. What does not depend on the masks is
computed once: the layers below the lowest head that can be off, for all masks; layers on whose
heads some masks agree, for these; and what the examples of a language model begin with in common,
for each mask.
"""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import WORTH, common_start

from ._ablation import as_switches, switching
from ._batch import Batch, tile
from ._common import Common
from ._passes import run_to, starting_at
from ._sharing import count_masks, divide_rows, find_stages, sort_masks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    import transformers
    from numpy.typing import NDArray

    from shapiq_spex.games.tasks import Prepared

    from ._ablation import Switches
    from ._replacements import Zero
    from ._structure import AttentionLayer
    from ._ways import Ways

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

# what a pass holds besides the features, at most
_MAX_NUMBERS = 2**27  # logits: 512 MiB in float32
_MAX_REMEMBERED = 2**32  # bytes of what rows have in common


class Runner:
    """What evaluates masks of heads."""

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        layers: Sequence[AttentionLayer],
        start: int,
        prepared: Prepared,
        replacement: Zero,
        *,
        rescale: bool,
        max_tokens: int,
        ways: Ways,
    ) -> None:
        """Remember how.

        Args:
            model: The model.
            layers: Its layers.
            start: The lowest layer that has heads which can be off.
            prepared: The examples.
            replacement: What stands for heads that are off.
            rescale: Whether the other heads of the layer make up for them.
            max_tokens: How many tokens go into a pass.
            ways: How work may be saved with this model.
        """
        self._model, self._layers, self._ways = model, layers, ways
        self._start = start if ways.skips else 0
        self._prepared, self._replacement, self._rescale = prepared, replacement, rescale
        self._max_tokens = max_tokens if ways.batches else 1  # then each row goes alone
        # memory of tokens fills up that of the device, and nothing goes on from these
        forgets = "use_cache" in inspect.signature(model.forward).parameters
        self._options: dict[str, Any] = {"use_cache": False} if forgets else {}
        self._hidden: dict[int, torch.Tensor] = {}  # of rows at the layer `start`
        self._common: Common | None = None
        self._rows: list[list[int]] | None = None  # without what they have in common

    def run(self, kept: BoolArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """Evaluate masks.

        Args:
            kept: Which heads are on, shape ``(m, n_layers, most heads)``.

        Yields:
            The positions of some masks, and what is read of all rows, shape ``(c, n_columns)``.
        """
        torch, _ = require()
        with evaluating(self._model), torch.inference_mode():
            rows = self._find_common()
        order = sort_masks(kept)
        longest = max(self._known, *map(len, rows))
        step = count_masks(len(kept), sum(map(len, rows)), longest, self._max_tokens)
        for begin in range(0, len(kept), step):
            positions = order[begin : begin + step]
            with evaluating(self._model), torch.inference_mode():
                outputs = self._run_some(kept[positions], rows)
            yield positions, outputs

    def _find_common(self) -> list[list[int]]:
        """Return the rows without what they begin with in common, if that can be shared."""
        if self._rows is None:
            self._rows = self._prepared.rows
            reader = self._prepared.reader
            # up to what is read: that is to be in the pass of each row
            tokens = common_start([row[: reader.start(i)] for i, row in enumerate(self._rows)])
            may_share = reader.causal and self._ways.shares
            if may_share and len(self._rows) > 1 and len(tokens) >= WORTH:
                common = Common(self._model, self._layers, self._start, tokens)
                if common.can_be_shared():
                    self._common = common
                    self._rows = [row[len(tokens) :] for row in self._rows]
        return self._rows

    @property
    def _known(self) -> int:
        """How many tokens the rows have in common that are shared."""
        return 0 if self._common is None else len(self._common.tokens)

    def _run_some(self, kept: BoolArray, rows: list[list[int]]) -> FloatArray:
        """Evaluate masks that go into a pass together; shape ``(m, n_columns)``."""
        reader = self._prepared.reader
        found = np.zeros((reader.n_columns + 1, len(kept)))
        memory: object = None
        stages = [len(self._layers)]
        if self._common is None and self._ways.skips:
            stages = find_stages(kept, self._start)
        if self._common is not None:
            memory = self._common.read(len(kept), self._switches(kept, None))
        lengths = np.array([len(row) for row in rows])
        shares = np.array([reader.size(row) for row in range(len(rows))]) / _MAX_NUMBERS
        if self._common is not None:
            shares += self._common.size / _MAX_REMEMBERED
        for some in divide_rows(lengths, shares, self._max_tokens / len(kept), 1 / len(kept)):
            batch = Batch(some, rows, self._model.device, self._padding)
            columns = reader.columns(some.tolist())
            read = self._run_batch(kept, batch, stages, memory)
            numbers = np.moveaxis(read.reshape(len(kept), *columns.shape), 0, -1)
            np.add.at(found, columns, numbers)
        return found[:-1].T

    def _run_batch(
        self, kept: BoolArray, batch: Batch, stages: list[int], memory: object
    ) -> FloatArray:
        """Evaluate masks on some rows, stage by stage; shape ``(m * r, k)``."""
        hidden = self._begin(batch)
        start, place = self._start, np.zeros(len(kept), dtype=np.int64)
        for stage in stages[:-1]:
            chosen, groups = _distinct(kept[:, :stage])
            given = None if hidden is None else batch.choose(hidden, place[chosen])
            with self._changed(kept[chosen], batch, start, given):
                inputs = self._options | batch.inputs(len(chosen))
                hidden = run_to(self._model, self._layers, stage, inputs)
            start, place = stage, groups
        given = None if hidden is None else batch.choose(hidden, place)
        inputs = self._options | batch.inputs(len(kept), self._known)
        if self._common is not None:
            inputs |= self._common.recall(memory, len(batch.rows))
        reader, rows = self._prepared.reader, batch.rows.tolist()
        with (
            self._changed(kept, batch, start, given),
            reader.reading(self._model, rows, len(kept), self._known),
        ):
            output = self._model(**inputs)
        read = reader.read(output, rows, tile(batch.mask, len(kept)))
        numbers: FloatArray = read.cpu().double().numpy()
        return numbers

    def _begin(self, batch: Batch) -> torch.Tensor | None:
        """Return the features of rows at the first layer with heads to switch, padded."""
        torch, _ = require()
        if self._start == 0:
            return None
        rows = batch.rows.tolist()
        if any(row not in self._hidden for row in rows):
            inputs = self._options | batch.inputs(1, self._known)
            if self._common is not None:
                inputs |= self._common.recall(None, len(rows))
            found = run_to(self._model, self._layers, self._start, inputs)
            for row, features, mask in zip(rows, found, batch.mask, strict=True):
                self._hidden[row] = features[: int(mask.sum())].clone()
        features = [self._hidden[row] for row in rows]
        return torch.nn.utils.rnn.pad_sequence(features, batch_first=True)

    @contextlib.contextmanager
    def _changed(
        self, kept: BoolArray, batch: Batch, start: int, hidden: torch.Tensor | None
    ) -> Iterator[None]:
        """Have heads off and the layers below one skipped for a while."""
        switches = self._switches(kept, batch)
        with (
            switching(self._layers, switches),
            starting_at(self._layers, start, hidden),
        ):
            yield

    def _switches(self, kept: BoolArray, batch: Batch | None) -> list[Switches | None]:
        """Return the switches of all layers, for masks times rows or what these have in common."""
        torch, _ = require()
        found: list[Switches | None] = []
        for place, layer in enumerate(self._layers):
            on = kept[:, place, : layer.n_heads]
            if place < self._start or on.all():
                found.append(None)
                continue
            if batch is None:
                instead = self._replacement.of_common(place, self._known)
            else:
                instead = self._replacement.of_rows(place, batch.rows, self._known, batch.width)
            times = 1 if batch is None else len(batch.rows)
            rows = torch.from_numpy(on).repeat_interleave(times, dim=0).to(self._model.device)
            found.append(as_switches(rows, rescale=self._rescale, instead=instead))
        return found

    @property
    def _padding(self) -> int:
        """A token to pad with."""
        found = getattr(self._model.config.get_text_config(), "pad_token_id", None)
        return found if found is not None and found >= 0 else 0


def _distinct(kept: BoolArray) -> tuple[IntArray, IntArray]:
    """Return where each of the different masks first is, and which of them each mask is."""
    packed = np.packbits(kept.reshape(len(kept), -1), axis=1)
    _, chosen, groups = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return chosen, groups.reshape(-1)
