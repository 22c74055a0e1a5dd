"""Dividing a text into parts that give it back when they are joined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Literal

from shapiq_spex._names import is_blank

Unit = Literal["word", "sentence", "paragraph", "line", "character", "token"]
Segmenter = Callable[[str], Sequence[str]]

# scripts that write no space between words: each character stands for itself
_ALONE = (
    r"\u3040-\u30ff"  # Hiragana and Katakana
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
# such scripts whose letters carry marks; their digits are left out, which stand together
_STACKED = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    r"\u0e81-\u0ecf\u0edc-\u0edf"  # Lao
    r"\u1000-\u103f\u1050-\u108f\u109a-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese
    r"\u1780-\u17dd"  # Khmer
    r"\u1950-\u19cf\u1a20-\u1a7f\uaa80-\uaadf\U00011700-\U0001172f"  # scripts of the Tai
    r"\ua980-\ua9cf\u1b00-\u1b4f"  # Javanese and Balinese
)
_TIBETAN, _TIBETAN_ENDS = r"\u0f00-\u0fff", r"\u0f0b-\u0f14"
_LINE_END = r"(?>\r{0,2}\n|\r)"  # two as in files that were changed to those of Windows twice
_PATTERNS = {
    "word": rf"\s*(?:[{_ALONE}]|[^\s{_ALONE}]+)",
    "line": rf"[^\r\n]*{_LINE_END}|[^\r\n]+",
    "paragraph": rf"(?s:.+?){_LINE_END}[^\S\r\n]*{_LINE_END}\s*|(?s:.+)",
    "character": r"\s*\S",
}
# a word by the kinds of its characters: one that stands alone, a syllable of Tibetan, any others
_WORD = re.compile(r"A|T+E*|E+|O+")
_KINDS = {
    "A": re.compile(f"[{_ALONE}{_STACKED}]"),
    "E": re.compile(f"[{_TIBETAN_ENDS}]"),
    "T": re.compile(f"[{_TIBETAN}]"),
}
# What may be one character with what stands before or after it: marks, what this Python does not
# know, and of letters and signs jamo, flags, colours of skin, joiners, some vowels and numbers.
_JOINING = ("Mn", "Mc", "Me", "Cn")
_JOINING_TOO = re.compile(
    r"[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u0e33\u0eb3\u1100-\u11ff\u200c\u200d"
    r"\ua960-\ua97f\ud7b0-\ud7ff\uff9e\uff9f\U000110bd\U000110cd\U000111c2\U000111c3\U0001193f"
    r"\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02\U0001f1e6-\U0001f1ff"
    r"\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)


def divide(text: str, how: Unit | Segmenter | Sequence[str]) -> list[str]:
    """Divide a text.

    Args:
        text: The text, in any script.
        how: ``"word"``, ``"sentence"``, ``"paragraph"``, ``"line"`` or ``"character"``; a function
            from a text to its parts; or the parts themselves. Words of Chinese, Japanese, Thai,
            Khmer, Burmese, Lao and the like, which have no space between them, are divided into
            characters as people see them, those of Tibetan into syllables. White space belongs to
            the part after it, or to the one before where it ends lines, paragraphs or the text.

    Returns:
        The parts, which give the text back when they are joined.

    Raises:
        ValueError: If the unit is unknown, the text has no parts, or they do not give it back.
        ImportError: If sentences are asked for and sentencex is missing, or if the text has
            characters of several code points and regex is missing.

    Examples:
        >>> from shapiq_spex.games import divide
        >>> divide("Never dull. Hardly short.", "word")
        ['Never', ' dull.', ' Hardly', ' short.']
    """
    if isinstance(how, str):
        parts = _sentences(text) if how == "sentence" else _match(text, how)
    else:
        parts = _join_first(list(how(text) if callable(how) else how))
    return check_parts(text, parts)


def check_parts(text: str, parts: Sequence[str]) -> list[str]:
    """Return the parts of a text that are not empty.

    Raises:
        ValueError: If the text has no parts, or they do not give it back.
    """
    if "".join(parts) != text:
        msg = "The parts of the text do not give it back when they are joined."
        raise ValueError(msg)
    parts = [part for part in parts if part]
    if not any(part.strip() for part in parts):
        msg = "The text to explain is empty."
        raise ValueError(msg)
    return parts


def _match(text: str, unit: str) -> list[str]:
    if unit not in _PATTERNS:
        known = ", ".join(["sentence", "token", *_PATTERNS])
        msg = f"segment must be one of {known}, a function or a list of parts, got {unit!r}."
        raise ValueError(msg)
    # white space at the end, where a pattern would look for a word from each place
    body = text.rstrip()
    found = _match_dense(body, unit) if _is_dense(body, unit) else re.findall(_PATTERNS[unit], body)
    return _join_blank([*found, text[len(body) :]])


def _is_dense(text: str, unit: str) -> bool:
    """Say whether the unit's pattern would break characters, or leave words undivided."""
    if unit == "character":
        return any(map(_may_join, set(text)))
    if unit != "word":
        return False
    alone = _KINDS["A"].match
    return re.search(f"[{_STACKED}{_TIBETAN}]", text) is not None or any(
        _may_join(each) and (alone(before) or alone(each)) for before, each in pairwise(text)
    )


def _may_join(character: str) -> bool:
    """Say whether it may be one with its neighbours to those who read it."""
    return unicodedata.category(character) in _JOINING or bool(_JOINING_TOO.match(character))


def _match_dense(text: str, unit: str) -> list[str]:
    """Divide a text into characters as people see them, or into words made of them."""
    parts = []
    for space, run in re.findall(r"(\s*)(\S+)", text):
        found = _characters(run)
        if unit == "word":
            kinds = "".join(map(_kind, found))
            found = ["".join(found[m.start() : m.end()]) for m in _WORD.finditer(kinds)]
        parts += [space + found[0], *found[1:]]
    return parts


def _characters(text: str) -> list[str]:
    """Return the characters of a text as people see them, each with all its marks."""
    try:
        import regex  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = (
            "This text has characters of several code points, or no space between its words, which "
            "takes regex: pip install 'shapiq-spex[characters]'."
        )
        raise ImportError(msg) from error
    found: list[str] = []
    for each in regex.findall(r"\X", text):
        # Unicode lets some vowels of Burmese stand for themselves
        if found and unicodedata.category(each[0])[0] == "M":
            found[-1] += each
        else:
            found.append(each)
    return found


def _kind(character: str) -> str:
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(character)), "O")


def _sentences(text: str) -> list[str]:
    try:
        from sentencex import segment  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "segment='sentence' needs sentencex: pip install 'shapiq-spex[sentences]'."
        raise ImportError(msg) from error
    try:
        # it knows no line that ends in a carriage return alone
        lengths = map(len, segment("en", re.sub(r"\r(?!\n)", "\n", text)))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how it fails on some odd texts
            raise
        msg = "sentencex cannot divide this text into sentences: take lines or own parts."
        raise ValueError(msg) from error
    ends = [0, *accumulate(lengths)]
    return _join_blank([text[start:end] for start, end in pairwise(ends)])


def _join_blank(parts: list[str]) -> list[str]:
    """Put parts in which nothing is seen to the ones before them, at the beginning to the next."""
    joined: list[str] = []
    for part in _join_first(parts):
        if joined and is_blank(part):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _join_first(parts: list[str]) -> list[str]:
    """Put what is not seen at the beginning to the first part that is."""
    first = next((i for i, part in enumerate(parts) if not is_blank(part)), 0)
    return ["".join(parts[: first + 1]), *parts[first + 1 :]]
