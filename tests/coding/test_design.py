"""Tests of the masks that SPEX asks for."""

from __future__ import annotations

import time
import tracemalloc
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.coding import CodedDesign, smallest_budget
from shapiq_spex.coding._design import N_GROUPS

BUDGETS = {
    1: [1, 2, 3],
    2: [2, 3, 4, 9],
    3: [2, 3, 5, 7, 8],
    5: [2, 17, 31, 32, 33],
    10: [2, 108, 500, 1023, 1024, 2000],
    16: [132, 1000, 20_000, 65_536],
    61: [156, 700],
    62: [156, 700],
    63: [156, 700],
    64: [2, 180, 181, 192, 500, 3000],
    65: [180, 700],
    100: [180, 333, 2000, 9000],
    1000: [252, 253, 400, 3000, 8000],
}
SMALLEST_BUDGETS = {1: 2, 2: 4, 5: 32, 6: 64, 7: 84, 8: 108, 15: 108, 16: 132, 31: 132}
SMALLEST_BUDGETS |= {32: 156, 63: 156, 64: 180, 127: 180, 128: 204, 1000: 252, 4096: 324}
CASES = [(n, budget) for n, budgets in BUDGETS.items() for budget in budgets]


@cache
def design_of(n: int, budget: int, seed: int = 0, max_degree: int = 5) -> CodedDesign:
    """Draw a design once for all tests, which do not change it."""
    return CodedDesign(n, budget, min(max_degree, n), seed)


def masks_of(design: CodedDesign) -> np.ndarray:
    """Return all masks as booleans."""
    return design.unpack(0, len(design.masks))


@pytest.mark.parametrize(("n", "budget"), CASES)
def test_exactly_the_budget_and_no_mask_twice(n: int, budget: int) -> None:
    """There are min(budget, 2^n) masks and all are distinct."""
    masks = masks_of(design_of(n, budget))
    assert masks.shape == (min(budget, 2**n), n)
    assert masks.dtype == np.bool_
    assert len(np.unique(masks, axis=0)) == len(masks)


@pytest.mark.parametrize(("n", "budget"), [case for case in CASES if case[1] > 1])
def test_full_and_empty_mask_come_first(n: int, budget: int) -> None:
    """The two masks that every explanation rests on are always paid for."""
    masks = masks_of(design_of(n, budget))
    assert not masks[0].any()
    assert masks[1].all()


@pytest.mark.parametrize("n", BUDGETS)
def test_smaller_budgets_are_prefixes(n: int) -> None:
    """Raising the budget keeps the order of what was paid for."""
    for smaller, larger in pairwise(BUDGETS[n]):
        head = design_of(n, smaller).masks
        assert np.array_equal(head, design_of(n, larger).masks[: len(head)])


@given(
    n=st.integers(1, 80),
    seed=st.integers(0, 2**63 - 1),
    budgets=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    max_degree=st.integers(1, 7),
)
def test_prefixes_and_counts(n: int, seed: int, budgets: tuple[int, int], max_degree: int) -> None:
    """The same for any number of players, pair of budgets, seed and degree."""
    designs = [CodedDesign(n, budget, min(max_degree, n), seed) for budget in sorted(budgets)]
    smaller, larger = [design.masks for design in designs]
    assert [len(smaller), len(larger)] == [min(budget, 2**n) for budget in sorted(budgets)]
    assert np.array_equal(smaller, larger[: len(smaller)])
    assert len(np.unique(larger, axis=0)) == len(larger)
    for design in designs:
        assert_groups_are_complete(design)


def assert_groups_are_complete(design: CodedDesign) -> None:
    """Check that each group's masks stand where it says, by their definition."""
    masks = masks_of(design)
    for group in design.groups:
        assert group.rows.shape == (1 + group.code.rows_per_t[group.t], 1 << group.b)
        assert group.matrix.shape == (design.n, group.b)
        delays = np.vstack([np.zeros((1, design.n), dtype=bool), group.code.rows])
        ls = (np.arange(1 << group.b)[:, None] >> np.arange(group.b)) & 1
        products = (ls @ group.matrix.T.astype(np.int64)) % 2 == 1
        for delay, rows in zip(delays, group.rows, strict=False):
            assert np.array_equal(masks[rows], products ^ delay ^ group.offset)


@pytest.mark.parametrize(("n", "budget"), CASES)
def test_masks_of_complete_groups(n: int, budget: int) -> None:
    """The masks at a group's rows are M l + d + s, also where some came earlier in the order."""
    assert_groups_are_complete(design_of(n, budget))


