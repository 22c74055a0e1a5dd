"""Numbers from users' code: arrays of real ones, and arguments that are one."""

from __future__ import annotations

import math
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS = "biuf"  # of arrays that hold real numbers


def as_real(given: Any, who: str) -> NDArray[np.float64]:  # noqa: ANN401 from users' code
    """Return real numbers as an array; a masked one is NaN, whatever lies under the mask.

    Args:
        given: An array, a number, or a sequence of such.
        who: Who must give real numbers, as "The game must return", for the error.

    Returns:
        The numbers, too large ones as infinity.

    Raises:
        TypeError: If there is something else among them, as a text, a date or pandas' NA.
    """
    try:
        if isinstance(given, list | tuple):  # numpy would take what lies under the masks
            given = [as_real(x, who) if isinstance(x, np.ma.MaskedArray) else x for x in given]
        array = np.asarray(given)
        if array.dtype.kind == "O":
            numbers = np.array([_as_float(each) for each in array.flat], dtype=np.float64)
            array = numbers.reshape(array.shape)
        if array.dtype.kind not in _KINDS:
            msg = f"an array of {array.dtype}"
            raise TypeError(msg)  # noqa: TRY301 the same error as for all that is no number
        with np.errstate(over="ignore"):  # what is too large becomes infinite
            real: NDArray[np.float64] = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"{who} real numbers, got {type(given).__name__}: {error}."
        raise TypeError(msg) from error
    if isinstance(given, np.ma.MaskedArray):
        real[np.ma.getmaskarray(given)] = np.nan
    return real


def check_integer(name: str, value: object, least: int | None = None) -> int:
    """Return an integer of any kind as an int.

    Args:
        name: The argument, for errors.
        value: What was given.
        least: The least that it may be; None for any.

    Raises:
        TypeError: If it is no integer; True is none.
        ValueError: If it is less.
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError  # noqa: TRY301 the same error as for all that is no integer
        number = index(value)  # type: ignore[arg-type]  # what it refuses is an error here
    except TypeError:
        msg = f"{name} must be an integer, got {value!r}."
        raise TypeError(msg) from None
    if least is not None and number < least:
        msg = f"{name} must be at least {least}, got {number}."
        raise ValueError(msg)
    return number


def is_real(value: object) -> bool:
    """Say whether something is a real number or infinite; True, a text and NaN are not."""
    if isinstance(value, bool | np.bool_):
        return False
    try:
        return not math.isnan(_as_float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def check_real(name: str, value: float, least: float) -> None:
    """Refuse anything but a number of at least some size.

    Args:
        name: The argument, for errors.
        value: What was given.
        least: The least that it may be.

    Raises:
        ValueError: If it is less, or no number.
    """
    if not (is_real(value) and value >= least):
        msg = f"{name} must be a number of at least {least:g}, got {value!r}."
        raise ValueError(msg)


def refuse_masked(name: str, given: object) -> None:
    """Refuse a masked array: whoever reads it next would take what lies under the mask.

    Args:
        name: What was given, for the error.
        given: Anything.

    Raises:
        ValueError: If an entry of it is masked.
    """
    parts = given if isinstance(given, list | tuple) else [given]
    if any(np.ma.is_masked(each) for each in parts if isinstance(each, np.ma.MaskedArray)):
        msg = f"{name} must not be masked: leave masked entries out, or fill them in."
        raise ValueError(msg)


def _as_float(value: Any) -> float:  # noqa: ANN401 from users' code
    """Return an object as a number, unless it is none."""
    if value is None or value is np.ma.masked:
        return math.nan
    if isinstance(value, str | bytes | bytearray | np.datetime64 | np.timedelta64):
        msg = f"{value!r} is no number"
        raise TypeError(msg)
    return float(value)
