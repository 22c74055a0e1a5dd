"""Tests of decoding sets of players from their parities."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.coding import BCHCode
from shapiq_spex.coding._bch import field_degree
from shapiq_spex.coding._galois import MAX_DEGREE
from shapiq_spex.spectrum._sets import pad_sets, resize


def code_of(n: int, t: int, seed: int = 0) -> BCHCode:
    """Lay out a code whose players are placed by a seed."""
    return BCHCode(n, t, np.random.default_rng(seed))


def all_sets(n: int, t: int) -> np.ndarray:
    """List every set of at most t of n players, padded to width t."""
    family = [players for size in range(t + 1) for players in combinations(range(n), size)]
    return resize(pad_sets(family, n), t, n)


def parities_of(code: BCHCode, sets: np.ndarray, t: int) -> np.ndarray:
    """Count each row's players in each set modulo 2: the definition."""
    member = np.zeros((len(sets), code.n + 1), dtype=np.int64)
    np.put_along_axis(member, sets, 1, axis=1)
    rows = code.rows[: code.rows_per_t[t]].astype(np.int64)
    return (member[:, :-1] @ rows.T) % 2 == 1


def rank(rows: np.ndarray) -> int:
    """Give the rank over GF(2)."""
    basis: list[int] = []
    for row in rows.astype(int).tolist():
        number = int("".join(map(str, row)), 2)
        for vector in basis:
            number = min(number, number ^ vector)
        if number:
            basis.append(number)
    return len(basis)


SMALL = [(n, t) for n in range(1, 16) for t in range(1, min(n, 3) + 1)]


@pytest.mark.parametrize(
    ("n", "t"), [*SMALL, (6, 6), (7, 7), (10, 5), (15, 5), (20, 3), (31, 2), (40, 3), (64, 2)]
)
def test_every_set_is_decoded(n: int, t: int) -> None:
    """All sets of at most t players come back from their parities, also for n below 2^m - 1."""
    code = code_of(n, t)
    sets = all_sets(n, t)
    decoded, found = code.decode(parities_of(code, sets, t), t)
    assert found.all()
    assert np.array_equal(decoded, sets)


@pytest.mark.parametrize(("n", "t"), [*SMALL, (31, 3), (63, 5), (100, 5), (1000, 5)])
def test_rows_are_independent_and_few(n: int, t: int) -> None:
    """No row follows from others, and there are at most m for each unit of t."""
    code = code_of(n, t)
    assert code.rows.shape == (code.rows_per_t[t], n)
    assert code.rows.dtype == np.bool_
    assert rank(code.rows) == len(code.rows)
    assert code.rows_per_t[0] == 0
    assert (np.diff(code.rows_per_t) <= field_degree(n)).all()


@pytest.mark.parametrize(("n", "t", "count"), [(15, 5, 14), (1000, 5, 50), (64, 2, 14)])
def test_number_of_rows(n: int, t: int, count: int) -> None:
    """Dependent checks are dropped: 14 of 20 are left at n=15, t=5; all 50 at n=1000."""
    assert len(code_of(n, t).rows) == count


@pytest.mark.parametrize("n", [5, 15, 16, 100])
def test_rows_of_a_smaller_code_come_first(n: int) -> None:
    """Raising t only adds rows, so that the masks of the smaller design are kept."""
    large = code_of(n, 5, seed=3)
    for t in range(1, 5):
        small = code_of(n, t, seed=3)
        assert np.array_equal(small.rows, large.rows[: large.rows_per_t[t]])
        assert np.array_equal(small.rows_per_t, large.rows_per_t[: t + 1])


@pytest.mark.parametrize("t", [1, 2, 3])
def test_decoding_to_a_smaller_size(t: int) -> None:
    """The first rows of a code decode the smaller sets, as where the budget ends early."""
    code = code_of(13, 4)
    sets = all_sets(13, t)
    decoded, found = code.decode(parities_of(code, sets, t), t)
    assert found.all()
    assert decoded.shape == (len(sets), t)
    assert np.array_equal(decoded, sets)


@pytest.mark.parametrize(
    ("n", "t"), [(3, 1), (5, 1), (7, 2), (9, 2), (11, 2), (12, 3), (15, 3), (31, 2)]
)
def test_patterns_of_no_set_are_refused(n: int, t: int) -> None:
    """Of all patterns exactly those of a set are decoded, each to a set that gives it."""
    code = code_of(n, t)
    n_rows = len(code.rows)
    patterns = (np.arange(1 << n_rows)[:, None] >> np.arange(n_rows)) & 1 == 1
    decoded, found = code.decode(patterns, t)
    assert found.sum() == sum(comb(n, size) for size in range(t + 1))
    assert np.array_equal(parities_of(code, decoded[found], t), patterns[found])
    assert (decoded[~found] == n).all()


def test_random_sets_among_a_thousand_players() -> None:
    """Sets of every size up to five are found among a thousand players."""
    rng = np.random.default_rng(5)
    code = code_of(1000, 5)
    family = [rng.choice(1000, size, replace=False) for size in range(6) for _ in range(300)]
    sets = resize(pad_sets(family, 1000), 5, 1000)
    decoded, found = code.decode(parities_of(code, sets, 5), 5)
    assert found.all()
    assert np.array_equal(decoded, sets)


def test_random_patterns_among_a_thousand_players() -> None:
    """What is decoded from noise gives the noise's parities; most of it is refused."""
    code = code_of(1000, 3)
    patterns = np.random.default_rng(6).random((20_000, len(code.rows))) < 0.5
    decoded, found = code.decode(patterns, 3)
    expected = sum(comb(1000, size) for size in range(4)) / 2 ** len(code.rows)
    assert abs(found.mean() - expected) < 5 * np.sqrt(expected / 20_000)
    assert np.array_equal(parities_of(code, decoded[found], 3), patterns[found])


@given(data=st.data(), n=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_any_set_of_any_code(data: st.DataObject, n: int, seed: int) -> None:
    """Any set up to the size asked for is decoded by any code that is large enough."""
    t = data.draw(st.integers(1, min(n, 7)), label="t of the code")
    used = data.draw(st.integers(1, t), label="t of the decoding")
    player = st.integers(0, n - 1)
    families = st.lists(st.lists(player, max_size=used, unique=True), min_size=1, max_size=5)
    sets = resize(pad_sets(data.draw(families, label="sets"), n), used, n)
    code = code_of(n, t, seed)
    decoded, found = code.decode(parities_of(code, sets, used), used)
    assert found.all()
    assert np.array_equal(decoded, sets)


def test_no_patterns() -> None:
    """Nothing decodes to nothing."""
    decoded, found = code_of(10, 2).decode(np.zeros((0, 8), dtype=bool), 2)
    assert decoded.shape == (0, 2)
    assert found.shape == (0,)


def test_codes_differ_in_the_order_of_players() -> None:
    """Two generators give two codes, one gives one, so that groups see different accidents."""
    assert np.array_equal(code_of(50, 3, seed=1).rows, code_of(50, 3, seed=1).rows)
    assert not np.array_equal(code_of(50, 3, seed=1).rows, code_of(50, 3, seed=2).rows)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 2), (3, 2), (4, 3), (63, 6), (64, 7), (1000, 10)])
def test_field_degree(n: int, m: int) -> None:
    """The field has more elements than there are players."""
    assert field_degree(n) == m


def test_too_many_players() -> None:
    """The error says how many players there may be."""
    assert field_degree((1 << MAX_DEGREE) - 1) == MAX_DEGREE
    with pytest.raises(ValueError, match="at most 1048575 players, got 1048576"):
        field_degree(1 << MAX_DEGREE)
