"""What a game is, as a number: equal for equal games in every process, another for others.

A game that says itself what changes its values, by an attribute ``fingerprint``, is taken at its
word. Any other is read: its state, its code, and the globals and closures that this refers to,
down to numbers, texts and arrays. Only a digest of all that is kept, nothing of it can be read
back. Functions and classes of installed packages count by their names.

Games that count their calls change by being evaluated. What an evaluation changed in an object does
not describe it and is read as it was at first; see :meth:`Identity.settle`.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import sys
import threading
import types
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ATOMS = (type(None), bool, int, float, complex, str, bytes, types.EllipsisType)
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_METHODS = (staticmethod, classmethod, property, cached_property)
_DICTIONARIES = (dict, OrderedDict, defaultdict, Counter)
_LOCKS = (type(threading.Lock()), type(threading.RLock()))  # change no value
_INSTALLED = ("site-packages", "dist-packages")
_PROTOCOL = 2  # of what objects say of their state
_GAME_STATE = frozenset(  # of shapiq.Game, which changes no value or differs between processes
    {
        *("game_id", "verbose", "player_name_lookup", "empty_coalition", "grand_coalition"),
        *("_empty_coalition_value_property", "_grand_coalition_value_property"),
    }
)

Slot = tuple[int, object]
_first_seen: dict[Slot, tuple[bytes, object]] = {}
"""The first digest of each place that an evaluation changed, and what keeps its owner's id."""


@dataclass
class Identity:
    """A game's fingerprint.

    Attributes:
        fingerprint: 64 hexadecimal digits.
    """

    fingerprint: str
    _read_again: Callable[[], dict[Slot, _Place]] | None
    _places: dict[Slot, _Place]

    def settle(self) -> None:
        """Learn from an evaluation what of the game's state is no part of what it is."""
        if self._read_again is None:
            return
        for slot, place in self._read_again().items():
            before = self._places.get(slot)
            if before and before.innermost and before.digest != place.digest:
                _first_seen[slot] = (before.digest, _keep(before.owner, slot))
        self._read_again = None


@dataclass
class _Place:
    """An attribute, an entry, a closure's or a global variable, or a whole container."""

    owner: object
    digest: bytes
    innermost: bool


def identify(game: Any, given: str | None = None) -> Identity:  # noqa: ANN401 any callable
    """Find a game's fingerprint.

    Args:
        game: The game.
        given: What the user says of it, in place of what is found.

    Returns:
        The fingerprint.

    Raises:
        ValueError: If something in the game cannot be read.
    """
    if given is not None:
        return Identity(_hex(["given", given]), None, {})
    said = getattr(game, "fingerprint", None)
    if said is not None:
        name = f"{type(game).__module__}.{type(game).__qualname__}"
        value = said() if callable(said) else said
        return Identity(_hex([name, value]), None, {})

    def read() -> _Reader:
        reader = _Reader()
        reader.total = reader.digest(game)
        return reader

    try:
        reader = read()
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        msg = (
            f"Cannot tell what the values of this {type(game).__name__} depend on ({error}). Pass "
            "fingerprint='...', a text that names everything that changes a value, or give the "
            "game an attribute `fingerprint`."
        )
        raise ValueError(msg) from error
    return Identity(reader.total.hex(), lambda: read().places, reader.places)


def _hex(value: object) -> str:
    return _Reader().digest(value).hex()


def _keep(owner: object, slot: Slot) -> object:
    """Keep an id from being used again while a slot is remembered, or forget the slot in time."""
    try:
        weakref.finalize(owner, _first_seen.pop, slot, None)
    except TypeError:
        return owner  # lists, dictionaries and closures: small, and seldom counted in
    return None


