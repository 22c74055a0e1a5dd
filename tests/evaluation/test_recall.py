"""Recall is the share of a reference's largest terms that an explanation has among its own."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.evaluation._recall import recall_at

_REFERENCE = FourierSpectrum(5, [(), (0,), (1,), (2,), (0, 1)], [9, 4, -3, 2, 1])


@pytest.mark.parametrize(
    ("support", "coefficients", "k", "expected"),
    [
        ([(0,), (1,), (2,), (0, 1)], [1, 1, 1, 1], 4, 1.0),
        ([(0,), (1,), (4,)], [1, -5, 2], 2, 0.5),  # the size of a coefficient counts, not its sign
        ([(0,), (1,), (4,)], [1, -5, 0.1], 2, 1.0),
        ([(3,), (4,)], [1, 1], 3, 0.0),
        ([()], [7], 3, 0.0),
        ([(0, 1), (0,)], [3, 1], 10, 0.5),  # the reference has four terms in all
    ],
)
def test_share_of_what_is_found(
    support: list[tuple[int, ...]], coefficients: list[float], k: int, expected: float
) -> None:
    """Only the largest count, on both sides."""
    assert recall_at(FourierSpectrum(5, support, coefficients), _REFERENCE, k) == expected


def test_constant_reference() -> None:
    """Of nothing, nothing can be found."""
    assert np.isnan(recall_at(_REFERENCE, FourierSpectrum(5, [(), (2,)], [1, 0]), 3))
