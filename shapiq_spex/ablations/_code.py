"""What bytecode refers to, and what it writes."""

from __future__ import annotations

import dis
import importlib.util
import itertools
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Path = tuple[str, ...]
"""The names by which code reaches an object, without that of a local variable."""

Methods = dict[str, list[tuple[type, types.CodeType]]]
"""The code of methods by their names, with their classes."""

_LEFT_OUT = ("__init__", "__new__", "__post_init__", "__setstate__", "__setattr__", "__delattr__")
_ENTRIES = ("value_function", "outputs", "stream")  # by which games are evaluated, beside __call__
_CHANGE_SELF = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault"),
        *("pop", "popleft", "popitem", "remove", "discard", "clear", "subtract", "move_to_end"),
        *("sort", "reverse", "rotate", "fill", "put", "resize", "__setitem__", "__delitem__"),
        *("intersection_update", "difference_update", "symmetric_difference_update"),
        *("fit", "partial_fit", "fit_transform", "train", "eval"),
    }
)
_CHANGE_FIRST = frozenset(  # functions that change their first argument
    {"next", "heappush", "heappop", "heapify", "shuffle", "at", "copyto", "fill_diagonal"}
)
_SET_ATTRIBUTE = ("setattr", "delattr", "__setattr__", "__delattr__")
_IN_PLACE = "="  # how the names of operators such as += end
_ONLY_TAKE = ("POP_", "LIST_", "SET_", "MAP_", "DICT_", "RETURN_", "RAISE_")
_ONLY_PUT = (
    *("LOAD_", "BUILD_", "PUSH_", "FOR_ITER", "IMPORT_FROM", "JUMP_", "MAKE_CELL", "COPY_FREE"),
    *("NOP", "RESUME", "CACHE", "EXTENDED_ARG", "KW_NAMES"),
)
_UNKNOWN = None


def find_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from find_codes(constant)


def find_names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of globals, attributes and modules in code."""
    for inner in find_codes(code):
        yield from inner.co_names


def find_globals(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that code reads."""
    for inner in find_codes(code):
        for instruction in dis.get_instructions(inner):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield instruction.argval


