"""What bytecode refers to, and what it writes."""

from __future__ import annotations

import dis
import importlib
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Path = tuple[str, ...]
"""The names by which code reaches an object, without that of a local variable."""

_LEFT_OUT = ("__init__", "__new__", "__post_init__", "__setstate__", "__setattr__", "__delattr__")
_ENTRIES = ("value_function", "outputs", "stream")  # by which games are evaluated, beside __call__
_CHANGE_SELF = frozenset(
    {
        *("append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault"),
        *("pop", "popleft", "popitem", "remove", "discard", "clear", "subtract", "move_to_end"),
        *("sort", "reverse", "rotate", "fill", "put", "resize", "__setitem__", "__delitem__"),
        *("intersection_update", "difference_update", "symmetric_difference_update"),
    }
)
_CHANGE_FIRST = frozenset(  # functions that change their first argument
    {"next", "heappush", "heappop", "heapify", "shuffle", "at", "copyto", "fill_diagonal"}
)
_SET_ATTRIBUTE = ("setattr", "delattr", "__setattr__", "__delattr__")
_IN_PLACE = "="  # how the names of operators such as += end
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


def find_imports(code: types.CodeType) -> Iterator[str]:
    """Yield the modules that code imports when it runs."""
    for inner in find_codes(code):
        for instruction in dis.get_instructions(inner):
            if instruction.opname == "IMPORT_NAME":
                yield instruction.argval


def import_module(name: str, package: str | None) -> types.ModuleType | None:
    """Return a module that code imports, absolutely or from its package; None if neither works."""
    for full in (name, f"{package}.{name}" if package else ""):
        with suppress(ImportError, ValueError):
            if full:
                return importlib.import_module(full)
    return None


class Writes:
    """What an evaluation of a game can write, as far as its code tells by names.

    It is a guess that errs on the side of nothing: what code writes by ways that are not followed,
    as by a function of a library, is not found.
    """

    def __init__(
        self,
        functions: Iterable[types.CodeType],
        methods: dict[str, list[types.CodeType]],
    ) -> None:
        """Go through the code that evaluations can reach.

        Args:
            functions: The code of the game's functions.
            methods: That of its methods, by their names.
        """
        self._paths: set[_Path] = set()
        self._used: set[str] = set()
        for code in _reach(functions, methods):
            writer = _Interpreter(code)
            self._paths |= writer.written
            self._used |= writer.used

    def cover(self, names: _Path, *, is_generator: bool) -> bool:
        """Say whether evaluations can change a place.

        Args:
            names: The names on the way to the place.
            is_generator: Whether it is the state of a generator of random numbers, which changes
                with its use.
        """
        if is_generator:
            return bool(names) and names[-1] in self._used
        runs = {names[i:j] for i in range(len(names)) for j in range(i + 1, len(names) + 1)}
        return not runs.isdisjoint(self._paths)


def _reach(
    functions: Iterable[types.CodeType], methods: dict[str, list[types.CodeType]]
) -> list[types.CodeType]:
    """Return the code of all functions, and of methods that are named on the way."""
    reached = [inner for code in functions for inner in find_codes(code)]
    left = dict(methods)
    wanted = {name for name in methods if name.startswith("__") and name not in _LEFT_OUT}
    wanted |= {*_ENTRIES, *(name for code in reached for name in code.co_names)}
    while now := wanted & left.keys():
        found = [inner for name in now for code in left.pop(name) for inner in find_codes(code)]
        reached += found
        wanted |= {name for code in found for name in code.co_names}
    return reached


class _Interpreter:
    """Follows where the objects come from that code writes to, one instruction after the other.

    Attributes:
        written: The paths that are written; the last name is an attribute, a variable or a key, or
            what holds the contents.
        used: The last names of paths that have a method called.
    """

    def __init__(self, code: types.CodeType) -> None:
        self.written: set[_Path] = set()
        self.used: set[str] = set()
        self._stack: list[_Path | str | None] = []  # a text is a constant
        self._locals: dict[str, _Path | str | None] = {}
        if code.co_argcount:
            self._locals[code.co_varnames[0]] = ()  # a method's own object
        for instruction in dis.get_instructions(code):
            self._follow(instruction)

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
        else:
            self.written.add((value,))
            self._pop(2 if name == "STORE_ATTR" else name != "DELETE_GLOBAL")

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
        if instruction.opname.startswith("CALL"):
            self._call(instruction.arg or 0)
        effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        self._pop(max(0, -effect) + 1)
        if len(self._stack) or effect >= 0:
            self._stack += [_UNKNOWN] * (1 + max(0, effect))

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

    def _call(self, count: int) -> None:
        """Follow a call of a function that changes its first argument."""
        *callee, first = self._top(count + 2)[: 3 if count else 2]
        names = {each[-1] for each in callee if isinstance(each, tuple) and each}
        if not count:
            return
        if names & _CHANGE_FIRST:
            self._write(first)
        if names & set(_SET_ATTRIBUTE):
            self.written |= {(each,) for each in self._top(count) if isinstance(each, str)}

    def _write(self, owner: _Path | str | None, key: _Path | str | None = None) -> None:
        if isinstance(owner, tuple) and owner:
            self.written.add((owner[-1], key) if isinstance(key, str) else (owner[-1],))

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
