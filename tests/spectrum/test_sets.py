"""Tests of the padded sets of players."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from shapiq_spex.spectrum import _sets

FAMILY = [(2, 0), (), (1,), (3, 1, 2)]


def test_pad_sorts_and_fills_up() -> None:
    """Players come out increasing, and the padding is the number of players."""
    padded = _sets.pad_sets(FAMILY, 4)
    assert padded.dtype == np.int64
    assert padded.tolist() == [[0, 2, 4], [4, 4, 4], [1, 4, 4], [1, 2, 3]]


def test_padding_round_trip() -> None:
    """Unpacking gives plain tuples of plain integers, in the order given."""
    tuples = _sets.to_tuples(_sets.pad_sets(FAMILY, 4), 4)
    assert tuples == [(0, 2), (), (1,), (1, 2, 3)]
    assert all(type(player) is int for players in tuples for player in players)


@pytest.mark.parametrize("family", [[], [()]])
def test_width_zero(family: list[tuple[int, ...]]) -> None:
    """No sets, or the empty set alone, have no columns, and everything works on them."""
    padded = _sets.pad_sets(family, 3)
    assert padded.shape == (len(family), 0)
    assert _sets.to_tuples(padded, 3) == family
    assert _sets.orders(padded, 3).tolist() == [0] * len(family)
    assert _sets.characters(np.eye(3, dtype=bool), padded).tolist() == [[1, 1, 1]] * len(family)
    unique, inverse = _sets.unique_sets(padded)
    assert unique.shape == (len(family), 0)
    assert inverse.tolist() == [0] * len(family)
    assert _sets.resize(padded, 2, 3).tolist() == [[3, 3]] * len(family)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ([(0, 1), (2, 2)], r"repeat a player. Got \(2, 2\)"),
        ([(0, 4)], "between 0 and 3. Got 4"),
        ([(-1,)], "between 0 and 3. Got -1"),
        ([(2**70,)], "between 0 and 3"),
        ([(0.0,)], "must be integers. Got a float"),
        ([(True,)], "must be integers. Got a bool"),
        ([("0",)], "must be integers. Got a str"),
    ],
)
def test_pad_refuses_what_is_no_set_of_players(family: list[tuple[int]], message: str) -> None:
    """Each way to be wrong is named."""
    with pytest.raises(ValueError, match=message):
        _sets.pad_sets(family, 4)


@pytest.mark.parametrize(
    "array",
    [
        np.array([0, 1]),
        np.array([[0.0, 1.0]]),
        np.array([[1, 0]]),
        np.array([[1, 1]]),
        np.array([[3, 0]]),
        np.array([[0, 4]]),
        np.array([[-1, 0]]),
    ],
    ids=["vector", "float", "decreasing", "repeated", "padding first", "too large", "negative"],
)
def test_check_padded_refuses(array: np.ndarray) -> None:
    """Arrays that are handed over as padded are held to that form."""
    with pytest.raises(ValueError, match=r"[Pp]added sets"):
        _sets.check_padded(array, 3)


def test_check_padded_accepts_any_integers() -> None:
    """Smaller integer types are widened, and repeated padding is no repeated player."""
    checked = _sets.check_padded(np.array([[0, 3, 3], [0, 1, 2]], dtype=np.uint8), 3)
    assert checked.dtype == np.int64
    assert checked.tolist() == [[0, 3, 3], [0, 1, 2]]


def test_orders() -> None:
    """Padding does not count."""
    assert _sets.orders(_sets.pad_sets(FAMILY, 4), 4).tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize("by_size", [False, True], ids=["shuffled", "sorted by size"])
def test_characters_against_the_definition(by_size: bool) -> None:  # noqa: FBT001, a parameter
    """The signs are the parity of the intersection, whatever the order of the sets."""
    rng = np.random.default_rng(0)
    family = [players for size in range(6) for players in combinations(range(5), size)]
    if not by_size:
        family = [family[i] for i in rng.permutation(len(family))]
    masks = rng.random((17, 5)) < 0.5
    signs = _sets.characters(masks, _sets.pad_sets(family, 5))
    expected = [[(-1) ** int(mask[list(players)].sum()) for mask in masks] for players in family]
    assert signs.dtype == np.int8
    assert signs.tolist() == expected


@pytest.mark.parametrize("n_players", [7, 2_000_000_000], ids=["encoded", "too large to encode"])
def test_unique_sets(n_players: int) -> None:
    """Both ways to find distinct sets sort them lexicographically and can be inverted."""
    rng = np.random.default_rng(1)
    family = [sorted(rng.choice(7, size, replace=False).tolist()) for size in [0, 1, 2, 3] * 40]
    padded = _sets.pad_sets([*family, [n_players - 1]], n_players)
    unique, inverse = _sets.unique_sets(padded)
    assert unique[inverse].tolist() == padded.tolist()
    assert unique.tolist() == sorted({tuple(row): list(row) for row in padded.tolist()}.values())


def test_resize() -> None:
    """Only padding is stripped; a player never gets lost."""
    padded = _sets.pad_sets([(0, 1), (2,)], 3)
    wider = _sets.resize(padded, 4, 3)
    assert wider.tolist() == [[0, 1, 3, 3], [2, 3, 3, 3]]
    assert _sets.resize(wider, 2, 3).tolist() == padded.tolist()
    with pytest.raises(ValueError, match="more than 1 players"):
        _sets.resize(padded, 1, 3)


def test_spectra_add_up() -> None:
    """Coefficients of the same set are added, whatever the width it is padded to."""
    sets, coefficients = _sets.add_up(
        5,
        (_sets.pad_sets([(), (0, 1, 2), (3,)], 5), np.array([1.0, 2.0, 3.0])),
        (_sets.pad_sets([(3,), (4,)], 5), np.array([10.0, 20.0])),
    )
    expected = {(): 1.0, (0, 1, 2): 2.0, (3,): 13.0, (4,): 20.0}
    assert dict(zip(_sets.to_tuples(sets, 5), coefficients, strict=True)) == expected