def find_globals_handed_on(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that code reads otherwise than for an attribute of what they name."""
    for inner in find_codes(code):
        instructions = list(dis.get_instructions(inner))
        for instruction, following in itertools.pairwise(instructions):
            is_global = instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
            if is_global and following.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                yield instruction.argval


def find_imports(code: types.CodeType, package: str | None) -> list[types.ModuleType]:
    """Return the modules that code imports when it runs, as far as they can be imported.

    Args:
        code: The code.
        package: The package that it is in, from which relative imports count.
    """
    found = {}
    for inner in find_codes(code):
        constants: list[Any] = [0, None]
        for instruction in dis.get_instructions(inner):
            if instruction.opname == "IMPORT_NAME":
                level, names = constants[-2:]
                for name in _name_modules(instruction.argval, level, names, package):
                    with suppress(Exception):  # what it raises is for the game to meet
                        found[name] = importlib.import_module(name)
            elif "CONST" in instruction.opname:
                constants.append(instruction.argval)
    return [found[name] for name in sorted(found)]


def _name_modules(name: str, level: int, names: Any, package: str | None) -> list[str]:  # noqa: ANN401 a tuple or None
    """Return the full names of a module, and of what may be modules inside it."""
    try:
        full = importlib.util.resolve_name("." * level + name, package)
    except ImportError:
        return []
    return [full, *(f"{full}.{each}" for each in names or () if each != "*")]


class Writes:
    """What an evaluation of a game can write, as far as its code tells by names.

    It is a guess that errs on the side of nothing: what code writes by ways that are not followed,
    as by a function of a library, is not found.
    """

    def __init__(
        self,
        functions: Iterable[types.CodeType],
        methods: Methods,
    ) -> None:
        """Go through the code that evaluations can reach.

        Args:
            functions: The code of the game's functions.
            methods: That of its methods, by their names, with their classes.
        """
        reached = [(cls, _Interpreter(code)) for cls, code in _reach(functions, methods)]
        helpers: dict[str, set[str]] = {}  # what functions change of their arguments
        for cls, each in reached:
            if each.changes_arguments or (cls is None and each.written_to_self):
                helpers.setdefault(each.name, set()).update(each.written_to_self)
        self._paths: set[_Path] = set()
        self._own: set[tuple[type, str]] = set()
        self._used: set[str] = set()
        for cls, each in reached:
            self._paths |= each.written | each.given_to(helpers)
            self._used |= each.used
            self._own |= {(cls, name) for name in each.written_to_self if cls is not None}

    def cover(self, names: _Path, owners: Iterable[object], *, is_generator: bool) -> bool:
        """Say whether evaluations can change a place.

        Args:
            names: The names on the way to the place.
            owners: The objects on the way, for each of the names.
            is_generator: Whether it is the state of a generator of random numbers, which changes
                with its use.
        """
        if is_generator:
            return bool(names) and names[-1] in self._used
        runs = {names[i:j] for i in range(len(names)) for j in range(i + 1, len(names) + 1)}
        return not runs.isdisjoint(self._paths) or any(
            name == own and issubclass(owner if isinstance(owner, type) else type(owner), cls)
            for name, owner in zip(names, owners, strict=True)
            for cls, own in self._own
        )


def _reach(
    functions: Iterable[types.CodeType], methods: Methods
) -> list[tuple[type | None, types.CodeType]]:
    """Return the code of all functions, and of methods that are named on the way."""
    reached: list[tuple[type | None, types.CodeType]] = [
        (None, inner) for code in functions for inner in find_codes(code)
    ]
    left = dict(methods)
    wanted = {name for name in methods if name.startswith("__") and name not in _LEFT_OUT}
    wanted |= {*_ENTRIES, *(name for _, code in reached for name in code.co_names)}
    while now := wanted & left.keys():
        found = [
            (cls, inner)
            for name in now
            for cls, code in left.pop(name)
            for inner in find_codes(code)
        ]
        reached += found
        wanted |= {name for _, code in found for name in code.co_names}
    return reached


class _Interpreter:
    """Follows where the objects come from that code writes to, one instruction after the other.

    Attributes:
        name: The name of the code.
        written: The paths that are written; the last name is an attribute, a variable or a key, or
            what holds the contents.
        written_to_self: The attributes of a method's own object that are written.
        used: The last names of paths that are called or given to a function.
        changes_arguments: Whether the contents of an argument are written.
    """

    def __init__(self, code: types.CodeType) -> None:
        self.name = code.co_name
        self.written: set[_Path] = set()
        self.written_to_self: set[str] = set()
        self.used: set[str] = set()
        self.changes_arguments = False
        self._given: list[tuple[set[str], list[_Path]]] = []
        self._stack: list[_Path | str | None] = []  # a text is a constant
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self._locals: dict[str, _Path | str | None] = dict.fromkeys(arguments, ())
        for instruction in dis.get_instructions(code):
            self._follow(instruction)

    def given_to(self, helpers: dict[str, set[str]]) -> set[_Path]:
        """Return the paths that are written by functions which change their arguments.

        Args:
            helpers: The names of these functions, with the attributes that they write.
        """
        return {
            path
            for names, paths in self._given
            for helper in names & helpers.keys()
            for given in paths
            for path in (given[-1:], *((given[-1], name) for name in helpers[helper]))
        }

    def _follow(self, instruction: dis.Instruction) -> None:
        name, value = instruction.opname, instruction.argval
        if name.startswith(("LOAD_FAST", "STORE_FAST")):
            self._local(name, value)
        elif name.startswith(("STORE_", "DELETE_")):
            self._store(name, value)
        elif name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
            self._load(instruction, (value,))
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            self._attribute(instruction)
        elif name in ("LOAD_CONST", "BINARY_SUBSCR", "COPY", "SWAP"):
            self._move(name, value)
        else:
            self._other(instruction)

    def _store(self, name: str, value: str) -> None:
        """Follow what writes to a variable, an attribute or a container."""
        if name.endswith("_SUBSCR"):
            self._write(*self._top(2))
            self._pop(3 if name == "STORE_SUBSCR" else 2)
        elif name == "STORE_SLICE":
            self._write(self._top(3)[0])
            self._pop(4)
        elif name.endswith("_ATTR"):
            (owner,) = self._top(1)
            if owner in ((), ("__class__",)):  # of its own object or class, or of an argument
                self.written_to_self.add(value)
            elif isinstance(owner, tuple):
                self.written.add((owner[-1], value))
                if owner[-1] == self.name:  # a function's own attribute
                    self.written.add((value,))
            self._pop(2 if name == "STORE_ATTR" else 1)
        else:
            self.written.add((value,))
            self._pop(name != "DELETE_GLOBAL")

    def _move(self, name: str, value: Any) -> None:  # noqa: ANN401 a constant or a number
        """Follow what puts something on the stack, or exchanges what lies there."""
        if name == "LOAD_CONST":
            self._stack.append(value if isinstance(value, str) else _UNKNOWN)
        elif name == "COPY":
            self._stack.append(self._top(value)[0])
        elif name == "SWAP":
            self._top(value)
            self._stack[-1], self._stack[-value] = self._stack[-value], self._stack[-1]
        else:
            owner, key = self._top(2)
            self._pop(2)
            self._stack.append(_inside(owner, key))

    def _other(self, instruction: dis.Instruction) -> None:
        """Follow what only takes from the stack, and puts there what is not known."""
        if instruction.opname == "BINARY_OP" and instruction.argrepr.endswith(_IN_PLACE):
            self._write(self._top(2)[0])
        result = None
        if instruction.opname.startswith("CALL"):
            result = self._call(instruction.arg or 0)
        effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        if instruction.opname == "END_FOR":  # of a loop that was followed once, to its end
            self._pop(-effect - 1)
        elif instruction.opname.startswith(_ONLY_TAKE):
            self._pop(-effect)
        elif instruction.opname.startswith(_ONLY_PUT) and effect >= 0:
            self._stack += [_UNKNOWN] * effect
        else:
            self._pop(max(0, -effect) + 1)
            self._stack += [result] * (1 + max(0, effect))

    def _local(self, name: str, value: object) -> None:
        """Follow local variables, in pairs from Python 3.13 on."""
        names = value if isinstance(value, tuple) else (value,)
        kinds = [kind for kind in name.split("_") if kind in ("LOAD", "STORE")]
        for kind, each in zip(kinds, names, strict=False):
            if kind == "LOAD":
                self._stack.append(self._locals.get(str(each), _UNKNOWN))
            else:
                self._locals[str(each)] = self._top(1)[0]
                self._pop(1)

    def _attribute(self, instruction: dis.Instruction) -> None:
        """Follow an attribute, or a method that is to be called."""
        (owner,) = self._top(1)
        self._pop(1)
        if isinstance(owner, tuple) and owner:
            self.used.add(owner[-1])
        if instruction.argval in _CHANGE_SELF:
            self._write(owner)
        self._load(instruction, _inside(owner, instruction.argval))

    def _load(self, instruction: dis.Instruction, found: _Path | None) -> None:
        """Put something on the stack, and what else is put there if it is to be called."""
        effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        more = effect - (instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"))
        self._stack += [found] * (1 + more)

    def _call(self, count: int) -> _Path | None:
        """Follow a call of a function that may change its arguments; return what it returns."""
        if not count:
            return _UNKNOWN
        *callee, first = self._top(count + 2)[:3]
        names = {each[-1] for each in callee if isinstance(each, tuple) and each}
        given = [each for each in self._top(count) if isinstance(each, tuple) and each]
        self.used |= {each[-1] for each in given}
        self._given.append((names, given))
        if names & _CHANGE_FIRST:
            self._write(first)
        if names & set(_SET_ATTRIBUTE):
            self.written |= {(each,) for each in self._top(count) if isinstance(each, str)}
        return () if names == {"type"} and first == () else _UNKNOWN

    def _write(self, owner: _Path | str | None, key: _Path | str | None = None) -> None:
        if isinstance(owner, tuple) and owner:
            self.written.add((owner[-1], key) if isinstance(key, str) else (owner[-1],))
        self.changes_arguments |= owner == ()

    def _top(self, count: int) -> list[_Path | str | None]:
        """Return what lies on top, unknown where nothing is known to lie."""
        missing = count - len(self._stack)
        self._stack[:0] = [_UNKNOWN] * max(0, missing)
        return self._stack[-count:]

    def _pop(self, count: int) -> None:
        del self._stack[max(0, len(self._stack) - count) :]


def _inside(owner: _Path | str | None, name: _Path | str | None) -> _Path | None:
    """Return the path of what is inside something."""
    if not isinstance(owner, tuple):
        return None
    return (*owner, name) if isinstance(name, str) else owner
