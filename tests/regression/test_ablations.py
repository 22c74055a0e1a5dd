"""Tests of what counts among evaluated masks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import shapiq_spex
from shapiq_spex.regression import Ablations, MaskColumns

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(0)
N, M = 40, 200
MASKS = np.concatenate([np.zeros((1, N), bool), np.ones((1, N), bool), RNG.random((M, N)) < 0.5])
BLOCKS = np.concatenate([[-1, -1], np.arange(M)])


def prepare(values: np.ndarray) -> Ablations:
    """Prepare values on the masks, the first two of which are not typical."""
    return Ablations.prepare(MaskColumns.from_masks(MASKS), values, BLOCKS, RNG)


@pytest.mark.parametrize(("size", "left"), [(3.0, 0), (100.0, 1)])
def test_a_mask_that_would_govern_a_fit_is_left_out(size: float, left: int) -> None:
    """Some standard deviations away it stays; where it is most of all squares, it goes."""
    values = np.concatenate([[size, 0.0], RNG.normal(size=M)])
    ablations = prepare(values)
    usual = ablations.without_outliers()
    assert len(values) - len(usual.values) == left
    assert (usual is ablations) == (left == 0)


def test_typical_masks_always_stay() -> None:
    """However far one of them is: it tells of others like it."""
    values = RNG.normal(size=M + 2)
    values[7] = 1000.0
    assert len(prepare(values).without_outliers().values) == M + 2


def test_masks_that_judge_nothing_are_no_outliers_for_that() -> None:
    """Of a screened table only some folds judge; what the others say still counts."""
    values = RNG.normal(size=M + 2)
    ablations = prepare(values)
    judged = ablations.judged_by(2)
    assert 0 < judged.typical.sum() < ablations.typical.sum()
    seen = int(np.flatnonzero(~judged.typical & ~judged.extreme)[0])
    values[seen] = 1000.0
    assert len(prepare(values).judged_by(2).without_outliers().values) == M + 2


def test_of_values_that_never_vary_one_that_does_is_left_out() -> None:
    """Constants stay whole."""
    values = np.ones(M + 2)
    assert len(prepare(values).without_outliers().values) == M + 2
    values[0] = 0.0
    assert len(prepare(values).without_outliers().values) == M + 1


@pytest.mark.parametrize(
    "method",
    [
        shapiq_spex.ProxySPEX,
        shapiq_spex.SPEX,
        partial(shapiq_spex.SPEX, hierarchical_search=False),
    ],
    ids=["ProxySPEX", "SPEX", "SPEX without search"],
)
def test_an_empty_mask_far_off_bends_no_prediction(method: Callable[..., Any]) -> None:
    """Half of a training set or another half makes little difference, none at all a large one."""
    n = 100
    rng = np.random.default_rng(0)
    weights, hashed = rng.normal(size=n), rng.normal(scale=1e4, size=n)

    def game(masks: np.ndarray) -> np.ndarray:
        values = masks @ weights + np.sin(masks @ hashed)
        return np.where(masks.any(axis=1), values, -1000.0)

    approximator = method(n, 1, "BV", random_state=0)
    approximator.approximate(300, game)
    fresh = rng.random((500, n)) < 0.5
    values = game(fresh)
    assert np.var(values - approximator.spectrum.evaluate(fresh)) < 0.1 * np.var(values)


@pytest.mark.parametrize("method", [shapiq_spex.SPEX, shapiq_spex.ProxySPEX])
def test_a_game_that_varies_in_the_empty_mask_alone_is_its_constant(method: type) -> None:
    """A mean over all values would be wrong everywhere."""
    approximator = method(N, 1, "BV", random_state=0)
    with pytest.warns(UserWarning, match="not faithful"):
        approximator.approximate(400, lambda masks: 0.75 * masks.any(axis=1))
    np.testing.assert_allclose(approximator.spectrum.evaluate(MASKS[2:]), 0.75, atol=1e-12)
