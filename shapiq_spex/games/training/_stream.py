"""Retrainings by joblib: on one core, on all, or on a cluster, whatever ``parallel_config`` says.

What comes out is handed on piece by piece as it is there, so that nothing is lost of it when a
worker dies or the run is stopped. What was under way in a worker that died is trained again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ._engines import count_workers, run_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._learner import Learner

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_TASK_SECONDS = 0.25  # a cluster takes some 10 ms to hand out a task
_LAST_TASKS = 4  # a worker, into which what is left is divided, so that all end together


@dataclass(frozen=True)
class Piece:
    """What came out of some retrainings.

    Attributes:
        positions: Which subsets they are.
        outputs: Shape ``(c, t * width)``; NaN where training failed.
        troubles: What went wrong in each, if anything did.
        seconds: How long they took.
    """

    positions: IntArray
    outputs: FloatArray
    troubles: list[str | None]
    seconds: float

    @property
    def worked(self) -> BoolArray:
        """Which retrainings gave outputs, shape ``(c,)``."""
        return ~np.isnan(self.outputs).any(axis=1)


@dataclass
class Training:
    """What is trained on, and how long it takes by now.

    Attributes:
        learner: The learner.
        X: The training inputs.
        y: Their targets, shape ``(p,)``.
        X_test: The test inputs.
        seconds: The mean duration of a retraining so far; None while there was none.
    """

    learner: Learner
    X: Any
    y: NDArray[Any]
    X_test: Any
    seconds: float | None = field(default=None, init=False)


def train_subsets(training: Training, present: BoolArray, seed: int) -> Iterator[Piece]:
    """Train on subsets, in as many processes as joblib was told of.

    Args:
        training: What to train.
        present: Which points to train on, shape ``(m, p)``.
        seed: The seed, the same for all.

    Yields:
        What came out, in any order.

    Raises:
        Exception: What joblib raises where workers die before any of them has finished anything.
    """
    left = np.ones(len(present), dtype=bool)
    while left.any():
        before = np.count_nonzero(left)
        try:
            for piece in _run(training, present, np.flatnonzero(left), seed):
                left[piece.positions] = False
                _learn_pace(training, piece)
                yield piece
        except Exception:
            # what a learner raises never gets here: a worker died, and some had finished before
            if np.count_nonzero(left) == before:
                raise


def _run(training: Training, present: BoolArray, positions: IntArray, seed: int) -> Iterator[Piece]:
    """Train on subsets, given by their positions."""
    # as bytes, which Dask sends with a task: each array would take a journey of its own
    tasks = (
        {"packed": np.packbits(present[task], axis=1).tobytes(), "positions": task, "seed": seed}
        for task in _divide(training, positions, count_workers())
    )
    shared = (training.learner, training.X, training.y, training.X_test)
    return run_tasks(_train, shared, tasks)


def _divide(training: Training, positions: IntArray, n_workers: int) -> Iterator[IntArray]:
    """Yield subsets to train on in one task, so many that handing them out costs little."""
    start = 0
    while start < len(positions):
        size = 1 if training.seconds is None else int(_TASK_SECONDS / training.seconds)
        most = (len(positions) - start) // (_LAST_TASKS * n_workers)
        stop = start + max(1, min(size, most))
        yield positions[start:stop]
        start = stop


def _learn_pace(training: Training, piece: Piece) -> None:
    """Remember how long retrainings take, the last ones above all."""
    each = max(piece.seconds / len(piece.positions), np.finfo(float).tiny)
    before = each if training.seconds is None else training.seconds
    training.seconds = (before + each) / 2


def _train(
    learner: Learner,
    X: Any,  # noqa: ANN401 whatever the learner takes
    y: NDArray[Any],
    X_test: Any,  # noqa: ANN401 as above
    *,
    packed: bytes,
    positions: IntArray,
    seed: int,
) -> Piece:
    """Train on some subsets: what runs in a worker."""
    start = time.perf_counter()
    rows = np.frombuffer(packed, dtype=np.uint8).reshape(len(positions), -1)
    present = np.unpackbits(rows, axis=1, count=len(y))
    found = [learner.outputs(X, y, np.flatnonzero(row), X_test, seed) for row in present]
    outputs = np.stack([outputs.ravel() for outputs, _ in found])
    troubles = [trouble for _, trouble in found]
    return Piece(positions, outputs, troubles, time.perf_counter() - start)
