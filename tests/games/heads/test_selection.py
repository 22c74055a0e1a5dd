"""Tests of which heads are players."""

from __future__ import annotations

from typing import Any

import pytest

from shapiq_spex.games import layers
from shapiq_spex.games.heads._selection import choose_heads

COUNTS = [2, 0, 3]


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ("all", [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]),
        (layers(2), [(2, 0), (2, 1), (2, 2)]),
        (layers(-1, 0), [(2, 0), (2, 1), (2, 2), (0, 0), (0, 1)]),
        ([(2, 1), (0, -1)], [(2, 1), (0, 1)]),
    ],
)
def test_choosing(heads: Any, expected: list[tuple[int, int]]) -> None:  # noqa: ANN401 any kind
    """Heads are chosen all, by layers or one by one, in the order given."""
    assert choose_heads(heads, COUNTS) == expected


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ("some", "'all', layers"),
        (layers(3), "no layer 3"),
        ([(0, 2)], "no head in layer 0, 2: there are 2"),
        ([(0, 1), (0, -1)], "named twice"),
        (layers(1), "no head among those"),
        ([], "no head among those"),
        ([3], "layer and number, as"),
        (["L0H1"], "layer and number, as"),
    ],
)
def test_what_is_not_there(heads: Any, message: str) -> None:  # noqa: ANN401 any kind
    """What cannot be chosen is refused, and named."""
    with pytest.raises(ValueError, match=message):
        choose_heads(heads, COUNTS)


def test_no_layers() -> None:
    """Layers must be named."""
    for wrong in ((), ([0, 1],), ("all",)):
        with pytest.raises(ValueError, match="at least one"):
            layers(*wrong)  # type: ignore[arg-type]
