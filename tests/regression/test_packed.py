"""Tests of what is done on packed masks."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.regression._packed import first_occurrences


@pytest.mark.parametrize("n", [1, 7, 8, 9, 61, 62, 63, 64, 65, 200])
@pytest.mark.parametrize("n_masks", [0, 1, 2, 300])
def test_first_occurrences(n: int, n_masks: int) -> None:
    """Each row is that of the distinct mask it points to, and these come in their first order."""
    rng = np.random.default_rng(n)
    pool = rng.random((100, n)) < 0.5
    masks = pool[rng.integers(len(pool), size=n_masks)]
    first, position = first_occurrences(np.packbits(masks, axis=1), n)
    assert len(first) == len(np.unique(masks, axis=0))
    assert (np.diff(first) > 0).all()
    assert np.array_equal(masks[first][position], masks)
    assert np.array_equal(position[first], np.arange(len(first)))
    assert (first[position] <= np.arange(n_masks)).all()
