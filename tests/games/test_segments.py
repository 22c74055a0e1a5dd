"""Tests of dividing texts."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games import divide

UNITS = ["word", "sentence", "paragraph", "line", "character"]
MARKDOWN = "# Title\n\n- one *two*\n- three\n\n\n```python\nx = [1,\n     2]\n```\n\n  last  \n"


@pytest.mark.parametrize("unit", UNITS)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80))
def test_joining_gives_the_text_back(unit: str, text: str) -> None:
    """Nothing is lost of any text, and no part but the whole is empty or blank."""
    if not text.strip():
        with pytest.raises(ValueError, match="empty"):
            divide(text, unit)
        return
    parts = divide(text, unit)
    assert "".join(parts) == text
    assert all(part.strip() for part in parts[1:])


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("It never  fails.\n", "word", ["It", " never", "  fails.\n"]),
        ("don't well-known e.g. 3.5", "word", ["don't", " well-known", " e.g.", " 3.5"]),
        ("私は行く now", "word", ["私", "は", "行", "く", " now"]),
        ("a b\nc\n\nd", "line", ["a b\n", "c\n\n", "d"]),
        ("a\nb\n\n\nc d\n \ne", "paragraph", ["a\nb\n\n\n", "c d\n \n", "e"]),
        ("Dr. Smith paid $3.50. He left!", "sentence", ["Dr. Smith paid $3.50. ", "He left!"]),
        ("ab c", "character", ["a", "b", " c"]),
        ("مرحبا بالعالم", "word", ["مرحبا", " بالعالم"]),
        ("👩‍👩‍👧 hi", "word", ["👩‍👩‍👧", " hi"]),
    ],
)
def test_parts(text: str, unit: str, expected: list[str]) -> None:
    """The parts are what a reader would take them for."""
    assert divide(text, unit) == expected


@pytest.mark.parametrize("unit", UNITS)
def test_markdown_and_code(unit: str) -> None:
    """Markdown and code come back with all their white space."""
    assert "".join(divide(MARKDOWN, unit)) == MARKDOWN


def test_own_parts() -> None:
    """A function or a list of parts will do, if nothing is lost."""
    assert divide("a,b,c", lambda text: [text[:2], text[2:]]) == ["a,", "b,c"]
    assert divide("abc", ["a", "", "bc"]) == ["a", "bc"]
    with pytest.raises(ValueError, match="give it back"):
        divide("a,b", lambda text: text.split(","))
    with pytest.raises(ValueError, match="must be one of sentence, token, word"):
        divide("a", "syllable")


def test_sentences_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sentencex the error says what to install."""
    monkeypatch.setitem(sys.modules, "sentencex", None)
    with pytest.raises(ImportError, match=r"shapiq-spex\[sentences\]"):
        divide("A b. C d.", "sentence")
