"""Tokens as texts that give a text back when they are joined."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def join_bytes(pieces: Sequence[bytes], text: str) -> list[str]:
    """Return tokens as texts; those that are parts of one character stand together.

    Args:
        pieces: The bytes of the tokens.
        text: The text; some models put a space before its first word, which is left out here.

    Raises:
        ValueError: If the tokens do not give the text back, as with models that change its letters.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    whole = b"".join(pieces)
    extra = len(whole) - len(text.encode())
    if extra > 0 and whole[:extra].isspace():
        pieces = _drop(pieces, extra)
    parts = [""]
    for piece in pieces:
        complete = not decoder.getstate()[0]
        decoded = decoder.decode(piece)
        if complete and decoded:
            parts.append(decoded)
        elif complete:
            parts.append("")
        else:
            parts[-1] += decoded
    if "".join(parts) != text:
        msg = "The model's tokens do not give the text back: take words or characters as parts."
        raise ValueError(msg)
    return [part for part in parts if part]


def _drop(pieces: Sequence[bytes], count: int) -> list[bytes]:
    """Leave out the first bytes."""
    kept = []
    for piece in pieces:
        kept.append(piece[count:])
        count = max(0, count - len(piece))
    return kept
