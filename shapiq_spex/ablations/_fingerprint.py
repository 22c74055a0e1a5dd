"""What a game is, as a number: equal for equal games in every process, another for others.

A game that says itself what changes its values, by an attribute ``fingerprint``, is taken at its
word. Any other is read: its state, its code, and the globals and closures that this refers to,
down to numbers, texts and arrays. Only a digest of all that is kept, nothing of it can be read
back. Functions and classes of installed packages count by their names.

Games that count their calls change by being evaluated. What an evaluation changed is no part of
what a game is, and is read as it was at first until anything else changes it.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import hashlib
import importlib
import inspect
import sys
import sysconfig
import threading
import types
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ATOMS = (type(None), bool, int, float, complex, str, bytes, types.EllipsisType)
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_DICTIONARIES = (dict, OrderedDict, defaultdict, Counter)
_WRAPPERS = (staticmethod, classmethod, property, functools.cached_property)
_CACHED = type(functools.lru_cache(len))
_LOCKS = (type(threading.Lock()), type(threading.RLock()))  # change no value
_INSTALLED = ("site-packages", "dist-packages")
_PROTOCOL = 2  # of what objects say of their state
_GAME_STATE = frozenset(  # of shapiq.Game, which changes no value or differs between processes
    {
        *("game_id", "verbose", "empty_coalition", "grand_coalition"),
        *("_empty_coalition_value_property", "_grand_coalition_value_property"),
    }
)
_OBJECT_STATE = frozenset({"_stop_words_id"})  # scikit-learn keeps the id of an object there
_CLASS_STATE = frozenset(  # what classes keep beside what they do
    {
        *("__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__annotations__"),
        *("__firstlineno__", "__static_attributes__", "__abstractmethods__", "__parameters__"),
        *("__orig_bases__", "__annotate__", "__annotations_cache__", "__slots__", "_abc_impl"),
        "__slotnames__",  # which copyreg adds when it first looks
    }
)

_Slot = tuple[int, object]


@dataclass
class _Place:
    """An attribute, an entry, a variable, or the contents of a list, a set or an array."""

    owner: object
    held: int  # the id of what it holds
    digest: bytes
    innermost: bool


@dataclass
class _Memory:
    """How a place was before it was first changed by an evaluation, and after the last one."""

    first: bytes | None  # None where it was not there
    last: bytes
    keeps_the_id: object


_memories: dict[_Slot, _Memory] = {}


class Identifier:
    """Finds the fingerprint of a game, which may change between two evaluations."""

    def __init__(self, game: Any, given: str | None = None) -> None:  # noqa: ANN401 any callable
        """Remember the game.

        Args:
            game: The game.
            given: What the user says of it, in place of what is found.
        """
        self._game, self._given = game, given
        self._subject: object = game  # what is read
        self._last: _Reader | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was read behind: it is read again before it is needed."""
        return {**self.__dict__, "_subject": self._game, "_last": None}

    def fingerprint(self) -> str:
        """Return the fingerprint as of now, 64 hexadecimal digits.

        Raises:
            ValueError: If something in the game cannot be read.
        """
        if self._given is not None:
            return _Reader(["given", self._given]).total.hex()
        kind = type(self._game)
        said = getattr(self._game, "fingerprint", None)
        try:
            if said is not None:
                value = said() if callable(said) else said
                self._subject = [kind.__module__, kind.__qualname__, value]
            self._last = _Reader(self._subject)
        except Exception as error:
            msg = (
                f"Cannot tell what the values of this {kind.__name__} depend on: reading it raised "
                f"{type(error).__name__}. Pass fingerprint='...', a text that names everything "
                "that changes a value, or give the game an attribute `fingerprint`."
            )
            raise ValueError(msg) from error
        return self._last.total.hex()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluate the game within this context, right after the fingerprint was asked for."""
        try:
            yield
        finally:
            if self._last is not None:
                # what cannot be read any more is for the next call to complain of
                with suppress(Exception):
                    _learn(self._last, _Reader(self._subject))


def _learn(before: _Reader, after: _Reader) -> None:
    """Remember what changed from before an evaluation to after it."""
    for slot, place in after.places.items():
        old = before.places.get(slot)
        if old is None:
            if id(place.owner) not in before.owners:
                continue  # a new object; the place that holds it has changed itself
            first = None
        elif old.digest == place.digest or (old.held == place.held and not old.innermost):
            continue  # nothing, or something further inside
        else:
            known = _memories.get(slot)
            first = known.first if known and known.last == old.digest else old.digest
        _memories[slot] = _Memory(first, place.digest, _keep(place.owner, slot))


def _keep(owner: object, slot: _Slot) -> object:
    """Keep an id from being used again while a slot is remembered, or forget the slot in time."""
    try:
        weakref.finalize(owner, _memories.pop, slot, None)
    except TypeError:
        return owner  # lists, dictionaries and closures: small, and seldom counted in
    return None


class _Reader:
    """Reads an object down to numbers, texts and arrays.

    Attributes:
        total: The digest of the object.
        places: Every place that was read.
        owners: The ids of what has places, though it may have none yet.
    """

    def __init__(self, value: object) -> None:
        self.places: dict[_Slot, _Place] = {}
        self.owners: set[int] = set()
        self._known: dict[int, tuple[bytes, object]] = {}  # with what keeps the id
        self._open: dict[int, int] = {}
        self._n_places = 0
        self.total = self.digest(value)

    def digest(self, value: object) -> bytes:
        """Return the digest of a value."""
        if type(value) in _ATOMS:
            return _join(type(value).__name__, [repr(value).encode("utf-8", "surrogatepass")])
        key = id(value)
        if key in self._known:
            self._n_places += 1  # it may have places
            return self._known[key][0]
        if key in self._open:
            return _join("cycle", [str(len(self._open) - self._open[key]).encode()])
        self._open[key] = len(self._open)
        found = _join(*self._take_apart(value))
        del self._open[key]
        self._known[key] = (found, value)
        return found

    def _take_apart(self, value: object) -> tuple[str, Iterable[bytes]]:
        """Return what kind of thing a value is, and the digests of its parts."""
        exact = self._readers.get(type(value))
        if exact is not None:
            return type(value).__name__, exact(value)
        if isinstance(value, type):
            return "class", self._class(value)
        if isinstance(value, np.generic):
            return "number", self._contents(np.asarray(value))
        return "object", self._object(value)

    @functools.cached_property
    def _readers(self) -> dict[type, Callable[[Any], Iterable[bytes]]]:
        """How to read things that do not say themselves what they consist of."""
        return {
            np.ndarray: lambda v: self._whole(v, lambda: self._contents(v)),
            **dict.fromkeys(_SEQUENCES, lambda v: self._whole(v, lambda: map(self.digest, v))),
            **dict.fromkeys(_SETS, lambda v: self._whole(v, lambda: sorted(map(self.digest, v)))),
            **dict.fromkeys(_DICTIONARIES, self._dictionary),
            **dict.fromkeys(_WRAPPERS, self._wrapper),
            **dict.fromkeys(_LOCKS, lambda _: []),
            _CACHED: lambda v: [self.digest(v.__wrapped__)],
            types.FunctionType: self._function,
            types.MethodType: lambda v: [self.digest(v.__func__), self.digest(v.__self__)],
            types.ModuleType: lambda v: [v.__name__.encode()],
            types.CodeType: self._code,
        }

    def _place(self, slot_of: object, key: object, held: int, read: Callable[[], bytes]) -> bytes:
        """Read a place; where only evaluations changed it, as it was before: nothing, if absent."""
        slot = (id(slot_of), key)
        before = self._n_places
        found = read()
        self.places[slot] = _Place(slot_of, held, found, innermost=self._n_places == before)
        self._n_places += 1
        memory = _memories.get(slot)
        if memory is None or memory.last != found:
            return found
        return memory.first or b""

    def _variable(self, owner: object, name: object, value: object) -> bytes:
        """Read a place that holds a value, and its name; nothing if it is to be left out."""
        found = self._place(owner, name, id(value), lambda: self.digest(value))
        return found and _join(str(name), [found])

    def _whole(self, owner: object, read: Callable[[], Iterable[bytes]]) -> list[bytes]:
        """Read all of something as one place."""
        self.owners.add(id(owner))
        return [self._place(owner, None, 0, lambda: _join("", read()))]

    def _entries(self, owner: object, entries: Iterable[tuple[Any, Any]]) -> list[bytes]:
        """Return the digests of named places of an owner."""
        self.owners.add(id(owner))
        found = []
        for key, value in entries:
            name = key if isinstance(key, str) else self.digest(key).hex()
            found.append(self._variable(owner, name, value))
        return [part for part in found if part]

    def _dictionary(self, value: dict[Any, Any]) -> list[bytes]:
        factory = getattr(value, "default_factory", None)
        return [self.digest(factory), *self._entries(value, list(value.items()))]

    def _wrapper(self, value: object) -> list[bytes]:
        names = ("__func__", "fget", "fset", "func")
        return [self.digest(getattr(value, name, None)) for name in names]

    def _contents(self, array: np.ndarray) -> list[bytes]:
        shape = f"{array.dtype.str} {array.shape}".encode()
        if array.dtype.names:  # between fields there may be bytes that mean nothing
            return [shape, *(_join(n, self._contents(array[n])) for n in array.dtype.names)]
        if array.dtype.hasobject:
            return [shape, *map(self.digest, array.ravel().tolist())]
        return [shape, np.ascontiguousarray(array).tobytes()]

    def _function(self, function: types.FunctionType) -> list[bytes]:
        parts = [self.digest(function.__defaults__), self.digest(function.__kwdefaults__)]
        parts += self._entries(function, sorted(vars(function).items()))
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            with suppress(ValueError):  # an empty cell, as of a function not yet defined
                parts += self._entries(cell, [(name, cell.cell_contents)])
        if _is_installed(function.__module__):
            return [*parts, f"{function.__module__}.{function.__qualname__}".encode()]
        variables, code = function.__globals__, function.__code__
        names = set(_names(code))
        for name in sorted(set(_globals_read(code)) & variables.keys()):
            parts += self._entries(variables, [(name, variables[name])])
            if isinstance(variables[name], types.ModuleType):
                parts += self._module(variables[name], names)
        for name in sorted(set(_imports(code))):
            parts += self._module(_import(name, variables.get("__package__")), names)
        return [*parts, self.digest(code)]

    def _module(self, module: types.ModuleType | None, names: set[str]) -> list[bytes]:
        """Read what code that reads such names can mean by them in a user's own module."""
        if module is None or _is_installed(module.__name__):
            return []
        meant = sorted((k, v) for k, v in vars(module).items() if k in names)
        parts = self._entries(module, meant)
        for _, value in meant:
            if isinstance(value, types.ModuleType):
                parts += self._module(value, names)
        return parts

    def _code(self, code: types.CodeType) -> list[bytes]:
        names = (code.co_names, code.co_varnames, code.co_argcount, code.co_kwonlyargcount)
        parts = [code.co_code, code.co_exceptiontable, repr(names).encode()]
        return parts + [self.digest(constant) for constant in code.co_consts]

    def _class(self, cls: type) -> list[bytes]:
        if _is_installed(cls.__module__):
            return [f"{cls.__module__}.{cls.__qualname__}".encode()]
        content = [
            (name, value)
            for name, value in sorted(vars(cls).items())
            if name not in _CLASS_STATE
            and not name.startswith("__dataclass")
            # slots, whose contents are part of the instances
            and not inspect.ismemberdescriptor(value)
            and not inspect.isgetsetdescriptor(value)
        ]
        bases = [self.digest(base) for base in cls.__bases__]
        return [cls.__qualname__.encode(), *bases, *self._entries(cls, content)]

    def _object(self, value: object) -> list[bytes]:
        """Read an object by what it says of its own state."""
        parts = [self.digest(type(value))]
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer else value.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            return [*parts, reduced.encode()]
        maker, arguments, state, *items = (*reduced, None, None, None, None)[:5]
        parts += [self.digest(maker), self.digest(arguments), *self._state(value, state)]
        if isinstance(value, np.ndarray):
            parts += self._entries(value, sorted(getattr(value, "__dict__", {}).items()))
        return parts + [self.digest(list(part)) for part in items if part is not None]

    def _state(self, owner: object, state: object) -> list[bytes]:
        from shapiq import Game  # noqa: PLC0415 the package imports this module on its own

        if isinstance(state, tuple):
            return [part for piece in state for part in self._state(owner, piece)]
        if not isinstance(state, dict):
            self.owners.add(id(owner))
            return [self.digest(state)]
        skipped = _OBJECT_STATE | (_GAME_STATE if isinstance(owner, Game) else frozenset())
        kept = [(str(key), value) for key, value in state.items() if key not in skipped]
        return self._entries(owner, sorted(kept, key=lambda item: item[0]))


