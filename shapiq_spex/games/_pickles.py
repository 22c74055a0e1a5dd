"""Read pickles of arrays of bytes without letting them run anything.

A pickle is a program that calls what it names. The one here can name what an array of bytes needs,
and gets stand-ins made for it alone: no function or class of Python or numpy.
"""

from __future__ import annotations

import functools
import io
import pickle
import pickletools
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# what a stream that is no pickle, or a broken one, makes the unpickler raise
_BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


def read_pickle(content: bytes, name: str) -> dict[str, Any]:
    """Return a pickled dict of numbers, texts, lists, and arrays of bytes.

    Texts that Python 2 wrote are returned as bytes, except the dict's keys.

    Args:
        content: The pickle.
        name: What to call it in an error.

    Raises:
        ValueError: If it is broken, no dict, or asks for anything but arrays of bytes.
    """
    try:
        _check_places(content)
        found = _Reader(io.BytesIO(content), encoding="bytes").load()
    except _Refused as error:
        msg = f"{name} is refused: {error}, which no data set needs and which could run code."
        raise ValueError(msg) from None
    except _BROKEN as error:
        msg = f"{name} is no readable pickle: {error}"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = f"{name} holds no dict, but a {type(found).__name__}."
        raise ValueError(msg)  # noqa: TRY004 the same error for every bad file
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): (
            value.array if isinstance(value, _Array) else value
        )
        for key, value in found.items()
    }


def _check_places(content: bytes) -> None:
    """Refuse numbers of remembered things that no pickle of this size needs.

    The unpickler makes room for as many, up to all memory.
    """
    for opcode, argument, _ in pickletools.genops(content):
        if "PUT" in opcode.name and (argument or 0) > len(content):
            msg = f"it remembers a thing as number {argument}."
            raise ValueError(msg)


class _Refused(Exception):  # noqa: N818 it never leaves this module
    """A pickle asks for what it must not have."""


class _Reader(pickle.Unpickler):
    """An unpickler that knows nothing but arrays of bytes."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        """Return the stand-in for what a pickle names."""
        try:
            stand_in = _STAND_INS[module, name]
        except KeyError:
            msg = f"it asks for {module}.{name}"
            raise _Refused(msg) from None
        # a new one each time: a pickle can set attributes of what it is given
        return functools.partial(stand_in)

    def persistent_load(self, pid: object) -> NoReturn:
        """Refuse to look for what is not in the pickle."""
        msg = f"it refers to {pid!r} outside itself"
        raise _Refused(msg)


class _Array:
    """An array on its way out of a pickle, which fills it last."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)

    def __setstate__(self, state: tuple[int, tuple[int, ...], object, bool, bytes]) -> None:
        """Take the array's shape, order and content, as numpy writes them."""
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Bytes) or not isinstance(content, bytes):
            msg = "an array is not of bytes."
            raise ValueError(msg)  # noqa: TRY004 the same error for every broken pickle
        flat = np.frombuffer(content, dtype=np.uint8)
        self.array = flat.reshape(shape, order="F" if fortran else "C")


class _Bytes:
    """The type of an array's numbers: bytes."""

    __slots__ = ()

    def __setstate__(self, _: object) -> None:
        """Take what numpy adds: byte order and the like, which bytes do not have."""


def _make_array(*_: object) -> _Array:
    """Stand in for numpy's ``_reconstruct`` and ``ndarray``: return an array to be filled."""
    return _Array()


def _make_type(kind: object = None, *_: object) -> _Bytes:
    """Stand in for ``numpy.dtype``."""
    if kind not in {"u1", b"u1"}:
        msg = f"an array holds {kind!r}, not bytes."
        raise ValueError(msg)
    return _Bytes()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """Stand in for ``codecs.encode``, as which Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1"}:
        msg = "it holds a text in an encoding other than latin1."
        raise ValueError(msg)
    return text.encode("latin1")


_STAND_INS: Final[dict[tuple[str, str], Callable[..., object]]] = {
    ("numpy.core.multiarray", "_reconstruct"): _make_array,  # before numpy 2
    ("numpy._core.multiarray", "_reconstruct"): _make_array,
    ("numpy", "ndarray"): _make_array,
    ("numpy", "dtype"): _make_type,
    ("_codecs", "encode"): _encode,
}
