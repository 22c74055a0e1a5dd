"""Which ways of saving work are right for a model, found by trying them on a few tokens.

The most direct way to switch heads is one pass for each mask and row, without padding, through all
layers. Some models do not allow anything else: in T5 the first layer makes what the others know of
positions, and is not to be skipped.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import WORTH
from shapiq_spex.games.tasks._prepared import Prepared, Reader

from ._ablation import as_switches, switching
from ._passes import run_to, starting_at
from ._replacements import Zero
from ._runner import Runner
from ._trial import close

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    import transformers
    from numpy.typing import NDArray

    from ._structure import AttentionLayer

    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

_REST = (6, 7)  # tokens of rows after what they have in common: one is padded, and they go together
_READ, _FEATURES = 3, 64  # of the last tokens of each row, at most
_MAX_TOKENS = 1024  # more than all of this
_NOISE = 1e-5  # of a norm, as where sums on GPUs are not always in the same order
_TOLERANCES = {"cpu": 1e-4}  # of float32 in passes of other shapes; GPUs may round it
_TABLE = 2  # dimensions of what is said of rows as a whole


@dataclass(frozen=True)
class Ways:
    """How work may be saved.

    Attributes:
        skips: Whether layers can be skipped, if they are given what comes out of those below.
        batches: Whether masks and rows can go into one pass, padded.
        shares: Whether what all rows begin with can be read once.
    """

    skips: bool = True
    batches: bool = True
    shares: bool = True


def find_ways(
    model: transformers.PreTrainedModel,
    layers: Sequence[AttentionLayer],
    rows: Sequence[list[int]],
    *,
    causal: bool,
) -> Ways:
    """Find out which ways give the same as the most direct one.

    Args:
        model: The model.
        layers: Its layers.
        rows: Those of a task, for some of its tokens.
        causal: Whether there is anything to share at the beginning of rows.
    """
    trial = _Trial(model, layers, _choose_rows(rows))
    found = Ways(skips=False, shares=False)
    found = replace(found, batches=trial.agrees(found))
    # layers are told apart at their ends and in the middle
    stops = {1, len(layers) // 2, len(layers) - 1} - {0}
    if all(map(trial.can_start_at, sorted(stops))):
        found = replace(found, skips=trial.agrees(replace(found, skips=True)))
    if causal:
        found = replace(found, shares=trial.agrees(replace(found, shares=True)))
    return found


def _choose_rows(rows: Sequence[list[int]]) -> list[list[int]]:
    """Return two short rows that begin with the same tokens, as many as are worth sharing."""
    tokens = itertools.cycle(itertools.chain.from_iterable(rows))
    common = list(itertools.islice(tokens, WORTH))
    return [common + list(itertools.islice(tokens, count)) for count in _REST]


class _Trial:
    """Some masks and rows, and what the model says of them in the most direct way."""

    def __init__(
        self,
        model: transformers.PreTrainedModel,
        layers: Sequence[AttentionLayer],
        rows: list[list[int]],
    ) -> None:
        self._model, self._layers, self._rows = model, layers, rows
        most = max(layer.n_heads for layer in layers)
        kept = np.random.default_rng(0).random((2, len(layers), most)) < 0.5  # noqa: PLR2004 half
        kept[:, :, 0], kept[:, :, -1] = True, False  # some heads of each layer are on, some off
        kept[1, : len(layers) // 2] = kept[0, : len(layers) // 2]  # which may be computed once
        kept[1, len(layers) // 2 :] = ~kept[0, len(layers) // 2 :]
        self._start = min(1, len(layers) - 1)
        kept[:, : self._start] = True  # the first layer may be skipped
        self._kept = kept
        single = getattr(model, "dtype", None) == require()[0].float32
        self._tolerance = _TOLERANCES.get(model.device.type) if single else None
        self._direct = [[self._say(mask, row) for row in range(len(rows))] for mask in range(2)]

    def can_start_at(self, stop: int) -> bool:
        """Say whether the layers below one can be skipped."""
        said = self._direct[0][1]
        # the operations are the same, with the same shapes
        tolerance = max(_NOISE, require()[0].finfo(said.dtype).eps)
        return _try(lambda: close(said, self._say(0, 1, stop), tolerance))

    def agrees(self, ways: Ways) -> bool:
        """Say whether the same comes out of passes that masks and rows share in some ways."""
        return _try(lambda: self._compare(ways))

    def _compare(self, ways: Ways) -> bool:
        torch, _ = require()
        count, width = len(self._rows), self._direct[0][0].shape[1]
        reader, none = _Ends(count, width, causal=ways.shares), np.empty(0, dtype=np.int64)
        prepared = Prepared(self._rows, reader, none, np.empty(0), none)
        options: dict[str, Any] = {"rescale": False, "max_tokens": _MAX_TOKENS, "ways": ways}
        runner = Runner(self._model, self._layers, self._start, prepared, Zero(), **options)
        found = np.empty((len(self._kept), count, width))
        for places, outputs in runner.run(self._kept):
            found[places] = outputs.reshape(len(places), count, width)
        expected = [[said.double().cpu() for said in rows] for rows in self._direct]
        # of the model's own precision, by which is told what is rounding
        kind = self._direct[0][0].dtype
        return all(
            close(said.to(kind), torch.from_numpy(row[None]).to(kind), self._tolerance)
            for rows, of_mask in zip(expected, found, strict=True)
            for said, row in zip(rows, of_mask, strict=True)
        )

    def _say(self, mask: int, row: int, start: int = 0) -> torch.Tensor:
        """Return what is read of a row in a pass of its own, all or without layers below one."""
        torch, _ = require()
        ids = torch.tensor([self._rows[row]], device=self._model.device)
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        switches = [
            as_switches(kept[None].to(self._model.device), rescale=False)
            for kept in self._of_layers(mask)
        ]
        with (
            evaluating(self._model),
            torch.inference_mode(),
            switching(self._layers, switches),
        ):
            hidden = run_to(self._model, self._layers, start, inputs) if start else None
            with starting_at(self._layers, start, hidden):
                output = self._model(**inputs)
            return _read_ends(output, inputs["attention_mask"])

    def _of_layers(self, mask: int) -> list[torch.Tensor]:
        """Return which heads of each layer are on."""
        torch, _ = require()
        return [
            torch.from_numpy(kept[: layer.n_heads])
            for kept, layer in zip(self._kept[mask], self._layers, strict=True)
        ]


class _Ends(Reader):
    """What a model says of the last tokens of each row."""

    def __init__(self, n_rows: int, width: int, *, causal: bool) -> None:
        self.n_columns, self.causal, self._width = n_rows * width, causal, width

    def describe(self) -> list[Any]:
        """Return nothing: no store keeps this."""
        return []

    def size(self, row: int) -> int:
        """Return how many numbers are read."""
        del row
        return self._width

    def start(self, row: int) -> int:
        """Return the first position after what rows have in common."""
        del row
        return WORTH

    def columns(self, rows: Sequence[int]) -> IntArray:
        """Return the columns, shape ``(r, width)``."""
        return np.asarray(rows)[:, None] * self._width + np.arange(self._width)

    def read(self, output: Any, rows: Sequence[int], mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 depends on the model
        """Return some of what the model said, shape ``(times * r, width)``."""
        del rows
        return _read_ends(output, mask)


def _read_ends(output: Any, mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 as above
    """Return what a model said of the last tokens, or of all of each row, shape ``(r, k)``."""
    torch, _ = require()
    said = output[0]
    if said.ndim == _TABLE:
        return said
    lengths = mask.sum(dim=1)
    rows = torch.arange(len(said), device=said.device)[:, None]
    places = lengths[:, None] - 1 - torch.arange(_READ, device=said.device)
    return said[rows, places, :_FEATURES].flatten(1)


def _try(compare: Callable[[], bool]) -> bool:
    """Say whether something works and agrees: a way that does not run is none."""
    try:
        return compare()
    except Exception:  # noqa: BLE001 the code of models is anyone's
        return False
