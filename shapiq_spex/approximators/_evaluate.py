"""Evaluating a game on masks, and refusing what is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

_BATCH = 1 << 26  # entries of the masks handed over at once
_QUIET_SECONDS = 2.0
_SHOWN_PLAYERS = 10
_NUMBERS = "biufO"  # kinds of arrays; objects may be numbers of another library


def evaluate(
    game: Callable[[NDArray[np.bool_]], Any], packed: NDArray[np.uint8], n: int
) -> NDArray[np.float64]:
    """Evaluate a game on packed masks.

    Args:
        game: A game of shapiq, or a callable from masks ``(m, n)`` to values ``(m,)``. It is called
            once, unless the masks are larger than 64 MiB.
        packed: The masks, eight players to a byte, shape ``(m, ceil(n / 8))``.
        n: The number of players.

    Returns:
        The values, shape ``(m,)``.

    Raises:
        ValueError: If the game returns another number of values, or values that are not finite.
        TypeError: If it returns no numbers.
    """
    values = np.empty(len(packed))
    size = max(1, _BATCH // n)
    starts = range(0, len(packed), size)
    # more than one batch, that is gigabytes of masks, take long enough to be watched
    for start in tqdm(starts, desc="Evaluating game", delay=_QUIET_SECONDS, leave=False):
        masks = np.unpackbits(packed[start : start + size], axis=1, count=n).view(np.bool_)
        values[start : start + size] = check_values(game(masks), masks)
    return values


def check_values(returned: object, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return a game's values as an array, or say what is wrong with them.

    Args:
        returned: What the game returned.
        masks: What it was asked, shape ``(m, n)``.

    Returns:
        The values, shape ``(m,)``.

    Raises:
        ValueError: If their number is wrong or one is not finite.
        TypeError: If they are no real numbers.
    """
    msg = f"The game must return real numbers, got {type(returned).__name__}."
    try:
        array = np.asarray(returned)
        with np.errstate(over="ignore"):  # what is too large becomes infinite and is named below
            values = array.astype(np.float64, casting="unsafe" if _is_real(array) else "no")
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(msg) from error
    if values.shape != (len(masks),):
        msg = (
            f"The game must return one value per mask: an array of shape ({len(masks)},) for masks "
            f"of shape {masks.shape}, got shape {values.shape}."
        )
        raise ValueError(msg)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        msg = (
            f"The game returned {values[wrong[0]]} for {_describe(masks[wrong[0]])}, and values "
            f"that are not finite for {len(wrong)} of {len(masks)} masks."
        )
        raise ValueError(msg)
    return values


def check_masks(masks: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Return recorded masks as booleans, or say what is wrong with them.

    Args:
        masks: What was given.
        n: The number of players.

    Returns:
        Boolean array of shape ``(m, n)``.

    Raises:
        ValueError: If they have another shape or another entry than 0 and 1.
    """
    array = np.asarray(masks)
    if array.ndim != 2 or array.shape[1] != n:  # noqa: PLR2004, masks and players
        msg = f"masks must have shape (m, {n}), one column a player, got {array.shape}."
        raise ValueError(msg)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in _NUMBERS or not ((array == 0) | (array == 1)).all():
        msg = "masks must be boolean, or 0 and 1."
        raise ValueError(msg)
    return array.astype(np.bool_)


def _is_real(array: NDArray[Any]) -> bool:
    """Say whether an array holds real numbers, as far as its type tells."""
    return array.dtype.kind in _NUMBERS


def _describe(mask: NDArray[np.bool_]) -> str:
    """Name a mask by its players, absent ones if these are fewer."""
    present, absent = np.flatnonzero(mask), np.flatnonzero(~mask)
    kind, players = ("present", present) if len(present) <= len(absent) else ("absent", absent)
    listed = ", ".join(map(str, players[:_SHOWN_PLAYERS].tolist()))
    more = ", ..." if len(players) > _SHOWN_PLAYERS else ""
    return f"the mask with players {kind}: [{listed}{more}]"