def _join(kind: str, parts: Iterable[bytes]) -> bytes:
    """Digest a kind and parts, each with its length: no two lists of parts read the same."""
    found = hashlib.sha256(kind.encode("utf-8", "surrogatepass") + b"\0")
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of globals, attributes and modules in code."""
    for inner in _codes(code):
        yield from inner.co_names


def _globals_read(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that code reads."""
    for inner in _codes(code):
        for instruction in dis.get_instructions(inner):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield instruction.argval


def _imports(code: types.CodeType) -> Iterator[str]:
    """Yield the modules that code imports when it runs."""
    for inner in _codes(code):
        for instruction in dis.get_instructions(inner):
            if instruction.opname == "IMPORT_NAME":
                yield instruction.argval


def _import(name: str, package: str | None) -> types.ModuleType | None:
    """Return a module that code imports, absolutely or from its package; None if neither works."""
    for full in (name, f"{package}.{name}" if package else ""):
        with suppress(ImportError, ValueError):
            if full:
                return importlib.import_module(full)
    return None


@functools.cache
def _standard_library() -> str:
    return str(Path(sysconfig.get_paths()["stdlib"]).resolve())


def _is_installed(module_name: str | None) -> bool:
    """Say whether a module belongs to Python or an installed package, and counts by its name."""
    name = module_name or ""
    if name.partition(".")[0] in ("shapiq", "shapiq_spex"):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return name in sys.builtin_module_names or name.startswith(("_frozen", "importlib._"))
    if any(folder in file for folder in _INSTALLED):
        return True
    return str(Path(file).resolve()).startswith(_standard_library())
