"""Tests of evaluating a game, and of refusing what is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from shapiq_spex.ablations import _evaluate, check_values, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable

N, M = 11, 20


def first(masks: np.ndarray) -> np.ndarray:
    """Evaluate a game of one player."""
    return 2.5 * masks[:, 0]


@pytest.fixture
def masks() -> np.ndarray:
    """Draw uniform masks, the first one empty and the second one full."""
    masks = np.random.default_rng(0).random((M, N)) < 0.5
    masks[0], masks[1] = False, True
    return masks


@pytest.mark.parametrize("batch", [1, 3 * N, M * N, 1 << 26])
def test_masks_arrive_as_booleans_in_order(
    batch: int, masks: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The game sees every mask once, in order, as shapiq hands them over."""
    monkeypatch.setattr(_evaluate, "_BATCH", batch)
    seen: list[np.ndarray] = []

    def game(asked: np.ndarray) -> np.ndarray:
        assert asked.dtype == np.bool_
        seen.append(asked.copy())
        return first(asked)

    found = evaluate(game, np.packbits(masks, axis=1), N)
    assert np.array_equal(np.concatenate(seen), masks)
    assert np.array_equal(found.values, first(masks))
    assert (found.record.asked, found.record.evaluated, found.chance) == (M, M, None)
    assert len(seen) == -(-M // max(1, batch // N))


def test_one_call_of_an_ordinary_game(masks: np.ndarray) -> None:
    """A game that works in batches of its own gets all masks at once."""
    calls: list[int] = []
    evaluate(lambda asked: calls.append(len(asked)) or first(asked), np.packbits(masks, axis=1), N)
    assert calls == [M]


def test_game_that_writes_into_its_masks(masks: np.ndarray) -> None:
    """What a game does to its masks stays with the game."""

    def game(asked: np.ndarray) -> np.ndarray:
        values = first(asked)
        asked[:] = True
        return values

    packed = np.packbits(masks, axis=1)
    before = packed.copy()
    assert np.array_equal(evaluate(game, packed, N).values, first(masks))
    assert np.array_equal(packed, before)


@pytest.mark.parametrize(
    "convert",
    [
        lambda values: values.astype(np.float32),
        lambda values: values.tolist(),
        lambda values: values.astype(object),
        lambda values: pd.Series(values, index=range(7, 7 + len(values))),
        lambda values: (2 * values).astype(np.int64) / 2,
    ],
    ids=["single precision", "list", "objects", "series", "halves"],
)
def test_other_kinds_of_numbers(convert: Callable[[np.ndarray], object], masks: np.ndarray) -> None:
    """Whatever numpy can read as one real number per mask is welcome."""
    assert np.array_equal(check_values(convert(first(masks)), masks), first(masks))


def test_booleans_and_integers(masks: np.ndarray) -> None:
    """Decisions and counts are numbers."""
    assert check_values(masks[:, 0], masks).tolist() == masks[:, 0].astype(float).tolist()
    counts = masks.sum(axis=1).astype(np.uint8)
    assert check_values(counts, masks).tolist() == counts.astype(float).tolist()


@pytest.mark.parametrize(
    ("returned", "shape"),
    [
        (np.zeros(M - 1), rf"\({M - 1},\)"),
        (np.zeros(M + 1), rf"\({M + 1},\)"),
        (np.zeros(0), r"\(0,\)"),
        (np.zeros((M, 1)), rf"\({M}, 1\)"),
        (np.zeros((1, M)), rf"\(1, {M}\)"),
        (np.zeros((M, 3)), rf"\({M}, 3\)"),
        (1.0, r"\(\)"),
        (None, r"\(\)"),
    ],
)
def test_wrong_shapes(returned: object, shape: str, masks: np.ndarray) -> None:
    """The error says what was wanted and what came."""
    with pytest.raises(ValueError, match=rf"one value per mask.*\({M},\).*got shape {shape}"):
        check_values(returned, masks)


@pytest.mark.parametrize(
    ("row", "described"),
    [(0, r"present: \[\]"), (1, r"absent: \[\]"), (2, "")],
    ids=["empty", "full", "other"],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(
    value: float, row: int, described: str, masks: np.ndarray
) -> None:
    """The error names the value and the first mask that has such a one, and counts them."""
    values = first(masks)
    values[[row, 9]] = value
    with pytest.raises(ValueError, match=f"returned {value} for the mask .*{described}.* 2 of {M}"):
        check_values(values, masks)


def test_masks_are_named_by_the_fewer_players() -> None:
    """Present players are listed, or absent ones if these are fewer; ten of them at most."""
    masks = np.zeros((3, 40), dtype=bool)
    masks[0, [3, 7]] = True
    masks[1] = True
    masks[1, [0, 39]] = False
    masks[2, :15] = True
    for row, named in enumerate(
        [r"present: \[3, 7\]", r"absent: \[0, 39\]", r"present: \[0, .*, 9, \.\.\.\]"]
    ):
        values = np.zeros(3)
        values[row] = np.nan
        with pytest.raises(ValueError, match=named):
            check_values(values, masks)


@pytest.mark.parametrize(
    "returned",
    [
        np.ones(M, dtype=complex),
        np.array(["a"] * M),
        ["yes"] * M,
        [[1.0], [2.0, 3.0]],
        (value for value in range(M)),
        {"values": 1.0},
        np.array([1j] * M, dtype=object),
    ],
    ids=["complex", "strings", "words", "ragged", "generator", "dict", "complex objects"],
)
def test_what_is_no_number(returned: object, masks: np.ndarray) -> None:
    """A type that holds no real numbers is a TypeError; no imaginary part is dropped."""
    with pytest.raises(TypeError, match="must return real numbers, got"):
        check_values(returned, masks)


@pytest.mark.parametrize(
    "returned",
    [
        np.array(["1.5"] * M),
        np.array(["2020-01-01"] * M, dtype="datetime64[D]"),
        np.array([1] * M, dtype="timedelta64[D]"),
        np.array([b"1.5"] * M),
    ],
    ids=["digits", "dates", "durations", "bytes"],
)
def test_what_only_looks_like_a_number(returned: np.ndarray, masks: np.ndarray) -> None:
    """Strings of digits and dates are a mistake, not numbers."""
    with pytest.raises(TypeError, match="must return real numbers, got"):
        check_values(returned, masks)


def test_numbers_too_large_for_a_float(masks: np.ndarray) -> None:
    """An integer that no float holds is refused in words."""
    with pytest.raises((TypeError, ValueError), match="The game"):
        check_values([10**400] * M, masks)


def test_errors_of_the_game_pass(masks: np.ndarray) -> None:
    """What a game raises reaches the user as it is."""

    def game(_: np.ndarray) -> np.ndarray:
        msg = "the model is down"
        raise ConnectionError(msg)

    with pytest.raises(ConnectionError, match="the model is down"):
        evaluate(game, np.packbits(masks, axis=1), N)
