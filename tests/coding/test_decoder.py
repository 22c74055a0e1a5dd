"""Tests of decoding and peeling: from values on coded masks to the sets behind them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapiq_spex.coding import HARD, SOFT, CodedDesign, peel
from shapiq_spex.coding._decoder import (
    _bin_of,
    _chase_patterns,
    propose_sets,
    transform_bins,
    weigh_sets,
)
from shapiq_spex.regression import Ablations, MaskColumns, fit_support
from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import characters, check_padded, pad_sets, resize, to_tuples
from shapiq_spex.spectrum._walsh import walsh_hadamard

EFFORTS = (HARD, *SOFT)


def values_on(design: CodedDesign, terms: dict[tuple[int, ...], float]) -> np.ndarray:
    """Evaluate a sparse spectrum on a design's masks."""
    masks = design.unpack(0, len(design.masks))
    signs = characters(masks, pad_sets(list(terms), design.n))
    return np.array(list(terms.values())) @ signs.astype(np.float64)


def empty_set(n: int) -> np.ndarray:
    """Return the support that holds the empty set alone."""
    return np.full((1, 1), n, dtype=np.int64)


def bought(design: CodedDesign, values: np.ndarray) -> Ablations:
    """Prepare the values on a design's masks."""
    columns = MaskColumns(design.masks, design.n)
    return Ablations.prepare(columns, values, design.blocks, np.random.default_rng(0))


def exact_terms(
    design: CodedDesign, values: np.ndarray, sets: np.ndarray
) -> dict[tuple[int, ...], float]:
    """Fit sets that explain the values exactly; the constant is among them, even at zero."""
    ablations = bought(design, values)
    fit = fit_support(ablations, sets)
    assert fit is not None
    terms = dict(zip(to_tuples(fit.sets, design.n), fit.coefficients.tolist(), strict=True))
    terms[()] += ablations.offset
    return terms


def peeled(
    design: CodedDesign, values: np.ndarray, efforts: tuple[int, ...] = EFFORTS
) -> set[tuple[int, ...]]:
    """Return the sets that peeling ends with."""
    sets = peel(design.groups, bought(design, values), empty_set(design.n), efforts)
    found = to_tuples(sets, design.n)
    assert len(set(found)) == len(found)
    return set(found)


def random_terms(
    n: int, sizes: list[int], rng: np.random.Generator
) -> dict[tuple[int, ...], float]:
    """Draw distinct sets of given sizes with coefficients of either sign, not tiny."""
    terms: dict[tuple[int, ...], float] = {}
    for size in sizes:
        players = tuple(sorted(rng.choice(n, size, replace=False).tolist()))
        terms[players] = float(rng.choice([-1, 1]) * rng.uniform(0.5, 2))
    return terms


