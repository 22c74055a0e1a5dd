"""Dividing a text into parts that give it back when they are joined."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

Unit = Literal["word", "sentence", "paragraph", "line", "character", "token"]
Segmenter = Callable[[str], Sequence[str]]

# scripts that write no space between words: each character stands for itself
_ALONE = (
    r"\u3040-\u30ff"  # Hiragana and Katakana
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_PATTERNS = {
    "word": rf"\s*(?:[{_ALONE}]|[^\s{_ALONE}]+)",
    "line": r"[^\n]*\n|[^\n]+",
    "paragraph": r"(?:.|\n)+?\n[^\S\n]*\n\s*|(?:.|\n)+",
    "character": r"\s*\S",
}


def divide(text: str, how: Unit | Segmenter | Sequence[str]) -> list[str]:
    """Divide a text.

    Args:
        text: The text, in any script.
        how: ``"word"``, ``"sentence"``, ``"paragraph"``, ``"line"`` or ``"character"``; a function
            from a text to its parts; or the parts themselves. White space belongs to the part
            after it, or to the one before where it ends lines, paragraphs or the text.

    Returns:
        The parts, which give the text back when they are joined.

    Raises:
        ValueError: If the unit is unknown, the text has no parts, or they do not give it back.
        ImportError: If sentences are asked for and sentencex is missing.

    Examples:
        >>> from shapiq_spex.games import divide
        >>> divide("Never dull. Hardly short.", "word")
        ['Never', ' dull.', ' Hardly', ' short.']
    """
    if isinstance(how, str):
        parts = _sentences(text) if how == "sentence" else _match(text, how)
    elif callable(how):
        parts = list(how(text))
    else:
        parts = list(how)
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
    return _join_blank([*re.findall(_PATTERNS[unit], body), text[len(body) :]])


def _sentences(text: str) -> list[str]:
    try:
        from sentencex import segment  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "segment='sentence' needs sentencex: pip install 'shapiq-spex[sentences]'."
        raise ImportError(msg) from error
    try:
        parts = list(segment("en", text))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how it fails on some odd texts
            raise
        msg = "sentencex cannot divide this text into sentences: take lines or own parts."
        raise ValueError(msg) from error
    return _join_blank(parts)


def _join_blank(parts: list[str]) -> list[str]:
    """Put parts of white space alone to the ones before them."""
    joined: list[str] = []
    for part in parts:
        if joined and not part.strip():
            joined[-1] += part
        else:
            joined.append(part)
    return joined
