"""Tests of dividing texts."""

from __future__ import annotations

import sys
from itertools import chain

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games import divide
from shapiq_spex.games._segments import _may_join

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
        ("私は👩‍👩‍👧 é12。", "word", ["私", "は", "👩‍👩‍👧", " é12。"]),
        ("か\u3099葛\U000e0100a\u3099", "word", ["か\u3099", "葛\U000e0100", "a\u3099"]),
        ("ภาษาไทย ok ๒๕", "word", ["ภ", "า", "ษ", "า", "ไ", "ท", "ย", " ok", " ๒๕"]),
        ("กินน้ำ", "word", ["กิ", "น", "น้ำ"]),
        ("ខ្មែរ\u200bងាយ", "word", ["ខ្មែ", "រ\u200b", "ងា", "យ"]),
        ("မြန်မာ", "word", ["မြ", "န်", "မာ"]),
        ("ພາສາ", "word", ["ພ", "າ", "ສ", "າ"]),
        ("བཀྲ་ཤིས་བདེ་ལེགས། hi", "word", ["བཀྲ་", "ཤིས་", "བདེ་", "ལེགས།", " hi"]),
        ("👍🏽🇩🇪🇫🇷 e\u0301\r\n", "character", ["👍🏽", "🇩🇪", "🇫🇷", " e\u0301\r\n"]),
        ("👩‍👩‍👧क्षि각a\u200bမာ", "character", ["👩‍👩‍👧", "क्षि", "각", "a\u200b", "မာ"]),
        ("a b\r\nc\rd", "line", ["a b\r\n", "c\r", "d"]),
        ("a\r\nb\r\n \r\nc\r\rd\r", "paragraph", ["a\r\nb\r\n \r\n", "c\r\r", "d\r"]),
        ("I came.\rHe left.\r\rNew.", "sentence", ["I came.\r", "He left.\r\r", "New."]),
        ("\n\n a\nb", "line", ["\n\n a\n", "b"]),
        (" \n\na\n\nb", "paragraph", [" \n\na\n\n", "b"]),
        ("\n\nI came. He left.", "sentence", ["\n\nI came. ", "He left."]),
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


def test_nothing_at_the_beginning_is_no_part() -> None:
    """White space before all others goes with the first part, whoever divides."""
    assert divide("\n\na b", lambda text: text.partition("a")) == ["\n\na", " b"]
    assert divide("\n\na b", ["\n", "\n", "a", " b"]) == ["\n\na", " b"]


def test_characters_that_stand_alone() -> None:
    """Where no character is one with its neighbours, regex is not needed.

    It is asked about all that there are.
    """
    plain = [
        each
        for each in map(chr, chain(range(0xD800), range(0xE000, 0x110000)))
        if not _may_join(each)
    ]
    plain.remove("\r")  # but before a new line
    for order in (plain, plain[::-1]):
        assert regex.findall(r"\X", "".join(order)) == order


def test_joined_characters_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without regex the error says what to install; other texts do without it."""
    monkeypatch.setitem(sys.modules, "regex", None)
    assert divide("naïve 私は❤\ufe0f", "word") == ["naïve", " 私", "は", "❤\ufe0f"]
    assert divide("naïve", "character") == list("naïve")
    for text, unit in (("ไทย", "word"), ("葛\U000e0100", "word"), ("👍🏽", "character")):
        with pytest.raises(ImportError, match=r"shapiq-spex\[characters\]"):
            divide(text, unit)


def test_sentences_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sentencex the error says what to install."""
    monkeypatch.setitem(sys.modules, "sentencex", None)
    with pytest.raises(ImportError, match=r"shapiq-spex\[sentences\]"):
        divide("A b. C d.", "sentence")
