"""Names of players, for tables and figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def distinct(names: Sequence[str]) -> list[str]:
    """Return names that differ: those that come more than once are numbered, as ``but#2``."""
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name}#{seen[name]}" if counts[name] > 1 else name)
    return found
