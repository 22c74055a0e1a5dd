"""A text with parts masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]

_BLANKS = " \t"
_LINE_ENDS = ("\n", "\r")

Mask = str | Callable[[str], str]
"""What stands for an absent part: a text, nothing, or what a function makes of the part."""


class MaskedText:
    """A text whose parts can be absent.

    Attributes:
        segments: The parts; joined they are the text.
        replaced: What stands for each where it is absent.
    """

    def __init__(
        self, segments: list[str], mask: Mask, *, keep_length: bool, whole_lines: bool
    ) -> None:
        """Prepare what stands for each part.

        Args:
            segments: The parts.
            mask: What stands for an absent one.
            keep_length: Whether to repeat that to the length of the part.
            whole_lines: Whether the ends of lines go with the parts that are removed.

        Raises:
            ValueError: If nothing is to keep the length of a part.
        """
        if keep_length and not (isinstance(mask, str) and mask):
            msg = "keep_length needs a mask of characters to repeat, as mask='_'."
            raise ValueError(msg)
        self.segments = segments
        self._removes, self._whole_lines = mask == "", whole_lines
        if self._removes and whole_lines:
            self.replaced = [""] * len(segments)
        else:
            other = _repeat(mask) if keep_length else mask
            self.replaced = [_replace(part, other) for part in segments]

    def join(self, coalition: Sequence[bool] | BoolArray) -> str:
        """Return the text with absent parts masked."""
        return self._join(coalition, self.segments)

    def change(self, changes: Mapping[int, str | None]) -> str:
        """Return the text with some parts replaced, and those without a replacement masked."""
        present = np.ones(len(self.segments), dtype=np.bool_)
        segments = list(self.segments)
        for player, text in changes.items():
            present[player] = text is not None
            segments[player] = _put(segments[player], text or "")
        return self._join(present, segments)

    def _join(self, coalition: Sequence[bool] | BoolArray, segments: list[str]) -> str:
        chosen = list(zip(np.asarray(coalition).tolist(), segments, self.replaced, strict=True))
        if not self._removes:
            return "".join(part if present else other for present, part, other in chosen)
        text = "".join(_close_gaps(chosen)) if not self._whole_lines else _drop(chosen)
        if not chosen[-1][0]:
            text = text.rstrip() if self._whole_lines else text.rstrip(_BLANKS)
        return text


def _close_gaps(chosen: Iterable[tuple[bool, str, str]]) -> Iterator[str]:
    """Yield the parts that are present, without the space after a removed beginning of a line."""
    at_start, gap = True, False
    for present, part, other in chosen:
        text = part if present else other
        if present and gap and at_start:
            text = text.lstrip(_BLANKS)
        gap = not present
        if text:
            at_start = text.rstrip(_BLANKS)[-1:] in _LINE_ENDS
        yield text


def _drop(chosen: Sequence[tuple[bool, str, str]]) -> str:
    """Return the lines or documents that are present, without a separator before the first."""
    text = "".join(part for present, part, _ in chosen if present)
    if chosen[0][0]:
        return text
    text = text.lstrip("".join(_LINE_ENDS))
    return text[1:] if text[:1] == " " and not text[1:2].isspace() else text  # no indentation


def _repeat(mask: Mask) -> Callable[[str], str]:
    """Return a function that makes a text as long as a part."""
    unit = str(mask)
    return lambda part: (unit * len(part))[: len(part)]


def _replace(part: str, mask: Mask) -> str:
    """Return what stands for a part, with the white space around it unless it is removed."""
    word = part.strip()
    if mask == "" or not word:
        # what ends a line or a paragraph goes on doing so
        return "".join(c for c in part if c in _LINE_ENDS)
    return _put(part, mask if isinstance(mask, str) else mask(word))


def _put(part: str, text: str) -> str:
    """Put a text in the place of a part, between the white space around it."""
    word = part.strip()
    start = part.index(word)
    return part[:start] + text + part[start + len(word) :]
