"""Masks as games are given them: zeros and ones in arithmetic, booleans in logic.

For numpy's booleans ``+`` is "or" and ``-`` is an error; integers would be wrong as an index and
after ``~``. These masks are booleans all of whose arithmetic is that of integers.

Examples:
    >>> import numpy as np
    >>> from shapiq_spex.ablations import Masks
    >>> masks = np.array([[True, True], [False, True]]).view(Masks)
    >>> masks[:, 0] + masks[:, 1], 1 - masks[:, 0]
    (array([2, 1]), array([0, 1]))
    >>> np.arange(2)[~masks[1]]
    array([0])

"""

# ruff: noqa: ANN401 - numpy's protocols take and return anything

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOGIC = frozenset(
    {
        *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
        *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.maximum, np.minimum, np.fmax, np.fmin),
    }
)
_WIDENING = frozenset({np.add, np.multiply})  # reduce booleans as integers by themselves
_UFUNCS_OF_PRODUCTS = frozenset(  # some are younger than the oldest numpy that will do
    getattr(np, name, np.matmul) for name in ("matmul", "vecdot", "matvec", "vecmat")
)
_WITHOUT_UFUNCS = frozenset(  # functions that would add by "or", or subtract by "different"
    {
        *(np.dot, np.vdot, np.inner, np.tensordot, np.einsum, np.convolve, np.correlate),
        *(np.diff, np.ediff1d, np.polymul),
    }
)


class Masks(np.ndarray):
    """Boolean masks that can be added up.

    Logic, comparisons and slices of them are such masks again, down to single entries; all other
    results are plain numbers and arrays. ``np.asarray`` leaves numpy's own booleans.
    """

    __slots__ = ()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any
    ) -> Any:
        if out and out[0] is inputs[0] and inputs[0].ndim == 0:
            out = ()  # a number: `x += y` gives it another value, and changes no array
        given = [_plain(each) for each in inputs]
        options = {name: _plain(each) for name, each in options.items()}
        is_logic = ufunc in _LOGIC or (ufunc is np.multiply and all(map(_is_boolean, given)))
        changed = (inputs[:1] if method == "at" else ()) + out
        if not is_logic and any(isinstance(each, Masks) and _is_boolean(each) for each in changed):
            msg = (
                f"Masks are booleans, which cannot hold what comes of '{ufunc.__name__}'. Write "
                "`a = a + b` instead of `a += b`, or convert them first: masks.astype(float)."
            )
            raise TypeError(msg)
        widens = ufunc in _WIDENING and method in ("reduce", "accumulate", "reduceat")
        call = getattr(ufunc, method)
        if out:
            options["out"] = tuple(map(_plain, out))
        if is_logic or widens or method == "at":
            result = call(*given, **options)
        elif ufunc in _UFUNCS_OF_PRODUCTS:
            result = _multiply(call, given, options)
        else:
            result = call(*(given if out and not _all_boolean(given) else _cast(given)), **options)
        if out:
            return out[0] if len(out) == 1 else out
        return _wrap(result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _WITHOUT_UFUNCS:
            return _multiply(func, args, kwargs)
        result = super().__array_function__(func, types, args, kwargs)
        if func is np.full_like and _is_boolean(result):
            _check_entries([*args[1:], *kwargs.values()][0])
        return _wrap(result)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if type(found) is Masks else _wrap(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Refuse what would silently become True."""
        if _is_boolean(self):
            _check_entries(value)
        super().__setitem__(key, value)

    def __hash__(self) -> int:  # type: ignore[override]
        """Let entries be keys, as numpy's numbers are."""
        if self.ndim:
            msg = "unhashable type: 'Masks'"
            raise TypeError(msg)
        return hash(bool(self))

    @property  # type: ignore[misc]  # nothing is written there
    def flat(self) -> Any:
        """The entries one after the other, to be read."""
        entries = self.flatten()
        entries.flags.writeable = False
        return entries

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """Convert; what is not boolean is a plain array."""
        return _wrap(super().astype(*args, **kwargs))

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """View; what is not boolean is a plain array."""
        found = super().view(*args, **kwargs)
        return found if found.dtype == np.bool_ else _plain(found)

    def dot(self, b: Any, out: Any = None) -> Any:
        """Multiply by a matrix or a vector."""
        return np.dot(self, b, out)

    def take(self, *args: Any, **kwargs: Any) -> Any:
        """Return entries."""
        return _wrap(super().take(*args, **kwargs))


def _entry(*, on: bool) -> Masks:
    """Return a single entry that cannot be changed."""
    entry = np.array(on).view(Masks)
    entry.flags.writeable = False
    return entry


_ENTRIES = (_entry(on=False), _entry(on=True))


def _check_entries(value: Any) -> None:
    """Refuse what would silently become True.

    Raises:
        TypeError: If there is something else than 0 and 1.
    """
    if not _is_boolean(value) and not np.isin(np.asarray(value), (0, 1)).all():
        msg = "Masks hold booleans: only 0 and 1 can be written into them."
        raise TypeError(msg)


def _plain(given: Any) -> Any:
    """Return an array of numpy's own in place of masks."""
    if isinstance(given, Masks):
        return np.ndarray.view(given, np.ndarray)
    if isinstance(given, tuple | list):
        return type(given)(map(_plain, given)) if type(given) in (tuple, list) else given
    return given


def _wrap(result: Any) -> Any:
    """Return masks in place of booleans, and plain arrays in place of other masks."""
    if type(result) in (tuple, list):
        return type(result)(map(_wrap, result))
    if isinstance(result, np.bool_):
        return _ENTRIES[bool(result)]
    if isinstance(result, np.ndarray):
        if result.dtype != np.bool_:
            return _plain(result)
        return result.view(Masks) if type(result) is np.ndarray else result
    return result


def _is_boolean(given: Any) -> bool:
    return isinstance(given, bool) or getattr(given, "dtype", None) == np.bool_


def _all_boolean(given: Sequence[Any]) -> bool:
    return all(map(_is_boolean, given))


def _is_whole(given: Any) -> bool:
    """Say whether numbers fit into integers, or are of a library that may take booleans for none.

    All others turn booleans into numbers of their own kind by themselves.
    """
    if isinstance(given, int):
        return True
    if isinstance(given, np.ndarray | np.generic):
        return np.can_cast(given.dtype, np.intp)
    return not isinstance(given, float | complex)


def _cast(given: Sequence[Any]) -> list[Any]:
    """Return integers in place of booleans, where no other operand makes numbers of them."""
    if not all(map(_is_whole, given)):
        return list(given)
    return [_numbers(each, np.intp) for each in given]


def _numbers(given: Any, kind: type) -> Any:
    if isinstance(given, bool):
        return kind(given)
    return given.astype(kind) if _is_boolean(given) else given


def _multiply(call: Callable[..., Any], args: Sequence[Any], options: dict[str, Any]) -> Any:
    """Add up products, those of booleans exactly and fast."""
    given = [_plain(each) for each in args]
    options = {name: _plain(each) for name, each in options.items()}
    arrays = [each for each in given if isinstance(each, np.ndarray)]
    if not _all_boolean(arrays):
        return _wrap(call(*_cast(given), **options))
    # up to 2^53 products
    result = call(*(_numbers(each, np.float64) for each in given), **options)
    return result.astype(np.intp) if options.get("out") is None else result
