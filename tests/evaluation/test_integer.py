"""Tests of integer programs for the best subset, and of their bounds."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.evaluation import _integer
from shapiq_spex.evaluation._choice import search
from shapiq_spex.evaluation._integer import Proven, prove, prove_roughly

N = 12


def hard_spectrum(n: int, seed: int) -> FourierSpectrum:
    """Draw all pairs, and single players that do not outweigh them: a relaxation says little."""
    rng = np.random.default_rng(seed)
    sets = [*combinations(range(n), 1), *combinations(range(n), 2)]
    return FourierSpectrum(n, sets, rng.normal(size=len(sets)))


def best_value(spectrum: FourierSpectrum, size: int) -> float:
    """Try all subsets of a size."""
    n = spectrum.n_players
    masks = np.zeros((comb(n, size), n), dtype=bool)
    masks[np.arange(len(masks))[:, None], list(combinations(range(n), size))] = True
    return float(spectrum.evaluate(masks).max())


def settled(proven: Proven) -> bool:
    """Say whether the subset is shown to be the best."""
    return proven.bound == proven.value


@pytest.mark.parametrize("seed", range(3))
def test_branch_and_bound_settle_what_the_relaxation_leaves(seed: int) -> None:
    """Dense interactions alone, from a start that is not good."""
    spectrum = hard_spectrum(N, seed)
    start = np.arange(N) < 6
    proven = prove(spectrum, start, exact=True, time_limit=60)
    assert settled(proven)
    assert proven.mask.sum() == 6
    assert proven.value == pytest.approx(best_value(spectrum, 6), abs=1e-9)


def test_without_time_what_was_found_is_returned() -> None:
    """Together with a bound that is valid."""
    spectrum = hard_spectrum(N, 0)
    start = search(spectrum, 6)
    proven = prove(spectrum, start, exact=True, time_limit=1e-9)
    assert proven.value == spectrum.evaluate(start)[0]
    assert proven.bound > best_value(spectrum, 6)


def test_a_search_cut_short_is_no_worse_than_its_start() -> None:
    """And its bound no larger than without a search."""
    spectrum = hard_spectrum(60, 0)
    start = search(spectrum, 30)
    rough = prove_roughly(spectrum, start)
    proven = prove(spectrum, start, exact=True, time_limit=1.0)
    assert proven.value >= rough.value
    assert proven.value < proven.bound <= rough.bound


def test_what_will_not_end_soon_is_only_relaxed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, unless there are few products, or many players are certain."""
    spectrum = hard_spectrum(40, 0)
    start = search(spectrum, 20)
    monkeypatch.setattr(_integer, "milp", None)
    proven = prove(spectrum, start, exact=False, time_limit=60)
    assert proven.value < proven.bound < prove_roughly(spectrum, start).bound
    with pytest.raises(TypeError, match="not callable"):
        prove(spectrum, start, exact=True, time_limit=60)


def test_terms_that_are_left_out_may_still_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of many players, and the smallest ones of too many, add to the bound."""
    rng = np.random.default_rng(0)
    sets = [*combinations(range(N), 2), tuple(range(10)), tuple(range(11))]
    coefficients = np.append(rng.normal(size=len(sets) - 2), [0.3, 0.2])
    spectrum = FourierSpectrum(N, sets, coefficients)
    start, best = search(spectrum, 6), best_value(spectrum, 6)
    large = prove(spectrum, start, exact=True, time_limit=60)
    monkeypatch.setitem(_integer._EFFORT, "exact", 9 * 40)
    small = prove(spectrum, start, exact=True, time_limit=60)
    assert small.value <= large.value <= best + 1e-9
    assert best <= large.bound + 1e-9 <= best + 1.0 + 2e-9
    assert large.bound < small.bound
    monkeypatch.setitem(_integer._EFFORT, "auto", 9 * 10)
    none = prove(spectrum, start, exact=False, time_limit=60)
    assert none.bound == prove_roughly(spectrum, start).bound  # too little of it is known


def test_hundreds_of_players_are_settled() -> None:
    """Of whom each interacts with a few others: better than greedily."""
    rng = np.random.default_rng(0)
    n = 300
    sets = {tuple(sorted(rng.choice(n, 2 + (i % 3 == 0), replace=False))) for i in range(300)}
    support = [(i,) for i in range(n)] + sorted(sets)
    scale = np.where(np.arange(len(support)) < n, 1.0, 0.5)
    spectrum = FourierSpectrum(n, support, scale * rng.normal(size=len(support)))
    for size in (90, 250):
        start = search(spectrum, size)
        proven = prove(spectrum, start, exact=False, time_limit=60)
        assert settled(proven)
        assert proven.value >= spectrum.evaluate(start)[0]


def test_equal_inputs_give_equal_subsets() -> None:
    """Also where several subsets are equally good."""
    spectrum = FourierSpectrum(6, list(combinations(range(6), 2)), np.ones(15))
    masks = [prove(spectrum, np.arange(6) < 3, exact=True, time_limit=60).mask for _ in range(2)]
    assert (masks[0] == masks[1]).all()


@pytest.mark.parametrize("size", [0, 2, 3])
def test_single_players_need_no_program(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best ones of them are the best subset."""
    monkeypatch.setattr(_integer, "linprog", None)
    spectrum = FourierSpectrum(3, [(), (0,), (2,)], [5.0, 1.0, -1.0])
    assert settled(prove(spectrum, search(spectrum, size), exact=True, time_limit=60))
    nothing = FourierSpectrum(3, [], [])
    assert settled(prove(nothing, search(nothing, size), exact=True, time_limit=60))
