"""Refusing masks and values that are none, in words that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex._numbers import as_real, refuse_masked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SHOWN_PLAYERS = 10
_RETURN = "The game must return"
_CHUNK = 1 << 22  # entries of masks at a time
_NUMBERS = "biufO"  # kinds of arrays; objects may be numbers of another library


class OutputError(ValueError):
    """A game returned something else than one finite output per mask.

    Attributes:
        outputs: What it returned, shape ``(m, d)``, where that much is right.
        wrong: The positions of the masks whose outputs are not finite; all where that is not known.
    """

    def __init__(
        self, message: str, outputs: NDArray[np.float64] | None, wrong: NDArray[np.int64]
    ) -> None:
        """Say what is wrong."""
        super().__init__(message)
        self.outputs = outputs
        self.wrong = wrong


def check_outputs(returned: object, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what came out of a game as an array, or say what is wrong with it.

    Args:
        returned: What the game returned: one number or one vector per mask.
        masks: What it was asked, shape ``(m, n)``.

    Returns:
        Array of shape ``(m, d)``.

    Raises:
        OutputError: If their number is wrong or one is not finite.
        TypeError: If they are no real numbers.
    """
    array = as_real(returned, _RETURN)
    outputs = array[:, None] if array.ndim == 1 else array
    if outputs.ndim != 2 or len(outputs) != len(masks) or outputs.shape[1] == 0:  # noqa: PLR2004
        msg = (
            f"The game must return one number or one vector per mask, for {len(masks)} masks an "
            f"array of shape ({len(masks)},) or ({len(masks)}, d), got shape {array.shape}."
        )
        raise OutputError(msg, None, np.arange(len(masks)))
    wrong = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(wrong):
        bad = outputs[wrong[0]]
        msg = f"It returned {bad[~np.isfinite(bad)][0]} for {describe_mask(masks[wrong[0]])}."
        raise OutputError(msg, outputs, wrong)
    return outputs


def check_values(
    returned: object, masks: NDArray[Any], *, gaps: bool = False
) -> NDArray[np.float64]:
    """Return a game's values as an array, or say what is wrong with them.

    Args:
        returned: What the game returned.
        masks: What it was asked, boolean or 0 and 1, shape ``(m, n)``.
        gaps: Whether NaN stands for a mask without a value, and is no fault.

    Returns:
        The values, shape ``(m,)``.

    Raises:
        OutputError: If their number is wrong or one is not finite.
        TypeError: If they are no real numbers.
    """
    values = as_real(returned, _RETURN)
    if values.shape != (len(masks),):
        msg = (
            f"The game must return one value per mask: an array of shape ({len(masks)},) for masks "
            f"of shape {masks.shape}, got shape {values.shape}."
        )
        raise OutputError(msg, None, np.arange(len(masks)))
    wrong = np.flatnonzero(~np.isfinite(values) & ~(np.isnan(values) & gaps))
    if len(wrong):
        msg = (
            f"The game returned {values[wrong[0]]} for {describe_mask(masks[wrong[0]])}, and "
            f"values that are not finite for {len(wrong)} of {len(masks)} masks."
        )
        raise OutputError(msg, values[:, None], wrong)
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
    array = _check_shape(masks, n)
    if array.dtype == np.bool_:
        return array
    checked = np.empty(array.shape, dtype=np.bool_)
    for rows in _chunks(array):
        checked[rows] = _as_booleans(array[rows])
    return checked


def pack_masks(masks: ArrayLike, n: int) -> NDArray[np.uint8]:
    """Check recorded masks and pack them, never all of them at once.

    Args:
        masks: What was given; a memory map is read in parts.
        n: The number of players.

    Returns:
        The masks, packed eight to a byte along the players, shape ``(m, ceil(n / 8))``.

    Raises:
        ValueError: If they have another shape or another entry than 0 and 1.
    """
    array = _check_shape(masks, n)
    packed = np.empty((len(array), -(-n // 8)), dtype=np.uint8)
    for rows in _chunks(array):
        packed[rows] = np.packbits(_as_booleans(array[rows]), axis=1)
    return packed


def _check_shape(masks: ArrayLike, n: int) -> NDArray[Any]:
    """Return masks as an array of the right shape; one that is in a file stays there."""
    refuse_masked("masks", masks)
    array = np.asarray(masks)
    if array.ndim != 2 or array.shape[1] != n:  # noqa: PLR2004, masks and players
        msg = f"masks must have shape (m, {n}), one column a player, got {array.shape}."
        raise ValueError(msg)
    return array


def _chunks(array: NDArray[Any]) -> list[slice]:
    """Divide masks into parts that take little memory."""
    step = max(1, _CHUNK // max(1, array.shape[1]))
    return [slice(start, start + step) for start in range(0, len(array), step)]


def _as_booleans(part: NDArray[Any]) -> NDArray[np.bool_]:
    """Return some masks as booleans, unless they have another entry than 0 and 1."""
    if part.dtype == np.bool_:
        return part
    if part.dtype.kind not in _NUMBERS or not ((part == 0) | (part == 1)).all():
        msg = "masks must be boolean, or 0 and 1."
        raise ValueError(msg)
    return part.astype(np.bool_)


def describe_mask(mask: NDArray[Any]) -> str:
    """Name a mask by its players, absent ones if these are fewer."""
    present, absent = np.flatnonzero(mask), np.flatnonzero(mask == 0)
    kind, players = ("present", present) if len(present) <= len(absent) else ("absent", absent)
    listed = ", ".join(map(str, players[:_SHOWN_PLAYERS].tolist()))
    more = ", ..." if len(players) > _SHOWN_PLAYERS else ""
    return f"the mask with players {kind}: [{listed}{more}]"
