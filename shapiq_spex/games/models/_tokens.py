"""Tokens as texts that give a text back when they are joined."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONTINUES = 0b10  # the first bits of a byte within a character of UTF-8


def join_bytes(pieces: Sequence[bytes], text: str) -> list[str]:
    """Return tokens as parts of a text; those that are parts of one character stand together.

    Characters that a model leaves out belong to the next token, a space that it puts before a text
    to none.

    Args:
        pieces: The bytes of the tokens.
        text: The text.

    Raises:
        ValueError: If the tokens are not in the text, as with models that change its letters.
    """
    data = text.encode()
    ends = [0]
    for piece in pieces:
        ends.append(_find(data, piece, ends[-1]))
    # the last token takes what the model left out at the end
    inner = [end for end in ends[1:-1] if _is_between(data, end)]
    parts = [data[start:end].decode() for start, end in pairwise([0, *inner, len(data)])]
    return [part for part in parts if part]


def _find(data: bytes, piece: bytes, start: int) -> int:
    """Return where a token ends that begins at a place, or else later."""
    forms = (piece, piece.lstrip())
    for wanted in forms:
        if data.startswith(wanted, start):
            return start + len(wanted)
    for wanted in forms:
        place = data.find(wanted, start)
        if place >= 0:
            return place + len(wanted)
    msg = "The model's tokens are not in the text: take words or characters as parts."
    raise ValueError(msg)


def _is_between(data: bytes, place: int) -> bool:
    """Whether a place is between two characters."""
    return place == len(data) or data[place] >> 6 != _CONTINUES
