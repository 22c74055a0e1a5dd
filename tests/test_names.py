"""Tests of names of players."""

from __future__ import annotations

import pytest

from shapiq_spex._names import distinct, show


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (" never", "never"),
        ("dull\n", "dull"),
        ("中", "中"),
        ("\n", r"'\n'"),
        ("  ", "'  '"),
        ("\u3000\u200b", r"'\u3000\u200b'"),
        ("", "''"),
    ],
)
def test_names_are_seen(part: str, name: str) -> None:
    """Words are named as they are; where nothing is seen, as Python writes it."""
    assert show(part) == name


def test_names_differ() -> None:
    """No number makes a name that another player has already, and nobody goes without a name."""
    assert distinct(["but", "so", "but"]) == ["but#1", "so", "but#2"]
    assert distinct(["a", "a#1", "a"]) == ["a#2", "a#1", "a#3"]
    assert distinct(["", "\n", "\n"]) == ["''", r"'\n'#1", r"'\n'#2"]