class _Reader:
    """Reads objects down to numbers, texts and arrays.

    Attributes:
        places: Every place that was read.
        total: The digest of the whole.
    """

    def __init__(self) -> None:
        self.places: dict[Slot, _Place] = {}
        self.total = b""
        self._known: dict[int, tuple[bytes, object]] = {}  # with what keeps the id
        self._open: dict[int, int] = {}
        self._n_read = 0

    def digest(self, value: object) -> bytes:
        """Return the digest of a value."""
        if isinstance(value, _ATOMS) and type(value) in _ATOMS:
            return _join(type(value).__name__, [repr(value).encode("utf-8", "surrogatepass")])
        key = id(value)
        if key in self._known:
            self._n_read += 1  # it may hold places
            return self._known[key][0]
        if key in self._open:
            return _join("cycle", [str(len(self._open) - self._open[key]).encode()])
        self._open[key] = len(self._open)
        kind, parts = self._take_apart(value)
        found = _join(kind, parts)
        del self._open[key]
        self._known[key] = (found, value)
        return found

    def _take_apart(self, value: object) -> tuple[str, Iterable[bytes]]:
        """Return what kind of thing a value is, and the digests of its parts."""
        if type(value) in _DICTIONARIES:
            return "dict", self._entries(value, value)  # type: ignore[arg-type]
        for kind, read in self._readers.items():
            if isinstance(value, kind):
                name = type(value).__name__ if kind in _SEQUENCES else kind.__name__
                return name, read(value)
        return "object", self._object(value)

    @cached_property
    def _readers(self) -> dict[type, Callable[[Any], Iterable[bytes]]]:
        """How to read things that do not say themselves what they consist of."""
        return {
            **dict.fromkeys((np.ndarray, np.generic), self._array),
            **dict.fromkeys(_SEQUENCES, lambda v: [self._place(v, None, lambda: self._items(v))]),
            **dict.fromkeys(_SETS, lambda v: [self._place(v, None, lambda: self._members(v))]),
            **dict.fromkeys(_METHODS, self._method),
            types.FunctionType: self._function,
            types.MethodType: lambda v: [self.digest(v.__func__), self.digest(v.__self__)],
            types.ModuleType: lambda v: [v.__name__.encode()],
            types.CodeType: self._code,
            type: self._class,
        }

    def _place(self, owner: object, key: object, read: Callable[[], bytes]) -> bytes:
        """Read a place, or remember it as it was before it was evaluated."""
        slot = (id(owner), key)
        before = self._n_read
        found = read()
        innermost = self._n_read == before
        self._n_read += 1
        if slot in _first_seen:
            found = _first_seen[slot][0]
        self.places[slot] = _Place(owner, found, innermost)
        return found

    def _variable(self, owner: object, name: object, value: object) -> bytes:
        """Read a place that holds a value."""
        return self._place(owner, name, lambda: self.digest(value))

    def _items(self, values: Iterable[object]) -> bytes:
        return _join("", [self.digest(value) for value in values])

    def _entries(self, owner: object, entries: dict[Any, Any]) -> list[bytes]:
        """Return the digests of a dictionary's entries, which belong to an owner, in any order."""
        return sorted(
            self.digest(key) + self._variable(owner, _slot_key(key), value)
            for key, value in list(entries.items())
        )

    def _members(self, values: Iterable[object]) -> bytes:
        return _join("", sorted(map(self.digest, values)))

    def _method(self, value: object) -> list[bytes]:
        return [self.digest(getattr(value, n, None)) for n in ("__func__", "fget", "func")]

    def _array(self, value: np.ndarray | np.generic) -> list[bytes]:
        return [self._place(value, None, lambda: _join("", self._contents(np.asarray(value))))]

    def _contents(self, array: np.ndarray) -> list[bytes]:
        shape = f"{array.dtype.str} {array.shape}".encode()
        if array.dtype.names:  # between fields there may be bytes that mean nothing
            return [shape, *(_join(n, self._contents(array[n])) for n in array.dtype.names)]
        if array.dtype.hasobject:
            return [shape, *map(self.digest, array.ravel().tolist())]
        return [shape, np.ascontiguousarray(array).tobytes()]

    def _function(self, function: types.FunctionType) -> list[bytes]:
        if _is_installed(function.__module__):
            return [f"{function.__module__}.{function.__qualname__}".encode()]
        code, cells = function.__code__, function.__closure__ or ()
        parts = [self.digest(code), self.digest(function.__defaults__)]
        parts.append(self.digest(function.__kwdefaults__))
        for name, cell in zip(code.co_freevars, cells, strict=True):
            with suppress(ValueError):  # an empty cell, as of a function not yet defined
                value = self._variable(cell, name, cell.cell_contents)
                parts.append(name.encode() + value)
        variables = function.__globals__
        for name in sorted(_global_names(code)):
            if name in variables:
                value = self._variable(variables, name, variables[name])
                parts.append(name.encode() + value)
        return parts

    def _code(self, code: types.CodeType) -> list[bytes]:
        names = (code.co_names, code.co_varnames, code.co_argcount, code.co_kwonlyargcount)
        return [code.co_code, repr(names).encode(), *map(self.digest, code.co_consts)]

    def _class(self, cls: type) -> list[bytes]:
        parts = [f"{cls.__module__}.{cls.__qualname__}".encode()]
        if _is_installed(cls.__module__):
            return parts
        parts += [self.digest(base) for base in cls.__bases__]
        for name, value in sorted(vars(cls).items()):
            dunder = name.startswith("__") and name.endswith("__")
            if isinstance(value, (types.FunctionType, *_METHODS)) or not (
                dunder or name == "_abc_impl"
            ):
                if inspect.isdatadescriptor(value) and not isinstance(value, property):
                    continue  # slots, whose contents are part of the instances
                content = self._variable(cls, name, value)
                parts.append(name.encode() + content)
        return parts

    def _object(self, value: object) -> list[bytes]:
        """Read an object by what it says of its own state."""
        parts = [self.digest(type(value))]
        if isinstance(value, _LOCKS):
            return parts
        reduced = value.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            return [*parts, reduced.encode()]
        maker, arguments, state, *more = (*reduced, None)[:6]
        parts += [self.digest(maker), self.digest(arguments)]
        parts += self._state(value, state)
        return parts + [self.digest(list(items)) for items in more if items is not None]

    def _state(self, owner: object, state: object) -> list[bytes]:
        if isinstance(state, dict):
            kept = {k: v for k, v in state.items() if k not in _skipped(owner)}
            return self._entries(owner, kept)
        if isinstance(state, tuple):
            return [part for s in state for part in self._state(owner, s)]
        return [self.digest(state)]


def _join(kind: str, parts: Iterable[bytes]) -> bytes:
    """Digest a kind and parts, each with its length: no two lists of parts read the same."""
    found = hashlib.sha256(kind.encode() + b"\0")
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


def _slot_key(key: object) -> object:
    return key if isinstance(key, str | int | bytes) else repr(key)


def _skipped(owner: object) -> frozenset[str]:
    from shapiq import Game  # noqa: PLC0415 the package imports this module on its own

    return _GAME_STATE if isinstance(owner, Game) else frozenset()


def _global_names(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that a function and those inside it read."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _is_installed(module_name: str | None) -> bool:
    """Say whether a module belongs to Python or an installed package, and counts by its name."""
    top = (module_name or "").partition(".")[0]
    if top in ("shapiq", "shapiq_spex") or top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module_name or ""), "__file__", None)
    return file is not None and any(folder in file for folder in _INSTALLED)
