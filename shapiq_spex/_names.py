"""Names of players, for tables and figures."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# white space and what has no look of its own: soft hyphens, joiners, marks of direction and order
_BLANK = re.compile(
    r"[\s\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]*"
)


def is_blank(text: str) -> bool:
    """Say whether nothing of a text is seen."""
    return _BLANK.fullmatch(text) is not None


def show(text: str) -> str:
    """Return a text without white space around it; if nothing is left, as Python writes it."""
    return ascii(text) if is_blank(text) else text.strip()


def distinct(names: Sequence[str]) -> list[str]:
    """Return names that differ and are seen.

    Those that come more than once are numbered, as ``but#2``, by numbers that no other name has.
    """
    names = [ascii(name) if is_blank(name) else name for name in names]
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        own = name
        while counts[name] > 1 and own in counts:
            seen[name] += 1
            own = f"{name}#{seen[name]}"
        found.append(own)
    return found
