"""Reading an object down to numbers, texts and arrays, and digesting these.

Functions are read with the globals and closures that they refer to. Functions and classes of
installed packages count by their names and their packages' versions. Only digests are kept.
"""

from __future__ import annotations

import copyreg
import functools
import gc
import hashlib
import inspect
import random
import sys
import threading
import types
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._code import (
    Methods,
    find_globals,
    find_globals_handed_on,
    find_imports,
    find_names,
)
from ._origins import (
    find_version,
    is_installed_class,
    is_installed_function,
    is_installed_module,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ATOMS = (type(None), bool, int, float, complex, str, bytes, types.EllipsisType)
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_DICTIONARIES = (dict, OrderedDict, defaultdict, Counter)
_WRAPPERS = (staticmethod, classmethod, property, functools.cached_property)
_CACHED = type(functools.lru_cache(len))
_PADDED = "gG"  # types of numbers with bytes that mean nothing
_LOCKS = (type(threading.Lock()), type(threading.RLock()))  # change no value
_MORE_ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_PROTOCOL = 2  # of what objects say of their state
_GAME_STATE = frozenset(  # of shapiq.Game, which changes no value or differs between processes
    {
        *("game_id", "verbose", "empty_coalition", "grand_coalition"),
        *("_empty_coalition_value_property", "_grand_coalition_value_property"),
    }
)
_GENERATORS = (
    np.random.Generator,
    np.random.BitGenerator,
    np.random.RandomState,
    random.Random,
)  # of random numbers, whose state is all one
_OBJECT_STATE = frozenset({"_stop_words_id"})  # scikit-learn keeps the id of an object there
_NOTES = {  # what packages note beside the numbers, which changes none
    "scipy": frozenset(
        {
            *("has_canonical_format", "_has_canonical_format", "has_sorted_indices"),
            *("_has_sorted_indices", "maxprint"),
        }
    ),
    "pandas": frozenset({"attrs"}),
}
_CLASS_STATE = frozenset(  # what classes keep beside what they do
    {
        *("__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__annotations__"),
        *("__firstlineno__", "__static_attributes__", "__abstractmethods__", "__parameters__"),
        *("__orig_bases__", "__annotate__", "__annotations_cache__", "__slots__", "_abc_impl"),
        "__slotnames__",  # which copyreg adds when it first looks
    }
)

Slot = tuple[int, object]
"""A place: the id of what has it, and an attribute's, an entry's or a variable's name, or None."""

First = dict[Slot, tuple[bytes, bytes, tuple[str, ...]]]
"""What a place is after an evaluation, what it was at first, and the names on the way to it."""


class Versions(tuple[str, ...]):  # noqa: SLOT001 it may have none
    """The names of packages that a value depends on, for games that say what they depend on."""


@dataclass
class Place:
    """An attribute, an entry, a variable, or the contents of a list, a set or an array.

    Attributes:
        owner: What has it.
        held: The id of what it holds, or a number of all these.
        digest: The digest of that.
        read_as: What was read instead where only evaluations changed it: nothing, if absent.
        innermost: Whether there is no other place further inside.
        names: The names on the way there, its own the last.
        owners: What has each of these.
        in_globals: Whether the way there goes through a global variable.
    """

    owner: object
    held: int
    digest: bytes
    read_as: bytes
    innermost: bool
    names: tuple[str, ...]
    owners: tuple[object, ...]
    in_globals: bool

    @property
    def is_generator(self) -> bool:
        """Whether it is the state of a generator of random numbers."""
        return isinstance(self.owner, _GENERATORS)


@dataclass(frozen=True, eq=False)
class Additions:
    """What a user's classes add to one that says itself what its values depend on.

    Attributes:
        game: An instance.
        classes: The classes.
        base: The class that says it.
        left_out: The names of members that change nothing that is kept.
    """

    game: object
    classes: tuple[type, ...]
    base: type
    left_out: frozenset[str]


@dataclass
class Code:
    """What the code of a game may do.

    Attributes:
        functions: The code of functions that are not methods.
        methods: That of methods, by their names.
    """

    functions: list[types.CodeType]
    methods: Methods


class Reader:
    """Reads an object.

    Attributes:
        total: The digest of the object.
        places: Every place that was read.
        owners: What has places, though it may have none yet, by their ids.
        code: The code that was read.
        was_named_otherwise: Whether it is not digested as it was before versions counted.
    """

    def __init__(
        self,
        value: object,
        first: First,
        *,
        versions: bool = True,
        attrs: bool = False,
    ) -> None:
        """Read all of it.

        Args:
            value: The object.
            first: How places are to be read that are as evaluations left them: what they are then,
                what they were at first (nothing, if they were not there), and the names on the way.
            versions: Whether versions of packages count.
            attrs: Whether the `attrs` of pandas count.
        """
        self.places: dict[Slot, Place] = {}
        self.owners: dict[int, object] = {}
        self.code = Code([], {})
        self.was_named_otherwise = False
        self._first, self._versions = first, versions
        self._known: dict[int, tuple[bytes, object]] = {}  # with what keeps the id
        self._open: dict[int, int] = {}
        self._packages: dict[str, str | None] = {}  # their versions
        self._n_places = 0
        self._names: tuple[str, ...] = ()
        self._owners: tuple[object, ...] = ()
        self._in_globals = self._in_class = False  # True within the members of a class
        self._attrs, self._leaves_attrs = attrs, False
        self.total = self.digest(value)
        self._known.clear()  # copies among them
        if self._leaves_attrs and self._reads("attrs"):
            again = Reader(value, first, versions=versions, attrs=True)
            self.__dict__.update(again.__dict__)

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
        if isinstance(value, _GENERATORS):
            found = self._one_place(value)
        else:
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

    def _reads(self, name: str) -> bool:
        """Say whether some code that was read names something."""
        methods = (code for codes in self.code.methods.values() for _, code in codes)
        return any(name in set(find_names(code)) for code in (*self.code.functions, *methods))

    @functools.cached_property
    def _readers(self) -> dict[type, Callable[[Any], Iterable[bytes]]]:
        """How to read things that do not say themselves what they consist of."""
        return {
            np.ndarray: lambda v: self._whole(v, lambda: self._contents(v)),
            np.memmap: lambda v: self._whole(v, lambda: self._contents(np.asarray(v))),
            **dict.fromkeys(_SEQUENCES, lambda v: self._whole(v, lambda: map(self.digest, v), v)),
            **dict.fromkeys(
                _SETS, lambda v: self._whole(v, lambda: sorted(map(self.digest, v)), v)
            ),
            **dict.fromkeys(_DICTIONARIES, self._dictionary),
            **dict.fromkeys(_WRAPPERS, self._wrapper),
            **dict.fromkeys(_LOCKS, lambda _: []),
            _CACHED: lambda v: [self.digest(v.__wrapped__)],
            types.FunctionType: self._function,
            types.MethodType: lambda v: [self.digest(v.__func__), self.digest(v.__self__)],
            types.ModuleType: self._whole_module,
            types.CodeType: self._code,
            Additions: self._additions,
        }

    def _place(self, slot_of: object, key: object, held: int, read: Callable[[], bytes]) -> bytes:
        """Read a place; where only evaluations changed it, as it was before."""
        slot = (id(slot_of), key)
        before, around = self._n_places, (self._names, self._owners)
        if isinstance(key, str):
            self._names, self._owners = (*self._names, key), (*self._owners, slot_of)
        found = read()
        innermost = self._n_places == before
        last, first, names = self._first.get(slot, (None, b"", ()))
        read_as = first if last == found and names == self._names else found
        self.places[slot] = Place(
            slot_of, held, found, read_as, innermost, self._names, self._owners, self._in_globals
        )
        self._names, self._owners = around
        self._n_places += 1
        return read_as

    def _one_place(self, value: object) -> bytes:
        """Read what hands out copies of its state as one place."""
        places = self.places.copy()

        def read() -> bytes:
            before = self._n_places
            found = _join(*self._take_apart(value))
            self.places, self._n_places = places, before
            return found

        return self._place(value, None, id(value), read)

    def _variable(self, owner: object, name: object, value: object) -> bytes:
        """Read a place that holds a value, and its name; nothing if it is to be left out."""
        found = self._place(owner, name, id(value), lambda: self.digest(value))
        return found and _join(str(name), [found])

    def _whole(
        self, owner: object, read: Callable[[], Iterable[bytes]], inside: Iterable[object] = ()
    ) -> list[bytes]:
        """Read all of something as one place, which holds what is inside it."""
        self.owners[id(owner)] = owner
        held = hash(tuple(map(id, inside)))
        return [self._place(owner, None, held, lambda: _join("", read()))]

    def _entries(
        self,
        owner: object,
        entries: Iterable[tuple[Any, Any]],
        *,
        modules_by_name: bool = False,
    ) -> list[bytes]:
        """Return the digests of named places of an owner.

        Modules of users are read by their names alone where what is meant of them is read after.
        """
        self.owners[id(owner)] = owner
        found = []
        for key, value in entries:
            if isinstance(value, Versions):
                found += [part for package in value for part in self._version(package)]
            elif modules_by_name and isinstance(value, types.ModuleType):
                found.append(_join(key, [_join("module", self._named_module(value))]))
            else:
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
        if array.dtype.char in _PADDED:
            return [shape, *map(str.encode, map(repr, array.ravel()))]
        if array.dtype.hasobject:
            return [shape, *map(self.digest, array.ravel().tolist())]
        return [shape, np.ascontiguousarray(array).tobytes()]

    def _function(self, function: types.FunctionType) -> list[bytes]:
        is_method, self._in_class = self._in_class, False
        parts = [self.digest(function.__defaults__), self.digest(function.__kwdefaults__)]
        parts += self._entries(function, sorted(vars(function).items()))
        code = function.__code__
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            if not _is_empty(cell):  # as of a function not yet defined
                parts += self._entries(cell, [(name, cell.cell_contents)])
        if is_installed_function(function):
            parts += [name_of(function).encode(), *self._version(function.__module__)]
        else:
            if not is_method:
                self.code.functions.append(code)
            before, self._in_globals = self._in_globals, True
            parts += self._globals(function.__globals__, code)
            self._in_globals = before
            parts.append(self.digest(code))
        self._in_class = is_method
        return parts

    def _globals(self, variables: dict[str, Any], code: types.CodeType) -> list[bytes]:
        """Read the globals that code refers to, and the modules that it imports."""
        parts: list[bytes] = []
        names, handed_on = set(find_names(code)), set(find_globals_handed_on(code))
        for name in sorted(set(find_globals(code)) & variables.keys()):
            by_name = name not in handed_on
            parts += self._entries(variables, [(name, variables[name])], modules_by_name=by_name)
            if isinstance(variables[name], types.ModuleType):
                parts += self._module(variables[name], names)
        for module in find_imports(code, variables.get("__package__")):
            parts += self._module(module, names)
        return parts

    def _version(self, module: str | None) -> list[bytes]:
        """Read the version of the package of a module, where it may change a value."""
        package = (module or "").partition(".")[0]
        if package not in self._packages:
            self._packages[package] = find_version(module)
        found = self._packages[package]
        if found is None:
            return []
        self.was_named_otherwise = True
        return [f"version {found}".encode()] if self._versions else []

    def _module(self, module: types.ModuleType, names: set[str]) -> list[bytes]:
        """Read what code that reads such names can mean by them in a user's own module."""
        if is_installed_module(module.__name__):
            return self._version(module.__name__)
        meant = sorted((k, v) for k, v in vars(module).items() if k in names)
        parts = self._entries(module, meant, modules_by_name=True)
        for _, value in meant:
            if isinstance(value, types.ModuleType):
                parts += self._module(value, names)
        return parts

    def _named_module(self, module: types.ModuleType) -> list[bytes]:
        return [module.__name__.encode(), *self._version(module.__name__)]

    def _whole_module(self, module: types.ModuleType) -> list[bytes]:
        """Read a module that is held as a value: all of it may be meant, if it is a user's own."""
        if is_installed_module(module.__name__):
            return self._named_module(module)
        content = [(k, v) for k, v in sorted(vars(module).items()) if not k.startswith("__")]
        return [*self._named_module(module), *self._entries(module, content, modules_by_name=True)]

    def _code(self, code: types.CodeType) -> list[bytes]:
        names = (code.co_names, code.co_varnames, code.co_argcount, code.co_kwonlyargcount)
        parts = [code.co_code, code.co_exceptiontable, repr(names).encode()]
        kinds = (code.co_flags & _MORE_ARGUMENTS, code.co_posonlyargcount)
        if any(kinds):
            self.was_named_otherwise = True
            parts += [repr(kinds).encode()] if self._versions else []
        return parts + [self.digest(constant) for constant in code.co_consts]

    def _class(self, cls: type) -> list[bytes]:
        if is_installed_class(cls):
            return [name_of(cls).encode(), *self._version(cls.__module__)]
        bases = [self.digest(base) for base in cls.__bases__]
        if not is_installed_class(type(cls)):
            bases.append(self.digest(type(cls)))
        return [cls.__qualname__.encode(), *bases, *self._members(cls, _CLASS_STATE)]

    def _members(self, cls: type, left_out: frozenset[str]) -> list[bytes]:
        """Read what a class defines itself."""
        content = [
            (name, value)
            for name, value in sorted(vars(cls).items())
            if name not in left_out
            and not name.startswith("__dataclass")
            # slots, whose contents are part of the instances
            and not inspect.ismemberdescriptor(value)
            and not inspect.isgetsetdescriptor(value)
        ]
        for name, value in content:
            codes = _codes_of(value)
            self.code.methods.setdefault(name, []).extend((cls, code) for code in codes)
        before = self._in_class, self._in_globals, self._names, self._owners
        # others may have the class as they may have a global variable
        self._in_class = self._in_globals = True
        self._names, self._owners = (*self._names, cls.__name__), (*self._owners, cls)
        parts = self._entries(cls, content)
        self._in_class, self._in_globals, self._names, self._owners = before
        return parts

    def _additions(self, value: Additions) -> list[bytes]:
        """Read classes, and the attributes of an instance that they alone know of."""
        parts, used = [], set[str]()
        for cls in value.classes:
            self._open[id(cls)] = len(self._open)  # their methods refer to them by `super`
        for cls in value.classes:
            parts.append(cls.__qualname__.encode())
            parts += self._members(cls, _CLASS_STATE | value.left_out)
            used |= _names_in(cls, value.left_out)
        known = {name for cls in value.base.__mro__ for name in _names_in(cls, frozenset())}
        state = vars(value.game)
        return parts + self._entries(
            value.game, [(name, state[name]) for name in sorted(used - known) if name in state]
        )

    def _object(self, value: object) -> list[bytes]:
        """Read an object by what it says of its own state."""
        parts = [self.digest(type(value))]
        if isinstance(value, np.ufunc):  # one made of a function refers to it
            parts += map(self.digest, filter(callable, gc.get_referents(value)))
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer else value.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            return [*parts, reduced.encode(), *self._home(value)]
        maker, arguments, state, entries, pairs = (*reduced, None, None, None, None)[:5]
        parts += [self.digest(maker), self._handed_out(value, "arguments", arguments)]
        parts += self._state(value, state)
        if isinstance(value, np.ndarray):
            parts += self._entries(value, sorted(getattr(value, "__dict__", {}).items()))
        if entries is not None:
            parts.append(self._handed_out(value, "entries", list(entries)))
        if pairs is not None:
            parts.append(self._pairs(value, pairs))
        return parts

    def _handed_out(self, owner: object, what: str, made: object) -> bytes:
        """Read something that an object makes anew each time it is asked for its state."""
        self.owners[id(owner)] = owner
        return self._place(owner, (what,), id(made), lambda: self.digest(made))

    def _pairs(self, owner: object, pairs: Iterable[tuple[Any, Any]]) -> bytes:
        """Read the entries of a dictionary of a user's class."""
        self.owners[id(owner)] = owner
        found = []
        for key, value in pairs:
            named = self.digest(key)
            name = key if isinstance(key, str) else named.hex()
            part = self._place(owner, name, id(value), functools.partial(self.digest, value))
            if part:
                found.append(_join("tuple", [_join("", [named, part])]))
        return _join("list", [_join("", found)])

    def _home(self, value: object) -> list[bytes]:
        """Read the module of what was made in C and is known by its name there."""
        module = getattr(value, "__module__", None)
        if not isinstance(module, str) or module in sys.builtin_module_names:
            return []
        return self._version(module)

    def _state(self, owner: object, state: object, piece: str = "state") -> list[bytes]:
        from shapiq import Game  # noqa: PLC0415 the package imports this module on its own

        if isinstance(state, tuple):
            pieces = [(f"{piece}.{number}", each) for number, each in enumerate(state)]
            return [part for name, each in pieces for part in self._state(owner, each, name)]
        if not isinstance(state, dict):
            return [self._handed_out(owner, piece, state)]
        skipped = _OBJECT_STATE | (_GAME_STATE if isinstance(owner, Game) else frozenset())
        kept = {str(key): value for key, value in state.items() if key not in skipped}
        found = self._entries(owner, sorted(self._without_notes(owner, kept).items()))
        # an object whose first attribute came by an evaluation had no state
        return found or [self.digest(None)] if kept else found

    def _without_notes(self, owner: object, state: dict[str, Any]) -> dict[str, Any]:
        """Leave out what packages note beside the numbers."""
        package = type(owner).__module__.partition(".")[0]
        noted = state.keys() & _NOTES.get(package, frozenset())
        if package == "pandas":  # as if there were none
            noted = {name for name in noted if state[name] and not self._attrs}
            self._leaves_attrs |= bool(noted)
        if not noted:
            return state
        self.was_named_otherwise = True
        if not self._versions:
            return state
        empty: dict[str, Any] = {"attrs": {}} if package == "pandas" else {}
        return {k: v for k, v in state.items() if k not in noted} | {
            name: empty[name] for name in noted & empty.keys()
        }


def _is_empty(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 it raises
    except ValueError:
        return True
    return False


def _names_in(cls: type, left_out: frozenset[str]) -> set[str]:
    """Return the names in the code of what a class defines."""
    members = [value for name, value in vars(cls).items() if name not in left_out]
    codes = [code for member in members for code in _codes_of(member)]
    return {name for code in codes for name in find_names(code)}


def _codes_of(member: object) -> list[types.CodeType]:
    """Return the code of what a class defines: of a method, or of a property's functions."""
    names = ("__func__", "fget", "fset", "func", "__wrapped__")
    inner = [member, *(getattr(member, name, None) for name in names)]
    return [each.__code__ for each in inner if isinstance(each, types.FunctionType)]


def _join(kind: str, parts: Iterable[bytes]) -> bytes:
    """Digest a kind and parts, each with its length: no two lists of parts read the same."""
    found = hashlib.sha256(kind.encode("utf-8", "surrogatepass") + b"\0")
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()