@pytest.mark.parametrize("n", [*range(1, 12), 63, 64, 100, 1000])
def test_columns_of_a_group_are_independent(n: int) -> None:
    """Every l gives another mask, so that no block repeats itself."""
    for group in design_of(n, min(2**n, 3000)).groups:
        for rows in group.rows:
            assert len(np.unique(rows)) == len(rows)


@pytest.mark.parametrize(("n", "budget"), SMALLEST_BUDGETS.items())
def test_smallest_budget(n: int, budget: int) -> None:
    """It is three groups of four bins with 1 + 2m delays, or all masks where these are fewer."""
    assert smallest_budget(n) == budget


@pytest.mark.parametrize("n", [*range(6, 20), 31, 32, 63, 64, 127, 128, 1000, 4095, 4096])
def test_smallest_budget_completes_groups(n: int) -> None:
    """With it sets of two players can be decoded in every group."""
    design = CodedDesign(n, smallest_budget(n), min(5, n), 1)
    assert len(design.groups) == min(N_GROUPS, 2**n // 4)
    assert all(group.t >= 2 for group in design.groups)


@pytest.mark.parametrize("n", [20, 64, 200])
def test_levels_grow_with_the_budget(n: int) -> None:
    """More masks decode larger sets, then in more bins; no group falls behind by more than one."""
    levels = [
        [(group.b, group.t) for group in design_of(n, budget).groups]
        for budget in (180, 400, 1000, 3000, 10_000)
    ]
    assert all(low <= high for low, high in pairwise(map(min, levels)))
    assert levels[-1][0][0] > levels[0][0][0]
    assert all(b_max - b_min <= 1 for (b_min, _), (b_max, _) in [(min(x), max(x)) for x in levels])
    assert all(t == 5 for b, t in levels[-1])


@pytest.mark.parametrize("max_degree", [1, 3, 8])
def test_degree_is_bounded(max_degree: int) -> None:
    """No more delays are spent than sets of the wanted size need."""
    groups = design_of(100, 6000, max_degree=max_degree).groups
    assert {group.t for group in groups} == {max_degree}


@pytest.mark.parametrize("n", [1, 2, 3, 6, 10])
def test_all_masks(n: int) -> None:
    """The largest budget asks for the whole hypercube."""
    masks = masks_of(design_of(n, 2**n + 1))
    codes = masks @ (1 << np.arange(n))
    assert np.array_equal(np.sort(codes), np.arange(2**n))


@pytest.mark.parametrize(("n", "budget"), [(64, 2000), (100, 2000), (1000, 8000)])
def test_players_are_present_in_half_of_the_masks(n: int, budget: int) -> None:
    """Most players are present in half of the masks exactly, and pairs of them are independent.

    A player whose row of M is zero in one group is present in about half of its delays alone.
    """
    masks = masks_of(design_of(n, budget))
    share = np.abs(masks.mean(axis=0) - 0.5)
    assert np.median(share) < 0.002
    assert share.max() < 0.2
    signs = 1.0 - 2.0 * masks[:, :100]
    correlation = np.abs(np.triu(signs.T @ signs / budget, k=1))
    assert np.quantile(correlation, 0.9) < 2 / np.sqrt(budget)
    assert correlation.max() < 0.75
    sizes = masks[2:].sum(axis=1)
    assert abs(sizes.mean() - n / 2) < np.sqrt(n)


def test_seeds() -> None:
    """A seed fixes the masks; another one gives others."""
    assert np.array_equal(CodedDesign(80, 400, 5, 1).masks, CodedDesign(80, 400, 5, 1).masks)
    assert not np.array_equal(CodedDesign(80, 400, 5, 1).masks, CodedDesign(80, 400, 5, 2).masks)


def test_global_random_state_is_left_alone() -> None:
    """Neither read nor written."""
    np.random.seed(7)  # noqa: NPY002 the legacy state is what is tested
    before = np.random.get_state()[1].copy()  # noqa: NPY002 as above
    first = CodedDesign(30, 300, 5, 1).masks
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002 as above
    np.random.seed(8)  # noqa: NPY002 as above
    assert np.array_equal(first, CodedDesign(30, 300, 5, 1).masks)


def test_less_than_a_level() -> None:
    """A budget too small for one level still gives its masks, and no group."""
    design = design_of(100, 20)
    assert design.groups == []
    assert len(design.masks) == 20


def test_ten_thousand_players() -> None:
    """A small budget among many players takes little memory and time."""
    tracemalloc.start()
    start = time.process_time()
    design = CodedDesign(10_000, 1000, 5, 0)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert design.masks.shape == (1000, 1250)
    assert peak < 200 * 2**20
    assert seconds < 5
