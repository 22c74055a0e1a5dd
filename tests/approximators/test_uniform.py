"""Tests of the masks that are drawn uniformly."""

from __future__ import annotations

import time
import tracemalloc
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from shapiq_spex.approximators import _uniform
from shapiq_spex.approximators._uniform import UniformDesign

SIZES = [1, 2, 3, 100, 1023, 1024, 1025, 1026, 1027, 3000]


def draw(n: int, n_masks: int, seed: int = 0) -> np.ndarray:
    """Draw masks as booleans."""
    packed = UniformDesign.draw(n, n_masks, seed).masks
    return np.unpackbits(packed, axis=1, count=n).view(np.bool_)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw few players the way that many are drawn."""
    monkeypatch.setattr(_uniform, "_MAX_SHUFFLED", 4)
    monkeypatch.setattr(_uniform, "_ROWS", 16)


def assert_distinct(n: int, n_masks: int, seed: int = 0) -> None:
    """Check the number of masks, that none comes twice, and which ones come first."""
    design = UniformDesign.draw(n, n_masks, seed)
    assert design.masks.dtype == np.uint8
    assert design.masks.shape == (min(n_masks, 2**n), -(-n // 8))
    assert design.blocks.dtype == np.int64
    assert design.blocks.tolist() == [-1, -1, *range(len(design.masks))][: len(design.masks)]
    assert len(np.unique(design.masks, axis=0)) == len(design.masks)
    every_bit = np.unpackbits(design.masks, axis=1)
    assert not every_bit[:1].any()
    assert every_bit[1:2, :n].all()
    assert not every_bit[:, n:].any()


@pytest.mark.parametrize("n", range(1, 7))
def test_few_players(n: int) -> None:
    """Every budget is used to the last mask, up to all of them."""
    for n_masks in range(1, 2**n + 3):
        assert_distinct(n, n_masks)
    for n_masks in (2**n, 2**n + 1, 10**12):
        codes = draw(n, n_masks) @ (1 << np.arange(n))
        assert np.array_equal(np.sort(codes), np.arange(2**n))


@pytest.mark.parametrize("n", [8, 9, 16, 20, 21, 24, 25, 61, 62, 63, 64, 65, 100, 1000])
def test_sizes(n: int) -> None:
    """There are exactly as many masks as wanted, and fewer are the first of more."""
    for n_masks in SIZES:
        assert_distinct(n, n_masks)
    for smaller, larger in pairwise(SIZES):
        head = draw(n, smaller)
        assert np.array_equal(head, draw(n, larger)[: len(head)])


@given(
    n=st.integers(1, 90),
    seed=st.integers(0, 2**63 - 1),
    sizes=st.tuples(st.integers(1, 2500), st.integers(1, 2500)),
)
def test_prefixes(n: int, seed: int, sizes: tuple[int, int]) -> None:
    """The same for any number of players, seed and pair of sizes."""
    smaller, larger = [UniformDesign.draw(n, n_masks, seed) for n_masks in sorted(sizes)]
    size = len(smaller.masks)
    assert size == min(*sizes, 2**n)
    assert np.array_equal(smaller.masks, larger.masks[:size])
    assert np.array_equal(smaller.blocks, larger.blocks[:size])
    assert len(np.unique(larger.masks, axis=0)) == len(larger.masks)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("n", [5, 8, 11])
@pytest.mark.parametrize("seed", range(3))
def test_a_large_share_of_all_masks(n: int, seed: int) -> None:
    """Where ever more masks were drawn before, the missing ones still come."""
    every = draw(n, 2**n, seed)
    for n_masks in [*range(1, 40), 2**n // 2, 2**n - 17, 2**n - 1, 2**n, 2**n + 1]:
        assert_distinct(n, n_masks, seed)
        assert np.array_equal(draw(n, n_masks, seed), every[:n_masks])


@pytest.mark.usefixtures("small_parts")
def test_no_mask_comes_sooner_than_others() -> None:
    """Over many seeds each mask is as often among the first half: drawn, or shuffled at the end."""
    n, seeds = 5, 2000
    counts = np.zeros(2**n)
    for seed in range(seeds):
        codes = draw(n, 2**n, seed) @ (1 << np.arange(n))
        counts[codes[2:17]] += 1
    z = (counts[1:-1] - seeds / 2) / np.sqrt(seeds / 4)
    assert_chi_square(np.delete(z, 0))  # the counts add up


def test_all_masks_of_more_players_than_are_shuffled() -> None:
    """The first number of players that is drawn with repeats, to the last mask."""
    start = time.process_time()
    masks = UniformDesign.draw(21, 2**21, 0).masks
    seconds = time.process_time() - start
    codes = masks.astype(np.int64) @ (1 << np.array([16, 8, 0])) >> 3
    assert np.array_equal(np.sort(codes), np.arange(2**21))
    assert seconds < 30


def assert_chi_square(z: np.ndarray) -> None:
    """Check that a sum of squares is one of independent standard normals."""
    low, high = chi2.ppf([1e-3, 1 - 1e-3], df=z.size)
    assert low < float((z**2).sum()) < high
    assert np.abs(z).max() < 5


@pytest.mark.parametrize("n", [16, 18, 20, 21, 27, 64, 101])
@pytest.mark.parametrize("seed", [0, 1])
def test_uniform(n: int, seed: int) -> None:
    """Players are present in half of the masks, and pairs and triples of them independent."""
    signs = 1.0 - 2.0 * draw(n, 3002, seed)[2:]
    rounds = np.sqrt(len(signs))
    assert_chi_square(signs.sum(axis=0) / rounds)
    products = signs.T @ signs / rounds
    assert_chi_square(products[np.triu_indices(n, k=1)])
    triples = np.array(list(combinations(range(min(n, 10)), 3)))
    assert_chi_square(signs[:, triples].prod(axis=2).sum(axis=0) / rounds)


@pytest.mark.parametrize("n", [6, 20, 21, 64, 1000])
def test_seeds(n: int) -> None:
    """A seed fixes the masks; another one gives others."""
    seeds = [0, 1, 2, 2**32, 2**63 - 1]
    drawn = [draw(n, 60, seed)[2:] for seed in seeds]
    for seed, masks in zip(seeds, drawn, strict=True):
        assert np.array_equal(masks, draw(n, 60, seed)[2:])
    for first, second in combinations(drawn, 2):
        assert not np.array_equal(first, second)


def test_masks_of_other_streams_differ() -> None:
    """The masks after the first thousand, drawn from another stream, are no repeats."""
    masks = draw(64, 5000)[2:]
    signs = 1.0 - 2.0 * masks
    agreement = signs[:1024] @ signs[1024:].T
    assert np.abs(agreement).max() < 60


def test_global_random_state_is_left_alone() -> None:
    """Neither read nor written."""
    np.random.seed(7)  # noqa: NPY002 the legacy state is what is tested
    before = np.random.get_state()[1].copy()  # noqa: NPY002 as above
    first = draw(30, 300)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002 as above
    np.random.seed(8)  # noqa: NPY002 as above
    assert np.array_equal(first, draw(30, 300))


@pytest.mark.parametrize("n", [5000, 100_000])
def test_many_players(n: int) -> None:
    """Nothing overflows, and masks are never all unpacked."""
    tracemalloc.start()
    design = UniformDesign.draw(n, 500, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_distinct(n, 500)
    assert peak < 10 * max(1024, len(design.masks)) * design.masks.shape[1]
    masks = draw(n, 500)
    assert np.abs(masks[2:].mean(axis=1) - 0.5).max() < 5 * 0.5 / np.sqrt(n)
    assert np.array_equal(masks[:77], draw(n, 77))


@pytest.mark.parametrize("n", [1, 2, 5, 10, 20, 21, 64, 300])
@pytest.mark.parametrize("n_masks", [1, 2, 3, 1100])
def test_drawn_masks_recorded(n: int, n_masks: int) -> None:
    """Whether masks were drawn here or come back from a record makes no difference."""
    design = UniformDesign.draw(n, n_masks, 3)
    recorded = UniformDesign.record(np.packbits(draw(n, n_masks, 3), axis=1), n)
    assert np.array_equal(recorded.masks, design.masks)
    assert np.array_equal(recorded.blocks, design.blocks)
    assert (recorded.masks.dtype, recorded.blocks.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("n", [3, 64, 70])
def test_repeated_masks_share_a_block(n: int) -> None:
    """Blocks are numbered by first occurrence; the empty and the full mask have none."""
    empty, full = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    a, b, c = np.eye(3, n, dtype=bool)
    masks = np.array([b, empty, a, b, full, c, a, empty, b])
    design = UniformDesign.record(np.packbits(masks, axis=1), n)
    assert design.blocks.tolist() == [0, -1, 1, 0, -1, 2, 1, -1, 0]
    assert np.array_equal(np.unpackbits(design.masks, axis=1, count=n).view(np.bool_), masks)


def test_no_masks_recorded() -> None:
    """Nothing is no special case."""
    for n in (3, 100):
        design = UniformDesign.record(np.packbits(np.zeros((0, n), dtype=bool), axis=1), n)
        assert (design.masks.shape, design.blocks.shape) == ((0, -(-n // 8)), (0,))
