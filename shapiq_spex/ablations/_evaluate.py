"""Evaluating a game on the masks of a design."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from ._checks import check_values
from ._masks import Masks
from .record import RunRecord
from .stored_game import StoredGame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BATCH = 1 << 26  # entries of the masks handed over at once
_QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Evaluated:
    """The values of masks.

    Attributes:
        values: Shape ``(m,)``; NaN for masks that failed, where the game may do that.
        chance: The mean variance of a value by chance alone, None where masks were evaluated once.
        record: What it took.
    """

    values: NDArray[np.float64]
    chance: float | None
    record: RunRecord


def evaluate(
    game: Callable[[NDArray[np.bool_]], Any], packed: NDArray[np.uint8], n: int
) -> Evaluated:
    """Evaluate a game on packed masks.

    Args:
        game: A game of shapiq, or a callable from masks ``(m, n)`` to values ``(m,)``. It is called
            once, unless the masks are larger than 64 MiB. NaN is a mask without a value for a game
            that has ``may_fail = True``, and an error for others.
        packed: The distinct masks, eight players to a byte, shape ``(m, ceil(n / 8))``.
        n: The number of players.

    Returns:
        The values, and what they took.

    Raises:
        ValueError: If the game returns another number of values, or values that are not finite.
        TypeError: If it returns no numbers.
    """
    values, variances = np.empty(len(packed)), np.full(len(packed), np.nan)
    record = RunRecord()
    size = max(1, _BATCH // n)
    starts = range(0, len(packed), size)
    # more than one batch, that is gigabytes of masks, take long enough to be watched
    alone = len(starts) == 1
    for start in tqdm(
        starts, desc="Evaluating game", delay=_QUIET_SECONDS, leave=False, disable=alone
    ):
        masks = np.unpackbits(packed[start : start + size], axis=1, count=n).view(np.bool_, Masks)
        if isinstance(game, StoredGame):
            answer = game.evaluate(masks)
            values[start : start + size] = answer.values - game.normalization_value
            variances[start : start + size] = answer.variances
            record += answer.record
        else:
            began = time.perf_counter()
            found = check_values(game(masks), masks, gaps=getattr(game, "may_fail", False) is True)
            seconds = time.perf_counter() - began
            values[start : start + size] = found
            failed = int(np.count_nonzero(np.isnan(found)))
            record += RunRecord(len(masks), len(masks) - failed, failed=failed, seconds=seconds)
    known = variances[~np.isnan(variances)]
    return Evaluated(values, float(known.mean()) if len(known) else None, record)
