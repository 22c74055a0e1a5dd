"""Tests of what is computed together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games.heads._sharing import (
    _STAGE,
    count_masks,
    divide_rows,
    find_stages,
    sort_masks,
)


def test_rows_of_like_length_go_together() -> None:
    """Each row is in one pass, within the limits and with little padding."""
    rng = np.random.default_rng(0)
    lengths, numbers = rng.integers(5, 60, 200), rng.integers(1, 5, 200)
    passes = divide_rows(lengths, numbers, 400, 30)
    assert sorted(np.concatenate(passes).tolist()) == list(range(200))
    for rows in passes:
        tokens = len(rows) * lengths[rows].max()
        assert tokens <= 400
        assert tokens <= 1.08 * lengths[rows].sum() + 1e-9
        assert len(rows) * numbers[rows].max() <= 30


def test_a_long_row_goes_alone() -> None:
    """A row beyond the limits is in a pass of its own."""
    passes = divide_rows(np.array([900, 5, 5]), np.ones(3, dtype=np.int64), 100, 100)
    assert [rows.tolist() for rows in passes] == [[0], [1, 2]]


@pytest.mark.parametrize(
    ("masks", "tokens", "longest", "expected"),
    [
        (100, 50, 10, 40),
        (100, 9000, 100, 8),
        (100, 9000, 600, 3),
        (100, 9000, 3000, 1),
        (100, 50, 400, 5),
        (3, 1, 1, 3),
        (0, 50, 10, 1),
    ],
)
def test_masks_at_once(masks: int, tokens: int, longest: int, expected: int) -> None:
    """So many masks go together that passes are filled, and at least a few if these fit."""
    assert count_masks(masks, tokens, longest, 2000) == expected


def kept(*rows: str) -> np.ndarray:
    """Return masks of one head a layer, written as ones and zeros."""
    return np.array([[[int(on)] for on in row] for row in rows], dtype=bool)


def test_masks_that_agree_below_are_neighbours() -> None:
    """Masks are in the order of their layers, the lowest first."""
    order = sort_masks(kept("101", "011", "100", "010"))
    assert order.tolist() == [3, 1, 2, 0]


def test_stages_of_upper_layers() -> None:
    """Masks that are all the same below a layer are computed once up to it."""
    masks = kept(*(f"1111{number:04b}" for number in range(16)))
    assert find_stages(masks, 0)[0] == 4
    assert find_stages(masks, 0)[-1] == 8


def test_masks_that_differ_have_one_stage() -> None:
    """Where no masks agree, beginning anew would only cost."""
    masks = kept("00000000", "10000000")
    assert find_stages(masks, 0) == [8]


def test_a_start_is_no_stage() -> None:
    """What is known at the start is not computed again."""
    masks = kept(*(f"1111{number:04b}" for number in range(16)))
    assert find_stages(masks, 4) == find_stages(masks[:, 4:], 0)[:0] + [
        4 + stage for stage in find_stages(masks[:, 4:], 0)
    ]


def cost(masks: np.ndarray, stages: tuple[int, ...]) -> float:
    """Return how many layers masks pass in stages, with what each beginning costs."""
    total, before = 0.0, 0
    for stage in stages:
        whole = stage == masks.shape[1]
        passed = len(masks) if whole else len(np.unique(masks[:, :stage, 0], axis=0))
        total, before = total + passed * (stage - before + _STAGE), stage
    return total


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 12))
def test_no_stages_are_cheaper(seed: int, n_layers: int, n_masks: int) -> None:
    """Of all ways to divide the layers into stages, the cheapest is found."""
    masks = np.random.default_rng(seed).random((n_masks, n_layers, 1)) < 0.7
    inner = range(1, n_layers)
    ways = [
        (*chosen, n_layers)
        for count in range(n_layers)
        for chosen in itertools.combinations(inner, count)
    ]
    found = cost(masks, tuple(find_stages(masks, 0)))
    assert found == pytest.approx(min(cost(masks, way) for way in ways), abs=1e-9)


def test_one_head_off_at_a_time() -> None:
    """Masks with one head off pass about half of the layers, in stages."""
    n = 16
    masks = (~np.eye(n, dtype=bool))[:, :, None]
    stages = [0, *find_stages(masks, 0)]
    distinct = [1, *(len(np.unique(masks[:, :stage, 0], axis=0)) for stage in stages[1:])]
    passed = sum(
        count * (stop - start)
        for count, start, stop in zip(distinct[1:], stages, stages[1:], strict=False)
    )
    assert passed < 0.75 * n * n
