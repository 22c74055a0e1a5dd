"""A task as rows of tokens for a model, and what to read of its answer to them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import head_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    import torch
    import transformers
    from numpy.typing import NDArray

    from .probe import Probe

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


class Reader(ABC):
    """What is read of a model's answer to rows of tokens.

    Attributes:
        n_columns: How many numbers all rows give together.
        causal: Whether tokens only see those before them.
    """

    n_columns: int
    causal = False

    @abstractmethod
    def describe(self) -> list[Any]:
        """Return what changes what is read, as numbers, texts and arrays."""

    @abstractmethod
    def size(self, row: int) -> int:
        """Return how many numbers a pass holds for a row besides its features."""

    def start(self, row: int) -> int:
        """Return the first position of a row that is read."""
        del row
        return 0

    @abstractmethod
    def columns(self, rows: Sequence[int]) -> IntArray:
        """Return to which column each number of some rows is added, shape ``(r, k)``.

        ``n_columns`` stands for numbers that count nowhere.
        """

    def reading(
        self,
        model: transformers.PreTrainedModel,
        rows: Sequence[int],
        times: int,
        known: int,
    ) -> AbstractContextManager[None]:
        """Have a model answer only what is read, for one pass.

        Args:
            model: The model.
            rows: The rows of the batch.
            times: How often the batch has them, one time after the other.
            known: How many tokens at their beginning were read before.
        """
        del model, rows, times, known
        return contextlib.nullcontext()

    @abstractmethod
    def read(self, output: Any, rows: Sequence[int], mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 depends on the model
        """Read a model's answer.

        Args:
            output: What it returned for the rows, any number of times.
            rows: The rows of the batch.
            mask: Which tokens are not padding, shape ``(times * r, tokens)``.

        Returns:
            Tensor of shape ``(times * r, k)``.
        """


@dataclass(frozen=True)
class Prepared:
    """A task as a model sees it.

    Attributes:
        rows: The tokens of each row.
        reader: What is read of the model's answer.
        choices: The columns of the answers of each example, shape ``(e, c)``; -1 for none.
        weights: What the columns are multiplied by.
        right: Which answer of each example is right, shape ``(e,)``.
    """

    rows: list[list[int]]
    reader: Reader
    choices: IntArray
    weights: FloatArray
    right: IntArray

    @functools.cached_property
    def digest(self) -> str:
        """A digest of what the model is given and what is read, 64 hexadecimal digits."""
        parts = [*map(np.array, self.rows), *map(np.asarray, self.reader.describe())]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(f"{part.dtype} {part.shape} ".encode() + part.tobytes())
        return digest.hexdigest()

    def scores(self, outputs: FloatArray) -> FloatArray:
        """Return the scores of all answers of all examples.

        Args:
            outputs: Shape ``(m, n_columns)``.

        Returns:
            Array of shape ``(m, e, c)``, minus infinity where there is no answer.
        """
        weighted = outputs * self.weights
        return np.where(self.choices < 0, -np.inf, weighted[:, self.choices])


class Continuations(Reader):
    """The log-probabilities of tokens, of a causal language model.

    Attributes:
        places: For each row, which tokens are predicted from which position: the positions, the
            tokens and the columns, each of shape ``(k,)``.
    """

    causal = True

    def __init__(
        self, places: list[tuple[IntArray, IntArray, IntArray]], n_columns: int, vocabulary: int
    ) -> None:
        self.places, self.n_columns, self._vocabulary = places, n_columns, vocabulary
        # the distinct positions of each row, and which of them each token is at
        self._positions = [np.unique(at, return_inverse=True) for at, _, _ in places]

    def describe(self) -> list[Any]:
        """Return the tokens and their places."""
        return ["continuations", *(part for place in self.places for part in place)]

    def size(self, row: int) -> int:
        """Return how many logits a row has."""
        return len(self._positions[row][0]) * self._vocabulary

    def start(self, row: int) -> int:
        """Return the first position from which a token is predicted."""
        return int(self._positions[row][0][0])

    def columns(self, rows: Sequence[int]) -> IntArray:
        """Return the columns, shape ``(r, k)``."""
        return _table([self.places[row][2] for row in rows], self.n_columns)

    def reading(
        self,
        model: transformers.PreTrainedModel,
        rows: Sequence[int],
        times: int,
        known: int,
    ) -> AbstractContextManager[None]:
        """Have the model compute the logits of these positions alone."""
        torch, _ = require()
        positions = np.tile(self._read_at(rows) - known, (times, 1))
        return head_at(model, torch.from_numpy(positions))

    def read(self, output: Any, rows: Sequence[int], mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 depends on the model
        """Return log-probabilities of tokens, shape ``(times * r, k)``."""
        torch, _ = require()
        logits, count = output.logits, len(mask)
        if logits.shape[1] != self._read_at(rows).shape[1]:
            msg = "The model's head is no module of its own: its logits cannot be read."
            raise ValueError(msg)
        steps = _table([self._positions[row][1] for row in rows], 0)
        tokens = _table([self.places[row][1] for row in rows], 0)
        at = np.arange(count)[:, None]
        steps, tokens = (np.resize(table, (count, table.shape[1])) for table in (steps, tokens))
        at, steps, tokens = (torch.from_numpy(t).to(logits.device) for t in (at, steps, tokens))
        normal = logits.float().logsumexp(-1)
        return logits[at, steps, tokens].float() - normal[at, steps]

    def _read_at(self, rows: Sequence[int]) -> IntArray:
        """Return the positions that are read of each row, shape ``(r, at most)``."""
        found = [self._positions[row][0] for row in rows]
        width = max(map(len, found))
        return np.stack([np.pad(p, (0, width - len(p)), mode="edge") for p in found])


class ClassLogits(Reader):
    """The logits of a sequence classifier."""

    def __init__(self, n_rows: int, n_classes: int) -> None:
        self.n_columns, self._n_classes = n_rows * n_classes, n_classes

    def describe(self) -> list[Any]:
        """Return the number of classes."""
        return ["logits", self._n_classes]

    def size(self, row: int) -> int:
        """Return how many classes there are."""
        del row
        return self._n_classes

    def columns(self, rows: Sequence[int]) -> IntArray:
        """Return the columns, shape ``(r, n_classes)``."""
        return np.asarray(rows)[:, None] * self._n_classes + np.arange(self._n_classes)

    def read(self, output: Any, rows: Sequence[int], mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 depends on the model
        """Return the logits, shape ``(r, n_classes)``."""
        del rows, mask
        logits: torch.Tensor = output.logits.float()
        return logits


class Probed(ClassLogits):
    """The logits of a probe on an encoder's features."""

    def __init__(self, n_rows: int, probe: Probe) -> None:
        super().__init__(n_rows, len(probe.classes))
        self._probe = probe

    def describe(self) -> list[Any]:
        """Return the probe."""
        return ["probe", self._probe.weights, self._probe.bias, self._probe.pooling]

    def read(self, output: Any, rows: Sequence[int], mask: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 depends on the model
        """Return the probe's logits, shape ``(r, n_classes)``."""
        del rows
        # on the CPU, as some devices have no numbers of 64 bits
        pooled = pool(features_of(output), mask, self._probe.pooling).cpu().double()
        weights, bias = map(require()[0].from_numpy, (self._probe.weights, self._probe.bias))
        found: torch.Tensor = pooled @ weights.to(pooled).T + bias.to(pooled)
        return found


def features_of(output: Any) -> torch.Tensor:  # noqa: ANN401 depends on the model
    """Return the features that an encoder returned.

    Raises:
        ValueError: If the model returns something else.
    """
    found: torch.Tensor | None = getattr(output, "last_hidden_state", None)
    if found is None:
        msg = "The model returns no features for a probe: load the encoder alone, by AutoModel."
        raise ValueError(msg)
    return found


def pool(features: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Return one vector a row: of the first token, the last one, or the mean.

    Args:
        features: Shape ``(r, tokens, d)``.
        mask: Which tokens are not padding, shape ``(r, tokens)``.
        pooling: ``"first"``, ``"last"`` or ``"mean"``.
    """
    torch, _ = require()
    features = features.float()
    if pooling == "first":
        return features[:, 0]
    if pooling == "last":
        last = mask.sum(dim=1) - 1
        return features[torch.arange(len(features), device=features.device), last]
    weights = mask[..., None].to(features)
    return (features * weights).sum(dim=1) / weights.sum(dim=1)


def _table(rows: list[IntArray], fill: int) -> IntArray:
    """Return rows of different lengths as a table."""
    width = max(map(len, rows))
    return np.stack([np.pad(row, (0, width - len(row)), constant_values=fill) for row in rows])