@pytest.mark.parametrize("t", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n", [6, 12, 30])
def test_one_coefficient_is_decoded_in_every_group(n: int, t: int) -> None:
    """Hard decisions decode every set of at most t players from the one bin that it falls into."""
    design = CodedDesign(n, min(2**n, 1500), t, seed=t)
    assert all(group.t == t for group in design.groups)
    rng = np.random.default_rng(n)
    family = [players for size in range(t + 1) for players in combinations(range(n), size)]
    for position in rng.choice(len(family), min(len(family), 25), replace=False):
        residual = values_on(design, {family[position]: rng.normal()})
        for group in design.groups:
            proposed = propose_sets(group, transform_bins(group, residual), max_patterns=HARD)
            assert family[position] in to_tuples(proposed, n)


def test_weights_of_sets() -> None:
    """Sets that matter weigh much more than chance, others like squared normal variables."""
    design = CodedDesign(40, 1500, 3, seed=0)
    truth = random_terms(40, [1, 2, 3], np.random.default_rng(0))
    residual = values_on(design, truth) + 0.5 * np.random.default_rng(1).normal(size=1500)
    bins = [transform_bins(group, residual) for group in design.groups]
    others = list(combinations(range(40), 2))
    scores = weigh_sets(design.groups, bins, resize(pad_sets([*truth, *others], 40), 3, 40))
    assert scores[:3].min() > 40
    assert np.median(np.delete(scores, range(3))) < 1.5


@pytest.mark.parametrize("n", [8, 30])
def test_bins_are_those_of_the_transform(n: int) -> None:
    """A coefficient shows in the transform at M^T T alone, with the signs of its parities."""
    design = CodedDesign(n, 250, 3, seed=0)
    rng = np.random.default_rng(0)
    for group in design.groups:
        family = [tuple(rng.choice(n, size, replace=False).tolist()) for size in [0, 1, 2, 3, 6]]
        sets = pad_sets(family, n)
        for row, bin_ in zip(sets, _bin_of(group, sets), strict=True):
            players = row[row < n]
            transform = walsh_hadamard(values_on(design, {tuple(players): 2.0})[group.rows])
            sign = (-1.0) ** group.offset[players].sum()
            parities = group.code.rows[: len(group.rows) - 1, players].sum(axis=1)
            expected = np.zeros_like(transform)
            expected[:, bin_] = 2.0 * 2**group.b * sign * (-1.0) ** np.append(0, parities)
            assert np.array_equal(transform, expected)


def test_proposals_are_sets() -> None:
    """What noise decodes to is sets of at most t players, in every group."""
    design = CodedDesign(40, 900, 3, seed=2)
    noise = np.random.default_rng(2).normal(size=900)
    for group in design.groups:
        proposed = propose_sets(group, transform_bins(group, noise), max_patterns=1 << 12)
        assert len(proposed) > 0
        assert proposed.shape[1] == 3
        assert check_padded(proposed, 40) is proposed


def test_chase_patterns() -> None:
    """All flips of the least reliable signs, hard decisions first, relative to the zero delay."""
    transform = np.array([[5.0, -0.1, 3.0, -4.0], [-5.0, 3.0, -0.2, 1.0]])
    hard = _chase_patterns(transform, 0)
    assert hard.tolist() == [[[True, False, True]], [[True, False, True]]]
    once = _chase_patterns(transform, 1)
    assert once[:, 0].tolist() == hard[:, 0].tolist()
    assert once[0, 1].tolist() == [False, False, True]
    assert once[1, 1].tolist() == [True, True, True]
    everything = _chase_patterns(transform, 9)
    assert everything.shape == (2, 16, 3)
    assert len({tuple(pattern) for pattern in everything[0].tolist()}) == 8


def test_soft_decoding_repairs_wrong_signs() -> None:
    """With a few weak signs wrong hard decisions miss the set, and Chase's find it."""
    n, players = 50, (3, 17, 40)
    design = CodedDesign(n, 1200, 3, seed=4)
    residual = values_on(design, {players: 1.0})
    for group in design.groups:
        # at three delays the set's sign is turned, and it is weaker there
        residual[group.rows[[2, 5, 9]]] *= -0.3
        bins = transform_bins(group, residual)
        hard = propose_sets(group, bins, max_patterns=HARD)
        soft = propose_sets(group, bins, max_patterns=1 << 10)
        assert players not in to_tuples(hard, n)
        assert players in to_tuples(soft, n)


@st.composite
def sparse_spectra(draw: st.DrawFn) -> tuple[int, dict[tuple[int, ...], float]]:
    """Draw a few sets of at most three players with coefficients of similar size."""
    n = draw(st.integers(7, 10))
    players = st.lists(st.integers(0, n - 1), min_size=1, max_size=3, unique=True)
    sizes = st.floats(0.5, 2.0).flatmap(lambda size: st.sampled_from([size, -size]))
    terms = draw(st.dictionaries(players.map(sorted).map(tuple), sizes, min_size=1, max_size=3))
    return n, terms


@settings(max_examples=20)
@given(drawn=sparse_spectra(), seed=st.integers(0, 2**32 - 1), constant=st.floats(-100, 100))
def test_sparse_spectra_against_the_full_transform(
    drawn: tuple[int, dict[tuple[int, ...], float]], seed: int, constant: float
) -> None:
    """Peeling finds what the Walsh transform of the whole table finds, from a part of it."""
    n, terms = drawn
    table = np.array(list(np.ndindex(*[2] * n)), dtype=bool)[:, ::-1]
    values = constant + np.array(list(terms.values())) @ characters(table, pad_sets(list(terms), n))
    truth = FourierSpectrum.from_values(values)
    expected = {
        players: size
        for players, size in zip(truth.support, truth.coefficients, strict=True)
        if abs(size) > 1e-9
    }
    design = CodedDesign(n, 3 * 2**n // 4, 3, seed)
    seen = values[design.unpack(0, len(design.masks)) @ (1 << np.arange(n))]
    sets = peel(design.groups, bought(design, seen), empty_set(n), EFFORTS)
    found = exact_terms(design, seen, sets)
    expected.setdefault((), 0.0)
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("n", "budget", "sizes"),
    [
        (10, 500, [1, 2, 3, 3, 2]),
        (30, 900, [3] * 8),
        (64, 1000, [1, 2, 3, 4, 5] * 3),
        (500, 2000, [3, 4, 5] * 6),
    ],
)
def test_many_sets_are_peeled(n: int, budget: int, sizes: list[int], seed: int) -> None:
    """Sets that share bins come apart, as each is subtracted from every group once found."""
    terms = random_terms(n, sizes, np.random.default_rng(seed))
    design = CodedDesign(n, budget, 5, seed)
    values = values_on(design, terms)
    found = peeled(design, values)
    assert set(terms) <= found
    # what was taken up by accident gets no coefficient
    exact = exact_terms(design, values, pad_sets(sorted(found), n))
    assert exact == pytest.approx({(): 0.0} | terms, rel=0, abs=1e-9)


def test_peeling_keeps_what_is_given() -> None:
    """Known sets come first and stay, in their order, whether they matter or not."""
    n = 40
    terms = {(): 3.0, (1, 2): 1.5, (5, 6, 7): -1.0}
    design = CodedDesign(n, 600, 3, seed=0)
    start = resize(pad_sets([(), (1, 2), (30, 31, 32, 33)], n), 4, n)
    found = peel(design.groups, bought(design, values_on(design, terms)), start, EFFORTS)
    listed = to_tuples(found, n)
    assert listed[:3] == to_tuples(start, n)
    assert (5, 6, 7) in listed


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("n", "budget"), [(10, 200), (40, 600), (300, 800)])
def test_noise_decodes_to_nothing(n: int, budget: int, seed: int) -> None:
    """Of pure noise nothing is taken up."""
    design = CodedDesign(n, budget, 5, seed)
    noise = np.random.default_rng(seed).normal(size=budget)
    assert peeled(design, noise) == {()}


