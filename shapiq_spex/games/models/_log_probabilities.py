"""Log-probabilities that cannot be any: above 0, or a number that stands for none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NONE = -9999.0
"""What servers report, as OpenAI's and vLLM, where a token has no log-probability."""

ROUNDING = 1e-2
"""By how much a log-probability of few digits may come out above 0."""

_PER_BYTE = -10.0  # of a text: less than any model's mean over a long one


def find_impossible(logs: FloatArray, lengths: IntArray) -> BoolArray:
    """Say which numbers are no log-probabilities of texts; those that are not finite may be.

    A text of thousands of tokens may have one below that which stands for none.

    Args:
        logs: The numbers, shape ``(m, k)``.
        lengths: How many bytes each text has, shape ``(k,)``.

    Returns:
        Boolean of shape ``(m, k)``.
    """
    least = np.minimum(NONE, _PER_BYTE * lengths)
    impossible: BoolArray = np.isfinite(logs) & ((logs > ROUNDING) | (logs <= least))
    return impossible
