"""What games and functions say of themselves."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def find_players(game: object, given: Any) -> Any:  # noqa: ANN401 what was given, to be checked
    """Return the number of players that is given, or that the game says.

    Raises:
        ValueError: If neither does, or they differ.
    """
    said = getattr(game, "n_players", None)
    n = said if given is None else given
    if n is None:
        msg = "This game does not say how many players it has: pass n_players."
        raise ValueError(msg)
    if said not in (None, n):
        msg = f"The game has {said} players, not {n}."
        raise ValueError(msg)
    return n


def has_parameter(function: Callable[..., Any], name: str) -> bool:
    """Say whether a function has a parameter of this name."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # some builtins have no signature
        return False
