"""Which heads of a transformer are players."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Head = tuple[int, int]

_PAIR = 2


@dataclass(frozen=True)
class Layers:
    """All heads of some layers.

    Attributes:
        numbers: The layers, counted from 0, or from the last one as -1.
    """

    numbers: tuple[int, ...]


Heads = Literal["all"] | Layers | Sequence[Head]


def layers(*numbers: int) -> Layers:
    """Choose all heads of some layers.

    Args:
        *numbers: The layers, counted from 0, or from the last one as -1.

    Returns:
        The choice, for ``HeadAblationGame(..., heads=...)``.

    Raises:
        ValueError: If there is none.

    Examples:
        >>> from shapiq_spex.games import layers
        >>> layers(0, 1, 2)
        Layers(numbers=(0, 1, 2))
    """
    if not numbers or not all(isinstance(number, int | np.integer) for number in numbers):
        msg = (
            "Name at least one layer by its number, as layers(0, 1) or layers(*range(2)), got "
            f"{numbers!r}."
        )
        raise ValueError(msg)
    return Layers(tuple(int(number) for number in numbers))


def choose_heads(heads: Heads, counts: Sequence[int]) -> list[Head]:
    """Return the chosen heads.

    Args:
        heads: Which ones.
        counts: How many heads each layer has.

    Raises:
        ValueError: If there is no such head, or one is named twice.
    """
    if isinstance(heads, str):
        if heads != "all":
            msg = f"heads must be 'all', layers(...) or a list of (layer, head), got {heads!r}."
            raise ValueError(msg)
        return [(layer, head) for layer, count in enumerate(counts) for head in range(count)]
    if isinstance(heads, Layers):
        numbers = [_check(number, len(counts), "layer") for number in heads.numbers]
        found = [(number, head) for number in numbers for head in range(counts[number])]
    else:
        found = []
        for chosen in heads:
            if np.shape(chosen) != (_PAIR,):
                msg = f"A head is named by its layer and number, as (0, 1), got {chosen!r}."
                raise ValueError(msg)
            number = _check(chosen[0], len(counts), "layer")
            found.append((number, _check(chosen[1], counts[number], f"head in layer {number},")))
    if not found:
        msg = "There is no head among those chosen."
        raise ValueError(msg)
    if len(set(found)) < len(found):
        msg = "A head is named twice."
        raise ValueError(msg)
    return found


def _check(number: int, count: int, what: str) -> int:
    """Return a number counted from 0."""
    if not -count <= number < count:
        msg = f"There is no {what} {number}: there are {count}, counted from 0."
        raise ValueError(msg)
    return int(number) % count