@pytest.mark.parametrize("value", [0.0, 1.0, -7.3, 1e12, 1e-300])
def test_constant_values_decode_to_nothing(value: float) -> None:
    """A constant is the empty set's, and rounding is not decoded."""
    design = CodedDesign(20, 300, 3, seed=0)
    assert peeled(design, np.full(300, value)) == {()}


def test_residual_of_exactly_zero() -> None:
    """Nothing is divided by a residual that a fit leaves nothing of."""
    for seed in range(6):
        design = CodedDesign(10, 256, 3, seed)
        assert (2, 7) in peeled(design, values_on(design, {(2, 7): 1.0}))


def test_no_groups() -> None:
    """Without a complete group the support is what it was."""
    design = CodedDesign(100, 20, 5, seed=0)
    assert peeled(design, np.arange(20.0)) == {()}


def test_scale_does_not_matter() -> None:
    """Values a billion times as large or small give the same sets."""
    terms = random_terms(50, [1, 2, 3, 4] * 4, np.random.default_rng(0))
    design = CodedDesign(50, 1000, 5, seed=0)
    values = values_on(design, terms)
    assert peeled(design, values) == peeled(design, 1e9 * values) == peeled(design, 1e-9 * values)


def test_noisy_values() -> None:
    """Under noise the large coefficients are found, and little else."""
    rng = np.random.default_rng(1)
    terms = random_terms(100, [2, 3, 4] * 4, rng)
    design = CodedDesign(100, 3000, 4, seed=1)
    found = peeled(design, values_on(design, terms) + 0.3 * rng.normal(size=3000))
    assert set(terms) <= found
    assert len(found) <= 2 * len(terms)
