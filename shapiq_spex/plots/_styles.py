"""How methods look: ours in strong colours, the others in muted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# our methods, by how their names begin
_OURS: Final = {"proxyspex": "#c2410c", "spex": "#1864ab"}
_TINTS: Final = (0.0, 0.4, 0.25, 0.55)  # how much white is in the colours of our variants
_OUR_MARKERS: Final = {"proxyspex": "oDhH", "spex": "sX8P"}
_OUR_DASHES: Final = ("-", (0, (5, 1.2)), (0, (2.5, 1)), (0, (6, 1, 1.5, 1)))
_OTHERS: Final = ("#4a4a4a", "#8a8a8a", "#4f7d74", "#8d6a9f", "#a07f3c", "#6b7fa3", "#a8a8a8")
_MARKERS: Final = "^dX<p>h"  # not the open triangle of what is below
_DASHES: Final = ((0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)), "-")


@dataclass(frozen=True)
class Style:
    """How a method looks.

    Attributes:
        ours: Whether it is one of this package.
        colour: The colour of all there is of it.
        marker: The marker of its points.
        dashes: Those of its line, as matplotlib takes them.
    """

    ours: bool
    colour: str
    marker: str
    dashes: Any


def styles_of(methods: Sequence[str]) -> dict[str, Style]:
    """Return how methods look: ours in strong colours, the others in muted ones."""
    styles = {}
    families = {name: _family(name) for name in methods}
    for family, colour in _OURS.items():
        ours = [name for name in methods if families[name] == family]
        ours.sort(key=lambda name: name.lower() != family)  # itself before its variants
        for i, name in enumerate(ours):
            styles[name] = Style(
                ours=True,
                colour=_mix(colour, _TINTS[i % len(_TINTS)]),
                marker=_OUR_MARKERS[family][i % len(_OUR_MARKERS[family])],
                dashes=_OUR_DASHES[i % len(_OUR_DASHES)],
            )
    for i, name in enumerate(name for name in methods if families[name] is None):
        styles[name] = Style(
            ours=False,
            colour=_OTHERS[i % len(_OTHERS)],
            marker=_MARKERS[i % len(_MARKERS)],
            dashes=_DASHES[i % len(_DASHES)],
        )
    return styles


def _family(name: str) -> str | None:
    """Return which of our methods a name begins with."""
    return next((family for family in _OURS if name.lower().startswith(family)), None)


def _mix(colour: str, white: float) -> str:
    """Return a colour with some white in it."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + white * (255 - part)):02x}" for part in parts)
